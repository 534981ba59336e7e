/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/dns.h"

#include "base/reader.h"
#include "net/frame.h"
#include "net/netrole.h"

#include <stdio.h>

enum { RCODE_OK = 0, RCODE_FORMERR = 1, RCODE_NXDOMAIN = 3, RCODE_NOTIMP = 4, RCODE_REFUSED = 5 };
enum {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_MX = 15,
    TYPE_TXT = 16,
    TYPE_AAAA = 28,
    TYPE_SRV = 33,
    TYPE_OPT = 41,
    TYPE_ANY = 255,
};
#define CLASS_IN 1
#define NAME_WIRE_MAX 255
#define UDP_PLAIN 512
#define UDP_EDNS 1232
#define HEADER 12
#define NAME_AT_QUESTION 0xc00c /* compression pointer to the first name */

static const struct {
    uint16_t type;
    const char *name;
} type_names[] = {
    {1, "A"},    {2, "NS"},     {5, "CNAME"},   {6, "SOA"},   {12, "PTR"},  {13, "HINFO"},
    {15, "MX"},  {16, "TXT"},   {28, "AAAA"},   {29, "LOC"},  {33, "SRV"},  {35, "NAPTR"},
    {43, "DS"},  {46, "RRSIG"}, {48, "DNSKEY"}, {52, "TLSA"}, {64, "SVCB"}, {65, "HTTPS"},
    {99, "SPF"}, {251, "IXFR"}, {252, "AXFR"},  {255, "ANY"}, {257, "CAA"},
};

struct question {
    struct str wire; /* the name in wire form, in the query */
    char text[DNS_NAME_TEXT];
    size_t text_n;
    unsigned labels;
    uint16_t type, class;
};

struct answer {
    struct buf *b;
    size_t start; /* of the message in b */
    struct names *names;
    const struct question *q;
    struct dns_info *info;
    uint32_t ttl;
    uint16_t answers, authority;
};

/* A name without compression (a question's name stands first, so that a pointer has nothing to point to). */
static int read_name(struct reader *r, struct question *q)
{
    size_t start = r->pos;

    for (;;) {
        uint8_t n = reader_u8(r);
        if (!reader_ok(r))
            return r->error;
        if (n == 0)
            break;
        if (n > 63)
            return reader_fail(r, ERR_FORMAT, "DNS label length");
        const uint8_t *p = reader_bytes(r, n);
        if (!p)
            return r->error;
        if (r->pos - start >= NAME_WIRE_MAX)
            return reader_fail(r, ERR_FORMAT, "DNS name length");
        if (q->labels++)
            q->text[q->text_n++] = '.';
        for (uint8_t i = 0; i < n; i++) {
            if (p[i] > 0x20 && p[i] < 0x7f && p[i] != '.' && p[i] != '\\')
                q->text[q->text_n++] = (char)p[i];
            else /* 255 wire bytes make at most 1,016 of text */
                q->text_n += (size_t)snprintf(q->text + q->text_n, 5, "\\%03u", p[i]);
        }
    }
    q->text[q->text_n] = 0;
    q->wire = (struct str){(const char *)r->base + start, r->pos - start};
    return 0;
}

static void add_result(struct answer *a, const char *text)
{
    size_t used = strlen(a->info->results);

    snprintf(a->info->results + used, sizeof(a->info->results) - used, "%s%s", used ? ";" : "", text);
}

/* Writes a name of plain labels ("ns1" in front of the question's last labels is the caller's business). */
static void add_name(struct buf *b, struct str name)
{
    struct str label;

    while (str_split(&name, '.', &label)) {
        if (!label.n || label.n > 63)
            continue;
        buf_u8(b, (uint8_t)label.n);
        buf_add_str(b, label);
    }
    buf_u8(b, 0);
}

/* Where a record's length goes; rr_end fills it in. */
static size_t rr_begin(struct answer *a, uint16_t type)
{
    buf_u16be(a->b, NAME_AT_QUESTION);
    buf_u16be(a->b, type);
    buf_u16be(a->b, CLASS_IN);
    buf_u32be(a->b, a->ttl);
    buf_u16be(a->b, 0);
    return a->b->len;
}

static void rr_end(struct answer *a, size_t at)
{
    if (a->b->failed)
        return;
    size_t n = a->b->len - at;
    a->b->data[at - 2] = (uint8_t)(n >> 8);
    a->b->data[at - 1] = (uint8_t)n;
}

