/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The protocols of the simulated internet as functions of bytes: right answers, and calm about wrong input. */
#include "base/hash.h"
#include "net/body.h"
#include "net/dhcp.h"
#include "net/dns.h"
#include "net/emit.h"
#include "net/flow.h"
#include "net/frame.h"
#include "net/http.h"
#include "net/icmp.h"
#include "net/netrole.h"
#include "net/pcap.h"
#include "net/raw.h"
#include "net/scan.h"
#include "net/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define S(z) ((struct str){z, sizeof(z) - 1})

static const uint8_t salt[16] = "sixteen bytes...";
static const uint8_t guest_mac[6] = {0x52, 0x54, 0, 1, 2, 3};

/* ---- frames ---- */

struct frames {
    struct buf all; /* u16 length + frame */
    unsigned n;
};

static void collect(void *context, const uint8_t *f, size_t n)
{
    struct frames *all = context;

    all->n++;
    buf_u16be(&all->all, (uint16_t)n);
    buf_add(&all->all, f, n);
}

static void test_frame_udp(void **state)
{
    struct frames out = {0};
    struct frame f;

    (void)state;
    buf_init(&out.all, 1u << 20);
    frame_send_udp(0x01020304, 53, 0xc0a8b222, 4000, guest_mac, 7, "hello", 5, collect, &out);
    assert_int_equal(out.n, 1);
    assert_int_equal(frame_parse(out.all.data + 2, out.all.len - 2, &f), 0);
    assert_int_equal(f.kind, FRAME_IPV4);
    assert_int_equal(f.src, 0x01020304);
    assert_int_equal(f.dport, 4000);
    assert_true(str_eqz(f.payload, "hello"));
    for (size_t cut = 0; cut < out.all.len - 2; cut++)
        assert_true(frame_parse(out.all.data + 2, cut, &f) < 0);
    for (size_t at = FRAME_ETH; at < out.all.len - 2;
         at++) { /* both checksums cover everything from the IP header on */
        out.all.data[2 + at] ^= 0x10;
        bool bad = frame_parse(out.all.data + 2, out.all.len - 2, &f) < 0;
        out.all.data[2 + at] ^= 0x10;
        assert_true(bad);
    }
    buf_free(&out.all);
}

static void test_frame_fragments(void **state)
{
    struct frames out = {0};
    static uint8_t big[4000];

    (void)state;
    buf_init(&out.all, 1u << 20);
    frame_send_ip(0x01020304, 0xc0a8b222, guest_mac, FRAME_ICMP, 9, big, sizeof(big), collect, &out);
    assert_int_equal(out.n, 3);
    size_t at = 0, total = 0;
    while (at < out.all.len) {
        struct frame f;
        size_t n = (size_t)out.all.data[at] << 8 | out.all.data[at + 1];
        assert_true(n <= FRAME_ETH + FRAME_MTU);
        assert_int_equal(frame_parse(out.all.data + at + 2, n, &f), 0);
        assert_true(f.fragment);
        total += f.ip.n - 20;
        at += 2 + n;
    }
    assert_int_equal(total, sizeof(big));
    buf_free(&out.all);
}

static void test_arp(void **state)
{
    struct frame f = {.kind = FRAME_ARP, .arp_op = 1};
    uint8_t reply[42];
    static const struct {
        uint32_t sender, target;
        bool answered;
    } cases[] = {
        {0xc0a8b222, 0xc0a8b201, true}, {0xc0a8b222, 0x08080808, true},  {0, 0xc0a8b222, false},
        {0, 0xc0a8b299, false},         {0xc0a8b222, 0xc0a8b222, false}, {0xc0a8b205, 0xc0a8b222, false},
    };

    (void)state;
    memcpy(f.eth_src, guest_mac, 6);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct frame back;
        f.arp_sender = cases[i].sender;
        f.arp_target = cases[i].target;
        size_t n = frame_arp_reply(&f, reply);
        assert_int_equal(n != 0, cases[i].answered);
        if (!n)
            continue;
        assert_int_equal(frame_parse(reply, n, &back), 0);
        assert_int_equal(back.arp_op, 2);
        assert_int_equal(back.arp_sender, cases[i].target);
        assert_memory_equal(back.eth_dst, guest_mac, 6);
        assert_false(back.eth_src[0] & 1);
    }
}

static void test_ip_text(void **state)
{
    static const char *const bad[] = {"",       "1.2.3",   "1.2.3.4.5", "1.2.3.256",
                                      "1..2.3", "a.b.c.d", "1.2.3.4 ",  "1.2.3.0004"};
    uint32_t ip;

    (void)state;
    assert_true(frame_ip_parse(S("192.168.178.1"), &ip));
    assert_int_equal(ip, 0xc0a8b201);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(frame_ip_parse(str_from(bad[i]), &ip));
}

