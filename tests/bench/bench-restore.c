/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * bench-restore [COUNT [IMAGE]]: restores machines one after the other and
 * prints how long it takes from machine_start to an agent that answered HELLO
 * and PING, how many came back good, and the memory that each has for itself.
 */
#include "machine/image.h"
#include "machine/machine.h"
#include "machine/session.h"
#include "os/file.h"
#include "os/time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT_MAX 1000

static void show(void *context, const char *step, uint64_t done, uint64_t total)
{
    (void)context;
    if (done == 0)
        fprintf(stderr, "  %s\n", step);
    (void)total;
}

struct one {
    double start_ms, answer_ms;
    uint64_t private_bytes;
};

static int restore(const struct image *i, const struct snapshot *s, const char *dir, struct one *ret, struct err *e)
{
    struct machine_options o = {.image = i, .snapshot = s, .run_dir = dir, .net_fd = -1, .disk_max = 1ull << 30};
    struct session_identity id = {
        .hostname = "bench", .machine_id = "0123456789abcdef0123456789abcdef", .mac = {0x3c, 0x52, 0x82, 1, 2, 3}};
    struct session_handlers h = {0};
    struct machine *m = NULL;
    struct session *session = NULL;
    uint64_t start = time_monotonic_ns();
    int r = machine_start(&o, &m, e);

    ret->start_ms = (double)(time_monotonic_ns() - start) / 1e6;
    if (r == 0)
        r = session_new(machine_agent_fd(m), dir, &h, &session, e);
    if (r == 0)
        r = session_hello(session, &id, 30000, e);
    if (r == 0)
        r = session_ping(session, 5000, e);
    ret->answer_ms = (double)(time_monotonic_ns() - start) / 1e6;
    if (r == 0)
        ret->private_bytes = machine_private_bytes(m);
    session_free(&session);
    machine_stop(&m);
    return r;
}

static int by_answer(const void *a, const void *b)
{
    double x = ((const struct one *)a)->answer_ms, y = ((const struct one *)b)->answer_ms;

    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    unsigned count = argc > 1 ? (unsigned)atoi(argv[1]) : 20, good = 0;
    const char *name = argc > 2 ? argv[2] : "debian13";
    static struct one all[COUNT_MAX];
    char dir[] = "/tmp/belljar-bench-XXXXXX";
    struct image i = {0};
    struct snapshot s = {0};
    struct err e;
    double started = 0;

    if (count < 1 || count > COUNT_MAX)
        count = 20;
    const struct image_work work = {.progress = show};

    if (image_build(name, &work, &i, &e) < 0 || snapshot_ensure(&i, &work, &s, &e) < 0 || !mkdtemp(dir)) {
        fprintf(stderr, "bench-restore: %s\n", e.text);
        image_clear(&i);
        snapshot_clear(&s);
        return 1;
    }
    for (unsigned n = 0; n < count; n++) {
        struct one x = {0};
        if (restore(&i, &s, dir, &x, &e) == 0) {
            started += x.start_ms;
            all[good++] = x;
        } else {
            fprintf(stderr, "bench-restore: %u: %s\n", n + 1, e.text);
        }
    }
    file_remove_tree(dir, NULL);
    qsort(all, good, sizeof(all[0]), by_answer);
    printf("restores                 %u of %u good (%s, %llu MiB guest)\n", good, count, s.accel,
           (unsigned long long)(s.ram_bytes >> 20));
    if (good) {
        uint64_t most = 0;
        for (unsigned n = 0; n < good; n++)
            most = all[n].private_bytes > most ? all[n].private_bytes : most;
        printf("to an answering agent    min %.0f ms, median %.0f ms, max %.0f ms\n", all[0].answer_ms,
               all[good / 2].answer_ms, all[good - 1].answer_ms);
        printf("of that machine_start    mean %.0f ms\n", started / good);
        printf("private memory           at most %.1f MB\n", (double)most / 1e6);
    }
    snapshot_clear(&s);
    image_clear(&i);
    return good == count ? 0 : 1;
}
