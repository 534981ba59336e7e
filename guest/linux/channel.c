/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "channel.h"
#include "util.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/vm_sockets.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONTROL_MAX (4u << 20)
#define IN_SPACE (2 * (WIRE_HEADER + (size_t)WIRE_PAYLOAD_MAX))

struct out {
    struct out *next;
    size_t n; /* payload */
    uint8_t type;
    uint8_t frame[]; /* header and payload */
};

struct channel {
    int fd, wake;
    channel_fn *fn;
    void *context;
    struct wire_in in;
    uint8_t *space;
    pthread_mutex_t lock;
    pthread_cond_t room; /* the bulk lane got shorter */
    struct out *first[LANE_COUNT], *last[LANE_COUNT];
    size_t bytes[LANE_COUNT];
    struct out *current; /* being written */
    size_t written;
    uint8_t key[16];
    uint32_t sequence;
};

static const size_t lane_max[LANE_COUNT] = {CONTROL_MAX, CHANNEL_EVENTS_MAX, CHANNEL_BULK_MAX};

struct channel *channel_new(channel_fn *fn, void *context)
{
    struct channel *c = calloc(1, sizeof(*c));
    pthread_condattr_t attr;

    if (!c)
        return NULL;
    c->space = malloc(IN_SPACE);
    c->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!c->space || c->wake < 0) {
        free(c->space);
        free(c);
        return NULL;
    }
    c->fd = -1;
    c->fn = fn;
    c->context = context;
    c->sequence = 1;
    wire_in_init(&c->in, c->space, IN_SPACE);
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->room, &attr);
    return c;
}

/* ---- transports ------------------------------------------------------------ */

static int open_port(void)
{
    static const char folder[] = "/sys/class/virtio-ports";
    DIR *d = opendir(folder);
    int fd = -ENODEV;

    if (!d)
        return -errno;
    for (struct dirent *e; fd < 0 && (e = readdir(d));) {
        char path[512], name[128];
        if (e->d_name[0] == '.')
            continue;
        snprintf(path, sizeof(path), "%s/%s/name", folder, e->d_name);
        if (file_get(path, name, sizeof(name)) <= 1) /* a console, not a port with a name */
            continue;
        snprintf(path, sizeof(path), "/dev/%s", e->d_name);
        fd = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
        if (fd < 0)
            fd = -errno;
    }
    closedir(d);
    return fd;
}

static int open_tcp(const char *address, unsigned port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    int one = 1, fd;

    if (inet_pton(AF_INET, address, &in.sin_addr) != 1)
        return -EINVAL;
    fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    return fd;
}

