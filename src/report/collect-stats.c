/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load of the system and of processes, the time line's buckets, notes of the run. */
#include "report/model.h"

#include <errno.h>
#include <stdlib.h>

const char *const report_group_names[GROUP_COUNT] = {"process", "file", "network", "memory", "system"};

/* Returns the place for a new row, or -1 to skip it. Full: every second row goes, and from then on every second sample.
 */
static int64_t thin(void *rows, uint32_t *count, uint32_t *skip, uint32_t *phase, size_t size)
{
    if ((*phase)++ % (*skip + 1) != 0)
        return -1;
    if (*count == REPORT_SAMPLES_MAX) {
        for (uint32_t i = 0; i < REPORT_SAMPLES_MAX / 2; i++)
            memmove((char *)rows + i * size, (char *)rows + (size_t)i * 2 * size, size);
        *count = REPORT_SAMPLES_MAX / 2;
        *skip = *skip * 2 + 1;
        *phase = 1;
    }
    return (*count)++;
}

static int load_add(struct report *r, const struct event *ev)
{
    int64_t at = thin(r->load, &r->nload, &r->load_skip, &r->load_phase, sizeof(*r->load));
    if (at >= 0)
        r->load[at] = (struct load_row){.time = ev->time_ns,
                                        .cpu = event_u(ev, EVF_RUN_STATS_CpuPermille),
                                        .used = event_u(ev, EVF_RUN_STATS_MemoryUsedKib),
                                        .total = event_u(ev, EVF_RUN_STATS_MemoryTotalKib),
                                        .processes = event_u(ev, EVF_RUN_STATS_Processes),
                                        .disk_free = event_u(ev, EVF_RUN_STATS_DiskFreeKib)};
    return 0;
}

static int proc_load_add(struct report *r, const struct event *ev, const struct proc *p)
{
    struct proc_extra *x = p ? report_extra(r, p->n) : NULL;
    if (!x || p->lineage == PROC_SYSTEM)
        return 0;
    if (!x->stat) {
        if (r->nstat_procs == REPORT_STAT_PROCS_MAX) {
            x->stat = UINT32_MAX;
            r->stat_procs_more++;
            return 0;
        }
        struct proc_load *rows = calloc(REPORT_SAMPLES_MAX, sizeof(*rows));
        if (!rows)
            return -ENOMEM;
        r->stat_procs[r->nstat_procs++] = (struct stat_proc){.n = p->n, .rows = rows};
        x->stat = r->nstat_procs;
    }
    if (x->stat == UINT32_MAX)
        return 0;
    struct stat_proc *s = &r->stat_procs[x->stat - 1];
    int64_t at = thin(s->rows, &s->count, &s->skip, &s->phase, sizeof(*s->rows));
    if (at >= 0)
        s->rows[at] = (struct proc_load){.time = ev->time_ns,
                                         .cpu_ms = event_u(ev, EVF_PROCESS_STATS_CpuMs),
                                         .rss = event_u(ev, EVF_PROCESS_STATS_RssKib),
                                         .threads = event_u(ev, EVF_PROCESS_STATS_Threads)};
    return 0;
}

static int note_add(struct report *r, const struct event *ev)
{
    struct note_row *n = report_list_add(&r->notes, sizeof(*n), REPORT_NOTES_MAX);
    if (!n)
        return 0;
    n->time = ev->time_ns;
    n->seq = ev->seq;
    n->source = ev->source;
    if (ev->kind == EVENT_RUN_NOTE) {
        n->code = report_text(r, event_s(ev, EVF_RUN_NOTE_Code));
        n->text = report_text(r, event_s(ev, EVF_RUN_NOTE_Text));
    } else {
        n->code = report_text(r, STR_LIT("channel"));
        n->text = report_text(r, event_s(ev, EVF_RUN_CHANNEL_Text));
        n->bytes = event_u(ev, EVF_RUN_CHANNEL_Bytes);
    }
    return 0;
}

static void bucket_add(struct report *r, const struct event *ev)
{
    int group = ev->kind < 10    ? -1
                : ev->kind < 40  ? GROUP_PROCESS
                : ev->kind < 70  ? GROUP_FILE
                : ev->kind < 100 ? GROUP_NETWORK
                : ev->kind < 120 ? GROUP_MEMORY
                                 : GROUP_SYSTEM;
    if (group < 0 || ev->kind == EVENT_PROCESS_STATS || ev->kind == EVENT_PROCESS_SYSCALLS ||
        ev->kind == EVENT_FILE_CAPTURED || ev->kind == EVENT_MEMORY_DUMPED)
        return; /* ours, not the sample's */
    int64_t t = ev->time_ns < 0 ? 0 : ev->time_ns;
    while (t / r->bucket_ns >= REPORT_BUCKETS) {
        for (unsigned i = 0; i < REPORT_BUCKETS; i++) {
            uint32_t pair[GROUP_COUNT] = {0};
            for (unsigned g = 0; i < REPORT_BUCKETS / 2 && g < GROUP_COUNT; g++)
                pair[g] = r->buckets[2 * i][g] + r->buckets[2 * i + 1][g];
            memcpy(r->buckets[i], pair, sizeof(pair));
        }
        r->nbuckets = (r->nbuckets + 1) / 2;
        r->bucket_ns *= 2;
    }
    unsigned at = (unsigned)(t / r->bucket_ns);
    r->buckets[at][group]++;
    if (at >= r->nbuckets)
        r->nbuckets = at + 1;
}

int collect_stats(struct report *r, const struct event *ev, const struct proc *p)
{
    if (ev->kind == EVENT_RUN_STATS)
        return load_add(r, ev);
    if (ev->kind == EVENT_RUN_NOTE || ev->kind == EVENT_RUN_CHANNEL)
        return note_add(r, ev);
    if (ev->kind == EVENT_PROCESS_STATS)
        return proc_load_add(r, ev, p);
    if (ev->source == EVENT_SOURCE_NET || (p && p->lineage != PROC_SYSTEM))
        bucket_add(r, ev);
    return 0;
}
