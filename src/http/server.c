/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/server.h"

#include "base/hash.h"
#include "os/file.h"
#include "os/time.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define RESPONSE_MAX (64u << 20)
#define PATH_LEN_MAX 8192

/* A connection, from accept to close: who is too slow with his headers is cut off by the watch thread. */
struct client {
    struct client *next, *previous;
    uint64_t since_ns; /* of the request whose headers are awaited */
    int fd;
    bool in_request;
};

struct http_server {
    struct http_options o;
    struct MHD_Daemon *daemon;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t watch;
    bool watching, stopping;
    struct client *clients;
    char *upload_dir;
};

struct http_private {
    struct http_server *server;
    struct MHD_Connection *connection;
    char *path, *query;
    size_t npath;
    struct form *form, *query_form;
    struct err body_error;
    uint64_t body, body_max;
    bool begun;
    char address[64];
};

/* ---- requests -----------------------------------------------------------------------------------------------------
 */

static int file_begin(void *context, struct str field, struct str filename, struct err *e)
{
    struct http_request *q = context;
    struct http_file *f = &q->files[q->nfiles];
    uint8_t random[12];
    char hex[25];

    if (!q->route || !(q->route->flags & HTTP_FILES))
        return err_set(e, ERR_UNSUPPORTED, "files are not taken here");
    if (q->nfiles == HTTP_FILES_MAX)
        return err_set(e, ERR_LIMIT, "too many files");
    random_bytes(random, sizeof(random));
    hex_encode(random, sizeof(random), hex);
    *f = (struct http_file){.fd = -1};
    q->nfiles++;
    f->path = path_format("%s/%s", q->private->server->upload_dir, hex);
    f->field.p = str_dup(field);
    f->filename.p = str_dup(filename);
    if (!f->path || !f->field.p || !f->filename.p)
        return err_set(e, -ENOMEM, "out of memory");
    f->field.n = field.n;
    f->filename.n = filename.n;
    f->fd = open(f->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return f->fd < 0 ? err_errno(e, "cannot store the file") : 0;
}

static int file_data(void *context, const void *p, size_t n, struct err *e)
{
    struct http_request *q = context;
    struct http_file *f = &q->files[q->nfiles - 1];
    int r = file_write_all(f->fd, p, n);

    f->size += n;
    return r < 0 ? err_set(e, r, "cannot store the file: %s", err_name(r)) : 0;
}

static int file_end(void *context, struct err *e)
{
    (void)context;
    (void)e;
    return 0;
}

static void request_free(struct http_request *q)
{
    for (unsigned i = 0; i < q->nfiles; i++) {
        struct http_file *f = &q->files[i];
        if (f->fd >= 0)
            close(f->fd);
        if (f->path)
            unlink(f->path);
        free(f->path);
        free((char *)(uintptr_t)f->field.p);
        free((char *)(uintptr_t)f->filename.p);
    }
    buf_free(&q->response.body);
    if (q->response.fd >= 0)
        close(q->response.fd);
    form_free(&q->private->form);
    form_free(&q->private->query_form);
    free(q->private->path);
    free(q->private->query);
    free(q->private);
    free(q);
}

/* Path decoded once, with NUL and empty parts gone; what is left must be absolute and free of "." and "..". */
static bool path_clean(char *path, size_t *n)
{
    size_t out = 0;

    for (size_t i = 0; i < *n; i++) {
        if (path[i] == 0)
            return false;
        if (path[i] == '/' && out && path[out - 1] == '/')
            continue;
        path[out++] = path[i];
    }
    path[out] = 0;
    *n = out;
    struct str rest = {path, out}, part;
    if (out == 0 || path[0] != '/')
        return false;
    while (str_split(&rest, '/', &part))
        if (str_eqz(part, ".") || str_eqz(part, ".."))
            return false;
    return true;
}

/* The path that the routes know; false when there is no memory. */
static bool path_alias(struct http_private *p, const struct http_alias *aliases)
{
    for (const struct http_alias *a = aliases; a && a->prefix; a++) {
        size_t n = strlen(a->prefix);
        if (p->npath < n || memcmp(p->path, a->prefix, n) != 0 || (p->npath > n && p->path[n] != '/'))
            continue;
        char *path = path_format("%s%s", a->to, p->path + n);
        if (!path)
            return false;
        free(p->path);
        p->path = path;
        p->npath = strlen(path);
        break;
    }
    return true;
}

/* libmicrohttpd's first call of a request: the address as it came. What is returned comes back as *request. */
static void *on_uri(void *context, const char *uri, struct MHD_Connection *connection)
{
    struct http_request *q = calloc(1, sizeof(*q));
    struct http_private *p = calloc(1, sizeof(*p));
    const char *mark = strchr(uri, '?');
    size_t n = mark ? (size_t)(mark - uri) : strlen(uri);

    if (!q || !p || !(p->path = malloc(n + 1)) || !(p->query = strdup(mark ? mark + 1 : ""))) {
        if (p)
            free(p->path);
        free(p);
        free(q);
        return NULL;
    }
    p->npath = form_unescape((struct str){uri, n}, false, p->path);
    p->server = context;
    p->connection = connection;
    q->private = p;
    if (n > PATH_LEN_MAX || !path_clean(p->path, &p->npath) || !path_alias(p, p->server->o.aliases))
        p->npath = 0;
    q->path = (struct str){p->path, p->npath};
    q->context = p->server->o.context;
    q->response = (struct http_response){.status = 200, .type = "application/json", .fd = -1};
    buf_init(&q->response.body, RESPONSE_MAX);
    return q;
}

static void address_text(struct http_private *p)
{
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(p->connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
    const struct sockaddr *a = i ? i->client_addr : NULL;

    if (a && a->sa_family == AF_INET)
        inet_ntop(AF_INET, &((const struct sockaddr_in *)(const void *)a)->sin_addr, p->address, sizeof(p->address));
    else if (a && a->sa_family == AF_INET6)
        inet_ntop(AF_INET6, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, p->address, sizeof(p->address));
}

/* ---- routes -------------------------------------------------------------------------------------------------------
 */

static bool route_matches(const char *pattern, struct str path, struct str capture[HTTP_CAPTURES_MAX])
{
    struct str left = str_from(pattern), right = path, a, b;
    unsigned n = 0;

    while (str_split(&left, '/', &a)) {
        if (a.n > 2 && a.p[0] == '{' && a.p[a.n - 2] == '*') {
            capture[n] = right;
            return right.p != NULL;
        }
        if (!str_split(&right, '/', &b))
            return false;
        if (a.n > 1 && a.p[0] == '{') {
            if (b.n == 0 || n == HTTP_CAPTURES_MAX)
                return false;
            capture[n++] = b;
        } else if (!str_eq(a, b)) {
            return false;
        }
    }
    return right.p == NULL;
}

static void route_find(struct http_request *q)
{
    const char *method = strcmp(q->method, "HEAD") == 0 ? "GET" : q->method;
    bool other_method = false;

    for (const struct http_route *r = q->private->server->o.routes; q->path.n && r->method; r++) {
        if (!route_matches(r->path, q->path, q->capture))
            continue;
        if (strcmp(r->method, method) == 0) {
            q->route = r;
            return;
        }
        other_method = true;
    }
    q->response.status = q->path.n == 0 ? 400 : other_method ? 405 : 404;
}

/* ---- answers ------------------------------------------------------------------------------------------------------
 */

static enum MHD_Result answer(struct http_request *q)
{
    struct http_response *x = &q->response;
    struct MHD_Response *m;
    size_t n = 0;
    enum MHD_Result r;

    if (x->fd >= 0) {
        m = MHD_create_response_from_fd64(x->fd_size, x->fd);
        if (m)
            x->fd = -1;
    } else {
        void *bytes = buf_steal(&x->body, &n);
        m = bytes ? MHD_create_response_from_buffer(n, bytes, MHD_RESPMEM_MUST_FREE)
                  : MHD_create_response_from_buffer(0, (void *)(uintptr_t)"", MHD_RESPMEM_PERSISTENT);
        if (!m)
            free(bytes);
    }
    if (!m)
        return MHD_NO;
    MHD_add_response_header(m, "Content-Type", x->type);
    MHD_add_response_header(m, "X-Content-Type-Options", "nosniff");
    for (unsigned i = 0; i < x->nheaders; i++)
        MHD_add_response_header(m, x->headers[i].name, x->headers[i].value);
    r = MHD_queue_response(q->private->connection, x->status, m);
    MHD_destroy_response(m);
    return r;
}

static void run_handler(struct http_request *q, http_handler *fn)
{
    struct http_server *s = q->private->server;
    struct err e = {0};
    char text[ERR_TEXT_MAX + 256];

    if (fn(q, &e) >= 0 && !q->response.body.failed)
        return;
    /* The reason is for the log; the client gets no more than that there is one. */
    snprintf(text, sizeof(text), "%s %.200s: %s", q->method, q->private->path, e.code ? e.text : "no memory");
    if (s->o.log)
        s->o.log(s->o.context, text);
    buf_free(&q->response.body);
    buf_init(&q->response.body, RESPONSE_MAX);
    q->response.status = 500;
    q->route = NULL;
    if (s->o.fallback(q, &e) < 0)
        buf_clear(&q->response.body);
}

static enum MHD_Result refuse(struct http_request *q, unsigned status)
{
    q->response.status = status;
    q->route = NULL;
    run_handler(q, q->private->server->o.fallback);
    return answer(q);
}

/* Whether a request is under way on this connection: its time begins anew. */
static void client_mark(struct http_server *s, struct MHD_Connection *connection, bool in_request)
{
    const union MHD_ConnectionInfo *i = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
    struct client *c = i ? i->socket_context : NULL;

    if (!c)
        return;
    pthread_mutex_lock(&s->lock);
    c->in_request = in_request;
    c->since_ns = time_monotonic_ns();
    pthread_mutex_unlock(&s->lock);
}

/* The headers are there: which route, and may the body come? */
static enum MHD_Result begin(struct http_request *q, const char *method)
{
    struct http_private *p = q->private;
    const char *length, *type;
    struct form_sink sink = {q, file_begin, file_data, file_end};
    uint64_t n = 0;

    q->method = method;
    q->address = p->address;
    p->begun = true;
    client_mark(p->server, p->connection, true);
    address_text(p);
    if (form_new(STR_NONE, &sink, &p->query_form, NULL) < 0)
        return MHD_NO;
    if (form_add(p->query_form, p->query, strlen(p->query), NULL) < 0 || form_end(p->query_form, NULL) < 0)
        return refuse(q, 400);
    route_find(q);
    p->body_max = q->route && q->route->body_max ? q->route->body_max : FORM_TEXT_MAX;
    length = http_header(q, "Content-Length");
    if (length && (str_u64(str_from(length), 10, &n) < 0 || n > p->body_max))
        return refuse(q, 413);
    if (!q->route || !(q->route->flags & HTTP_FORM))
        return MHD_YES; /* a body is read and dropped, up to the limit */
    type = http_header(q, "Content-Type");
    form_new(str_from(type ? type : ""), &sink, &p->form, &p->body_error);
    return MHD_YES;
}

static enum MHD_Result on_request(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                                  const char *version, const char *data, size_t *n, void **state)
{
    struct http_request *q = *state;
    struct http_server *s = context;
    (void)connection;
    (void)url;
    (void)version;

    if (!q)
        return MHD_NO; /* no memory for it */
    if (!q->private->begun)
        return begin(q, method);
    if (*n) {
        if ((q->private->body += *n) > q->private->body_max)
            return MHD_NO; /* chunked, and more than was allowed: nobody reads an answer now */
        if (q->private->form && !q->private->body_error.code)
            form_add(q->private->form, data, *n, &q->private->body_error);
        *n = 0;
        return MHD_YES;
    }
    if (q->private->form && !q->private->body_error.code)
        form_end(q->private->form, &q->private->body_error);
    if (!q->route)
        run_handler(q, s->o.fallback);
    else if (q->private->body_error.code)
        return refuse(q, q->private->body_error.code == -ENOSPC ? 507 : 400);
    else
        run_handler(q, q->route->fn);
    return answer(q);
}

static void on_completed(void *context, struct MHD_Connection *connection, void **state,
                         enum MHD_RequestTerminationCode why)
{
    struct http_server *s = context;
    (void)why;

    if (*state)
        request_free(*state);
    *state = NULL;
    client_mark(s, connection, false);
}

/* ---- connections --------------------------------------------------------------------------------------------------
 */

static void on_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                          enum MHD_ConnectionNotificationCode code)
{
    struct http_server *s = context;
    struct client *c;

    if (code == MHD_CONNECTION_NOTIFY_STARTED) {
        const union MHD_ConnectionInfo *i = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
        if (!i || !(c = calloc(1, sizeof(*c))))
            return;
        c->fd = i->connect_fd;
        c->since_ns = time_monotonic_ns();
        pthread_mutex_lock(&s->lock);
        c->next = s->clients;
        if (c->next)
            c->next->previous = c;
        s->clients = c;
        pthread_mutex_unlock(&s->lock);
        *socket_context = c;
        return;
    }
    if (!(c = *socket_context))
        return;
    pthread_mutex_lock(&s->lock);
    if (c->previous)
        c->previous->next = c->next;
    else
        s->clients = c->next;
    if (c->next)
        c->next->previous = c->previous;
    pthread_mutex_unlock(&s->lock);
    free(c);
    *socket_context = NULL;
}

static void *watch(void *context)
{
    struct http_server *s = context;
    struct timespec until;

    pthread_mutex_lock(&s->lock);
    while (!s->stopping) {
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += 2;
        pthread_cond_timedwait(&s->wake, &s->lock, &until);
        uint64_t now = time_monotonic_ns();
        for (struct client *c = s->clients; c; c = c->next)
            if (now - c->since_ns > (uint64_t)(c->in_request ? HTTP_REQUEST_SECONDS : HTTP_HEAD_SECONDS) * 1000000000u)
                shutdown(c->fd, SHUT_RDWR); /* its thread sees the end and closes it */
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- start and stop -----------------------------------------------------------------------------------------------
 */

static size_t keep_escapes(void *context, struct MHD_Connection *connection, char *s)
{
    (void)context;
    (void)connection;
    return strlen(s);
}

int http_server_start(const struct http_options *o, struct http_server **ret, struct err *e)
{
    struct http_server *s = calloc(1, sizeof(*s));

    if (!s || !(s->upload_dir = strdup(o->upload_dir))) {
        free(s);
        return err_set(e, -ENOMEM, "out of memory");
    }
    s->o = *o;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->wake, NULL);
    s->daemon =
        MHD_start_daemon(MHD_USE_EPOLL_INTERNAL_THREAD, 0, NULL, NULL, on_request, s, MHD_OPTION_LISTEN_SOCKET, o->fd,
                         MHD_OPTION_CONNECTION_LIMIT, (unsigned)HTTP_CONNECTIONS_MAX, MHD_OPTION_CONNECTION_TIMEOUT,
                         (unsigned)HTTP_IDLE_SECONDS, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY_MAX,
                         MHD_OPTION_THREAD_POOL_SIZE, o->threads, MHD_OPTION_URI_LOG_CALLBACK, on_uri, s,
                         MHD_OPTION_NOTIFY_COMPLETED, on_completed, s, MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
                         MHD_OPTION_UNESCAPE_CALLBACK, keep_escapes, NULL, MHD_OPTION_END);
    if (!s->daemon) {
        http_server_stop(&s);
        return err_set(e, -EIO, "the HTTP server does not start");
    }
    if (pthread_create(&s->watch, NULL, watch, s) != 0) {
        http_server_stop(&s);
        return err_set(e, -EAGAIN, "no thread for the HTTP server");
    }
    s->watching = true;
    *ret = s;
    return 0;
}

void http_server_stop(struct http_server **server)
{
    struct http_server *s = server ? *server : NULL;

    if (!s)
        return;
    if (s->watching) {
        pthread_mutex_lock(&s->lock);
        s->stopping = true;
        pthread_cond_signal(&s->wake);
        pthread_mutex_unlock(&s->lock);
        pthread_join(s->watch, NULL);
    }
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    pthread_mutex_destroy(&s->lock);
    pthread_cond_destroy(&s->wake);
    free(s->upload_dir);
    free(s);
    *server = NULL;
}

/* ---- for handlers -------------------------------------------------------------------------------------------------
 */

const struct str *http_param(const struct http_request *q, const char *name)
{
    const struct str *s = q->private->form ? form_get(q->private->form, name) : NULL;
    return s ? s : form_get(q->private->query_form, name);
}

size_t http_form_count(const struct http_request *q)
{
    return q->private->form ? form_count(q->private->form) : 0;
}

const struct form_field *http_form_at(const struct http_request *q, size_t index)
{
    return form_at(q->private->form, index);
}

const char *http_header(const struct http_request *q, const char *name)
{
    return MHD_lookup_connection_value(q->private->connection, MHD_HEADER_KIND, name);
}

bool http_cookie(const struct http_request *q, const char *name, char *ret, size_t n)
{
    const char *header = http_header(q, "Cookie");
    struct str rest = str_from(header), part;

    while (header && strlen(header) <= HTTP_COOKIE_MAX && str_split(&rest, ';', &part)) {
        struct str value = str_trim(part), key;
        str_split(&value, '=', &key);
        if (!str_eqz(key, name) || value.n >= n)
            continue;
        memcpy(ret, value.p ? value.p : "", value.n);
        ret[value.n] = 0;
        return true;
    }
    return false;
}

const char *http_body_error(const struct http_request *q)
{
    return q->private->body_error.text;
}

void http_header_add(struct http_request *q, const char *name, const char *format, ...)
{
    struct http_response *x = &q->response;
    va_list ap;

    if (x->nheaders == HTTP_HEADERS_MAX)
        return;
    va_start(ap, format);
    int n = vsnprintf(x->headers[x->nheaders].value, sizeof(x->headers[0].value), format, ap);
    va_end(ap);
    for (const char *c = x->headers[x->nheaders].value; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return;
    if (n < 0 || (size_t)n >= sizeof(x->headers[0].value))
        return;
    x->headers[x->nheaders++].name = name;
}
