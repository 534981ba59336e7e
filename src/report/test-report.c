/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/buf.h"
#include "report/fixture.h"
#include "report/model.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include <cmocka.h>

static char dir[] = "/tmp/belljar-test-report-XXXXXX";

static struct buf written_by(const struct report *r, const char *name)
{
    struct buf b;
    struct err e = {0};
    char path[128];
    uint8_t part[65536];
    ssize_t n;
    buf_init(&b, 256u << 20);
    snprintf(path, sizeof(path), "%s/out", dir);
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    int rc = report_writer_by_name(name)->write(r, fd, &e);
    if (rc < 0)
        fail_msg("%s", e.text);
    lseek(fd, 0, SEEK_SET);
    while ((n = read(fd, part, sizeof(part))) > 0)
        assert_int_equal(buf_add(&b, part, (size_t)n), 0);
    close(fd);
    unlink(path);
    return b;
}

static bool has(const struct buf *b, const char *text)
{
    return str_find(buf_str(b), str_from(text)) >= 0;
}

static void finished(struct fixture *x)
{
    struct err e = {0};
    assert_int_equal(x->failed, 0);
    if (fixture_end(x, &e) < 0)
        fail_msg("%s", e.text);
}

/* The data of a page, as the browser gets it. */
static struct buf page_data(const struct buf *page)
{
    static const char open_tag[] = "id=\"data\">";
    struct str s = buf_str(page);
    struct buf raw, out;
    ptrdiff_t at = str_find(s, str_from(open_tag));
    assert_true(at > 0);
    s = str_sub(s, (size_t)at + sizeof(open_tag) - 1, s.n);
    s.n = (size_t)str_find(s, STR_LIT("<"));
    buf_init(&raw, 256u << 20);
    buf_init(&out, 256u << 20);
    uint32_t v = 0;
    unsigned bits = 0;
    for (size_t i = 0; i < s.n && s.p[i] != '='; i++) {
        const char *alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        const char *p = strchr(alphabet, s.p[i]);
        assert_non_null(p);
        v = v << 6 | (uint32_t)(p - alphabet);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            buf_u8(&raw, (uint8_t)(v >> bits));
        }
    }
    z_stream z = {.next_in = raw.data, .avail_in = (uInt)raw.len};
    uint8_t part[65536];
    int rc;
    assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
    do {
        z.next_out = part;
        z.avail_out = sizeof(part);
        rc = inflate(&z, Z_NO_FLUSH);
        assert_true(rc == Z_OK || rc == Z_STREAM_END);
        buf_add(&out, part, sizeof(part) - z.avail_out);
    } while (rc != Z_STREAM_END);
    inflateEnd(&z);
    buf_free(&raw);
    assert_int_equal(out.failed, 0);
    return out;
}

static void golden(void **state)
{
    (void)state;
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    finished(&x);
    struct buf b = written_by(x.report, "json");
    const char *path = GOLDEN_DIR "/report.json";
    if (getenv("BELLJAR_GOLDEN_UPDATE")) {
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fwrite(b.data, 1, b.len, f);
        fputc('\n', f);
        fclose(f);
    }
    struct buf want;
    buf_init(&want, 64u << 20);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s is missing: make it with BELLJAR_GOLDEN_UPDATE=1", path);
    uint8_t part[4096];
    size_t n;
    while ((n = fread(part, 1, sizeof(part), f)) > 0)
        buf_add(&want, part, n);
    fclose(f);
    while (want.len && want.data[want.len - 1] == '\n')
        want.len--;
    while (b.len && b.data[b.len - 1] == '\n')
        b.len--;
    size_t at = 0, line = 1;
    while (at < b.len && at < want.len && b.data[at] == want.data[at])
        line += b.data[at++] == '\n';
    if (at != b.len || at != want.len)
        fail_msg("report.json differs from %s at line %zu: %.*s", path, line, STR_ARG(str_sub(buf_str(&b), at, 120)));
    buf_free(&want);
    buf_free(&b);
    fixture_free(&x);
}

