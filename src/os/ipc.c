/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/ipc.h"

#include "base/reader.h"
#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define HEADER_SIZE 16u
#define MAGIC 0x314a4c42u /* "BLJ1" */
#define READ_STEP (64u << 10)
#define NS_PER_MS 1000000ull

struct ipc {
    int fd;
    int broken; /* sticky code */
    int send_timeout_ms;
    uint8_t header[HEADER_SIZE];
    size_t header_got;
    uint32_t type, length, nfds; /* of the message that is arriving */
    struct buf payload;
    int fds[IPC_FDS_MAX]; /* arrived with it */
    unsigned fds_got;
};

int ipc_pair(int ret[2], struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
        return err_errno(e, "cannot make a socket pair");
    return 0;
}

int ipc_new(int fd, struct ipc **ret)
{
    struct ipc *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->fd = fd;
    c->send_timeout_ms = -1;
    buf_init(&c->payload, IPC_PAYLOAD_MAX);
    *ret = c;
    return 0;
}

static void close_arrived(struct ipc *c)
{
    for (unsigned i = 0; i < c->fds_got; i++)
        close(c->fds[i]);
    c->fds_got = 0;
}

void ipc_free(struct ipc **pc)
{
    struct ipc *c = *pc;

    if (!c)
        return;
    *pc = NULL;
    close_arrived(c);
    buf_free(&c->payload);
    close(c->fd);
    free(c);
}

int ipc_fd(const struct ipc *c)
{
    return c->fd;
}

void ipc_set_send_timeout(struct ipc *c, int timeout_ms)
{
    c->send_timeout_ms = timeout_ms;
}

void ipc_message_close(struct ipc_message *m)
{
    for (unsigned i = 0; i < IPC_FDS_MAX && i < m->nfds; i++)
        if (m->fds[i] >= 0) {
            close(m->fds[i]);
            m->fds[i] = -1;
        }
    m->nfds = 0;
}

/* ---- waiting ---- */

struct deadline {
    uint64_t at_ns;
    bool never;
};

static struct deadline deadline_in(int timeout_ms)
{
    return (struct deadline){timeout_ms < 0 ? 0 : time_monotonic_ns() + (uint64_t)timeout_ms * NS_PER_MS,
                             timeout_ms < 0};
}

/* 0 when something can be done on the descriptor, ERR_TIMEOUT, -errno. */
static int wait_for(int fd, short events, struct deadline d)
{
    for (;;) {
        int ms = -1;
        if (!d.never) {
            uint64_t now = time_monotonic_ns();
            uint64_t left = now >= d.at_ns ? 0 : (d.at_ns - now + NS_PER_MS - 1) / NS_PER_MS;
            ms = left > 1000000 ? 1000000 : (int)left;
        }
        struct pollfd p = {.fd = fd, .events = events};
        int r = poll(&p, 1, ms);
        if (r > 0)
            return 0;
        if (r < 0 && errno != EINTR)
            return -errno;
        if (!d.never && time_monotonic_ns() >= d.at_ns)
            return ERR_TIMEOUT;
    }
}

static int break_channel(struct ipc *c, int code)
{
    if (!c->broken)
        c->broken = code;
    close_arrived(c);
    return code;
}

/* ---- sending ---- */

static void put_u32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

union control { /* aligned room for the descriptors */
    struct cmsghdr align;
    char bytes[CMSG_SPACE(sizeof(int) * IPC_FDS_MAX)];
};