/* The registered part of a name: its last two labels. Good enough for made-up mail and name servers. */
static struct str domain_of(const struct question *q)
{
    struct str s = {q->text, q->text_n};
    unsigned dots = 0;

    for (size_t i = s.n; i-- > 0;)
        if (s.p[i] == '.' && ++dots == 2)
            return str_sub(s, i + 1, s.n);
    return s;
}

static uint32_t address_of(struct answer *a, struct str name)
{
    uint32_t ip = 0xc0000201;

    if (str_ieq(name, STR_LIT("fritz.box")))
        frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &ip);
    else if (a->names)
        ip = names_address(a->names, name);
    return ip;
}

static void answer_a(struct answer *a)
{
    struct str name = {a->q->text, a->q->text_n};
    uint32_t ip = address_of(a, name);
    char text[FRAME_IP_TEXT];

    if (a->names)
        names_remember(a->names, ip, name);
    size_t at = rr_begin(a, TYPE_A);
    buf_u32be(a->b, ip);
    rr_end(a, at);
    a->answers++;
    frame_ip_text(ip, text);
    add_result(a, text);
}

static void answer_mx(struct answer *a)
{
    char host[DNS_NAME_TEXT + 8];

    snprintf(host, sizeof(host), "mail.%.*s", STR_ARG(domain_of(a->q)));
    size_t at = rr_begin(a, TYPE_MX);
    buf_u16be(a->b, 10);
    add_name(a->b, str_from(host));
    rr_end(a, at);
    a->answers++;
    add_result(a, host);
}

static void answer_ns(struct answer *a)
{
    for (int i = 1; i <= 2; i++) {
        char host[DNS_NAME_TEXT + 8];
        snprintf(host, sizeof(host), "ns%d.%.*s", i, STR_ARG(domain_of(a->q)));
        size_t at = rr_begin(a, TYPE_NS);
        add_name(a->b, str_from(host));
        rr_end(a, at);
        a->answers++;
        add_result(a, host);
    }
}

static void answer_txt(struct answer *a)
{
    static const char text[] = "v=spf1 a mx -all";
    size_t at = rr_begin(a, TYPE_TXT);

    buf_u8(a->b, sizeof(text) - 1);
    buf_add(a->b, text, sizeof(text) - 1);
    rr_end(a, at);
    a->answers++;
    add_result(a, text);
}

static void answer_srv(struct answer *a)
{
    static const struct {
        const char *service;
        uint16_t port;
    } ports[] = {{"_ldap", 389},  {"_kerberos", 88},      {"_sip", 5060},
                 {"_sips", 5061}, {"_xmpp-client", 5222}, {"_xmpp-server", 5269},
                 {"_imap", 143},  {"_submission", 587},   {"_minecraft", 25565}};
    char host[DNS_NAME_TEXT + 8];
    uint16_t port = 443;
    struct str rest = {a->q->text, a->q->text_n}, service = STR_NONE;

    str_split(&rest, '.', &service);
    for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
        if (str_ieq(service, str_from(ports[i].service)))
            port = ports[i].port;
    snprintf(host, sizeof(host), "srv.%.*s", STR_ARG(domain_of(a->q)));
    size_t at = rr_begin(a, TYPE_SRV);
    buf_u16be(a->b, 0);
    buf_u16be(a->b, 5);
    buf_u16be(a->b, port);
    add_name(a->b, str_from(host));
    rr_end(a, at);
    a->answers++;
    add_result(a, host);
}

/* A start-of-authority record in the answer, or in the authority section for "no such record" (RFC 2308). */
static void add_soa(struct answer *a, bool authority)
{
    char host[DNS_NAME_TEXT + 16];
    struct str domain = domain_of(a->q);
    size_t at = rr_begin(a, TYPE_SOA);

    snprintf(host, sizeof(host), "ns1.%.*s", STR_ARG(domain));
    add_name(a->b, str_from(host));
    if (!authority)
        add_result(a, host);
    snprintf(host, sizeof(host), "hostmaster.%.*s", STR_ARG(domain));
    add_name(a->b, str_from(host));
    uint32_t day = a->names ? (uint32_t)(names_number(a->names, domain, 3) % 28) + 1 : 1;
    buf_u32be(a->b, 2024010000u + day * 100 + 1);
    buf_u32be(a->b, 7200);
    buf_u32be(a->b, 3600);
    buf_u32be(a->b, 1209600);
    buf_u32be(a->b, 300);
    rr_end(a, at);
    if (authority)
        a->authority++;
    else
        a->answers++;
}

