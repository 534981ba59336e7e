/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * watch COMMAND [ARGUMENT...]: runs a command as the sample under the tracer and
 * prints every event, one line each:
 *   kind<TAB>pid<TAB>S|-<TAB>Field=value<TAB>...
 * Options before the command: -q counts only, -a the events of all processes,
 * -n no tracer (to compare times), -s also the scan and the counters of living
 * processes, -v not hidden, -xWORD,WORD without the BPF programs whose names begin
 * so, -lLABEL a word for the summary. The last line is a summary.
 *
 * watch -m ROUNDS LABEL COMMAND... [-- LABEL COMMAND...]: times each command ROUNDS
 * times without a tracer, then under one, then without again, and prints
 * measure<TAB>LABEL<TAB>plain|traced<TAB>seconds<TAB>processor seconds<TAB>status, at last the events and the lost.
 *
 * Used by the check in the guest and for measurements; not part of the product.
 */
#include "tracer-private.h"

#include <errno.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct kind {
    unsigned number;
    const char *name;
    const char *fields[TRACER_FIELDS_MAX];
    char types[TRACER_FIELDS_MAX];
};

#define U64 'u'
#define I64 'i'
#define HEX 'x'
#define BOOL 'u'
#define NS 'u'
#define STR 's'
#define TEXT 's'

static struct kind kinds[256];

static void kinds_fill(void)
{
    struct kind *k = NULL;
    int slot = 0;
#define EV_KIND(num, sym, text, sigma, doc)                                                                            \
    k = &kinds[num];                                                                                                   \
    k->number = num;                                                                                                   \
    k->name = text;                                                                                                    \
    slot = 0;
#define EV_FIELD(sym, field, type, doc)                                                                                \
    k->fields[slot] = #field;                                                                                          \
    k->types[slot++] = type;
#define EV_END(sym)
#include "event/schema.def"
#undef EV_KIND
#undef EV_FIELD
#undef EV_END
}

static bool quiet, all;
static unsigned long events, shown, holds;
static unsigned long per_kind[256];