static void test_icmp(void **state)
{
    uint8_t ask[] = {8, 0, 0, 0, 0x12, 0x34, 0, 1, 'a', 'b', 'c'};
    uint16_t sum = frame_checksum(ask, sizeof(ask), 0), id = 0;
    struct buf b;

    (void)state;
    ask[2] = (uint8_t)(sum >> 8);
    ask[3] = (uint8_t)sum;
    buf_init(&b, 100);
    assert_int_equal(icmp_answer((struct str){(char *)ask, sizeof(ask)}, &b, &id), 1);
    assert_int_equal(id, 0x1234);
    assert_int_equal(b.len, sizeof(ask));
    assert_int_equal(b.data[0], 0);
    assert_memory_equal(b.data + 4, ask + 4, sizeof(ask) - 4);
    assert_int_equal(frame_checksum(b.data, b.len, 0), 0);
    ask[9] ^= 1;
    assert_int_equal(icmp_answer((struct str){(char *)ask, sizeof(ask)}, &b, &id), ERR_FORMAT);
    assert_int_equal(icmp_answer((struct str){(char *)ask, 5}, &b, &id), ERR_TRUNCATED);
    buf_free(&b);
}

/* ---- dhcp ---- */

static size_t dhcp_ask(uint8_t *p, uint8_t type, const char *options, size_t n)
{
    memset(p, 0, 240);
    p[0] = p[1] = 1;
    p[2] = 6;
    memcpy(p + 4, "\xde\xad\xbe\xef", 4);
    memcpy(p + 28, guest_mac, 6);
    memcpy(p + 236, "\x63\x82\x53\x63\x35\x01", 6);
    p[242] = type;
    memcpy(p + 243, options, n);
    p[243 + n] = 255;
    return 244 + n;
}