/* "4.3.2.1.in-addr.arpa" to 1.2.3.4 */
static bool reverse_address(const struct question *q, uint32_t *ret)
{
    struct str s = {q->text, q->text_n}, suffix = STR_LIT(".in-addr.arpa");
    uint32_t backward;

    if (!str_iends(s, suffix) || !frame_ip_parse(str_sub(s, 0, s.n - suffix.n), &backward))
        return false;
    *ret = backward << 24 | (backward & 0xff00) << 8 | (backward >> 8 & 0xff00) | backward >> 24;
    return true;
}

static bool answer_ptr(struct answer *a)
{
    uint32_t ip, gateway = 0;
    char host[DNS_NAME_TEXT + 16];

    if (!reverse_address(a->q, &ip))
        return false;
    frame_ip_parse(STR_LIT(NET_GATEWAY_IP), &gateway);
    struct str known = a->names ? names_of(a->names, ip) : STR_NONE;
    if (known.p)
        snprintf(host, sizeof(host), "%.*s", STR_ARG(known));
    else if (ip == gateway)
        snprintf(host, sizeof(host), "fritz.box");
    else if (names_is_reserved(ip))
        return false;
    else
        snprintf(host, sizeof(host), "host-%u-%u-%u-%u.static.as%u.net", ip >> 24, ip >> 16 & 255, ip >> 8 & 255,
                 ip & 255, 3000 + (ip >> 16) % 60000);
    size_t at = rr_begin(a, TYPE_PTR);
    add_name(a->b, str_from(host));
    rr_end(a, at);
    a->answers++;
    add_result(a, host);
    return true;
}

static bool cannot_exist(const struct question *q)
{
    /* "example" is left in: demonstrations and tests speak to it. */
    static const char *const suffixes[] = {"invalid", "local",       "onion",    "test", "localhost",
                                           "lan",     "localdomain", "internal", "corp"};
    struct str s = {q->text, q->text_n};

    if (q->labels == 0)
        return false;   /* the root exists */
    if (q->labels == 1) /* top-level domains exist, but hold no hosts */
        return q->type != TYPE_NS && q->type != TYPE_SOA;
    if (str_iends(s, STR_LIT(".fritz.box")))
        return true;
    if (str_iends(s, STR_LIT(".ip6.arpa")))
        return true;
    for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
        size_t n = strlen(suffixes[i]);
        if (s.n > n && s.p[s.n - n - 1] == '.' && str_iends(s, str_from(suffixes[i])))
            return true;
    }
    return false;
}

static uint8_t fill_answer(struct answer *a)
{
    const struct question *q = a->q;
    bool reverse = q->text_n > 5 && str_iends((struct str){q->text, q->text_n}, STR_LIT(".arpa"));

    if (q->class != CLASS_IN)
        return RCODE_REFUSED;
    if (cannot_exist(q) || (reverse && q->type == TYPE_PTR && !answer_ptr(a))) {
        add_soa(a, true);
        return RCODE_NXDOMAIN;
    }
    if (reverse && q->type == TYPE_PTR)
        return RCODE_OK;
    bool host = q->labels > 1 && !reverse;
    if (host && (q->type == TYPE_A || q->type == TYPE_ANY))
        answer_a(a);
    if (host && (q->type == TYPE_MX || q->type == TYPE_ANY))
        answer_mx(a);
    if (q->type == TYPE_NS)
        answer_ns(a);
    if (host && (q->type == TYPE_TXT || q->type == 99))
        answer_txt(a);
    if (host && q->type == TYPE_SRV)
        answer_srv(a);
    if (q->type == TYPE_SOA)
        add_soa(a, false);
    if (!a->answers)
        add_soa(a, true);
    return RCODE_OK;
}

static void put16(struct buf *b, size_t at, uint16_t v)
{
    if (b->failed)
        return;
    b->data[at] = (uint8_t)(v >> 8);
    b->data[at + 1] = (uint8_t)v;
}

