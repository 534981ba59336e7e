/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/web.h"

#include "api/api.h"
#include "jail/jail.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MEMORY_MAX (4ull << 30)
#define FILE_MAX (16ull << 30) /* the database is the largest file it writes */
#define START_MS 20000
#define DESCRIPTORS_MAX 8192

/* ---- the supervisor's side -----------------------------------------------------------------------------------------
 */

static int expect(struct ipc *c, uint32_t type, struct err *e)
{
    struct ipc_message m;
    int r = ipc_receive(c, START_MS, &m, e);

    if (r == 1 && m.type == WEB_LOG)
        return err_set(e, ERR_PEER, "%.*s", (int)m.length, (const char *)m.payload);
    if (r == 1 && m.type == type)
        return 0;
    return r == ERR_TIMEOUT ? err_set(e, r, "the web process does not start")
                            : err_set(e, ERR_PEER, "the web process ended");
}

int web_start(const struct web_settings *s, int fd, struct role_process *ret, struct err *e)
{
    struct role_process p = {0};
    json_t *j = json_pack("{s:s,s:s,s:i,s:i,s:i}", "data", s->data_dir, "url", s->public_url, "seconds",
                          (int)s->default_seconds, "threads", (int)s->threads, "machines", (int)s->machines);
    char *text = j ? json_dumps(j, 0) : NULL;
    int r = text ? role_start(&web_role, &p, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0)
        r = ipc_send(p.ipc, WEB_PLACE, s->data_dir, strlen(s->data_dir), NULL, 0, e);
    if (r == 0)
        r = expect(p.ipc, WEB_JAILED, e);
    if (r == 0)
        r = ipc_send(p.ipc, WEB_BEGIN, text, strlen(text), &fd, 1, e);
    if (r == 0)
        r = expect(p.ipc, WEB_SERVING, e);
    free(text);
    json_decref(j);
    if (r < 0)
        role_stop(&p);
    else
        *ret = p;
    return r;
}

/* ---- the jailed side ------------------------------------------------------------------------------------------------
 */

static struct {
    struct ipc *parent;
    pthread_mutex_t lock;
} to_parent = {NULL, PTHREAD_MUTEX_INITIALIZER};

static void tell(uint32_t type, const char *text)
{
    pthread_mutex_lock(&to_parent.lock);
    ipc_send(to_parent.parent, type, text, strlen(text), NULL, 0, NULL);
    pthread_mutex_unlock(&to_parent.lock);
}

static void on_submitted(void *context)
{
    (void)context;
    tell(WEB_SUBMITTED, "");
}

static void on_log(void *context, const char *sentence)
{
    (void)context;
    tell(WEB_LOG, sentence);
}

/* Uploads of an earlier process that ended in the middle; parts of chunked ones stay, they go on. */
static void sweep(const char *folder)
{
    DIR *d = opendir(folder);
    struct dirent *x;

    while (d && (x = readdir(d)))
        if (x->d_name[0] != '.' && !str_ends(str_from(x->d_name), STR_LIT(".part")))
            unlinkat(dirfd(d), x->d_name, 0);
    if (d)
        closedir(d);
}

static int serve(const json_t *j, int fd, struct ipc *parent, struct err *e)
{
    const char *data = json_string_value(json_object_get(j, "data"));
    unsigned machines = (unsigned)json_integer_value(json_object_get(j, "machines"));
    const struct api_system systems[] = {
        {"debian13", "Debian 13 (amd64, i386 and emulated architectures)", "LINUX", machines}, {NULL, NULL, NULL, 0}};
    char *uploads = data ? path_join(data, "uploads") : NULL;
    struct api api = {
        .data_dir = data,
        .upload_dir = uploads,
        .public_url = json_string_value(json_object_get(j, "url")),
        .systems = systems,
        .default_seconds = (unsigned)json_integer_value(json_object_get(j, "seconds")),
        .submitted = on_submitted,
    };
    struct http_options o = {
        .fd = fd,
        .routes = api_routes,
        .aliases = api_aliases,
        .fallback = api_fallback,
        .context = &api,
        .upload_dir = uploads,
        .threads = (unsigned)json_integer_value(json_object_get(j, "threads")),
        .log = on_log,
    };
    struct http_server *server = NULL;
    struct ipc_message m;
    int r;

    if (!data || !uploads)
        return err_set(e, ERR_FORMAT, "the web process got no settings");
    if ((r = file_mkdirs(uploads, 0700, e)) < 0)
        goto out;
    sweep(uploads);
    if ((r = http_server_start(&o, &server, e)) < 0)
        goto out;
    tell(WEB_SERVING, "");
    while (ipc_receive(parent, -1, &m, NULL) == 1)
        ipc_message_close(&m);
    http_server_stop(&server);
out:
    free(uploads);
    return r;
}

static int web_run(struct ipc *parent)
{
    static char place[4096];
    static const char *const paths[] = {place, NULL};
    static const struct jail_profile profile = {
        .name = "web",
        .memory_max = MEMORY_MAX,
        .files_max = DESCRIPTORS_MAX,
        .file_size_max = FILE_MAX,
        .keep_root = true,
        .write_paths = paths,
        .threads = true,
        .keep_user = true,
        .listener = true,
    };
    struct ipc_message m;
    struct err e = {0};
    json_t *j = NULL;
    int r;

    to_parent.parent = parent;
    if (ipc_receive(parent, START_MS, &m, &e) != 1 || m.type != WEB_PLACE || m.length >= sizeof(place))
        return 1;
    memcpy(place, m.payload, m.length);
    setenv("BELLJAR_DATA", place, 1);
    if ((r = jail_enter(&profile, &e)) < 0)
        goto out;
    setenv("BELLJAR_DATA", place, 1); /* the jail empties the environment */
    tell(WEB_JAILED, "");
    if (ipc_receive(parent, START_MS, &m, &e) != 1 || m.type != WEB_BEGIN || m.nfds != 1 ||
        !(j = json_loadb((const char *)m.payload, m.length, 0, NULL))) {
        r = err_set(&e, ERR_PEER, "the web process got no settings");
        goto out;
    }
    int fd = m.fds[0];
    m.fds[0] = -1;
    ipc_message_close(&m);
    r = serve(j, fd, parent, &e);
out:
    json_decref(j);
    if (r < 0)
        tell(WEB_LOG, e.text);
    return r < 0 ? 1 : 0;
}

const struct role web_role = {
    .name = "web",
    .doc = "HTTP and the API, in a jail that sees the data folder only",
    .run = web_run,
};