static void on_event(void *ctx, const struct tracer_event *ev)
{
    (void)ctx;
    events++;
    if (ev->kind < 256)
        per_kind[ev->kind]++;
    if (ev->hold) {
        holds++;
        /* The stop may still be on its way; a SIGCONT that comes first would be lost. */
        usleep(20000);
        kill((pid_t)ev->pid, SIGCONT);
    }
    if (quiet || (!all && !ev->from_sample))
        return;
    shown++;
    const struct kind *k = ev->kind < 256 ? &kinds[ev->kind] : NULL;
    printf("%s\t%u\t%s%s",
           k && k->name                ? k->name
           : ev->kind == TRACER_MEMORY ? "(memory)"
                                       : "(hold)",
           ev->pid, ev->from_sample ? "S" : "-", ev->hold ? "H" : "");
    for (unsigned i = 0; i < ev->nfields; i++) {
        const char *name = k && k->fields[i] ? k->fields[i] : "?";
        if (ev->f[i].s)
            printf("\t%s=%.*s", name, ev->kind == TRACER_MEMORY ? 16 : 2000, ev->f[i].s);
        else
            printf(k && k->types[i] == HEX   ? "\t%s=0x%llx"
                   : k && k->types[i] == I64 ? "\t%s=%lld"
                                             : "\t%s=%llu",
                   name, (unsigned long long)ev->f[i].u);
        if (k && ev->f[i].s == NULL && (k->types[i] == STR))
            printf("(not a string!)");
    }
    putchar('\n');
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static pid_t start(char **argv, int *ret_go)
{
    int go[2];
    char c;

    fflush(stdout);
    if (pipe(go) < 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        close(go[1]);
        if (read(go[0], &c, 1) != 1)
            _exit(126);
        close(go[0]);
        execvp(argv[0], argv);
        _exit(127);
    }
    close(go[0]);
    *ret_go = go[1];
    return pid;
}

/* As the first process of the check's machine: the file systems, the loopback interface, one command, power off. */
static int first_process(char **argv)
{
    int fd = socket(AF_INET, SOCK_DGRAM, 0), status = 0;
    struct ifreq lo = {.ifr_name = "lo", .ifr_flags = IFF_UP};

    mkdir("/proc", 0755);
    mkdir("/sys", 0755);
    mkdir("/tmp", 01777);
    mount("proc", "/proc", "proc", 0, NULL);
    mount("sys", "/sys", "sysfs", 0, NULL);
    mount("tmp", "/tmp", "tmpfs", 0, NULL);
    ioctl(fd, SIOCSIFFLAGS, &lo);
    close(fd);
    setenv("PATH", "/bin", 1);
    pid_t pid = fork();
    if (pid == 0) {
        execv("/bin/watch", argv);
        _exit(127);
    }
    while (waitpid(-1, &status, 0) != pid)
        ;
    printf("end\t%d\n", status);
    fflush(stdout);
    sleep(1); /* the serial line is slow */
    reboot(RB_POWER_OFF);
    return 1;
}

/* Runs one command to its end, as the sample where there is a tracer. Seconds, or < 0; and the processor time of it and
 * its children. */
static double run_command(struct tracer *t, char **argv, int *ret_status, int *ret_marked, double *ret_cpu)
{
    struct rusage used = {0};
    int go = -1;
    double end = 0;
    pid_t gone = 0, pid = start(argv, &go);

    if (t)
        *ret_marked = tracer_sample(t, (uint32_t)pid);
    double from = now();
    if (pid < 0 || write(go, "x", 1) != 1)
        return -1;
    close(go);
    while (gone == 0) {
        gone = wait4(pid, ret_status, t ? WNOHANG : 0, &used);
        if (gone != 0)
            end = now();
        if (t)
            tracer_poll(t, gone ? 100 : 20, on_event, NULL);
    }
    while (t && tracer_poll(t, 100, on_event, NULL) > 0)
        ;
    *ret_cpu = (double)used.ru_utime.tv_sec + (double)used.ru_stime.tv_sec +
               (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    return end - from;
}

static void measure_round(struct tracer *t, int rounds, char **commands)
{
    int status = 0, marked = 0;

    for (int n = 0; n < rounds; n++) {
        char **c = commands;
        while (*c) {
            char **last = c, *separator;
            while (*last && strcmp(*last, "--") != 0)
                last++;
            separator = *last;
            *last = NULL;
            double cpu = 0, took = run_command(t, c + 1, &status, &marked, &cpu);
            printf("measure\t%s\t%s\t%.4f\t%.6f\t%d\n", *c, t ? "traced" : "plain", took, cpu, status);
            *last = separator;
            c = separator ? last + 1 : last;
        }
    }
    fflush(stdout);
}

static int measure(int argc, char **argv)
{
    struct tracer *t = NULL;
    char why[2048] = "";
    int rounds = argc > 2 ? atoi(argv[2]) : 0;

    if (rounds < 1 || argc < 5)
        return 2;
    quiet = true;
    measure_round(NULL, rounds, argv + 3);
    int r = tracer_open(&t, why, sizeof(why));
    if (r < 0) {
        printf("tracer: %d %s\n", r, why);
        return 1;
    }
    tracer_hide(t, (uint32_t)getpid());
    measure_round(t, rounds, argv + 3);
    printf("events\t%lu\tlost\t%llu\n", events, (unsigned long long)tracer_lost(t));
    tracer_close(&t);
    measure_round(NULL, rounds, argv + 3);
    return 0;
}

int main(int argc, char **argv)
{
    struct tracer *t = NULL;
    char why[2048] = "";
    const char *without = NULL, *label = "";
    bool none = false, scan = false, hide = true;
    int i = 1, status = 0, r = 0, hidden = 0, marked = 0;

    if (argc > 1 && strcmp(argv[1], "-m") == 0) {
        kinds_fill();
        return measure(argc, argv);
    }
    for (; i < argc && argv[i][0] == '-'; i++) {
        quiet |= argv[i][1] == 'q';
        all |= argv[i][1] == 'a';
        none |= argv[i][1] == 'n';
        scan |= argv[i][1] == 's';
        hide &= argv[i][1] != 'v';
        if (argv[i][1] == 'x')
            without = argv[i] + 2;
        if (argv[i][1] == 'l')
            label = argv[i] + 2;
    }
    if (getpid() == 1)
        return first_process((char *[]){"watch", "exercise", NULL});
    if (i == argc)
        return 2;
    kinds_fill();
    double begin = now();
    if (!none && (r = tracer_open_without(&t, without, why, sizeof(why))) < 0) {
        printf("tracer: %d %s\n", r, why);
        return 1;
    }
    double opened = now();
    if (t && hide)
        hidden = tracer_hide(t, (uint32_t)getpid());
    if (t && scan)
        tracer_scan(t, on_event, NULL);
    double cpu = 0, took = run_command(t, argv + i, &status, &marked, &cpu);
    if (took < 0)
        return 1;
    if (t && scan)
        tracer_syscalls_flush(t, on_event, NULL);
    printf("summary\t%s\topen=%.3f\trun=%.3f\tevents=%lu\tshown=%lu\tholds=%lu\tlost=%llu\tcpu=%.6f\tstatus=%d\thide=%"
           "d mark=%d "
           "missing=%d %s\n",
           label, opened - begin, took, events, shown, holds, t ? (unsigned long long)tracer_lost(t) : 0, cpu, status,
           hidden, marked, r, why);
    if (t && quiet)
        for (unsigned k = 0; k < 256; k++)
            if (per_kind[k])
                printf("count\t%s\t%lu\n", kinds[k].name ? kinds[k].name : "?", per_kind[k]);
    tracer_close(&t);
    return 0;
}
