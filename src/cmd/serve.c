/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar serve: the supervisor of the web process and of the workers. */
#include "cmd/cmd.h"

#include "api/web.h"
#include "conf/conf.h"
#include "http/server.h"
#include "os/file.h"
#include "queue/queue.h"
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#define DEFAULT_LISTEN "127.0.0.1:8080"
#define RESTART_MS 1000
#define WEB_THREADS 2

struct serve {
    struct loop *loop;
    struct store *store;
    struct queue *queue;
    struct web_settings settings;
    struct role_process web;
    struct loop_fd *watch;
    struct loop_timer *restart;
    int fd, lock;
    bool no_workers;
    char address[HTTP_ADDRESS_MAX];
};

static void log_line(const char *sentence)
{
    fprintf(stderr, "belljar: %s\n", sentence);
}

static void web_again(void *context);

static void on_web(void *context, unsigned events)
{
    struct serve *s = context;
    struct ipc_message m;
    int r;
    (void)events;

    while ((r = ipc_poll(s->web.ipc, &m, NULL)) == 1) {
        if (m.type == WEB_SUBMITTED)
            queue_wake(s->queue);
        else if (m.type == WEB_LOG)
            fprintf(stderr, "belljar: web: %.*s\n", (int)m.length, (const char *)m.payload);
        ipc_message_close(&m);
    }
    if (r == 0)
        return;
    /* It is gone, or talks nonsense: a new one. Whoever was connected has to ask again. */
    log_line("the web process ended; it is started again");
    loop_remove_fd(&s->watch);
    role_stop(&s->web);
    loop_remove_timer(&s->restart);
    loop_add_timer(s->loop, RESTART_MS, 0, web_again, s, &s->restart);
}

static int web_begin(struct serve *s, struct err *e)
{
    int r = web_start(&s->settings, s->fd, &s->web, e);
    return r < 0 ? r : loop_add_fd(s->loop, ipc_fd(s->web.ipc), LOOP_READ, on_web, s, &s->watch);
}

static void web_again(void *context)
{
    struct serve *s = context;
    struct err e = {0};

    loop_remove_timer(&s->restart);
    if (web_begin(s, &e) < 0) {
        log_line(e.text);
        loop_add_timer(s->loop, RESTART_MS, 0, web_again, s, &s->restart);
    }
}

static void on_signal(void *context, int signo)
{
    (void)signo;
    loop_stop(((struct serve *)context)->loop, 0);
}

/* One supervisor per data folder. */
static int lock_folder(struct serve *s, struct err *e)
{
    char *path = path_join(s->settings.data_dir, "serve.lock");
    int r = 0;

    s->lock = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
    if (s->lock < 0)
        r = err_errno(e, "cannot open %s", path ? path : "the lock");
    else if (flock(s->lock, LOCK_EX | LOCK_NB) < 0)
        r = err_set(e, ERR_CONFLICT, "another belljar serve works on %s", s->settings.data_dir);
    free(path);
    return r;
}

static int run_loop(struct serve *s, struct err *e)
{
    struct queue_options q = {
        .loop = s->loop, .store = s->store, .workers = s->no_workers ? 0 : s->settings.machines, .log = log_line};
    int r;

    if ((r = queue_new(&q, &s->queue, e)) < 0 || (r = web_begin(s, e)) < 0)
        return r;
    loop_add_signal(s->loop, SIGINT, on_signal, s);
    loop_add_signal(s->loop, SIGTERM, on_signal, s);
    printf("Belljar listens on http://%s/api (Joe Sandbox's API, version 2).\n", s->address);
    if (account_count(s->store) == 0)
        printf("There is no account yet: %s account add NAME --admin, then %s account key NAME.\n", cmd_self(),
               cmd_self());
    fflush(stdout);
    return loop_run(s->loop);
}

static int serve(const char *listen, bool no_workers, struct err *e)
{
    struct conf *conf = NULL;
    struct serve s = {.fd = -1, .lock = -1, .no_workers = no_workers};
    int r;

    if ((r = conf_load(NULL, &conf, e)) < 0)
        return r;
    s.settings = (struct web_settings){
        .data_dir = conf_data_dir(conf),
        .public_url = "",
        .default_seconds = (unsigned)conf_number(conf, CONF_DEFAULT_TIME),
        .threads = WEB_THREADS,
        .machines = (unsigned)conf_number(conf, CONF_MACHINES),
    };
    if ((r = file_mkdirs(s.settings.data_dir, 0700, e)) == 0 && (r = lock_folder(&s, e)) == 0 &&
        (r = http_listen(listen, &s.fd, s.address, e)) == 0 &&
        (r = store_open(s.settings.data_dir, &s.store, e)) == 0 && (r = loop_new(&s.loop, e)) == 0)
        r = run_loop(&s, e);
    loop_remove_timer(&s.restart);
    loop_remove_fd(&s.watch);
    role_stop(&s.web);
    queue_free(&s.queue);
    loop_free(&s.loop);
    store_close(&s.store);
    if (s.fd >= 0)
        close(s.fd);
    if (s.lock >= 0)
        close(s.lock);
    conf_free(&conf);
    return r;
}

static int run(int argc, char **argv)
{
    static const struct option options[] = {{"listen", required_argument, NULL, 'l'},
                                            {"data", required_argument, NULL, 'd'},
                                            {"no-workers", no_argument, NULL, 'n'},
                                            {NULL, 0, NULL, 0}};
    const char *listen = getenv("BELLJAR_LISTEN");
    struct err e = {0};
    char *data = NULL;
    bool no_workers = false;
    int c, r;

    opterr = 0;
    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (c == 'l')
            listen = optarg;
        else if (c == 'd')
            data = optarg;
        else if (c == 'n')
            no_workers = true;
        else
            return cmd_wrong(&cmd_serve, "there is no option \"%s\", or its value is missing", argv[optind - 1]);
    }
    if (optind < argc)
        return cmd_wrong(&cmd_serve, "\"%s\" is too much", argv[optind]);
    if (data) {
        /* Every process that we start takes the folder from here; it must not depend on the current one. */
        char *dir = file_mkdirs(data, 0700, &e) < 0 ? NULL : realpath(data, NULL);
        if (!dir)
            return cmd_failed(e.code ? &e : (err_errno(&e, "cannot use %s", data), &e));
        setenv("BELLJAR_DATA_DIR", dir, 1);
        setenv("BELLJAR_DATA", dir, 1);
        free(dir);
    }
    r = serve(listen && *listen ? listen : DEFAULT_LISTEN, no_workers, &e);
    return r < 0 ? cmd_failed(&e) : EXIT_FINE;
}

const struct cmd cmd_serve = {
    .name = "serve",
    .arguments = "[--listen ADDRESS:PORT] [--data DIR] [--no-workers]",
    .doc = "Serve the API and work off the queue",
    .help = "  --listen ADDRESS:PORT  where to listen (BELLJAR_LISTEN; 127.0.0.1:8080)\n"
            "  --data DIR             folder of the database and the cases (BELLJAR_DATA)\n"
            "  --no-workers           take submissions, but start no analyses: they wait\n\n"
            "Accounts and keys are made with the command account. Clients of Joe Sandbox work with\n"
            "http://ADDRESS:PORT/api as their address. Ctrl-C or SIGTERM ends it; analyses that were\n"
            "under way are run again by the next start.\n",
    .run = run,
};
