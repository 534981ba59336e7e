/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What happened to each path. */
#include "report/model.h"

#include <errno.h>
#include <stdlib.h>

const char *const report_file_op_names[FOP_COUNT] = {
    "create", "open", "read",     "write", "rename", "renamed-away", "delete", "mkdir",   "rmdir", "chmod",
    "chown",  "link", "truncate", "map",   "utime",  "list",         "xattr",  "capture", "watch", "execute",
};

static struct file_row *file_find(struct report *r, struct str path)
{
    uint32_t id = intern_find(r->strings, path);
    if (!id || id >= r->nfile_index || r->file_index[id] == 0 || r->file_index[id] == UINT32_MAX)
        return NULL;
    return (struct file_row *)r->files.items + (r->file_index[id] - 1);
}

static int index_reserve(struct report *r, uint32_t id)
{
    if (id < r->nfile_index)
        return 0;
    size_t want = r->nfile_index ? r->nfile_index * 2 : 4096;
    while (want <= id)
        want *= 2;
    uint32_t *p = reallocarray(r->file_index, want, sizeof(*p));
    if (!p)
        return -ENOMEM;
    memset(p + r->nfile_index, 0, (want - r->nfile_index) * sizeof(*p));
    r->file_index = p;
    r->nfile_index = want;
    return 0;
}

/* The row of a path; NULL when it is over a cap (counted once per path). */
static struct file_row *file_get(struct report *r, struct str path, bool system)
{
    if (!path.n)
        return NULL;
    uint32_t id = report_text(r, path);
    if (!id || index_reserve(r, id) < 0) {
        r->files_more_distinct++;
        return NULL;
    }
    uint32_t at = r->file_index[id];
    if (at == UINT32_MAX)
        return NULL;
    if (at) {
        struct file_row *row = (struct file_row *)r->files.items + (at - 1);
        if (row->system && !system) {
            row->system = false;
            r->files_system--;
        }
        return row;
    }
    struct file_row *row = NULL;
    if (!system || r->files_system < REPORT_FILES_SYSTEM_MAX)
        row = report_list_add(&r->files, sizeof(*row), REPORT_FILES_MAX);
    if (!row) {
        r->file_index[id] = UINT32_MAX;
        r->files_more_distinct++;
        return NULL;
    }
    r->file_index[id] = (uint32_t)r->files.count;
    r->files_system += system;
    row->path = id;
    row->system = system;
    return row;
}

static void file_touch(struct file_row *f, enum file_op op, const struct proc *p, int64_t time)
{
    f->ops |= 1u << op;
    if (!f->events || time < f->first)
        f->first = time;
    if (!f->events || time > f->last)
        f->last = time;
    f->events++;
    if (!p)
        return;
    uint32_t at = 0;
    while (at < f->nprocs && f->procs[at] != p->n)
        at++;
    if (at == REPORT_FILE_PROCS) {
        f->procs_more++;
        return;
    }
    if (at == f->nprocs)
        f->procs[f->nprocs++] = p->n;
    if (op == FOP_CREATE || op == FOP_WRITE || op == FOP_RENAME)
        f->writers |= (uint8_t)(1u << at);
}

void file_executed(struct report *r, struct str path, const struct proc *p, int64_t time)
{
    struct file_row *f = file_find(r, path);
    if (!f)
        return;
    for (uint32_t i = 0; i < f->nprocs; i++) {
        struct proc_extra *x = f->writers & 1u << i ? report_extra(r, f->procs[i]) : NULL;
        if (x)
            x->wrote_executed = true;
    }
    f->executed = true;
    file_touch(f, FOP_EXECUTE, p, time);
}

static int capture_add(struct report *r, const struct event *ev, const struct proc *p, struct file_row *f)
{
    struct capture_row *c = report_list_add(&r->captures, sizeof(*c), REPORT_CAPTURES_MAX);
    if (c) {
        c->time = ev->time_ns;
        c->path = report_text(r, event_s(ev, EVF_FILE_CAPTURED_TargetFilename));
        c->sha256 = report_text(r, event_s(ev, EVF_FILE_CAPTURED_Sha256));
        c->reason = report_text(r, event_s(ev, EVF_FILE_CAPTURED_Reason));
        c->size = event_u(ev, EVF_FILE_CAPTURED_Size);
        c->truncated = event_u(ev, EVF_FILE_CAPTURED_Truncated) != 0;
        c->n = p && ev->pid ? p->n : 0;
        c->system = ev->pid && p && p->lineage == PROC_SYSTEM;
        if (f) {
            f->sha256 = c->sha256;
            f->reason = c->reason;
            f->truncated = c->truncated;
            f->size = c->size;
            f->size_known = true;
        }
    }
    return 0;
}

