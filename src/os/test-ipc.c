/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/ipc.h"

#include "os/file.h"
#include "os/loop.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

struct link {
    struct ipc *a, *b; /* either may be freed by a test */
    int raw;           /* the peer as a bare socket, when b is NULL */
};

static int open_descriptors(void)
{
    int n = 0;
    DIR *d = opendir("/proc/self/fd");
    while (readdir(d))
        n++;
    closedir(d);
    return n;
}

static struct link link_new(bool raw)
{
    struct link l = {.raw = -1};
    int fds[2];
    assert_int_equal(ipc_pair(fds, NULL), 0);
    assert_int_equal(ipc_new(fds[0], &l.a), 0);
    if (raw)
        l.raw = fds[1];
    else
        assert_int_equal(ipc_new(fds[1], &l.b), 0);
    return l;
}

static void link_free(struct link *l)
{
    ipc_free(&l->a);
    ipc_free(&l->b);
    if (l->raw >= 0)
        close(l->raw);
}

static void test_messages(void **state)
{
    struct link l = link_new(false);
    struct ipc_message m;
    struct err e;
    (void)state;
    assert_int_equal(ipc_poll(l.b, &m, &e), 0);
    assert_int_equal(ipc_send(l.a, 5, "hello", 5, NULL, 0, &e), 0);
    assert_int_equal(ipc_send(l.a, 6, NULL, 0, NULL, 0, &e), 0);
    assert_int_equal(ipc_receive(l.b, 1000, &m, &e), 1);
    assert_int_equal(m.type, 5);
    assert_int_equal(m.length, 5);
    assert_memory_equal(m.payload, "hello", 5);
    assert_int_equal(m.nfds, 0);
    assert_int_equal(m.fds[0], -1);
    assert_int_equal(ipc_poll(l.b, &m, &e), 1);
    assert_int_equal(m.type, 6);
    assert_int_equal(m.length, 0);
    ipc_free(&l.a);
    assert_int_equal(ipc_receive(l.b, 1000, &m, &e), 0);
    assert_int_equal(ipc_poll(l.b, &m, &e), ERR_PEER);
    link_free(&l);
}

static int memory_file(char c)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_int_equal(write(fd, &c, 1), 1);
    return fd;
}

static char first_byte(int fd)
{
    char c = 0;
    assert_int_equal(pread(fd, &c, 1, 0), 1);
    return c;
}

/* Two messages in a row with descriptors each: none may slip into the other. */
static void test_descriptors(void **state)
{
    int before = open_descriptors();
    struct link l = link_new(false);
    struct ipc_message m;
    int fds[IPC_FDS_MAX];
    (void)state;
    for (int i = 0; i < IPC_FDS_MAX; i++)
        fds[i] = memory_file((char)('a' + i));
    assert_int_equal(ipc_send(l.a, 1, "x", 1, NULL, 0, NULL), 0);
    assert_int_equal(ipc_send(l.a, 2, "yy", 2, fds, IPC_FDS_MAX, NULL), 0);
    assert_int_equal(ipc_send(l.a, 3, "", 0, fds + 3, 1, NULL), 0);
    for (int i = 0; i < IPC_FDS_MAX; i++)
        assert_int_equal(close(fds[i]), 0); /* still ours */
    assert_int_equal(ipc_receive(l.b, 1000, &m, NULL), 1);
    assert_int_equal(m.nfds, 0);
    assert_int_equal(ipc_receive(l.b, 1000, &m, NULL), 1);
    assert_int_equal(m.nfds, IPC_FDS_MAX);
    for (int i = 0; i < IPC_FDS_MAX; i++) {
        assert_int_equal(first_byte(m.fds[i]), 'a' + i);
        assert_true(fcntl(m.fds[i], F_GETFD) & FD_CLOEXEC);
    }
    ipc_message_close(&m);
    assert_int_equal(ipc_receive(l.b, 1000, &m, NULL), 1);
    assert_int_equal(m.nfds, 1);
    assert_int_equal(first_byte(m.fds[0]), 'd');
    ipc_message_close(&m);
    link_free(&l);
    assert_int_equal(open_descriptors(), before);
}

struct sender {
    struct ipc *c;
    size_t n;
    unsigned count;
    int result;
};

static void *send_many(void *context)
{
    struct sender *s = context;
    uint8_t *p = malloc(s->n);
    for (unsigned i = 0; i < s->count && s->result == 0; i++) {
        memset(p, (int)i, s->n);
        s->result = ipc_send(s->c, i, p, s->n, NULL, 0, NULL);
    }
    free(p);
    return NULL;
}