static int open_vsock(unsigned cid, unsigned port)
{
    struct sockaddr_vm vm = {.svm_family = AF_VSOCK, .svm_cid = cid, .svm_port = port};
    int fd = socket(AF_VSOCK, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return -errno;
    if (connect(fd, (struct sockaddr *)&vm, sizeof(vm)) < 0) {
        int r = -errno;
        close(fd);
        return r;
    }
    return fd;
}

int channel_connect(struct channel *c, const char *how)
{
    char address[64];
    unsigned a, port;
    int fd;

    if (!how || !*how)
        fd = open_port();
    else if (sscanf(how, "tcp:%63[0-9.]:%u", address, &port) == 2)
        fd = open_tcp(address, port);
    else if (sscanf(how, "vsock:%u:%u", &a, &port) == 2)
        fd = open_vsock(a, port);
    else if (sscanf(how, "fd:%u", &a) == 1)
        fd = (int)a;
    else
        fd = -EINVAL;
    if (fd < 0)
        return fd;
    set_cloexec_nonblock(fd);
    c->fd = fd;
    return 0;
}

int channel_fd(const struct channel *c)
{
    return c->fd;
}

int channel_wake_fd(const struct channel *c)
{
    return c->wake;
}

uint64_t channel_garbage(const struct channel *c)
{
    return c->in.garbage_bytes;
}

void channel_rekey(struct channel *c, const uint8_t key[16])
{
    pthread_mutex_lock(&c->lock);
    memcpy(c->key, key, sizeof(c->key));
    c->sequence = 1;
    pthread_mutex_unlock(&c->lock);
    wire_in_rekey(&c->in, key, 1);
}

void channel_expect_hello(struct channel *c)
{
    wire_in_rekey(&c->in, WIRE_BOOT_KEY, 1);
}

/* ---- out ------------------------------------------------------------------- */

static struct out *out_new(uint8_t type, const void *payload, size_t n)
{
    struct out *o = n <= WIRE_PAYLOAD_MAX ? malloc(sizeof(*o) + WIRE_HEADER + n) : NULL;

    if (!o)
        return NULL;
    o->next = NULL;
    o->type = type;
    o->n = n;
    if (n)
        memcpy(o->frame + WIRE_HEADER, payload, n);
    return o;
}

static void enqueue(struct channel *c, enum channel_lane lane, struct out *o)
{
    if (c->last[lane])
        c->last[lane]->next = o;
    else
        c->first[lane] = o;
    c->last[lane] = o;
    c->bytes[lane] += o->n + WIRE_HEADER;
}

static void wake(struct channel *c)
{
    uint64_t one = 1;
    ssize_t n = write(c->wake, &one, sizeof(one));
    (void)n; /* a full counter wakes as well */
}

int channel_send(struct channel *c, enum channel_lane lane, uint8_t type, const void *payload, size_t n)
{
    struct out *o = out_new(type, payload, n);
    int r = 0;

    if (!o)
        return -ENOMEM;
    pthread_mutex_lock(&c->lock);
    if (c->bytes[lane] + n + WIRE_HEADER > lane_max[lane])
        r = -ENOBUFS;
    else
        enqueue(c, lane, o);
    pthread_mutex_unlock(&c->lock);
    if (r < 0)
        free(o);
    else
        wake(c);
    return r;
}

int channel_send_wait(struct channel *c, uint8_t type, const void *payload, size_t n, unsigned wait_ms)
{
    struct out *o = out_new(type, payload, n);
    struct timespec until;
    int r = 0;

    if (!o)
        return -ENOMEM;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += wait_ms / 1000;
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    pthread_mutex_lock(&c->lock);
    while (r == 0 && c->bytes[LANE_BULK] + n + WIRE_HEADER > lane_max[LANE_BULK])
        r = -pthread_cond_timedwait(&c->room, &c->lock, &until);
    if (r == 0)
        enqueue(c, LANE_BULK, o);
    pthread_mutex_unlock(&c->lock);
    if (r < 0)
        free(o);
    else
        wake(c);
    return r;
}

uint64_t channel_queued(struct channel *c)
{
    uint64_t n = 0;

    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < LANE_COUNT; i++)
        n += c->bytes[i];
    if (c->current)
        n += c->current->n + WIRE_HEADER - c->written;
    pthread_mutex_unlock(&c->lock);
    return n;
}

/* Takes the next frame off its lane and seals it. */
static bool next_frame(struct channel *c)
{
    pthread_mutex_lock(&c->lock);
    for (int i = 0; i < LANE_COUNT && !c->current; i++) {
        struct out *o = c->first[i];
        if (!o)
            continue;
        c->first[i] = o->next;
        if (!o->next)
            c->last[i] = NULL;
        c->bytes[i] -= o->n + WIRE_HEADER;
        c->current = o;
        c->written = 0;
        if (i == LANE_BULK)
            pthread_cond_broadcast(&c->room);
        wire_header_write(o->frame, o->type, c->sequence++, now_boot(), o->frame + WIRE_HEADER, (uint32_t)o->n, c->key);
    }
    pthread_mutex_unlock(&c->lock);
    return c->current != NULL;
}

/* True when something left. */
static bool write_some(struct channel *c)
{
    bool any = false;

    while (next_frame(c)) {
        struct out *o = c->current;
        ssize_t n = write(c->fd, o->frame + c->written, WIRE_HEADER + o->n - c->written);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return any; /* full, or nobody at the other end: the queue keeps it */
        any = true;
        c->written += (size_t)n;
        if (c->written == WIRE_HEADER + o->n) {
            pthread_mutex_lock(&c->lock);
            c->current = NULL;
            pthread_mutex_unlock(&c->lock);
            free(o);
        }
    }
    return any;
}

static bool read_some(struct channel *c)
{
    struct wire_header h;
    const uint8_t *p;
    size_t room;
    uint8_t *to = wire_in_room(&c->in, &room);
    ssize_t n = read(c->fd, to, room < (256u << 10) ? room : (256u << 10));

    if (n <= 0)
        return n < 0 && errno == EINTR;
    wire_in_added(&c->in, (size_t)n);
    while (wire_in_next(&c->in, &h, &p) == 1)
        c->fn(c->context, &h, p);
    return true;
}

void channel_serve(struct channel *c)
{
    uint64_t drop;
    ssize_t n = read(c->wake, &drop, sizeof(drop));

    (void)n;
    if (c->fd < 0)
        return;
    for (bool more = true; more;) {
        more = read_some(c);
        more |= write_some(c);
    }
}