/* Looks for the OPT record behind the question; *ret_size is the size the client can take. */
static bool find_opt(struct reader *r, unsigned records, uint16_t *ret_size)
{
    for (unsigned i = 0; i < records && reader_ok(r); i++) {
        struct question skip = {0};
        if (read_name(r, &skip) < 0)
            return false;
        uint16_t type = reader_u16be(r), size = reader_u16be(r);
        reader_skip(r, 4);
        reader_skip(r, reader_u16be(r));
        if (reader_ok(r) && type == TYPE_OPT) {
            *ret_size = size;
            return true;
        }
    }
    return false;
}

static void type_text(uint16_t type, char *ret, size_t n)
{
    for (size_t i = 0; i < sizeof(type_names) / sizeof(type_names[0]); i++)
        if (type_names[i].type == type) {
            snprintf(ret, n, "%s", type_names[i].name);
            return;
        }
    snprintf(ret, n, "TYPE%u", type);
}

static void rcode_text(struct dns_info *i)
{
    static const char *const names[] = {"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED"};

    if (i->rcode || !i->results[0])
        snprintf(i->results, sizeof(i->results), "%s", i->rcode < 6 ? names[i->rcode] : "");
}

/* Only the header (and the question where it was readable) with a code. */
static void cut_answer(struct answer *a, size_t question_end)
{
    if (!a->b->failed && a->b->len > question_end)
        a->b->len = question_end;
    a->answers = a->authority = 0;
}

int dns_answer(struct names *names, struct str query, bool udp, struct buf *ret, struct dns_info *ret_info)
{
    struct question q = {0};
    struct reader r;
    uint16_t edns_size = 0;

    memset(ret_info, 0, sizeof(*ret_info));
    reader_init(&r, query.p, query.n);
    uint16_t id = reader_u16be(&r), flags = reader_u16be(&r), count = reader_u16be(&r), extra = 0;
    extra = (uint16_t)(reader_u16be(&r) + reader_u16be(&r));
    extra = (uint16_t)(extra + reader_u16be(&r));
    if (!reader_ok(&r))
        return ERR_TRUNCATED;
    if (flags & 0x8000)
        return 0;

    struct answer a = {.b = ret, .start = ret->len, .names = names, .q = &q, .info = ret_info};
    buf_u16be(ret, id);
    buf_u16be(ret, 0);
    buf_u64le(ret, 0);
    uint8_t rcode = RCODE_FORMERR;
    bool readable = count == 1 && read_name(&r, &q) == 0;
    q.type = readable ? reader_u16be(&r) : 0;
    q.class = readable ? reader_u16be(&r) : 0;
    readable = readable && reader_ok(&r);
    bool edns = false;
    if (readable) {
        edns = find_opt(&r, extra > 8 ? 8 : extra, &edns_size);
        snprintf(ret_info->name, sizeof(ret_info->name), "%s", q.text_n ? q.text : ".");
        type_text(q.type, ret_info->type, sizeof(ret_info->type));
        buf_add_str(ret, q.wire);
        buf_u16be(ret, q.type);
        buf_u16be(ret, q.class);
    }
    size_t question_end = ret->len;
    a.ttl = names ? 60 + (uint32_t)(names_number(names, (struct str){q.text, q.text_n}, 2) % 3540) : 300;
    if (readable)
        rcode = flags & 0x7800 ? RCODE_NOTIMP : fill_answer(&a);

    size_t limit = !udp                             ? DNS_MESSAGE_MAX
                   : !edns || edns_size < UDP_PLAIN ? UDP_PLAIN
                   : edns_size > UDP_EDNS           ? UDP_EDNS
                                                    : edns_size;
    bool cut = ret->len - a.start + (edns ? 11 : 0) > limit;
    if (cut)
        cut_answer(&a, question_end);
    if (edns) { /* our OPT: root name, our size, no flags, no options */
        buf_u8(ret, 0);
        buf_u16be(ret, TYPE_OPT);
        buf_u16be(ret, UDP_EDNS);
        buf_u32be(ret, 0);
        buf_u16be(ret, 0);
    }
    /* response, opcode as asked, TC, RD as asked, RA */
    put16(ret, a.start + 2, (uint16_t)(0x8000 | (flags & 0x7900) | (cut ? 0x0200 : 0) | 0x0080 | rcode));
    put16(ret, a.start + 4, readable);
    put16(ret, a.start + 6, a.answers);
    put16(ret, a.start + 8, a.authority);
    put16(ret, a.start + 10, edns);
    ret_info->rcode = rcode;
    rcode_text(ret_info);
    return ret->failed ? ret->failed : 1;
}
