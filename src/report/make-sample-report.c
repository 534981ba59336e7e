/* SPDX-License-Identifier: GPL-3.0-or-later */
/* make-sample-report DIR [EVENTS]: writes the fixture's report.json and report.html; EVENTS more file events make it
 * large. */
#include "report/fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int write_all(const struct report *r, const char *dir)
{
    const struct report_writer *w;
    for (unsigned i = 0; (w = report_writer_at(i)) != NULL; i++) {
        char path[512];
        struct err e = {0};
        struct stat st = {0};
        snprintf(path, sizeof(path), "%s/%s", dir, w->file);
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        double start = now();
        if (fd < 0 || w->write(r, fd, &e) < 0) {
            fprintf(stderr, "%s: %s\n", path, e.text);
            return 1;
        }
        fstat(fd, &st);
        printf("%s %.3f s, %lld bytes\n", w->file, now() - start, (long long)st.st_size);
        close(fd);
    }
    return 0;
}

static void bulk(struct fixture *x, unsigned long events)
{
    char path[96];
    for (unsigned long i = 0; i < events; i++) {
        snprintf(path, sizeof(path), "/srv/data/%lu/file-%lu", i % 100, i % 40000);
        fixture_event(x, i % 3 ? EVENT_FILE_WRITE : EVENT_FILE_CREATE, EVENT_SOURCE_TRACER, 1010, 8 + (double)i * 2e-5);
        fixture_s(x, path);
        fixture_u(x, i);
        if (i % 3)
            fixture_u(x, i);
        fixture_send(x);
    }
}

int main(int argc, char **argv)
{
    struct fixture x;
    struct err e = {0};
    if (argc < 2 || fixture_begin(&x, argv[1]) < 0)
        return 2;
    bool nothing = argc > 2 && strcmp(argv[2], "nothing") == 0;
    if (nothing)
        fixture_nothing(&x);
    else
        fixture_dropper(&x);
    double start = now();
    if (argc > 2 && !nothing)
        bulk(&x, strtoul(argv[2], NULL, 10));
    double told = now();
    if (x.failed || fixture_end(&x, &e) < 0) {
        fprintf(stderr, "failed: %s\n", e.text);
        return 1;
    }
    printf("told %.3f s (log, process table, report), finish %.3f s\n", told - start, now() - told);
    int rc = write_all(x.report, argv[1]);
    fixture_free(&x);
    return rc;
}