static void test_dhcp(void **state)
{
    static const struct {
        uint8_t type;
        const char *options;
        size_t n;
        int answered;
        uint8_t answer;
        uint32_t address;
    } cases[] = {
        {1,
         "\x0c\x04"
         "desk",
         6, 1, 2, 0xc0a8b222},
        {3, "\x32\x04\xc0\xa8\xb2\x22\x36\x04\xc0\xa8\xb2\x01", 12, 1, 5, 0xc0a8b222},
        {3, "\x32\x04\x0a\x00\x00\x05", 6, 1, 6, 0},
        {3, "\x36\x04\x0a\x00\x00\x01", 6, 0, 0, 0},
        {8, "", 0, 1, 5, 0},
        {7, "", 0, 0, 0, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t p[300];
        struct dhcp_query q;
        struct buf b;
        size_t n = dhcp_ask(p, cases[i].type, cases[i].options, cases[i].n);
        assert_int_equal(dhcp_parse((struct str){(char *)p, n}, &q), 0);
        assert_int_equal(q.xid, 0xdeadbeef);
        buf_init(&b, 1024);
        assert_int_equal(dhcp_answer(&q, &b), cases[i].answered);
        if (cases[i].answered) {
            assert_true(b.len >= 300);
            assert_memory_equal(b.data + 28, guest_mac, 6);
            assert_int_equal(b.data[242], cases[i].answer);
            uint32_t address = (uint32_t)b.data[16] << 24 | b.data[17] << 16 | b.data[18] << 8 | b.data[19];
            assert_int_equal(address, cases[i].address);
        }
        buf_free(&b);
        for (size_t cut = 0; cut < 240; cut++)
            assert_true(dhcp_parse((struct str){(char *)p, cut}, &q) < 0);
    }
}

/* ---- names and dns ---- */

static void test_names(void **state)
{
    struct names *n, *other;
    static const uint8_t other_salt[16] = {9};
    char name[64];

    (void)state;
    assert_int_equal(names_new(salt, &n), 0);
    assert_int_equal(names_new(other_salt, &other), 0);
    uint32_t a = names_address(n, S("evil.example.com"));
    assert_int_equal(a, names_address(n, S("EVIL.example.COM")));
    assert_int_not_equal(a, names_address(n, S("evil2.example.com")));
    assert_int_not_equal(a, names_address(other, S("evil.example.com")));
    for (int i = 0; i < NAMES_MAX + 5000; i++) {
        snprintf(name, sizeof(name), "host%d.example.com", i);
        uint32_t ip = names_address(n, str_from(name));
        assert_false(names_is_reserved(ip));
        names_remember(n, ip, str_from(name));
        assert_true(str_eqz(names_of(n, ip), name));
    }
    assert_true(names_forgotten(n) >= 4900); /* a few addresses may coincide */
    assert_null(names_of(n, names_address(n, S("host0.example.com"))).p);
    static const uint32_t reserved[] = {0x7f000001, 0x0a010203, 0xc0a80001, 0xac1fffff, 0xe0000001, 0xffffffff, 0};
    for (size_t i = 0; i < sizeof(reserved) / 4; i++)
        assert_true(names_is_reserved(reserved[i]));
    assert_false(names_is_reserved(0x08080808));
    names_free(&n);
    names_free(&other);
}

static size_t dns_ask(uint8_t *p, const char *name, uint16_t type)
{
    struct str rest = str_from(name), label;
    size_t n = 12;

    memcpy(p, "\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00", 12);
    while (*name && str_split(&rest, '.', &label)) {
        p[n++] = (uint8_t)label.n;
        memcpy(p + n, label.p, label.n);
        n += label.n;
    }
    p[n++] = 0;
    p[n++] = (uint8_t)(type >> 8);
    p[n++] = (uint8_t)type;
    p[n++] = 0;
    p[n++] = 1;
    return n;
}

static void test_dns(void **state)
{
    static const struct {
        const char *name;
        uint16_t type;
        uint8_t rcode;
        uint8_t answers;
        const char *results; /* NULL: an address */
        const char *type_name;
    } cases[] = {
        {"www.example.org", 1, 0, 1, NULL, "A"},
        {"www.example.org", 28, 0, 0, "NOERROR", "AAAA"},
        {"www.example.org", 15, 0, 1, "mail.example.org", "MX"},
        {"www.example.org", 2, 0, 2, "ns1.example.org;ns2.example.org", "NS"},
        {"www.example.org", 16, 0, 1, "v=spf1 a mx -all", "TXT"},
        {"_ldap._tcp.example.org", 33, 0, 1, "srv.example.org", "SRV"},
        {"example.org", 6, 0, 1, "ns1.example.org", "SOA"},
        {"example.org", 65, 0, 0, "NOERROR", "HTTPS"},
        {"example.org", 4711, 0, 0, "NOERROR", "TYPE4711"},
        {"fritz.box", 1, 0, 1, NET_GATEWAY_IP, "A"},
        {"1.178.168.192.in-addr.arpa", 12, 0, 1, "fritz.box", "PTR"},
        {"4.3.2.5.in-addr.arpa", 12, 0, 1, "host-5-2-3-4.static.as", "PTR"},
        {"9.1.168.192.in-addr.arpa", 12, 3, 0, "NXDOMAIN", "PTR"},
        {"kjsdhfkjh", 1, 3, 0, "NXDOMAIN", "A"},
        {"com", 2, 0, 2, "ns1.com;ns2.com", "NS"},
        {"printer.local", 1, 3, 0, "NXDOMAIN", "A"},
        {"a.b.invalid", 1, 3, 0, "NXDOMAIN", "A"},
        {"wpad.fritz.box", 1, 3, 0, "NXDOMAIN", "A"},
        {"", 2, 0, 2, "ns1.;ns2.", "NS"},
    };
    struct names *n;

    (void)state;
    assert_int_equal(names_new(salt, &n), 0);
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint8_t p[300];
        struct dns_info info;
        struct buf b;
        size_t size = dns_ask(p, cases[i].name, cases[i].type);
        buf_init(&b, 2048);
        assert_int_equal(dns_answer(n, (struct str){(char *)p, size}, true, &b, &info), 1);
        assert_string_equal(info.name, cases[i].name[0] ? cases[i].name : ".");
        assert_string_equal(info.type, cases[i].type_name);
        assert_int_equal(info.rcode, cases[i].rcode);
        assert_memory_equal(b.data, "\x12\x34", 2);
        assert_int_equal(b.data[2] & 0x80, 0x80);
        assert_int_equal(b.data[3] & 15, cases[i].rcode);
        assert_int_equal(b.data[7], cases[i].answers);
        uint32_t ip;
        if (cases[i].results)
            assert_memory_equal(info.results, cases[i].results, strlen(cases[i].results));
        else
            assert_true(frame_ip_parse(str_from(info.results), &ip) && !names_is_reserved(ip));
        buf_free(&b);
    }
    assert_true(str_eqz(names_of(n, names_address(n, S("www.example.org"))), "www.example.org"));
    names_free(&n);
}

