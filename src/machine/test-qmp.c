/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The client against a peer whose every word is written down beforehand. */
#include "machine/qmp.h"

#include "os/time.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define GREETING "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define OK1 "{\"return\": {}, \"id\": 1}\r\n"

static unsigned events;
static char last_event[64];

static void on_event(void *context, const char *name, const json_t *data)
{
    const char *reason = json_string_value(json_object_get(data, "reason"));

    (void)context;
    events++;
    snprintf(last_event, sizeof(last_event), "%s %s", name, reason ? reason : "-");
}

/* The peer: says the first words, then the next ones after each line that it hears; what it hears goes to `log`. */
static void peer_run(int fd, int log, const char *const *words)
{
    char c;

    for (; *words; words++) {
        if (write(fd, *words, strlen(*words)) != (ssize_t)strlen(*words))
            break;
        do {
            if (read(fd, &c, 1) != 1 || write(log, &c, 1) != 1)
                _exit(0);
        } while (c != '\n');
    }
    _exit(0);
}

struct peer {
    pid_t pid;
    int log;
};

static struct qmp *with_peer(const char *const *words, struct peer *ret)
{
    struct qmp *q;
    int pair[2], log[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
    assert_int_equal(pipe(log), 0);
    ret->pid = fork();
    if (ret->pid == 0) {
        close(pair[0]);
        peer_run(pair[1], log[1], words);
    }
    close(pair[1]);
    close(log[1]);
    ret->log = log[0];
    assert_int_equal(qmp_new(pair[0], on_event, NULL, &q), 0);
    events = 0;
    return q;
}

static void peer_end(struct peer *p)
{
    kill(p->pid, SIGKILL);
    assert_int_equal(waitpid(p->pid, NULL, 0), p->pid);
    close(p->log);
}

static void talks(void **state)
{
    static const char *const words[] = {
        GREETING, OK1,
        "{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-reset\"}}\r\n"
        "{\"return\": {\"late\": 1}, \"id\": 77}\r\n{\"return\": {\"status\": \"running\"}, \"id\": 2}\r\n",
        "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no such thing\"}, \"id\": 3}\r\n", NULL};
    json_t *result = NULL;
    char sent[4096];
    struct err e;
    struct peer peer;
    struct qmp *q = with_peer(words, &peer);
    (void)state;

    assert_int_equal(qmp_handshake(q, 5000, &e), 0);
    assert_int_equal(qmp_command(q, "query-status", NULL, 5000, &result, &e), 0);
    assert_string_equal(json_string_value(json_object_get(result, "status")), "running");
    json_decref(result);
    assert_int_equal(events, 1);
    assert_string_equal(last_event, "SHUTDOWN guest-reset");
    assert_int_equal(qmp_command(q, "migrate", json_pack("{s:s}", "uri", "file:x"), 5000, NULL, &e), -EPROTO);
    assert_non_null(strstr(e.text, "no such thing"));
    ssize_t n = read(peer.log, sent, sizeof(sent) - 1);
    assert_true(n > 0);
    sent[n] = 0;
    assert_non_null(strstr(sent, "\"qmp_capabilities\""));
    assert_non_null(strstr(sent, "{\"uri\":\"file:x\"}"));
    qmp_free(&q);
    assert_null(q);
    peer_end(&peer);
}

static void refuses_nonsense(void **state)
{
    static const char *const words[] = {
        "not json at all\n", "[1, 2]\n",       "{\"QMP\": {}, \"QMP\": {}}\n",
        "{\"hello\": 1}\n",  "{\"event\": \n", "\xff\xfe\n",
    };
    (void)state;

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        const char *const script[] = {words[i], NULL}, *const later[] = {GREETING, words[i], NULL};
        struct err e;
        struct peer peer;
        struct qmp *q = with_peer(script, &peer);
        assert_int_equal(qmp_handshake(q, 5000, &e), ERR_PEER);
        assert_int_equal(qmp_turn(q, 0, &e), ERR_PEER); /* and it stays broken */
        qmp_free(&q);
        peer_end(&peer);
        q = with_peer(later, &peer); /* in place of an answer */
        assert_int_equal(qmp_handshake(q, 5000, &e), ERR_PEER);
        qmp_free(&q);
        peer_end(&peer);
    }
}

static void bounds_a_line(void **state)
{
    size_t n = QMP_LINE_MAX + 100000;
    char *words = malloc(n + 1);
    const char *const script[] = {words, NULL};
    struct err e;
    struct peer peer;
    (void)state;

    assert_non_null(words);
    memset(words, ' ', n);
    words[0] = '{';
    words[n] = 0;
    struct qmp *q = with_peer(script, &peer);
    assert_int_equal(qmp_handshake(q, 20000, &e), ERR_PEER);
    assert_non_null(strstr(e.text, "1 MiB"));
    qmp_free(&q);
    peer_end(&peer);
    free(words);
}

/* The second command is not answered in time; its answer comes with the third one's and does not stand for that. */
static void gives_up_in_time(void **state)
{
    static const char *const words[] = {
        GREETING, OK1, "{\"event\": \"RESUME\"}\n",
        "{\"return\": {\"status\": \"late\"}, \"id\": 2}\n{\"return\": {\"status\": \"right\"}, \"id\": 3}\n", NULL};
    json_t *result = NULL;
    struct err e;
    struct peer peer;
    struct qmp *q = with_peer(words, &peer);
    (void)state;

    assert_int_equal(qmp_handshake(q, 5000, &e), 0);
    uint64_t start = time_monotonic_ns();
    assert_int_equal(qmp_command(q, "query-status", NULL, 300, NULL, &e), ERR_TIMEOUT);
    assert_true(time_monotonic_ns() - start < 5000000000ull);
    assert_int_equal(qmp_command(q, "query-status", NULL, 5000, &result, &e), 0);
    assert_string_equal(json_string_value(json_object_get(result, "status")), "right");
    json_decref(result);
    peer_end(&peer);
    assert_int_equal(qmp_command(q, "query-status", NULL, 5000, NULL, &e), ERR_PEER);
    qmp_free(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(talks), cmocka_unit_test(refuses_nonsense),
                                       cmocka_unit_test(bounds_a_line), cmocka_unit_test(gives_up_in_time)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