static void attach(struct msghdr *m, union control *control, const int *fds, unsigned nfds)
{
    memset(control, 0, sizeof(*control));
    m->msg_control = control->bytes;
    m->msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
    struct cmsghdr *h = CMSG_FIRSTHDR(m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
    memcpy(CMSG_DATA(h), fds, sizeof(int) * nfds);
}

static int send_error(struct ipc *c, int error, struct err *e)
{
    if (error == EPIPE || error == ECONNRESET)
        return err_set(e, break_channel(c, ERR_PEER), "the other process closed its channel");
    break_channel(c, -error);
    errno = error;
    return err_errno(e, "cannot send to the other process");
}

static int send_whole(struct ipc *c, struct iovec *iov, size_t total, const int *fds, unsigned nfds, struct err *e)
{
    struct deadline d = deadline_in(c->send_timeout_ms);
    union control control;
    size_t sent = 0;

    while (sent < total) {
        struct msghdr m = {.msg_iov = iov, .msg_iovlen = 2};
        if (nfds && sent == 0)
            attach(&m, &control, fds, nfds);
        ssize_t r = sendmsg(c->fd, &m, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (r < 0 && errno == EINTR)
            continue;
        if (r < 0 && errno == EAGAIN) {
            int w = wait_for(c->fd, POLLOUT, d);
            if (w == ERR_TIMEOUT) {
                if (sent) /* half a message is out: nothing may follow */
                    break_channel(c, ERR_TIMEOUT);
                return err_set(e, w, "the other process did not read for %d ms", c->send_timeout_ms);
            }
            if (w < 0)
                return send_error(c, -w, e);
            continue;
        }
        if (r < 0)
            return send_error(c, errno, e);
        sent += (size_t)r;
        for (int i = 0; i < 2; i++) {
            size_t k = (size_t)r < iov[i].iov_len ? (size_t)r : iov[i].iov_len;
            iov[i].iov_base = (uint8_t *)iov[i].iov_base + k;
            iov[i].iov_len -= k;
            r -= (ssize_t)k;
        }
    }
    return 0;
}

int ipc_send(struct ipc *c, uint32_t type, const void *payload, size_t n, const int *fds, unsigned nfds, struct err *e)
{
    static uint8_t nothing;
    uint8_t header[HEADER_SIZE];

    if (c->broken)
        return err_set(e, c->broken, "the channel to the other process is broken");
    if (n > IPC_PAYLOAD_MAX || nfds > IPC_FDS_MAX)
        return err_set(e, ERR_LIMIT, "a message of %zu bytes and %u descriptors is too large for the channel", n, nfds);
    put_u32(header, MAGIC);
    put_u32(header + 4, type);
    put_u32(header + 8, (uint32_t)n);
    put_u32(header + 12, nfds);
    struct iovec iov[2] = {{header, HEADER_SIZE}, {n ? (void *)(uintptr_t)payload : &nothing, n}};
    return send_whole(c, iov, HEADER_SIZE + n, fds, nfds, e);
}

/* ---- receiving ---- */

/* Takes every descriptor out of the control data; too many for us is the peer's fault, but none may leak. */
static int take_fds(struct ipc *c, struct msghdr *m)
{
    int r = m->msg_flags & MSG_CTRUNC ? ERR_PEER : 0;

    for (struct cmsghdr *h = CMSG_FIRSTHDR(m); h; h = CMSG_NXTHDR(m, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS)
            continue;
        size_t n = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < n; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(int));
            if (c->fds_got < IPC_FDS_MAX) {
                c->fds[c->fds_got++] = fd;
            } else {
                close(fd);
                r = ERR_PEER;
            }
        }
    }
    return r;
}

enum { WOULD_BLOCK = -2001, ENDED = -2002 };

/* Reads at most n bytes; > 0, WOULD_BLOCK, ENDED, or an error. */
static ssize_t read_some(struct ipc *c, void *p, size_t n)
{
    union control control;
    struct iovec iov = {p, n};
    struct msghdr m = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control)};
    ssize_t r;

    do
        r = recvmsg(c->fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    while (r < 0 && errno == EINTR);
    if (r < 0)
        return errno == EAGAIN || errno == EWOULDBLOCK ? WOULD_BLOCK : errno == ECONNRESET ? ENDED : -errno;
    int f = take_fds(c, &m);
    if (f < 0)
        return f;
    return r == 0 ? ENDED : r;
}