static void test_dns_bad(void **state)
{
    uint8_t p[600];
    struct dns_info info;
    struct buf b;
    size_t n = dns_ask(p, "www.example.org", 1);

    (void)state;
    buf_init(&b, 2048);
    for (size_t cut = 0; cut < 12; cut++)
        assert_int_equal(dns_answer(NULL, (struct str){(char *)p, cut}, true, &b, &info), ERR_TRUNCATED);
    for (size_t cut = 12; cut < n; cut++) { /* a readable header: FORMERR with that id */
        buf_clear(&b);
        assert_int_equal(dns_answer(NULL, (struct str){(char *)p, cut}, true, &b, &info), 1);
        assert_int_equal(b.data[3] & 15, 1);
        assert_int_equal(b.len, 12);
    }
    buf_clear(&b);
    p[2] |= 0x80; /* an answer is not answered */
    assert_int_equal(dns_answer(NULL, (struct str){(char *)p, n}, true, &b, &info), 0);
    p[2] = 0x29; /* opcode 5, update */
    assert_int_equal(dns_answer(NULL, (struct str){(char *)p, n}, true, &b, &info), 1);
    assert_int_equal(b.data[3] & 15, 4);
    n = dns_ask(p, "we ird.\x01\xff.org", 1);
    buf_clear(&b);
    assert_int_equal(dns_answer(NULL, (struct str){(char *)p, n}, true, &b, &info), 1);
    assert_string_equal(info.name, "we\\032ird.\\001\\255.org");
    buf_free(&b);
}

/* ---- http ---- */

struct heard {
    unsigned n;
    char method[32], url[256], host[128], agent[64], body[128], type[64];
    uint64_t body_size;
    unsigned status;
};

static void keep(char *to, size_t size, struct str s)
{
    snprintf(to, size, "%.*s", STR_ARG(s));
}

static void on_done(void *context, const struct http_done *d)
{
    struct heard *h = context;

    h->n++;
    keep(h->method, sizeof(h->method), d->method);
    keep(h->url, sizeof(h->url), d->url);
    keep(h->host, sizeof(h->host), d->host);
    keep(h->agent, sizeof(h->agent), d->agent);
    keep(h->body, sizeof(h->body), d->body);
    keep(h->type, sizeof(h->type), str_from(d->type));
    h->body_size = d->body_size;
    h->status = d->status;
}

/* Sends bytes in steps; returns the answers. */
static void talk(struct str bytes, size_t step, struct heard *h, struct buf *out, bool *ret_close)
{
    struct http_conn *c;

    memset(h, 0, sizeof(*h));
    assert_int_equal(http_new(0x01020304, S("9.9.9.9:81"), on_done, h, &c), 0);
    for (size_t at = 0; at < bytes.n && !http_wants_close(c) && !http_is_tunnel(c);) {
        size_t n = bytes.n - at < step ? bytes.n - at : step;
        size_t used = http_feed(c, (const uint8_t *)bytes.p + at, n, 1700000000, out);
        assert_true(used > 0 && used <= n);
        at += used;
    }
    *ret_close = http_wants_close(c);
    http_end(c);
    http_free(&c);
}