static void page(void **state)
{
    (void)state;
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    finished(&x);
    struct buf b = written_by(x.report, "html");
    assert_true(b.len < 1000000);
    assert_true(has(&b, "default-src 'none'; script-src 'sha256-"));
    assert_false(has(&b, "alert(1)")); /* nothing of the sample stands in the page as it is */
    assert_false(has(&b, "src=\"http"));
    assert_true(has(&b, "<noscript><h1>Belljar: malicious (score 100 of 100)"));
    struct buf data = page_data(&b), json = written_by(x.report, "json");
    assert_int_equal(json_object_check(buf_str(&data)), 0);
    assert_int_equal(json_object_check(buf_str(&json)), 0);
    assert_true(has(&data, "alert(1)"));
    assert_true(has(&data, "caf\\\\xe9.doc")); /* the byte is kept */
    buf_free(&json);
    buf_free(&data);
    buf_free(&b);
    fixture_free(&x);
}

/* Joins: a flow, a name and a request belong to the process whose socket it was. */
static void joins(void **state)
{
    (void)state;
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    finished(&x);
    const struct flow_row *f = x.report->flows.items;
    const struct dns_row *d = x.report->dns.items;
    const struct http_row *h = x.report->http.items;
    unsigned both = 0;
    for (size_t i = 0; i < x.report->flows.count; i++) {
        assert_true(f[i].n != 0);
        both += f[i].by_net && f[i].by_tracer;
    }
    assert_int_equal(both, 26);
    assert_int_equal(x.report->dns.count, 2);
    for (size_t i = 0; i < x.report->dns.count; i++)
        assert_true(d[i].n != 0);
    assert_int_equal(d[1].count, 24);
    assert_int_equal(x.report->http.count, 4);
    for (size_t i = 0; i < x.report->http.count; i++)
        assert_true(h[i].n != 0);
    assert_int_equal(proctab_get(x.procs, h[0].n)->pid, 1001);
    assert_int_equal(proctab_get(x.procs, h[1].n)->pid, 1010);
    fixture_free(&x);
}

/* A copy of what the machine itself wrote is no file of the sample; its copies of the sample's files are. */
static void copies(void **state)
{
    (void)state;
    struct fixture x;
    unsigned own = 0, system = 0;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    finished(&x);
    const struct capture_row *c = x.report->captures.items;
    for (size_t i = 0; i < x.report->captures.count; i++) {
        bool mail = str_eqz(report_get(x.report, c[i].path), "/tmp/#17");
        assert_int_equal(c[i].system, mail);
        own += !mail;
        system += mail;
    }
    assert_true(own > 0 && system == 1);
    const struct file_row *f = x.report->files.items;
    for (size_t i = 0; i < x.report->files.count; i++)
        if (str_eqz(report_get(x.report, f[i].path), "/tmp/#17"))
            assert_true(f[i].system);
    fixture_free(&x);
}

static const struct {
    const char *kind, *value;
    unsigned origins;
} wanted[] = {
    {"url", "http://update.cdn-static.example/kworker", 1u << ORIGIN_COMMAND | 1u << ORIGIN_HTTP},
    {"domain", "update.cdn-static.example", 1u << ORIGIN_COMMAND | 1u << ORIGIN_HTTP | 1u << ORIGIN_DNS},
};

/* Each once, with all the places where it was seen; nothing that the simulated internet made up. */
static void indicators(void **state)
{
    (void)state;
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    finished(&x);
    const struct indicator_row *r = x.report->indicators.items;
    const struct flow_row *flows = x.report->flows.items;
    unsigned seen[2] = {0};
    for (size_t i = 0; i < x.report->indicators.count; i++) {
        struct str value = report_get(x.report, r[i].value);
        for (size_t k = 0; k < sizeof(wanted) / sizeof(*wanted); k++)
            if (str_eqz(value, wanted[k].value) && !strcmp(report_indicator_kinds[r[i].kind], wanted[k].kind)) {
                seen[k]++;
                if ((r[i].origins & wanted[k].origins) != wanted[k].origins)
                    fail_msg("%s: origins %x", wanted[k].value, r[i].origins);
            }
        for (size_t k = 0; k < x.report->flows.count; k++)
            if (flows[k].host && flows[k].ip == r[i].value)
                fail_msg("the made-up address %.*s", STR_ARG(value));
    }
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 1);
    fixture_free(&x);
}