/* The largest message is far above any socket buffer, so both ends have to work in pieces. */
static void test_huge(void **state)
{
    struct link l = link_new(false);
    struct sender s = {l.a, IPC_PAYLOAD_MAX, 8, 0};
    struct ipc_message m;
    pthread_t t;
    (void)state;
    assert_int_equal(pthread_create(&t, NULL, send_many, &s), 0);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(ipc_receive(l.b, 20000, &m, NULL), 1);
        assert_int_equal(m.type, i);
        assert_int_equal(m.length, IPC_PAYLOAD_MAX);
        assert_int_equal(m.payload[0], i);
        assert_int_equal(m.payload[IPC_PAYLOAD_MAX - 1], i);
    }
    pthread_join(t, NULL);
    assert_int_equal(s.result, 0);
    assert_int_equal(ipc_send(l.a, 1, "", IPC_PAYLOAD_MAX + 1, NULL, 0, NULL), ERR_LIMIT);
    assert_int_equal(ipc_send(l.a, 1, "", 0, (int[9]){0}, 9, NULL), ERR_LIMIT);
    link_free(&l);
}

static void put_header(uint8_t h[16], uint32_t magic, uint32_t type, uint32_t n, uint32_t nfds)
{
    uint32_t v[4] = {magic, type, n, nfds};
    for (int i = 0; i < 16; i++)
        h[i] = (uint8_t)(v[i / 4] >> (8 * (i % 4)));
}

#define MAGIC 0x314a4c42u

struct wire_case {
    const char *name;
    uint32_t magic, length, nfds;
    size_t body;   /* bytes that follow the header */
    size_t header; /* bytes of it that are sent */
    int expected;  /* of ipc_receive after the peer closed */
};

/* What a taken-over child may put on the wire. */
static void test_garbage(void **state)
{
    static const struct wire_case cases[] = {
        {"nothing", MAGIC, 0, 0, 0, 0, 0},
        {"torn header", MAGIC, 0, 0, 0, 7, ERR_PEER},
        {"torn payload", MAGIC, 100, 0, 99, 16, ERR_PEER},
        {"wrong magic", 0x41414141, 4, 0, 4, 16, ERR_PEER},
        {"too long", MAGIC, IPC_PAYLOAD_MAX + 1, 0, 10, 16, ERR_PEER},
        {"far too long", MAGIC, 0xffffffffu, 0, 10, 16, ERR_PEER},
        {"too many descriptors", MAGIC, 0, IPC_FDS_MAX + 1, 0, 16, ERR_PEER},
        {"descriptors that do not come", MAGIC, 3, 1, 3, 16, ERR_PEER},
        {"good", MAGIC, 3, 0, 3, 16, 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct link l = link_new(true);
        uint8_t bytes[256] = {0};
        struct ipc_message m;
        struct err e = {0};
        put_header(bytes, cases[i].magic, 9, cases[i].length, cases[i].nfds);
        ssize_t n = (ssize_t)(cases[i].header + cases[i].body);
        assert_int_equal(write(l.raw, bytes, (size_t)n), n);
        close(l.raw);
        l.raw = -1;
        int r = ipc_receive(l.a, 1000, &m, &e);
        if (r != cases[i].expected)
            fail_msg("%s: %d (%s)", cases[i].name, r, e.text);
        if (r < 0) { /* broken for good, and says so */
            assert_true(e.text[0]);
            assert_int_equal(ipc_receive(l.a, 1000, &m, NULL), ERR_PEER);
            assert_int_equal(ipc_send(l.a, 1, "", 0, NULL, 0, NULL), ERR_PEER);
        }
        link_free(&l);
    }
}

static void send_raw_fds(int raw, const void *p, size_t n, unsigned nfds)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int) * 64)];
    } control = {0};
    struct iovec iov = {(void *)(uintptr_t)p, n};
    struct msghdr m = {.msg_iov = &iov,
                       .msg_iovlen = 1,
                       .msg_control = control.bytes,
                       .msg_controllen = CMSG_SPACE(sizeof(int) * nfds)};
    struct cmsghdr *h = CMSG_FIRSTHDR(&m);
    h->cmsg_level = SOL_SOCKET;
    h->cmsg_type = SCM_RIGHTS;
    h->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
    for (unsigned i = 0; i < nfds; i++)
        memcpy(CMSG_DATA(h) + i * sizeof(int), &(int){0}, sizeof(int));
    assert_int_equal(sendmsg(raw, &m, 0), (ssize_t)n);
}