static void test_http(void **state)
{
    static const struct {
        struct str ask;
        unsigned requests;
        const char *method, *url, *answer; /* of the last request; a part of all answers */
        uint64_t body_size;
        const char *body;
        bool close;
    } cases[] = {
        {S("GET /a?b=1 HTTP/1.1\r\nHost: h.example:8080\r\nUser-Agent: ua\r\n\r\n"), 1, "GET",
         "http://h.example:8080/a?b=1", "HTTP/1.1 200 OK\r\nServer: nginx\r\nDate: Tue, 14 Nov 2023 22:13:20 GMT\r\n",
         0, "", false},
        {S("GET / HTTP/1.0\r\n\r\n"), 1, "GET", "http://9.9.9.9:81/", "Connection: close", 0, "", true},
        {S("GET /1 HTTP/1.1\r\n\r\nHEAD /2 HTTP/1.1\r\n\r\nGET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"), 3, "GET",
         "http://9.9.9.9:81/3", "keep-alive", 0, "", true},
        {S("POST /g HTTP/1.1\r\nContent-Length: 11\r\n\r\nhello world"), 1, "POST", "http://9.9.9.9:81/g", "200 OK", 11,
         "hello world", false},
        {S("POST /g HTTP/1.1\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n"
           "006\r\n world\r\n0\r\nX: y\r\n\r\n"),
         1, "POST", "http://9.9.9.9:81/g", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK", 11, "hello world", false},
        {S("PUT http://other.example/p HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"), 1, "PUT",
         "http://other.example/p", "200", 0, "", false},
        {S("GET /lf\nHost: a\n\n"), 1, "GET", "http://a/lf", "200", 0, "", true},
        {S("CONNECT a.b:443 HTTP/1.1\r\n\r\n"), 1, "CONNECT", "a.b:443", "200 Connection established", 0, "", false},
        {S("GET /x HTTP/2.5\r\n\r\n"), 1, "", "", "400 Bad Request", 0, "", true},
        {S("POST / HTTP/1.1\r\nContent-Length: -4\r\n\r\n"), 1, "", "", "400", 0, "", true},
        {S("POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n"), 1, "", "", "400", 0, "", true},
        {S("POST /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), 1, "POST", "http://9.9.9.9:81/c", "400", 0,
         "", true},
        {S("POST /short HTTP/1.1\r\nContent-Length: 100\r\n\r\nonly this"), 1, "POST", "http://9.9.9.9:81/short", "", 9,
         "only this", false},
        {S("GET /half HTTP/1.1\r\nHost: h"), 1, "GET", "http://h/half", "", 0, "", false},
    };
    static const size_t steps[] = {1, 2, 7, 100000};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        for (size_t s = 0; s < 4; s++) {
            struct heard h;
            struct buf out;
            bool closed;
            buf_init(&out, HTTP_OUT_MAX);
            talk(cases[i].ask, steps[s], &h, &out, &closed);
            if (h.n != cases[i].requests || !strstr(buf_z(&out), cases[i].answer))
                fail_msg("case %zu step %zu: %u requests, %s", i, steps[s], h.n, buf_z(&out));
            assert_string_equal(h.method, cases[i].method);
            assert_string_equal(h.url, cases[i].url);
            assert_string_equal(h.body, cases[i].body);
            assert_int_equal(h.body_size, cases[i].body_size);
            assert_int_equal(closed, cases[i].close);
            buf_free(&out);
        }
}

static void test_http_limits(void **state)
{
    struct buf ask, out;
    struct heard h;
    bool closed;

    (void)state;
    buf_init(&ask, 1u << 20);
    buf_init(&out, HTTP_OUT_MAX);
    buf_addz(&ask, "GET / HTTP/1.1\r\nX: ");
    for (unsigned i = 0; i < HTTP_HEAD_MAX; i++)
        buf_u8(&ask, 'a');
    talk(buf_str(&ask), 1000, &h, &out, &closed);
    assert_true(closed);
    assert_int_equal(h.status, 431);
    buf_clear(&ask);
    buf_clear(&out);
    for (unsigned i = 0; i < HTTP_FIELDS_MAX + 2; i++)
        buf_addf(&ask, "%s", i ? "A: b\r\n" : "GET / HTTP/1.1\r\n");
    buf_addz(&ask, "\r\n");
    talk(buf_str(&ask), 1000, &h, &out, &closed);
    assert_int_equal(h.status, 400);
    buf_free(&ask);
    buf_free(&out);
    static const struct {
        struct str first;
        int is;
    } first[] = {{S("G"), -1},       {S("GET"), -1}, {S("GET /"), 1}, {S("GETX"), 0},
                 {S("\x16\x03"), 0}, {S("POS"), -1}, {S("hello"), 0}, {S("M-SEARCH * HTTP/1.1"), 1}};
    for (size_t i = 0; i < sizeof(first) / sizeof(first[0]); i++)
        assert_int_equal(http_recognise(first[i].first), first[i].is);
}

static void test_bodies(void **state)
{
    static const struct {
        const char *host, *path, *query;
        unsigned status;
        const char *type, *start;
        size_t start_n;
    } cases[] = {
        {"a.b", "/x/run.sh", "", 200, "application/x-sh", "#!/bin/sh\nexit 0\n", 17},
        {"a.b", "/a.png", "", 200, "image/png", "\x89PNG", 4},
        {"a.b", "/a.JPG", "", 200, "image/jpeg", "\xff\xd8\xff\xe0", 4},
        {"a.b", "/a.gif", "", 200, "image/gif", "GIF89a", 6},
        {"a.b", "/p.zip", "", 200, "application/zip", "PK\3\4", 4},
        {"a.b", "/p.tar.gz", "", 200, "application/gzip", "\x1f\x8b", 2},
        {"a.b", "/xmrig.bin", "", 200, "application/octet-stream",
         "\x7f"
         "ELF\2\1",
         6},
        {"a.b", "/bins/mirai.arm7", "", 200, "application/octet-stream",
         "\x7f"
         "ELF\1\1",
         6},
        {"a.b", "/bins/mips", "", 200, "application/octet-stream",
         "\x7f"
         "ELF\1\2",
         6},
        {"a.b", "/setup.exe", "", 200, "application/x-msdownload", "MZ", 2},
        {"a.b", "/", "", 200, "text/html; charset=utf-8", "<!DOCTYPE html>", 15},
        {"api.ipify.org", "/", "", 200, "text/plain; charset=utf-8", "1.2.3.4", 7},
        {"api.ipify.org", "/", "format=json", 200, "application/json", "{\"ip\":\"1.2.3.4\"}", 16},
        {"www.ifconfig.me", "/ip", "", 200, "text/plain; charset=utf-8", "1.2.3.4\n", 8},
        {"connectivitycheck.gstatic.com", "/generate_204", "", 204, NULL, "", 0},
        {"www.msftncsi.com", "/ncsi.txt", "", 200, "text/plain", "Microsoft NCSI", 14},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct body_request q = {.method = S("GET"),
                                 .host = str_from(cases[i].host),
                                 .path = str_from(cases[i].path),
                                 .query = str_from(cases[i].query),
                                 .own_address = 0x01020304};
        struct buf b;
        const char *type = NULL;
        buf_init(&b, BODY_MAX);
        assert_int_equal(body_make(&q, &b, &type), cases[i].status);
        assert_int_equal(b.failed, 0);
        if (cases[i].type)
            assert_string_equal(type, cases[i].type);
        assert_true(b.len >= cases[i].start_n);
        assert_memory_equal(b.data ? (const char *)b.data : "", cases[i].start, cases[i].start_n);
        buf_free(&b);
    }
}

/* Our own bytes, and they only leave: the programs that are handed out can be run to see that they do. */
static void test_programs_run(void **state)
{
    static const char *const names[] = {"x86_64", "i686"};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct buf b;
        int status;
        buf_init(&b, BODY_MAX);
        body_elf(str_from(names[i]), &b);
        int fd = memfd_create("p", 0);
        assert_true(fd >= 0);
        assert_int_equal(write(fd, b.data, b.len), b.len);
        pid_t pid = fork();
        if (pid == 0) {
            fexecve(fd, (char *const[]){"p", NULL}, (char *const[]){NULL});
            _exit(errno == ENOEXEC ? 99 : 98); /* a kernel without 32-bit programs */
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFEXITED(status));
        assert_true(WEXITSTATUS(status) == 0 || (i == 1 && WEXITSTATUS(status) == 99));
        close(fd);
        buf_free(&b);
    }
}

/* ---- tls, raw ---- */

static size_t make_hello(uint8_t *p, const char *name)
{
    size_t n = strlen(name), at = 0;
    uint8_t ext[300] = {0, 0, 0, (uint8_t)(n + 5), 0, (uint8_t)(n + 3), 0, 0, (uint8_t)n};

    memcpy(ext + 9, name, n);
    size_t ext_n = 9 + n, body = 2 + 32 + 1 + 2 + 2 + 1 + 1 + 2 + ext_n;
    memcpy(p, "\x16\x03\x01", 3);
    p[3] = (uint8_t)((body + 4) >> 8);
    p[4] = (uint8_t)(body + 4);
    memcpy(p + 5, "\x01\x00", 2);
    p[7] = (uint8_t)(body >> 8);
    p[8] = (uint8_t)body;
    at = 9;
    memcpy(p + at, "\x03\x03", 2);
    memset(p + at + 2, 0xaa, 32);
    memcpy(p + at + 34, "\x00\x00\x02\x13\x01\x01\x00", 7);
    at += 41;
    p[at++] = (uint8_t)(ext_n >> 8);
    p[at++] = (uint8_t)ext_n;
    memcpy(p + at, ext, ext_n);
    return at + ext_n;
}

static void test_tls(void **state)
{
    uint8_t p[600];
    struct tls_hello h;
    size_t n = make_hello(p, "c2.example.net");

    (void)state;
    assert_int_equal(tls_parse_hello((struct str){(char *)p, n}, &h), 1);
    assert_string_equal(h.name, "c2.example.net");
    assert_int_equal(h.version, 0x0303);
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(tls_parse_hello((struct str){(char *)p, cut}, &h), 0);
    p[5] = 2; /* a ServerHello */
    assert_int_equal(tls_parse_hello((struct str){(char *)p, n}, &h), ERR_FORMAT);
    p[5] = 1;
    p[6] = 0xff; /* 16 MB */
    assert_int_equal(tls_parse_hello((struct str){(char *)p, n}, &h), ERR_LIMIT);
}

static void test_raw(void **state)
{
    static const struct {
        struct str first;
        uint16_t port;
        const char *name;
    } cases[] = {
        {S("SSH-2.0-x\r\n"), 4444, "ssh"},
        {S("EHLO me\r\n"), 2525, "smtp"},
        {S("NICK a\r\n"), 80, "irc"},
        {S("\x16\x03\x01\x00\xa0\x01"), 8443, "tls"},
        {S("{\"id\":1,\"jsonrpc\":\"2.0\",\"method\":\"login\",\"params\":{\"login\":\"4...\"}}"), 3333, "stratum"},
        {S(""), 22, "ssh"},
        {S("whatever"), 4444, "raw"},
        {S("\0\0\0\x54\xff"
           "SMB\x72"),
         445, "smb"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_string_equal(raw_recognise_tcp(cases[i].first, cases[i].port), cases[i].name);
    assert_true(str_starts(raw_banner(22), S("SSH-2.0-")));
    assert_null(raw_banner(4444).p);
    assert_string_equal(raw_recognise_udp(S("d1:ad2:id20:xxxx"), 6881), "bittorrent-dht");
    assert_string_equal(raw_recognise_udp(S("x"), 123), "ntp");
    assert_string_equal(raw_recognise_udp(S("x"), 4000), "udp");
}

/* ---- flows, scans ---- */

static unsigned ended;

static void on_end(void *context, struct flow *f)
{
    (void)context;
    (void)f;
    ended++;
}

static void test_flows(void **state)
{
    struct flows *t;
    struct flow_key k = {.src = 1, .dst = 2, .proto = FRAME_TCP};
    uint64_t now = 1000;

    (void)state;
    ended = 0;
    assert_int_equal(flows_new(salt, on_end, NULL, &t), 0);
    struct flow *open = flows_add(t, &k, FLOW_OPEN, now);
    for (uint32_t i = 1; i < FLOWS_MAX + 1000u; i++) {
        k.dst = 2 + i;
        struct flow *f = flows_add(t, &k, i % 2 ? FLOW_HALF : FLOW_DATAGRAM, now + i);
        assert_non_null(f);
        assert_ptr_equal(flows_find(t, &k), f);
    }
    assert_int_equal(flows_count(t), FLOWS_MAX);
    assert_int_equal(ended, 1000);
    assert_int_equal(flows_evicted(t), 1000);
    k.dst = 2;
    assert_ptr_equal(flows_find(t, &k), open); /* open connections go last */
    k.dst = 3;
    assert_null(flows_find(t, &k)); /* the oldest half-open one went first */
    flow_sent(t, open, "0123456789", 10, now + 5 * FLOW_DATAGRAM_NS);
    assert_int_equal(open->first_n, 10);
    flows_expire(t, now + 5 * FLOW_DATAGRAM_NS);
    assert_int_equal(flows_count(t), 1);
    flows_expire(t, now + 5 * FLOW_DATAGRAM_NS + FLOW_OPEN_NS);
    assert_int_equal(flows_count(t), 0);
    assert_int_equal(ended, FLOWS_MAX + 1000);
    flows_free(&t);
}

static void test_scan(void **state)
{
    struct scan *s;
    struct net_scan_report r = {0};
    unsigned told = 0;

    (void)state;
    assert_int_equal(net_scan_new(salt, &s), 0);
    for (uint32_t i = 0; i < 2500; i++)
        told += net_scan_target(s, 0x05000000 + i, 23, false, 1000 + i, &r);
    assert_int_equal(told, 3); /* at 20, 200, 2,000 */
    assert_int_equal(r.hosts, 2000);
    assert_int_equal(r.ports, 1);
    /* quiet for long: starts again */
    assert_false(net_scan_target(s, 1, 1, false, 10 * SCAN_QUIET_NS, &r));
    told = 0;
    for (uint32_t i = 0; i < 100; i++) /* named hosts do not count */
        told += net_scan_target(s, 0x06000000 + i, 443, true, 10 * SCAN_QUIET_NS + i, &r);
    assert_int_equal(told, 0);
    for (uint32_t i = 0; i < 65536; i++)
        told += net_scan_target(s, 0x06000000, (uint16_t)i, false, 10 * SCAN_QUIET_NS + i, &r);
    assert_int_equal(told, 4);
    assert_true(r.ports >= 20000);
    net_scan_free(&s);
}

/* ---- pcap ---- */

static void test_pcap(void **state)
{
    struct pcap *p;
    uint8_t frame[100] = {1};
    int fd = memfd_create("pcap", 0), keep_fd = dup(fd);

    (void)state;
    assert_int_equal(pcap_new(fd, 24 + 3 * 116 + 50, &p), 0);
    for (int i = 0; i < 5; i++)
        pcap_add(p, 1700000000123456789, frame, sizeof(frame));
    const struct pcap_status *s = pcap_get_status(p);
    assert_int_equal(s->frames, 3);
    assert_int_equal(s->left_out, 2);
    assert_int_equal(s->error, ERR_LIMIT);
    assert_int_equal(s->bytes, 24 + 3 * 116);
    pcap_free(&p);
    uint8_t head[40];
    assert_int_equal(pread(keep_fd, head, sizeof(head), 0), sizeof(head));
    assert_memory_equal(head, "\x4d\x3c\xb2\xa1\x02\x00\x04\x00", 8);
    assert_memory_equal(head + 24, "\x00\xf1\x53\x65\x15\xcd\x5b\x07\x64\x00\x00\x00\x64\x00\x00\x00", 16);
    assert_int_equal(lseek(keep_fd, 0, SEEK_END), 24 + 3 * 116);
    close(keep_fd);
    fd = open("/dev/full", O_WRONLY);
    if (fd < 0)
        skip();
    assert_int_equal(pcap_new(fd, 1u << 20, &p), 0);
    pcap_add(p, 1, frame, sizeof(frame));
    s = pcap_get_status(p);
    assert_int_equal(s->error, -ENOSPC);
    assert_int_equal(s->left_out, 1);
    pcap_free(&p);
}

/* ---- events ---- */

struct sent {
    struct buf b;
    unsigned batches, events;
    uint64_t last_seq, lost;
    bool refuse;
};

static void on_decoded(void *context, const struct event *ev)
{
    struct sent *s = context;

    s->events++;
    if (s->last_seq)
        assert_int_equal(ev->seq, s->last_seq + 1);
    s->last_seq = ev->seq;
    assert_int_equal(ev->source, EVENT_SOURCE_NET);
}

static int on_send(void *context, const void *p, size_t n)
{
    struct sent *s = context;
    struct err e;

    if (s->refuse)
        return -1;
    s->batches++;
    if (emit_decode(p, n, on_decoded, s, &s->lost, &e) < 0)
        fail_msg("%s", e.text);
    buf_clear(&s->b);
    buf_add(&s->b, p, n);
    return 0;
}

static void test_emit(void **state)
{
    struct sent s = {0};
    struct emit *m;
    struct event ev = {.kind = EVENT_DNS_QUERY, .count = EVF_DNS_QUERY__COUNT, .time_ns = 5000000000};

    (void)state;
    buf_init(&s.b, 2u << 20);
    assert_int_equal(emit_new(on_send, &s, &m), 0);
    ev.f[EVF_DNS_QUERY_QueryName].s = S("a.example");
    ev.f[EVF_DNS_QUERY_SourcePort].u = 65535;
    for (int i = 0; i < EMIT_PER_SECOND + 500; i++)
        emit_event(m, &ev);
    emit_flush(m);
    assert_int_equal(s.events, EMIT_PER_SECOND);
    assert_int_equal(s.lost, 500);
    ev.kind = EVENT_NET_SCAN; /* another kind has its own allowance */
    ev.count = EVF_NET_SCAN__COUNT;
    emit_event(m, &ev);
    ev.time_ns += 1000000000;
    ev.kind = EVENT_DNS_QUERY;
    ev.count = EVF_DNS_QUERY__COUNT;
    emit_event(m, &ev);
    emit_flush(m);
    assert_int_equal(s.events, EMIT_PER_SECOND + 2);
    uint64_t lost;
    struct err e;
    struct sent again = {0};
    for (size_t cut = 0; cut < s.b.len; cut++) /* cut anywhere: an error or fewer events, never more */
        emit_decode(s.b.data, cut, on_decoded, &again, &lost, &e), again.last_seq = 0;
    s.refuse = true;
    emit_event(m, &ev);
    emit_flush(m);
    assert_int_equal(emit_get_status(m)->lost, 501);
    s.refuse = false;
    emit_flush(m);
    assert_int_equal(s.lost, 501);
    emit_free(&m);
    buf_free(&s.b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frame_udp),    cmocka_unit_test(test_frame_fragments),
        cmocka_unit_test(test_arp),          cmocka_unit_test(test_ip_text),
        cmocka_unit_test(test_icmp),         cmocka_unit_test(test_dhcp),
        cmocka_unit_test(test_names),        cmocka_unit_test(test_dns),
        cmocka_unit_test(test_dns_bad),      cmocka_unit_test(test_http),
        cmocka_unit_test(test_http_limits),  cmocka_unit_test(test_bodies),
        cmocka_unit_test(test_programs_run), cmocka_unit_test(test_tls),
        cmocka_unit_test(test_raw),          cmocka_unit_test(test_flows),
        cmocka_unit_test(test_scan),         cmocka_unit_test(test_pcap),
        cmocka_unit_test(test_emit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
