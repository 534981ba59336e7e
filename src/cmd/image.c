/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "machine/image.h"
#include "machine/machine.h"
#include "machine/session.h"
#include "os/file.h"
#include "os/loop.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HELLO_MS 20000
#define PING_MS 5000
#define CHECK_DISK_MAX (1ull << 30)
#define MIB (1ull << 20)

static volatile int stop_requested;

static void on_signal(int signo)
{
    (void)signo;
    stop_requested = 1;
}

/* How a command ends that could not be done: also when that was wished. */
static int ended(const struct err *e)
{
    int code = cmd_failed(e);
    return stop_requested ? EXIT_STOPPED : code;
}

static void show(void *context, const char *step, uint64_t done, uint64_t total)
{
    char *last = context; /* the same step again is only shown on a terminal, in its line */
    bool terminal = isatty(2);

    if (!terminal && !strcmp(last, step))
        return;
    snprintf(last, 128, "%s", step);
    if (terminal)
        fprintf(stderr, "\r\033[K");
    fprintf(stderr, "  %s", step);
    if (terminal && total)
        fprintf(stderr, " (%llu of %llu)", (unsigned long long)done, (unsigned long long)total);
    if (!terminal)
        fputc('\n', stderr);
    fflush(stderr);
}

static void show_end(void)
{
    if (isatty(2))
        fprintf(stderr, "\r\033[K");
}

static void list_one(void *context, const char *name)
{
    struct image i = {0};
    struct err e;
    char *snapshot = NULL;

    ++*(unsigned *)context;
    if (image_find(name, &i, &e) < 0) {
        printf("%-12s  %s\n", name, e.text);
        return;
    }
    bool ready = snapshot_current(&i, &snapshot) == 0;
    printf("%-12s  %-22s  ", name, i.title);
    if (i.built)
        printf("%llu MiB, %s, %s\n", (unsigned long long)(i.bytes / MIB), ready ? "ready to run" : "no snapshot yet",
               i.dir);
    else
        printf("not built\n");
    free(snapshot);
    image_clear(&i);
}

static int list(void)
{
    unsigned n = 0;
    struct err e;

    if (image_each(list_one, &n, &e) < 0)
        return cmd_failed(&e);
    if (!n)
        fprintf(stderr, "There is no recipe of an image.\n");
    return EXIT_FINE;
}

static int get_ready(const char *name, struct image *ret_image, struct snapshot *ret_snapshot, struct err *e)
{
    char last[128] = "";
    const struct image_work w = {show, last, &stop_requested};
    struct sigaction stop = {.sa_handler = on_signal};
    struct image i = {0};

    sigaction(SIGINT, &stop, NULL);
    sigaction(SIGTERM, &stop, NULL);
    int r = image_build(name, &w, &i, e);
    if (r == 0)
        r = snapshot_ensure(&i, &w, ret_snapshot, e);
    show_end();
    if (r == 0)
        *ret_image = i;
    else
        image_clear(&i);
    return r;
}

static int build(const char *name)
{
    uint64_t start = loop_now_ms();
    struct image i = {0};
    struct snapshot s = {0};
    struct err e;

    if (get_ready(name, &i, &s, &e) < 0)
        return ended(&e);
    printf("%s is ready (%s, %llu MiB, %s) after %llu s\n", i.title, s.accel, (unsigned long long)(i.bytes / MIB),
           s.dir, (unsigned long long)((loop_now_ms() - start) / 1000));
    snapshot_clear(&s);
    image_clear(&i);
    return EXIT_FINE;
}

static int restore_and_ping(const struct image *i, const struct snapshot *s, const char *dir, struct err *e)
{
    struct machine_options o = {.image = i, .snapshot = s, .run_dir = dir, .net_fd = -1, .disk_max = CHECK_DISK_MAX};
    struct session_identity id = {.hostname = "atlas",
                                  .machine_id = "5f0c1a6be1f94f7c9d0b83f0a8e2a6d4",
                                  .mac = {0x3c, 0x52, 0x82, 0x4e, 0x10, 0x07}};
    struct session_handlers h = {0};
    struct machine *m = NULL;
    struct session *session = NULL;
    uint64_t start = loop_now_ms();
    int r = machine_start(&o, &m, e);

    if (r == 0)
        r = session_new(machine_agent_fd(m), dir, &h, &session, e);
    if (r == 0)
        r = session_hello(session, &id, HELLO_MS, e);
    if (r == 0)
        r = session_ping(session, PING_MS, e);
    if (r == 0)
        printf("restored to an answering agent in %llu ms, %llu MiB of its own, tracer: %s\n",
               (unsigned long long)(loop_now_ms() - start), (unsigned long long)(machine_private_bytes(m) / MIB),
               session_tracer_state(session));
    session_free(&session);
    machine_stop(&m);
    return r;
}

static int check(const char *name)
{
    char dir[] = "/tmp/belljar-check-XXXXXX";
    struct image i = {0};
    struct snapshot s = {0};
    struct accel_probe probe;
    struct err e;
    int r = get_ready(name, &i, &s, &e);

    if (r == 0 && machine_probe_kvm(&i, &probe, &e) == 0)
        printf("%s: booted; it runs with %s (KVM: %s)\n", i.title, s.accel, probe.reason);
    if (r == 0 && !mkdtemp(dir))
        r = err_errno(&e, "cannot make a folder in /tmp");
    else if (r == 0) {
        r = restore_and_ping(&i, &s, dir, &e);
        file_remove_tree(dir, NULL);
    }
    snapshot_clear(&s);
    image_clear(&i);
    return r < 0 ? ended(&e) : EXIT_FINE;
}

static int drop(const char *name)
{
    struct err e;

    if (image_remove(name, &e) < 0)
        return cmd_failed(&e);
    printf("%s and its snapshots are removed\n", name);
    return EXIT_FINE;
}

static int run(int argc, char **argv)
{
    const char *what = argc > 1 ? argv[1] : "list";

    if (argc > 3)
        return cmd_wrong(&cmd_image, "\"%s\" is too much", argv[3]);
    if (!strcmp(what, "list"))
        return argc > 2 ? cmd_wrong(&cmd_image, "\"list\" takes no name") : list();
    if (strcmp(what, "build") && strcmp(what, "check") && strcmp(what, "remove"))
        return cmd_wrong(&cmd_image, "\"%s\" is none of list, build, check, remove", what);
    if (!strcmp(what, "remove") && argc < 3)
        return cmd_wrong(&cmd_image, "which image is to be removed?");
    const char *name = argc > 2 ? argv[2] : "debian13";
    if (!strcmp(what, "build"))
        return build(name);
    return !strcmp(what, "check") ? check(name) : drop(name);
}

const struct cmd cmd_image = {
    "image", "list | build [NAME] | check [NAME] | remove NAME", "List, build, check or remove guest images",
    "  list           recipes, and what of them is built\n"
    "  build [NAME]   make the image and its snapshot, when they are missing (NAME: debian13)\n"
    "  check [NAME]   the same, then restore a machine and ask its agent for an answer\n"
    "  remove NAME    delete the image and all its snapshots\n\n"
    "Images are kept in the cache folder (BELLJAR_CACHE; /var/cache/belljar for root), keyed by the recipe's "
    "content.\n",
    run};