/* A flood of descriptors, or some in places where none belong: refused, and none stays open here. */
static void test_hostile_descriptors(void **state)
{
    int before = open_descriptors();
    struct ipc_message m;
    uint8_t h[20] = {0};
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        struct link l = link_new(true);
        put_header(h, MAGIC, 1, 4, kind == 0 ? 8 : 0);
        if (kind == 0) { /* more than announced and more than allowed */
            send_raw_fds(l.raw, h, 20, 64);
        } else if (kind == 1) { /* unannounced */
            send_raw_fds(l.raw, h, 20, 2);
        } else { /* piece by piece with each byte of the payload */
            assert_int_equal(write(l.raw, h, 16), 16);
            for (int i = 0; i < 4; i++)
                send_raw_fds(l.raw, h + 16 + i, 1, 5);
        }
        assert_int_equal(ipc_receive(l.a, 1000, &m, NULL), ERR_PEER);
        link_free(&l);
        assert_int_equal(open_descriptors(), before);
    }
}

/* Dead with half a message and its descriptors received: they are closed with the channel. */
static void test_torn_descriptors(void **state)
{
    int before = open_descriptors();
    struct link l = link_new(true);
    struct ipc_message m;
    uint8_t h[16];
    (void)state;
    put_header(h, MAGIC, 1, 4, 3);
    send_raw_fds(l.raw, h, 16, 3);
    assert_int_equal(ipc_poll(l.a, &m, NULL), 0);
    assert_int_equal(open_descriptors(), before + 2 + 3);
    link_free(&l);
    assert_int_equal(open_descriptors(), before);
}

struct slow {
    int fd;
};

static void *send_slowly(void *context)
{
    struct slow *s = context;
    uint8_t bytes[16 + 20] = {0};
    put_header(bytes, MAGIC, 3, 20, 0);
    memset(bytes + 16, 'z', 20);
    for (size_t i = 0; i < sizeof(bytes); i++) {
        usleep(2000);
        if (write(s->fd, bytes + i, 1) != 1)
            break;
    }
    return NULL;
}

/* A timeout in the middle of a message loses nothing: the next call goes on. */
static void test_slow_peer(void **state)
{
    struct link l = link_new(true);
    struct slow s = {l.raw};
    struct ipc_message m;
    pthread_t t;
    int timeouts = 0, r;
    (void)state;
    uint64_t start = loop_now_ms();
    assert_int_equal(ipc_receive(l.a, 30, &m, NULL), ERR_TIMEOUT);
    assert_in_range(loop_now_ms() - start, 29, 2000);
    assert_int_equal(pthread_create(&t, NULL, send_slowly, &s), 0);
    while ((r = ipc_receive(l.a, 15, &m, NULL)) == ERR_TIMEOUT)
        timeouts++;
    assert_int_equal(r, 1);
    assert_true(timeouts > 0);
    assert_int_equal(m.length, 20);
    assert_int_equal(m.payload[19], 'z');
    pthread_join(t, NULL);
    link_free(&l);
}

static void test_peer_that_does_not_read(void **state)
{
    struct link l = link_new(true);
    uint8_t *p = calloc(1, IPC_PAYLOAD_MAX);
    struct err e;
    (void)state;
    ipc_set_send_timeout(l.a, 50);
    uint64_t start = loop_now_ms();
    assert_int_equal(ipc_send(l.a, 1, p, IPC_PAYLOAD_MAX, NULL, 0, &e), ERR_TIMEOUT);
    assert_in_range(loop_now_ms() - start, 49, 5000);
    assert_int_equal(ipc_send(l.a, 1, p, 1, NULL, 0, &e), ERR_TIMEOUT); /* nothing may follow half a message */
    free(p);
    link_free(&l);
}

static void test_send_to_the_dead(void **state)
{
    struct link l = link_new(true);
    struct err e;
    (void)state;
    close(l.raw);
    l.raw = -1;
    assert_int_equal(ipc_send(l.a, 1, "x", 1, NULL, 0, &e), ERR_PEER); /* and no SIGPIPE */
    link_free(&l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages),
        cmocka_unit_test(test_descriptors),
        cmocka_unit_test(test_huge),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_hostile_descriptors),
        cmocka_unit_test(test_torn_descriptors),
        cmocka_unit_test(test_slow_peer),
        cmocka_unit_test(test_peer_that_does_not_read),
        cmocka_unit_test(test_send_to_the_dead),
    };
    return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