struct str report_capture_path(const struct report *r, struct str sha256)
{
    const struct capture_row *c = r->captures.items;
    for (size_t i = 0; i < r->captures.count; i++)
        if (str_eq(report_get(r, c[i].sha256), sha256))
            return report_get(r, c[i].path);
    return STR_NONE;
}

static void file_details(struct report *r, const struct event *ev, struct file_row *f)
{
    switch (ev->kind) {
    case EVENT_FILE_CREATE:
    case EVENT_FILE_CHMOD:
        f->mode = (uint32_t)event_u(ev, EVF_FILE_CREATE_Mode) & 07777;
        f->mode_known = true;
        break;
    case EVENT_FILE_WRITE:
        f->size = event_u(ev, EVF_FILE_WRITE_Size);
        f->written += event_u(ev, EVF_FILE_WRITE_Written);
        f->size_known = true;
        break;
    case EVENT_FILE_TRUNCATE:
        f->size = event_u(ev, EVF_FILE_TRUNCATE_Size);
        f->size_known = true;
        break;
    case EVENT_FILE_LINK:
        f->other = report_text(r, event_s(ev, EVF_FILE_LINK_SourceFilename));
        break;
    default:
        break;
    }
}

static int file_rename(struct report *r, const struct event *ev, const struct proc *p, bool system)
{
    struct str from = event_s(ev, EVF_FILE_RENAME_SourceFilename), to = event_s(ev, EVF_FILE_RENAME_TargetFilename);
    struct file_row *f = file_get(r, from, system);
    uint64_t size = 0;
    bool known = false, written = false;
    if (f) {
        file_touch(f, FOP_RENAMED_AWAY, p, ev->time_ns);
        f->other = report_text(r, to);
        size = f->size;
        known = f->size_known;
        written = (f->ops & (1u << FOP_CREATE | 1u << FOP_WRITE)) != 0;
    }
    f = file_get(r, to, system); /* may move the rows: the first pointer is dead now */
    if (f) {
        file_touch(f, FOP_RENAME, p, ev->time_ns);
        f->other = report_text(r, from);
        if (known && written) {
            f->size = size;
            f->size_known = true;
        }
    }
    return 0;
}

int collect_file(struct report *r, const struct event *ev, const struct proc *p)
{
    static const int8_t ops[] = {
        [EVENT_FILE_CREATE - 40] = FOP_CREATE,    [EVENT_FILE_OPEN - 40] = FOP_OPEN,
        [EVENT_FILE_READ - 40] = FOP_READ,        [EVENT_FILE_WRITE - 40] = FOP_WRITE,
        [EVENT_FILE_RENAME - 40] = FOP_RENAME,    [EVENT_FILE_DELETE - 40] = FOP_DELETE,
        [EVENT_FILE_MKDIR - 40] = FOP_MKDIR,      [EVENT_FILE_RMDIR - 40] = FOP_RMDIR,
        [EVENT_FILE_CHMOD - 40] = FOP_CHMOD,      [EVENT_FILE_CHOWN - 40] = FOP_CHOWN,
        [EVENT_FILE_LINK - 40] = FOP_LINK,        [EVENT_FILE_TRUNCATE - 40] = FOP_TRUNCATE,
        [EVENT_FILE_MAP_EXEC - 40] = FOP_MAP,     [EVENT_FILE_UTIME - 40] = FOP_UTIME,
        [EVENT_FILE_LIST - 40] = FOP_LIST,        [EVENT_FILE_XATTR - 40] = FOP_XATTR,
        [EVENT_FILE_CAPTURED - 40] = FOP_CAPTURE, [EVENT_FILE_WATCH - 40] = FOP_WATCH,
    };
    size_t slot = ev->kind - 40u;
    bool system = !p || p->lineage == PROC_SYSTEM;
    if (slot >= sizeof(ops))
        return 0;
    if (ev->kind == EVENT_FILE_RENAME)
        return file_rename(r, ev, p, system);
    /* The path is the first field of all kinds but file.link. */
    struct str path = event_s(ev, ev->kind == EVENT_FILE_LINK ? EVF_FILE_LINK_TargetFilename : 0);
    /* Libraries and listed folders are many and say little: only noted on paths that are of interest already. */
    bool quiet = ev->kind == EVENT_FILE_MAP_EXEC || ev->kind == EVENT_FILE_LIST;
    if (ev->kind == EVENT_FILE_CAPTURED && !ev->pid) { /* of the last look around, which does not know who wrote it */
        struct file_row *known = file_find(r, path);
        system = known && known->system;
    }
    struct file_row *f = quiet ? file_find(r, path) : file_get(r, path, system);
    if (f) {
        /* what the agent does itself is not the sample's doing */
        file_touch(f, (enum file_op)ops[slot], ev->kind == EVENT_FILE_CAPTURED ? NULL : p, ev->time_ns);
        file_details(r, ev, f);
    }
    return ev->kind == EVENT_FILE_CAPTURED ? capture_add(r, ev, p, f) : 0;
}