/* What a sample may put into names: none of it may break a format. */
static void hostile(void **state)
{
    (void)state;
    static char big[65536];
    memset(big, 'A', sizeof(big));
    memcpy(big, "</script><script>", 17);
    const struct {
        const char *p;
        size_t n;
    } table[] = {
        {"</script><script>alert(1)</script>", 34},
        {"<!-- <![CDATA[ ]]> -->", 22},
        {"\xff\xfe\x80", 3},
        {"\xed\xa0\x80\xc0\x80\xf4\x90\x80\x80", 9},
        {"a\0b\0", 4},
        {"\x1b]0;title\x07\x1b[2J", 14},
        {"\xe2\x80\xae\xe2\x81\xa6gpj.exe", 13},
        {"\\x41\\\\\"'`${}", 12},
        {"\xe2\x80\xa8\xe2\x80\xa9", 6},
        {"", 0},
        {NULL, 0},
        {big, sizeof(big)},
    };
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    const struct event_kind_info *k;
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        for (size_t at = 0; (k = event_kind_at(at)) != NULL; at++) {
            fixture_event(&x, k->kind, k->kind >= 80 && k->kind < 90 ? EVENT_SOURCE_NET : EVENT_SOURCE_TRACER, 1010, 9);
            for (unsigned c = 0; c < k->count; c++) {
                if (k->fields[c].type == EV_STR || k->fields[c].type == EV_TEXT)
                    fixture_n(&x, table[i].p, table[i].n);
                else
                    fixture_u(&x, i % 2 ? UINT64_MAX : 0);
            }
            x.ev.pid = k->kind == EVENT_PROCESS_START ? 5000 + (uint32_t)i : x.ev.pid;
            fixture_send(&x);
        }
    /* fewer fields than the schema, unknown kinds, far past and future */
    fixture_event(&x, EVENT_PROCESS_EXEC, EVENT_SOURCE_TRACER, 1010, 9);
    fixture_send(&x);
    fixture_event(&x, 9999, EVENT_SOURCE_TRACER, 1010, 9);
    fixture_send(&x);
    fixture_event(&x, EVENT_FILE_CREATE, EVENT_SOURCE_TRACER, 1010, 4e9);
    fixture_s(&x, "/late");
    fixture_send(&x);
    finished(&x);
    assert_true(x.report->texts_cut > 0);
    assert_int_equal(x.report->unknown_kinds, 1);
    struct buf json = written_by(x.report, "json"), html = written_by(x.report, "html"), data = page_data(&html);
    assert_int_equal(json_object_check(buf_str(&json)), 0);
    assert_int_equal(json_object_check(buf_str(&data)), 0);
    assert_false(has(&json, "</script"));
    assert_true(has(&json, "\\\\xff\\\\xfe\\\\x80"));
    assert_false(has(&html, "\xe2\x80\xae"));
    unsigned ends = 0;
    for (struct str s = buf_str(&html); str_find(s, STR_LIT("</script>")) >= 0; ends++)
        s = str_sub(s, (size_t)str_find(s, STR_LIT("</script>")) + 9, s.n);
    assert_int_equal(ends, 2);
    buf_free(&data);
    buf_free(&html);
    buf_free(&json);
    fixture_free(&x);
}

/* A large log: every cap holds, what is missing is counted, evidence is in the page wherever it was in the log. */
static void large(void **state)
{
    (void)state;
    struct fixture x;
    char path[64];
    uint64_t seq = 0;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_dropper(&x);
    for (unsigned i = 0; i < 60000; i++) {
        snprintf(path, sizeof(path), "/srv/%u", i % 9000);
        fixture_event(&x, EVENT_FILE_CREATE, EVENT_SOURCE_TRACER, 1010, 9 + i * 0.0005);
        fixture_s(&x, path);
        fixture_u(&x, 0600);
        uint64_t now = fixture_send(&x);
        if (i == 51234)
            seq = now;
    }
    fixture_finding(&x, "test.late", "Something late", "impact", SEVERITY_LOW, 1, "T1486");
    fixture_evidence(&x, EVENT_SOURCE_TRACER, seq, 34.6, 1010);
    finished(&x);
    assert_true(x.report->files.count == REPORT_FILES_MAX);
    assert_true(x.report->files_more_distinct > 4000 && x.report->files_more_distinct < 4600);
    assert_true(x.report->held.count == REPORT_EVENTS_MAX);
    const struct held_event *h = x.report->held.items;
    unsigned found = 0, http = 0;
    for (size_t i = 0; i < x.report->held.count; i++) {
        found += h[i].source == EVENT_SOURCE_TRACER && h[i].seq == seq;
        http += h[i].kind == EVENT_HTTP_REQUEST;
        assert_true(i == 0 || h[i - 1].ordinal < h[i].ordinal);
    }
    assert_int_equal(found, 1);
    assert_int_equal(http, 4);
    assert_true(x.report->nbuckets <= REPORT_BUCKETS);
    struct buf html = written_by(x.report, "html");
    assert_true(html.len < 2000000);
    buf_free(&html);
    fixture_free(&x);
}

