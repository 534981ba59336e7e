/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Speed of reading Windows event logs: bench-evtx [EVENTS | FILE...]. Without a
 * file over a log that is made here, of the usual kinds of events. For each log:
 * records as trees; as trees and JSON; as events with sources for Sigma. When
 * evtxexport (libevtx) is installed, its speed on the same file stands beside.
 */
#include "detect/sigma/log.h"

#include "evtx-make.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define EVENTS 60000

static double cpu_of(int who)
{
    struct rusage u;

    getrusage(who, &u);
    return (double)u.ru_utime.tv_sec + (double)u.ru_stime.tv_sec +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static long peak_kib(void)
{
    struct rusage u;

    getrusage(RUSAGE_SELF, &u);
    return u.ru_maxrss;
}

static ssize_t file_read_at(void *context, uint64_t offset, void *p, size_t n)
{
    return pread(*(const int *)context, p, n, (off_t)offset);
}

static void print_speed(const char *what, uint64_t bytes, uint64_t records, double seconds)
{
    printf("  %-28s %7.1f MB/s  %9.0f records/s\n", what, (double)bytes / seconds / 1e6, (double)records / seconds);
}

static uint64_t read_trees(int fd, bool json)
{
    struct evtx_source s = {file_read_at, &fd};
    struct evtx_record r;
    struct evtx *x = NULL;
    struct jsonw w;
    struct buf out;
    uint64_t n = 0;

    if (evtx_new(&s, &x, NULL) < 0)
        exit(1);
    buf_init(&out, 64u << 20);
    while (evtx_next(x, &r, NULL) == 1) {
        n++;
        if (!json)
            continue;
        buf_clear(&out);
        jsonw_to_buf(&w, &out, false);
        evtx_json(&w, &r);
        jsonw_finish(&w);
    }
    buf_free(&out);
    evtx_free(&x);
    return n;
}

static uint64_t read_events(int fd)
{
    struct sigma_log_options o = {.source = {file_read_at, &fd}};
    struct sigma_log_record r;
    struct sigma_log *l = NULL;
    uint64_t n = 0;

    if (sigma_log_open(&o, &l, NULL) < 0)
        exit(1);
    while (sigma_log_next(l, &r, NULL) == 1)
        n++;
    sigma_log_free(&l);
    return n;
}

static void other_reader(const char *path, uint64_t bytes, uint64_t records)
{
    double before = cpu_of(RUSAGE_CHILDREN);
    int status;
    pid_t pid = fork();

    if (pid == 0) {
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        execlp("evtxexport", "evtxexport", path, (char *)NULL);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) == 127) {
        printf("  evtxexport is not installed: nothing to compare with\n");
        return;
    }
    print_speed("libevtx (evtxexport)", bytes, records, cpu_of(RUSAGE_CHILDREN) - before);
}

static void bench(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    uint64_t bytes = fd >= 0 ? (uint64_t)lseek(fd, 0, SEEK_END) : 0, records = 0;
    double begun;

    if (!bytes) {
        perror(path);
        exit(1);
    }
    records = read_trees(fd, false); /* once, so that the file is in memory */
    printf("%s: %.1f MB, %llu records\n", path, (double)bytes / 1e6, (unsigned long long)records);
    begun = cpu_of(RUSAGE_SELF);
    read_trees(fd, false);
    print_speed("records as trees", bytes, records, cpu_of(RUSAGE_SELF) - begun);
    begun = cpu_of(RUSAGE_SELF);
    read_trees(fd, true);
    print_speed("records as JSON", bytes, records, cpu_of(RUSAGE_SELF) - begun);
    begun = cpu_of(RUSAGE_SELF);
    read_events(fd);
    print_speed("events for Sigma", bytes, records, cpu_of(RUSAGE_SELF) - begun);
    other_reader(path, bytes, records);
    printf("  peak memory %ld KiB\n", peak_kib());
    close(fd);
}

static void make(const char *path, unsigned long count)
{
    static const struct evtx_make_field process[] = {
        {.name = "RuleName", .text = "-"},
        {.name = "UtcTime", .text = "2024-12-30 02:40:00.000"},
        {.name = "ProcessGuid", .value = {0x0f, "0123456789abcdef", 16}},
        {.name = "ProcessId", .value = {0x08, "\x10\x20\0\0", 4}},
        {.name = "Image", .text = "C:\\Windows\\System32\\WindowsPowerShell\\v1.0\\powershell.exe"},
        {.name = "CommandLine",
         .text = "powershell.exe -NoProfile -Command \"Get-ChildItem C:\\Users | Select-Object Name\""},
        {.name = "CurrentDirectory", .text = "C:\\Users\\someone\\"},
        {.name = "User", .text = "TEST\\someone"},
        {.name = "Hashes",
         .text = "MD5=00112233445566778899AABBCCDDEEFF,SHA256="
                 "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F"},
        {.name = "ParentImage", .text = "C:\\Windows\\explorer.exe"}};
    static const struct evtx_make_field log_in[] = {{.name = "TargetUserName", .text = "someone"},
                                                    {.name = "LogonType", .value = {0x08, "\3\0\0\0", 4}},
                                                    {.name = "IpAddress", .text = "192.0.2.10"}};
    const struct evtx_make_event events[] = {{.provider = "Microsoft-Windows-Sysmon",
                                              .channel = "Microsoft-Windows-Sysmon/Operational",
                                              .id = 1,
                                              .fields = process,
                                              .nfields = 10},
                                             {.provider = "Microsoft-Windows-Security-Auditing",
                                              .channel = "Security",
                                              .id = 4624,
                                              .fields = log_in,
                                              .nfields = 3}};
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    FILE *f = fopen(path, "wb");

    if (!m || !f)
        exit(1);
    evtx_make_begin(m);
    for (unsigned long i = 0; i < count; i++)
        evtx_make_add(m, &events[i % 3 == 2]);
    evtx_make_end(m, &b);
    if (fwrite(b.data, 1, b.len, f) != b.len || fclose(f) != 0)
        exit(1);
    buf_free(&b);
    free(m);
}

int main(int argc, char **argv)
{
    char path[] = "/tmp/belljar-bench-XXXXXX";
    unsigned long count = argc == 2 ? strtoul(argv[1], NULL, 10) : 0;
    int fd;
    pid_t pid;

    if (argc > 1 && !count) {
        for (int i = 1; i < argc; i++)
            bench(argv[i]);
        return 0;
    }
    if ((fd = mkstemp(path)) < 0)
        return 1;
    close(fd);
    if ((pid = fork()) == 0) { /* so that making it does not count as our memory */
        make(path, count ? count : EVENTS);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    bench(path);
    unlink(path);
    return 0;
}
