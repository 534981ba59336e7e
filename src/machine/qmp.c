/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/qmp.h"

#include "base/buf.h"
#include "os/time.h"

#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_CHUNK 16384
#define NS_PER_MS 1000000ull

struct qmp {
    int fd;
    qmp_event *event;
    void *context;
    struct buf in;
    bool greeted, broken;
    json_int_t next_id, wanted; /* wanted: id of the answer that a command waits for, 0 = none */
    json_t *answer;
};

int qmp_new(int fd, qmp_event *fn, void *context, struct qmp **ret)
{
    struct qmp *q = calloc(1, sizeof(*q));

    if (!q) {
        close(fd);
        return -ENOMEM;
    }
    q->fd = fd;
    q->event = fn;
    q->context = context;
    q->next_id = 1;
    buf_init(&q->in, QMP_LINE_MAX + READ_CHUNK);
    *ret = q;
    return 0;
}

void qmp_free(struct qmp **q)
{
    if (!*q)
        return;
    close((*q)->fd);
    buf_free(&(*q)->in);
    json_decref((*q)->answer);
    free(*q);
    *q = NULL;
}

int qmp_fd(const struct qmp *q)
{
    return q->fd;
}

static int broken(struct qmp *q, struct err *e, const char *why)
{
    q->broken = true;
    return err_set(e, ERR_PEER, "QEMU's control connection: %s", why);
}

static int handle_object(struct qmp *q, json_t *o, struct err *e)
{
    const char *event = json_string_value(json_object_get(o, "event"));

    if (json_object_get(o, "QMP")) {
        q->greeted = true;
        return 0;
    }
    if (event) {
        if (q->event)
            q->event(q->context, event, json_object_get(o, "data"));
        return 0;
    }
    if (!json_object_get(o, "return") && !json_object_get(o, "error"))
        return broken(q, e, "a message that is neither greeting, event nor answer");
    /* Answers to commands that were given up are thrown away. */
    if (q->wanted && json_integer_value(json_object_get(o, "id")) == q->wanted && !q->answer)
        q->answer = json_incref(o);
    return 0;
}

static int handle_line(struct qmp *q, const char *p, size_t n, struct err *e)
{
    json_error_t je;

    while (n && (p[n - 1] == '\r' || p[n - 1] == ' '))
        n--;
    if (n == 0)
        return 0;
    json_t *o = json_loadb(p, n, JSON_REJECT_DUPLICATES, &je);
    if (!json_is_object(o)) {
        json_decref(o);
        return broken(q, e, "a line that is no JSON object");
    }
    int r = handle_object(q, o, e);
    json_decref(o);
    return r;
}

static int handle_lines(struct qmp *q, struct err *e)
{
    size_t done = 0;
    int r = 0;

    for (uint8_t *end; r == 0 && done < q->in.len && (end = memchr(q->in.data + done, '\n', q->in.len - done));) {
        r = handle_line(q, (const char *)q->in.data + done, (size_t)(end - q->in.data) - done, e);
        done = (size_t)(end - q->in.data) + 1;
    }
    buf_consume(&q->in, done);
    if (r == 0 && q->in.len > QMP_LINE_MAX)
        r = broken(q, e, "a line of more than 1 MiB");
    return r;
}

int qmp_turn(struct qmp *q, int timeout_ms, struct err *e)
{
    struct pollfd p = {.fd = q->fd, .events = POLLIN};
    uint8_t chunk[READ_CHUNK];

    if (q->broken)
        return err_set(e, ERR_PEER, "QEMU's control connection is broken");
    int n = poll(&p, 1, timeout_ms);
    if (n < 0 && errno != EINTR)
        return err_errno(e, "cannot wait for QEMU");
    if (n <= 0)
        return 0;
    ssize_t got = recv(q->fd, chunk, sizeof(chunk), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return 0;
    if (got <= 0)
        return broken(q, e, "it was closed");
    if (buf_add(&q->in, chunk, (size_t)got) < 0)
        return broken(q, e, "out of memory");
    return handle_lines(q, e);
}

static int left_ms(uint64_t deadline_ns)
{
    uint64_t now = time_monotonic_ns();

    return now >= deadline_ns ? 0 : (int)((deadline_ns - now + NS_PER_MS - 1) / NS_PER_MS);
}

int qmp_handshake(struct qmp *q, int timeout_ms, struct err *e)
{
    uint64_t deadline = time_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS;

    while (!q->greeted) {
        int ms = left_ms(deadline);
        if (ms == 0)
            return err_set(e, ERR_TIMEOUT, "QEMU did not greet within %d ms", timeout_ms);
        int r = qmp_turn(q, ms, e);
        if (r < 0)
            return r;
    }
    return qmp_command(q, "qmp_capabilities", NULL, timeout_ms, NULL, e);
}

/* QEMU always reads its commands; a send that would block for long means that it hangs. */
static int send_all(struct qmp *q, const char *p, size_t n, uint64_t deadline, struct err *e)
{
    while (n) {
        ssize_t done = send(q->fd, p, n, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (done > 0) {
            p += done;
            n -= (size_t)done;
            continue;
        }
        if (done < 0 && errno != EAGAIN && errno != EINTR)
            return broken(q, e, "it was closed");
        struct pollfd w = {.fd = q->fd, .events = POLLOUT};
        int ms = left_ms(deadline);
        if (ms == 0)
            return broken(q, e, "QEMU does not read its commands");
        poll(&w, 1, ms);
    }
    return 0;
}

static int send_command(struct qmp *q, const char *name, json_t *arguments, uint64_t deadline, struct err *e)
{
    json_t *o = arguments ? json_pack("{s:s,s:I,s:o}", "execute", name, "id", q->next_id, "arguments", arguments)
                          : json_pack("{s:s,s:I}", "execute", name, "id", q->next_id);
    char *text = o ? json_dumps(o, JSON_COMPACT) : NULL;
    int r;

    json_decref(o);
    if (!text)
        return err_set(e, -ENOMEM, "out of memory");
    size_t n = strlen(text);
    text[n] = '\n'; /* in place of the NUL: the length travels beside it */
    r = send_all(q, text, n + 1, deadline, e);
    free(text);
    return r;
}

int qmp_command(struct qmp *q, const char *name, json_t *arguments, int timeout_ms, json_t **ret_result, struct err *e)
{
    uint64_t deadline = time_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS;
    int r;

    if (q->broken) {
        json_decref(arguments);
        return err_set(e, ERR_PEER, "QEMU's control connection is broken");
    }
    q->wanted = q->next_id;
    r = send_command(q, name, arguments, deadline, e);
    q->next_id++;
    while (r == 0 && !q->answer) {
        int ms = left_ms(deadline);
        r = ms ? qmp_turn(q, ms, e) : err_set(e, ERR_TIMEOUT, "QEMU did not answer %s within %d ms", name, timeout_ms);
    }
    q->wanted = 0;
    if (r == 0) {
        json_t *refused = json_object_get(q->answer, "error");
        const char *why = json_string_value(json_object_get(refused, "desc"));
        if (refused)
            r = err_set(e, -EPROTO, "QEMU refused %s: %.200s", name, why ? why : "no reason given");
        else if (ret_result)
            *ret_result = json_incref(json_object_get(q->answer, "return"));
    }
    json_decref(q->answer);
    q->answer = NULL;
    return r;
}