static int header_check(struct ipc *c, struct err *e)
{
    struct reader r;

    reader_init(&r, c->header, HEADER_SIZE);
    uint32_t magic = reader_u32le(&r);
    c->type = reader_u32le(&r);
    c->length = reader_u32le(&r);
    c->nfds = reader_u32le(&r);
    if (magic != MAGIC)
        return err_set(e, ERR_PEER, "the other process sent garbage instead of a message (0x%08x)", magic);
    if (c->length > IPC_PAYLOAD_MAX || c->nfds > IPC_FDS_MAX)
        return err_set(e, ERR_PEER, "the other process announced a message of %u bytes and %u descriptors", c->length,
                       c->nfds);
    return 0;
}

static int stopped_early(struct ipc *c, ssize_t r, struct err *e)
{
    if (r == WOULD_BLOCK)
        return WOULD_BLOCK;
    if (r == ENDED && c->header_got == 0)
        return ENDED;
    if (r == ENDED)
        return err_set(e, ERR_PEER, "the other process ended in the middle of a message");
    if (r == ERR_PEER)
        return err_set(e, ERR_PEER, "the other process sent more descriptors than a message may have");
    errno = (int)-r;
    return err_errno(e, "cannot read from the other process");
}

/* Memory grows with what arrived, not with what was announced. */
static int payload_read(struct ipc *c, struct err *e)
{
    while (c->payload.len < c->length) {
        size_t left = c->length - c->payload.len;
        size_t want = c->payload.len > READ_STEP ? c->payload.len : READ_STEP;
        want = want < left ? want : left;
        if (buf_reserve(&c->payload, want) < 0)
            return err_set(e, -ENOMEM, "no memory for a message of %u bytes", c->length);
        ssize_t r = read_some(c, c->payload.data + c->payload.len, want);
        if (r < 0)
            return stopped_early(c, r, e);
        c->payload.len += (size_t)r;
    }
    return 0;
}

/* 1 message, WOULD_BLOCK, ENDED, or an error (then the channel is broken). */
static int receive_step(struct ipc *c, struct ipc_message *ret, struct err *e)
{
    int r;

    if (c->header_got == 0)
        buf_clear(&c->payload);
    while (c->header_got < HEADER_SIZE) {
        ssize_t n = read_some(c, c->header + c->header_got, HEADER_SIZE - c->header_got);
        if (n < 0)
            return stopped_early(c, n, e);
        c->header_got += (size_t)n;
        if (c->header_got == HEADER_SIZE) {
            r = header_check(c, e);
            if (r < 0)
                return r;
        }
    }
    r = payload_read(c, e);
    if (r < 0)
        return r;
    if (c->fds_got != c->nfds)
        return err_set(e, ERR_PEER, "the other process announced %u descriptors and sent %u", c->nfds, c->fds_got);
    *ret = (struct ipc_message){c->type, c->length, c->payload.data, .nfds = c->nfds};
    for (unsigned i = 0; i < IPC_FDS_MAX; i++)
        ret->fds[i] = i < c->nfds ? c->fds[i] : -1;
    c->fds_got = 0;
    c->header_got = 0;
    return 1;
}

static int receive_checked(struct ipc *c, struct ipc_message *ret, struct err *e)
{
    if (c->broken)
        return err_set(e, c->broken, "the channel to the other process is broken");
    int r = receive_step(c, ret, e);
    if (r < 0 && r != WOULD_BLOCK && r != ENDED)
        break_channel(c, r);
    return r;
}

int ipc_receive(struct ipc *c, int timeout_ms, struct ipc_message *ret, struct err *e)
{
    struct deadline d = deadline_in(timeout_ms);

    for (;;) {
        int r = receive_checked(c, ret, e);
        if (r == ENDED)
            return 0;
        if (r != WOULD_BLOCK)
            return r;
        r = wait_for(c->fd, POLLIN, d);
        if (r == ERR_TIMEOUT)
            return err_set(e, r, "the other process sent no whole message within %d ms", timeout_ms);
        if (r < 0) {
            errno = -r;
            return err_errno(e, "cannot wait for the other process");
        }
    }
}

int ipc_poll(struct ipc *c, struct ipc_message *ret, struct err *e)
{
    int r = receive_checked(c, ret, e);

    if (r == WOULD_BLOCK)
        return 0;
    if (r == ENDED)
        return err_set(e, ERR_PEER, "the other process closed its channel");
    return r;
}