/* A run in which nothing ran. */
static void nothing(void **state)
{
    (void)state;
    struct fixture x;
    assert_int_equal(fixture_begin(&x, dir), 0);
    fixture_nothing(&x);
    finished(&x);
    struct buf json = written_by(x.report, "json"), html = written_by(x.report, "html");
    assert_true(has(&json, "\"word\": \"unknown\""));
    assert_true(has(&json, "The sample did not run"));
    assert_true(has(&json, "\"processes\": []"));
    buf_free(&json);
    buf_free(&html);
    fixture_free(&x);
}

static void facts_checked(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int want;
    } table[] = {
        {"{}", 0},
        {" {\"a\":[1,-2.5e+3,true,false,null,\"x\\u00e9\\n\"]} ", 0},
        {"{\"a\":{\"b\":{}}}", 0},
        {"", -1},
        {"[]", -1},
        {"{", -1},
        {"{}x", -1},
        {"{\"a\"}", -1},
        {"{\"a\":}", -1},
        {"{\"a\":1,}", -1},
        {"{\"a\":01}", -1},
        {"{\"a\":\"\\q\"}", -1},
        {"{\"a\":\"\n\"}", -1},
        {"{\"a\":tru}", -1},
        {"{\"a\":\"\xff\"}", -1},
        {"{\"a\":1 \"b\":2}", -1},
        {"{\"a\":+1}", -1},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
        if ((json_object_check(str_from(table[i].text)) == 0) != (table[i].want == 0))
            fail_msg("row %zu: %s", i, table[i].text);
    char deep[512];
    memset(deep, 0, sizeof(deep));
    memcpy(deep, "{\"a\":", 5);
    memset(deep + 5, '[', 200);
    memset(deep + 205, ']', 200);
    deep[405] = '}';
    assert_int_not_equal(json_object_check(str_from(deep)), 0);
    assert_true(str_eqz(json_member(STR_LIT("{\"x\":{\"k\":\"no\"},\"k\":\"yes\"}"), "k"), "yes"));
    assert_true(str_eqz(json_member(STR_LIT("{\"k\": {\"a\":1} }"), "k"), "{\"a\":1}"));
    assert_null(json_member(STR_LIT("{\"k\":1}"), "j").p);
    assert_null(json_member(STR_NONE, "j").p);
    assert_null(json_member(STR_LIT("{\"k\":"), "k").p);
}

static void refuses(void **state)
{
    (void)state;
    struct fixture x;
    struct err e = {0};
    assert_int_equal(fixture_begin(&x, dir), 0);
    assert_int_equal(report_writer_by_name("json")->write(x.report, 1, &e), ERR_CONFLICT);
    finished(&x);
    int fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        assert_int_equal(report_writer_by_name("json")->write(x.report, fd, &e), -ENOSPC);
        assert_int_equal(report_writer_by_name("html")->write(x.report, fd, &e), -ENOSPC);
        close(fd);
    }
    assert_null(report_writer_by_name("pdf"));
    assert_null(report_writer_at(2));
    fixture_free(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden),        cmocka_unit_test(page),    cmocka_unit_test(joins), cmocka_unit_test(copies),
        cmocka_unit_test(indicators),    cmocka_unit_test(hostile), cmocka_unit_test(large), cmocka_unit_test(nothing),
        cmocka_unit_test(facts_checked), cmocka_unit_test(refuses),
    };
    if (!mkdtemp(dir))
        return 2;
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(dir);
    return rc;
}
