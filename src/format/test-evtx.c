/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/evtx.h"

#include "evtx-make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#define HEADER 4096u
#define CHUNK 65536u

static const struct evtx_make_field process_fields[] = {
    {.name = "RuleName", .text = "-"},
    {.name = "Image", .text = "C:\\Windows\\System32\\cmd.exe"},
    {.name = "CommandLine", .text = "cmd /c \"echo gr\xc3\xbc\xc3\x9f & dir <x>\" "},
    {.name = "ProcessId", .value = {0x08, "\x34\x12\0\0", 4}},
};
static const struct evtx_make_event process_event = {.provider = "Microsoft-Windows-Sysmon",
                                                     .channel = "Microsoft-Windows-Sysmon/Operational",
                                                     .id = 1,
                                                     .filetime = 133800000000000000ull + 1234567,
                                                     .fields = process_fields,
                                                     .nfields = 4};

struct result {
    struct buf json, xml; /* of all records, one a line */
    unsigned records, damaged, recovered;
    uint64_t chunks;
    struct anomalies anomalies;
    uint64_t ids[4096];
};

static int read_all(const void *p, size_t n, struct result *ret)
{
    struct evtx_memory m = {p, n};
    struct evtx_source s = evtx_memory_source(&m);
    struct evtx *x = NULL;
    struct evtx_record r;
    struct jsonw w;
    struct err e;
    int rc;

    memset(ret, 0, sizeof(*ret));
    buf_init(&ret->json, 64u << 20);
    buf_init(&ret->xml, 64u << 20);
    if ((rc = evtx_new(&s, &x, &e)) < 0)
        return rc;
    while ((rc = evtx_next(x, &r, &e)) == 1) {
        jsonw_to_buf(&w, &ret->json, false);
        evtx_json(&w, &r);
        assert_int_equal(jsonw_finish(&w), 0);
        buf_u8(&ret->json, '\n');
        evtx_xml(&ret->xml, &r);
        buf_u8(&ret->xml, '\n');
        assert_int_equal(r.number, ret->records);
        if (ret->records < 4096)
            ret->ids[ret->records] = r.id;
        ret->records++;
        ret->damaged += r.damaged;
        ret->recovered += r.recovered;
    }
    ret->anomalies = *evtx_anomalies(x);
    ret->chunks = evtx_chunks(x);
    evtx_free(&x);
    assert_null(x);
    return rc;
}

static void result_free(struct result *r)
{
    buf_free(&r->json);
    buf_free(&r->xml);
}

static const struct anomaly *anomaly_of(const struct result *r, const char *what)
{
    for (unsigned i = 0; i < r->anomalies.count; i++)
        if (!strcmp(r->anomalies.items[i].what, what))
            return &r->anomalies.items[i];
    return NULL;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

/* n events over as many chunks as they need. */
static struct buf file_make(unsigned n)
{
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;

    assert_non_null(m);
    evtx_make_begin(m);
    for (unsigned i = 0; i < n; i++)
        evtx_make_add(m, &process_event);
    evtx_make_end(m, &b);
    free(m);
    return b;
}

static void test_event(void **unused)
{
    struct buf b = file_make(1);
    struct result r;

    (void)unused;
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, 1);
    assert_int_equal(r.anomalies.count, 0);
    assert_string_equal(
        buf_z(&r.json),
        "{\"Event\":{\"#attributes\":{\"xmlns\":\"http://schemas.microsoft.com/win/2004/08/events/event\"},"
        "\"System\":{\"Provider\":{\"#attributes\":{\"Name\":\"Microsoft-Windows-Sysmon\","
        "\"Guid\":\"5770385F-C22A-43E0-BF4C-06F5698FFBD9\"}},\"EventID\":1,\"Version\":0,\"Level\":4,\"Task\":1,"
        "\"Opcode\":0,\"Keywords\":\"0x8000000000000000\","
        "\"TimeCreated\":{\"#attributes\":{\"SystemTime\":\"2024-12-30T02:40:00.123456Z\"}},\"EventRecordID\":1,"
        "\"Correlation\":null,\"Execution\":{\"#attributes\":{\"ProcessID\":10000,\"ThreadID\":10000}},"
        "\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"Computer\":\"test.invalid\","
        "\"Security\":{\"#attributes\":{\"UserID\":\"S-1-5-18\"}}},"
        "\"EventData\":{\"RuleName\":\"-\",\"Image\":\"C:\\\\Windows\\\\System32\\\\cmd.exe\","
        "\"CommandLine\":\"cmd /c \\\"echo gr\xc3\xbc\xc3\x9f \\u0026 dir \\u003cx\\u003e\\\" "
        "\",\"ProcessId\":4660}}}\n");
    assert_non_null(strstr(buf_z(&r.xml),
                           "<Data Name=\"CommandLine\">cmd /c \"echo gr\xc3\xbc\xc3\x9f &amp; dir "
                           "&lt;x&gt;\" </Data><Data Name=\"ProcessId\">4660</Data></EventData></Event>"));
    assert_non_null(strstr(buf_z(&r.xml), "Guid=\"{5770385F-C22A-43E0-BF4C-06F5698FFBD9}\"/>"));
    result_free(&r);
    buf_free(&b);
}

static void test_many(void **unused)
{
    struct buf b = file_make(1000);
    struct result r;

    (void)unused;
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, 1000);
    assert_true(r.chunks > 3);
    assert_int_equal(r.damaged + r.recovered, 0);
    assert_int_equal(r.anomalies.count, 0);
    for (unsigned i = 0; i < 1000; i++)
        assert_int_equal(r.ids[i], i + 1);
    result_free(&r);
    buf_free(&b);
}

/* ---- values -------------------------------------------------------------------------------------------------- */

struct value_row {
    uint8_t type;
    const char *data;
    size_t n;
    const char *json, *xml;
};

#define V(type, data, json, xml) {type, data, sizeof(data) - 1, json, xml}
static const struct value_row value_rows[] = {
    V(0x00, "", "null", "<Data Name=\"v\"/>"),
    V(0x00, "junk", "null", "<Data Name=\"v\"/>"),
    V(0x01, "", "\"\"", "<Data Name=\"v\"></Data>"),
    V(0x01, "a\0b\0", "\"ab\"", "<Data Name=\"v\">ab</Data>"),
    V(0x01, "a\0\0\0", "\"a\"", "<Data Name=\"v\">a</Data>"),
    V(0x01, "a\0\0\0b\0", "\"a\\u0000b\"",
      "<Data Name=\"v\">a\xef\xbf\xbd"
      "b</Data>"),
    V(0x01, "\x3d\xd8", "\"\xef\xbf\xbd\"", "<Data Name=\"v\">\xef\xbf\xbd</Data>"),
    V(0x02, "caf\xe9 \x80", "\"caf\xc3\xa9 \xe2\x82\xac\"", "<Data Name=\"v\">caf\xc3\xa9 \xe2\x82\xac</Data>"),
    V(0x03, "\xff", "-1", "<Data Name=\"v\">-1</Data>"),
    V(0x04, "\xff", "255", "<Data Name=\"v\">255</Data>"),
    V(0x05, "\x00\x80", "-32768", "<Data Name=\"v\">-32768</Data>"),
    V(0x06, "\x50\x12", "4688", "<Data Name=\"v\">4688</Data>"),
    V(0x07, "\xfe\xff\xff\xff", "-2", "<Data Name=\"v\">-2</Data>"),
    V(0x08, "\xff\xff\xff\xff", "4294967295", "<Data Name=\"v\">4294967295</Data>"),
    V(0x09, "\0\0\0\0\0\0\0\x80", "-9223372036854775808", "<Data Name=\"v\">-9223372036854775808</Data>"),
    V(0x0a, "\xff\xff\xff\xff\xff\xff\xff\xff", "18446744073709551615", "<Data Name=\"v\">18446744073709551615</Data>"),
    V(0x0b, "\0\0\xc0\x3f", "1.5", "<Data Name=\"v\">1.5</Data>"),
    V(0x0b, "\0\0\x80\x7f", "\"1.#INF\"", "<Data Name=\"v\">1.#INF</Data>"),
    V(0x0c, "\0\0\0\0\0\0\xf8\x7f", "\"-1.#IND\"", "<Data Name=\"v\">-1.#IND</Data>"),
    V(0x0c, "\0\0\0\0\0\0\x04\xc0", "-2.5", "<Data Name=\"v\">-2.5</Data>"),
    V(0x0d, "\1\0\0\0", "true", "<Data Name=\"v\">true</Data>"),
    V(0x0d, "\0\0\0\0", "false", "<Data Name=\"v\">false</Data>"),
    V(0x0d, "\x80\0\0\0", "true", "<Data Name=\"v\">true</Data>"),
    V(0x0e, "\xde\xad\xbe\xef", "\"DEADBEEF\"", "<Data Name=\"v\">DEADBEEF</Data>"),
    V(0x0f, "\x03\x02\x01\x00\x05\x04\x07\x06\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
      "\"00010203-0405-0607-0809-0A0B0C0D0E0F\"", "<Data Name=\"v\">{00010203-0405-0607-0809-0A0B0C0D0E0F}</Data>"),
    V(0x10, "\x10\0\0\0", "\"0x10\"", "<Data Name=\"v\">0x10</Data>"),
    V(0x10, "\x10\0\0\0\0\0\0\x10", "\"0x1000000000000010\"", "<Data Name=\"v\">0x1000000000000010</Data>"),
    V(0x11, "\0\x80\x3e\xd5\xde\xb1\x9d\x01", "\"1970-01-01T00:00:00.000000Z\"",
      "<Data Name=\"v\">1970-01-01T00:00:00.000000Z</Data>"),
    V(0x11, "\0\0\0\0\0\0\0\0", "\"1601-01-01T00:00:00.000000Z\"",
      "<Data Name=\"v\">1601-01-01T00:00:00.000000Z</Data>"),
    V(0x11, "\xff\xff\xff\xff\xff\xff\xff\xff", "\"0xffffffffffffffff\"", "<Data Name=\"v\">0xffffffffffffffff</Data>"),
    V(0x12, "\xe8\x07\x02\x00\x04\x00\x1d\x00\x17\x00\x3b\x00\x3a\x00\xe7\x03", "\"2024-02-29T23:59:58.999000Z\"",
      "<Data Name=\"v\">2024-02-29T23:59:58.999000Z</Data>"),
    V(0x13, "\1\2\0\0\0\0\0\5\x20\0\0\0\x20\2\0\0", "\"S-1-5-32-544\"", "<Data Name=\"v\">S-1-5-32-544</Data>"),
    V(0x14, "\xff\xff\x1f\0", "\"0x1fffff\"", "<Data Name=\"v\">0x1fffff</Data>"),
    V(0x15, "\0\0\0\0\0\0\0\x80", "\"0x8000000000000000\"", "<Data Name=\"v\">0x8000000000000000</Data>"),
    V(0x81, "a\0\0\0b\0c\0\0\0", "[\"a\",\"bc\"]", "<Data Name=\"v\">a</Data><Data Name=\"v\">bc</Data>"),
    V(0x81, "a\0\0\0\0\0b\0", "[\"a\",\"\",\"b\"]",
      "<Data Name=\"v\">a</Data><Data Name=\"v\"></Data><Data Name=\"v\">b</Data>"),
    V(0x82, "a\0b\0", "[\"a\",\"b\"]", "<Data Name=\"v\">a</Data><Data Name=\"v\">b</Data>"),
    V(0x86, "\1\0\2\0\3\0", "[1,2,3]", "<Data Name=\"v\">1</Data><Data Name=\"v\">2</Data><Data Name=\"v\">3</Data>"),
    V(0x94, "\1\0\0\0\x0a\0\0\0", "[\"0x1\",\"0xa\"]", "<Data Name=\"v\">0x1</Data><Data Name=\"v\">0xa</Data>"),
    V(0x93, "\1\1\0\0\0\0\0\5\x12\0\0\0\1\1\0\0\0\0\0\5\x13\0\0\0", "[\"S-1-5-18\",\"S-1-5-19\"]",
      "<Data Name=\"v\">S-1-5-18</Data><Data Name=\"v\">S-1-5-19</Data>"),
    V(0x88, "", "null", "<Data Name=\"v\"/>"),
    V(0x77, "\1\2", "\"0102\"", "<Data Name=\"v\">0102</Data>"), /* a type nobody knows is shown as bytes */
};

static void test_values(void **unused)
{
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    struct result r;
    char *json, *xml;

    (void)unused;
    assert_non_null(m);
    evtx_make_begin(m);
    for (size_t i = 0; i < sizeof(value_rows) / sizeof(*value_rows); i++) {
        struct evtx_make_field f = {.name = "v", .value = {value_rows[i].type, value_rows[i].data, value_rows[i].n}};
        struct evtx_make_event ev = {.provider = "p", .channel = "c", .id = 1, .fields = &f, .nfields = 1};
        evtx_make_add(m, &ev);
    }
    evtx_make_end(m, &b);
    free(m);
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, sizeof(value_rows) / sizeof(*value_rows));
    assert_int_equal(r.anomalies.count, 0);
    json = (char *)buf_z(&r.json);
    xml = (char *)buf_z(&r.xml);
    for (size_t i = 0; i < sizeof(value_rows) / sizeof(*value_rows); i++) {
        char *end = strchr(json, '\n'), *xend = strchr(xml, '\n'), want[400];
        *end = *xend = 0;
        snprintf(want, sizeof(want), "\"EventData\":{\"v\":%s}}}", value_rows[i].json);
        json = strstr(json, "\"EventData\"");
        assert_non_null(json);
        assert_string_equal(json, want);
        snprintf(want, sizeof(want), "<EventData>%s</EventData></Event>", value_rows[i].xml);
        xml = strstr(xml, "<EventData>");
        assert_non_null(xml);
        assert_string_equal(xml, want);
        json = end + 1;
        xml = xend + 1;
    }
    result_free(&r);
    buf_free(&b);
}

/* Values too short for their types: told, and the rest of the record is there. */
static void test_values_damaged(void **unused)
{
    static const struct {
        uint8_t type;
        size_t n;
    } rows[] = {{0x05, 1},  {0x08, 3}, {0x0a, 7},  {0x0f, 15}, {0x11, 4}, {0x12, 15}, {0x13, 7},
                {0x13, 11}, {0x14, 3}, {0x8f, 17}, {0x93, 9},  {0x21, 3}, {0x0c, 4},  {0x0d, 3}};

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct evtx_make *m = malloc(sizeof(*m));
        struct evtx_make_field f[] = {
            {.name = "v", .value = {rows[i].type, "\1\1\0\0\0\0\0\5\x12\0\0\0\0\0\0\0\0\0", rows[i].n}},
            {.name = "after", .text = "there"}};
        struct evtx_make_event ev = {.provider = "p", .channel = "c", .id = 1, .fields = f, .nfields = 2};
        struct buf b;
        struct result r;
        assert_non_null(m);
        evtx_make_begin(m);
        evtx_make_add(m, &ev);
        evtx_make_end(m, &b);
        free(m);
        assert_int_equal(read_all(b.data, b.len, &r), 0);
        assert_int_equal(r.records, 1);
        assert_int_equal(r.damaged, 1);
        assert_int_equal(r.anomalies.count, 1);
        assert_non_null(strstr(buf_z(&r.json), "\"after\":\"there\""));
        result_free(&r);
        buf_free(&b);
    }
}

/* ---- tokens -------------------------------------------------------------------------------------------------- */

static void write_tokens(struct evtx_make *m, void *context)
{
    struct evtx_make_element root = evtx_make_open(m, "Event", false, true), e;

    (void)context;
    evtx_make_content(m);
    e = evtx_make_open(m, "Mixed", true, true);
    evtx_make_attribute(m, "a", true);
    evtx_make_text(m, "one");
    evtx_make_attribute(m, "b", false);
    evtx_make_text(m, "t<w");
    buf_u8(&m->chunk, 0x09); /* entity */
    evtx_make_name(m, "amp");
    evtx_make_text(m, "o\"");
    evtx_make_attributes_end(m, &e);
    evtx_make_content(m);
    evtx_make_text(m, "x ");
    buf_add(&m->chunk, "\x48\x26\x00", 3);          /* character 38 */
    buf_add(&m->chunk, "\x07\x03\x00<\0a\0>\0", 9); /* CDATA */
    buf_u8(&m->chunk, 0x49);
    evtx_make_name(m, "lt");
    evtx_make_close(m, &e);
    buf_u8(&m->chunk, 0x0a); /* a processing instruction is passed over */
    evtx_make_name(m, "target");
    buf_add(&m->chunk, "\x0b\x02\x00p\0i\0", 7);
    e = evtx_make_open(m, "Same", false, true);
    evtx_make_close_empty(m, &e);
    e = evtx_make_open(m, "Same", false, true);
    evtx_make_content(m);
    evtx_make_text(m, "2");
    evtx_make_close(m, &e);
    e = evtx_make_open(m, "Data", false, true);
    evtx_make_content(m);
    evtx_make_text(m, "plain");
    evtx_make_close(m, &e);
    e = evtx_make_open(m, "Data", false, true);
    evtx_make_close_empty(m, &e);
    evtx_make_close(m, &root);
}

static void write_fragments(struct evtx_make *m, void *context)
{
    struct evtx_make_element e = evtx_make_open(m, "Event", false, true);

    (void)context;
    evtx_make_close_empty(m, &e);
    buf_add(&m->chunk, "\0\x0f\x01\x01\0", 5); /* the end of one fragment, the beginning of the next */
    e = evtx_make_open(m, "Event", false, true);
    evtx_make_content(m);
    evtx_make_text(m, "second");
    evtx_make_close(m, &e);
}

static void raw_check(void (*write)(struct evtx_make *, void *), const char *json, const char *xml, const char *anomaly)
{
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    struct result r;

    assert_non_null(m);
    evtx_make_begin(m);
    evtx_make_raw(m, write, NULL);
    evtx_make_end(m, &b);
    free(m);
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, 1);
    if (json)
        assert_string_equal(buf_z(&r.json), json);
    if (xml)
        assert_string_equal(buf_z(&r.xml), xml);
    if (anomaly)
        assert_non_null(anomaly_of(&r, anomaly));
    else
        assert_int_equal(r.anomalies.count, 0);
    result_free(&r);
    buf_free(&b);
}

static void test_tokens(void **unused)
{
    (void)unused;
    raw_check(write_tokens,
              "{\"Event\":{\"Mixed\":{\"#attributes\":{\"a\":\"one\",\"b\":\"t\\u003cw\\u0026o\\\"\"},"
              "\"#text\":\"x \\u0026\\u003ca\\u003e\\u003c\"},\"Same\":null,\"Same_1\":\"2\","
              "\"Data\":{\"#text\":[\"plain\",\"\"]}}}\n",
              "<Event><Mixed a=\"one\" b=\"t&lt;w&amp;o&quot;\">x &amp;&lt;a&gt;&lt;</Mixed><Same/><Same>2</Same>"
              "<Data>plain</Data><Data/></Event>\n",
              NULL);
    raw_check(write_fragments, "{\"Event\":null,\"Event_1\":\"second\"}\n", "<Event/><Event>second</Event>\n", NULL);
}

static void write_optional_template(struct evtx_make *m, void *context)
{
    struct evtx_make_element root = evtx_make_open(m, "Event", false, true), e;

    (void)context;
    evtx_make_content(m);
    for (unsigned i = 0; i < 3; i++) {
        static const char *const names[] = {"Normal", "Optional", "Missing"};
        e = evtx_make_open(m, names[i], false, true);
        evtx_make_content(m);
        evtx_make_substitution(m, i == 2 ? 77 : i, 0x01, i != 0);
        evtx_make_close(m, &e);
    }
    e = evtx_make_open(m, "Attributes", true, true);
    evtx_make_attribute(m, "normal", true);
    evtx_make_substitution(m, 0, 0x01, false);
    evtx_make_attribute(m, "optional", false);
    evtx_make_substitution(m, 1, 0x01, true);
    evtx_make_attributes_end(m, &e);
    evtx_make_close_empty(m, &e);
    e = evtx_make_open(m, "Document", false, true);
    evtx_make_content(m);
    evtx_make_substitution(m, 2, 0x21, true);
    evtx_make_close(m, &e);
    evtx_make_close(m, &root);
}

static void write_optional(struct evtx_make *m, void *context)
{
    size_t at, document;
    struct evtx_make_element e;
    struct evtx_make_value v[3] = {{0, NULL, 0}, {0, NULL, 0}, {0x21, NULL, 0}};

    (void)context;
    evtx_make_template(m, "optional", write_optional_template, NULL);
    at = m->chunk.len;
    evtx_make_values(m, v, 3);
    /* A document without a template, as a value: no dependency identifier there. */
    document = m->chunk.len;
    e = evtx_make_open(m, "Inner", false, false);
    evtx_make_content(m);
    evtx_make_text(m, "value");
    evtx_make_close(m, &e);
    buf_u8(&m->chunk, 0);
    m->chunk.data[at + 4 + 8] = (uint8_t)(m->chunk.len - document);
}

static void test_optional(void **unused)
{
    (void)unused;
    raw_check(write_optional,
              "{\"Event\":{\"Normal\":null,\"Attributes\":{\"#attributes\":{\"normal\":null}},"
              "\"Document\":{\"Inner\":\"value\"}}}\n",
              "<Event><Normal/><Attributes normal=\"\"/><Document><Inner>value</Inner></Document></Event>\n", NULL);
}

static void test_user_data(void **unused)
{
    static const struct evtx_make_field fields[] = {{.name = "Path", .text = "C:\\x"},
                                                    {.name = "Count", .value = {0x04, "\7", 1}}};
    struct evtx_make_event ev = {
        .provider = "p", .channel = "c", .id = 9, .user_data = "Printed", .fields = fields, .nfields = 2};
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    struct result r;

    (void)unused;
    assert_non_null(m);
    evtx_make_begin(m);
    evtx_make_add(m, &ev);
    evtx_make_end(m, &b);
    free(m);
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_non_null(strstr(buf_z(&r.json), "\"UserData\":{\"Printed\":{\"Path\":\"C:\\\\x\",\"Count\":7}}}}\n"));
    result_free(&r);
    buf_free(&b);
}

/* ---- limits -------------------------------------------------------------------------------------------------- */

static void write_deep(struct evtx_make *m, void *context)
{
    struct evtx_make_element e[EVTX_DEPTH_MAX + 5];

    (void)context;
    for (unsigned i = 0; i < EVTX_DEPTH_MAX + 5; i++) {
        e[i] = evtx_make_open(m, "Event", false, true);
        evtx_make_content(m);
    }
    for (unsigned i = EVTX_DEPTH_MAX + 5; i-- > 0;)
        evtx_make_close(m, &e[i]);
}

static void write_bomb_template(struct evtx_make *m, void *context)
{
    struct evtx_make_element root = evtx_make_open(m, "Event", false, true);

    (void)context;
    evtx_make_content(m);
    for (unsigned i = 0; i < 8000; i++)
        evtx_make_substitution(m, 0, 0x01, false);
    evtx_make_close(m, &root);
}

/* 8000 times a text of 8000 characters. */
static void write_bomb(struct evtx_make *m, void *context)
{
    static char text[16000];
    struct evtx_make_value v = {0x01, text, sizeof(text)};

    (void)context;
    memset(text, 'a', sizeof(text));
    evtx_make_template(m, "bomb", write_bomb_template, NULL);
    evtx_make_values(m, &v, 1);
}

/* A template whose document contains an instance of it. */
static void write_self_template(struct evtx_make *m, void *context)
{
    struct evtx_make_element root = evtx_make_open(m, "Event", false, true);
    uint32_t offset = *(const uint32_t *)context;

    evtx_make_content(m);
    buf_add(&m->chunk, "\x0c\x01\0\0\0\0", 6);
    buf_u32le(&m->chunk, offset);
    buf_u32le(&m->chunk, 0);
    evtx_make_close(m, &root);
}

static void write_self(struct evtx_make *m, void *context)
{
    uint32_t offset = (uint32_t)m->chunk.len + 10;

    (void)context;
    evtx_make_template(m, "self", write_self_template, &offset);
    evtx_make_values(m, NULL, 0);
}

/* Hundreds of records that use one large template: the first are read, the others told, and it does not take long. */
static void write_wide_template(struct evtx_make *m, void *context)
{
    struct evtx_make_element root = evtx_make_open(m, "Event", false, true), e;

    (void)context;
    evtx_make_content(m);
    for (unsigned i = 0; i < 1500; i++) {
        e = evtx_make_open(m, "Data", false, true);
        evtx_make_close_empty(m, &e);
    }
    evtx_make_close(m, &root);
}

static void write_wide(struct evtx_make *m, void *context)
{
    (void)context;
    evtx_make_template(m, "wide", write_wide_template, NULL);
    evtx_make_values(m, NULL, 0);
}

static void test_chunk_limit(void **unused)
{
    struct evtx_make *m = malloc(sizeof(*m));
    struct buf b;
    struct result r;

    (void)unused;
    assert_non_null(m);
    evtx_make_begin(m);
    for (unsigned i = 0; i < 500; i++)
        evtx_make_raw(m, write_wide, NULL);
    evtx_make_end(m, &b);
    free(m);
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, 500);
    assert_true(r.damaged > 200 && r.damaged < 400);
    assert_non_null(anomaly_of(&r, "limit"));
    result_free(&r);
    buf_free(&b);
}

static void write_echo_template(struct evtx_make *m, void *context)
{
    (void)context;
    for (unsigned i = 0; i < 1000; i++)
        evtx_make_substitution(m, 0, 0x21, false);
}

/* A thousand times a document that is a thousand times a document ...: no element, no text, only work. */
static void write_echo(struct evtx_make *m, void *context)
{
    size_t sizes[EVTX_NESTING_MAX];

    (void)context;
    for (unsigned i = 0; i < EVTX_NESTING_MAX; i++) {
        evtx_make_template(m, "echo", write_echo_template, NULL);
        sizes[i] = m->chunk.len + 4;
        evtx_make_values(m, &(struct evtx_make_value){.type = 0x21}, 1);
    }
    for (unsigned i = 0; i < EVTX_NESTING_MAX; i++) {
        size_t n = m->chunk.len - sizes[i] - 4;
        m->chunk.data[sizes[i]] = (uint8_t)n;
        m->chunk.data[sizes[i] + 1] = (uint8_t)(n >> 8);
    }
}

static void test_limits(void **unused)
{
    (void)unused;
    raw_check(write_echo, "{}\n", NULL, "limit");
    raw_check(write_deep, NULL, NULL, "limit");
    raw_check(write_bomb, NULL, NULL, "limit");
    raw_check(write_self, "{\"Event\":null}\n", NULL, "bad-template");
}

/* ---- damage -------------------------------------------------------------------------------------------------- */

/* Every prefix of a small log: no prefix gives more records than a longer one, and what is cut is told. */
static void test_truncated(void **unused)
{
    struct buf b = file_make(4);
    size_t used = HEADER + get32(b.data + HEADER + 48);
    unsigned last = 0;

    (void)unused;
    for (size_t n = 0; n <= b.len; n += n < used ? 1 : 1009) {
        uint8_t *copy = malloc(n ? n : 1);
        struct result r;
        assert_non_null(copy);
        memcpy(copy, b.data, n);
        int rc = read_all(copy, n, &r);
        assert_true(rc == 0 || (rc == ERR_FORMAT && n < 8));
        assert_true(r.records >= last && r.records <= 4);
        if (n > 8 && n < 128)
            assert_non_null(anomaly_of(&r, "header-truncated"));
        if (n > HEADER + 8)
            assert_non_null(anomaly_of(&r, "chunk-truncated"));
        last = r.records;
        result_free(&r);
        free(copy);
    }
    assert_int_equal(last, 4);
    buf_free(&b);
}

/* One byte after the other is changed: nothing breaks, and a change in the records is noticed. */
static void test_flipped(void **unused)
{
    struct buf b = file_make(2);
    size_t used = HEADER + get32(b.data + HEADER + 48);

    (void)unused;
    for (size_t i = 0; i < used; i++) {
        uint8_t old = b.data[i];
        struct result r;
        b.data[i] = (uint8_t)(old ^ (1u << i % 8));
        assert_int_equal(read_all(b.data, b.len, &r), 0);
        assert_true(r.records <= 3);
        if (i >= HEADER + 512)
            assert_non_null(anomaly_of(&r, "records-checksum"));
        result_free(&r);
        evtx_make_sums(b.data, b.len); /* and with right sums, so that the parser goes further */
        assert_true(read_all(b.data, b.len, &r) == 0);
        result_free(&r);
        b.data[i] = old;
        evtx_make_sums(b.data, b.len);
    }
    buf_free(&b);
}

static void damage_header(uint8_t *p, size_t n)
{
    (void)n;
    p[20] ^= 1;
}
static void damage_no_header(uint8_t *p, size_t n)
{
    (void)n;
    memset(p, 0, HEADER);
}
static void damage_dirty(uint8_t *p, size_t n)
{
    (void)n;
    p[120] = 1;
    p[42] = 1;
}
static void damage_chunk_header(uint8_t *p, size_t n)
{
    (void)n;
    p[HEADER + 130] ^= 1;
}
static void damage_chunk_signature(uint8_t *p, size_t n)
{
    (void)n;
    p[HEADER + CHUNK] = 'X';
}
static void damage_chunk_order(uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(CHUNK);

    (void)n;
    assert_non_null(copy);
    memcpy(copy, p + HEADER, CHUNK);
    memcpy(p + HEADER, p + HEADER + CHUNK, CHUNK);
    memcpy(p + HEADER + CHUNK, copy, CHUNK);
    free(copy);
}
static void damage_chunk_zero(uint8_t *p, size_t n)
{
    (void)n;
    memset(p + HEADER + CHUNK, 0, CHUNK);
}
/* The chunk's header is older than its records: written when there were two. */
static void damage_stale_end(uint8_t *p, size_t n)
{
    uint32_t end = 512;

    (void)n;
    for (int i = 0; i < 2; i++)
        end += get32(p + HEADER + end + 4);
    put32(p + HEADER + 48, end);
    p[HEADER + 52] ^= 1;
}
static void damage_size_copy(uint8_t *p, size_t n)
{
    (void)n;
    put32(p + HEADER + 512 + get32(p + HEADER + 512 + 4) - 4, 17);
}
static void damage_record_signature(uint8_t *p, size_t n)
{
    uint32_t second = 512 + get32(p + HEADER + 512 + 4);

    (void)n;
    p[HEADER + second] = 'x';
}
static void damage_end_outside(uint8_t *p, size_t n)
{
    (void)n;
    put32(p + HEADER + 48, 70000);
}
static void damage_slack(uint8_t *p, size_t n)
{
    uint32_t end = get32(p + HEADER + 48), first = get32(p + HEADER + 512 + 4);

    /* An old record lies behind the used part of a sound chunk. */
    (void)n;
    if (end + first <= CHUNK)
        memcpy(p + HEADER + end, p + HEADER + 512, first);
}

static void test_damage(void **unused)
{
    static const struct {
        void (*damage)(uint8_t *p, size_t n);
        bool sums; /* made right again afterwards */
        const char *what;
        uint64_t offset;
        int lost; /* records; -1: those of the second chunk */
        unsigned damaged;
    } rows[] = {
        {damage_header, false, "header-checksum", 124, 0, 0},
        {damage_no_header, false, "no-header", 0, 0, 0},
        {damage_dirty, true, "dirty", 120, 0, 0},
        {damage_dirty, true, "chunk-count", 42, 0, 0},
        {damage_chunk_header, false, "chunk-checksum", HEADER + 124, 0, 0},
        {damage_chunk_signature, false, "chunk-signature", HEADER + CHUNK, 0, 0},
        {damage_chunk_order, false, NULL, 0, 0, 0},
        {damage_chunk_zero, false, "chunk-count", 42, -1, 0},
        {damage_stale_end, false, "record-behind-end", 0, 0, 0},
        {damage_size_copy, true, "record-size", HEADER + 512, 0, 1},
        {damage_record_signature, true, "record-damaged", 0, 1, 0},
        {damage_end_outside, false, "chunk-end", HEADER + 48, 0, 0},
        {damage_slack, false, NULL, 0, 0, 0},
    };
    struct buf whole = file_make(300);
    struct result r;

    (void)unused;
    assert_int_equal(read_all(whole.data, whole.len, &r), 0);
    unsigned second = 0, records = r.records;
    for (uint32_t at = 512; at < get32(whole.data + HEADER + CHUNK + 48);
         at += get32(whole.data + HEADER + CHUNK + at + 4))
        second++;
    result_free(&r);
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct buf b;
        buf_init(&b, 64u << 20);
        assert_int_equal(buf_add(&b, whole.data, whole.len), 0);
        rows[i].damage(b.data, b.len);
        if (rows[i].sums)
            evtx_make_sums(b.data, b.len);
        assert_int_equal(read_all(b.data, b.len, &r), 0);
        assert_int_equal(r.records, records - (rows[i].lost < 0 ? second : (unsigned)rows[i].lost));
        assert_int_equal(r.damaged, rows[i].damaged);
        if (!rows[i].what) {
            assert_int_equal(r.anomalies.count, 0);
        } else {
            const struct anomaly *a = anomaly_of(&r, rows[i].what);
            assert_non_null(a);
            if (rows[i].offset)
                assert_int_equal(a->offset, rows[i].offset);
        }
        result_free(&r);
        buf_free(&b);
    }
    buf_free(&whole);
}

/* A chunk that does not lie at its place: a log put together again from pieces of a disk. */
static void test_moved(void **unused)
{
    struct buf whole = file_make(300), b;
    struct result r;
    unsigned records;

    (void)unused;
    assert_int_equal(read_all(whole.data, whole.len, &r), 0);
    records = r.records;
    result_free(&r);
    buf_init(&b, 64u << 20);
    buf_add(&b, whole.data, HEADER);
    buf_add(&b, "some bytes of another file", 26);
    buf_add(&b, whole.data + HEADER, whole.len - HEADER);
    assert_int_equal(read_all(b.data, b.len, &r), 0);
    assert_int_equal(r.records, records);
    assert_int_equal(anomaly_of(&r, "chunk-moved")->offset, HEADER + 26);
    result_free(&r);
    /* Without a header, from the middle of a file. */
    assert_int_equal(read_all(b.data + HEADER, b.len - HEADER, &r), 0);
    assert_int_equal(r.records, records);
    result_free(&r);
    buf_free(&b);
    buf_free(&whole);
}

static ssize_t read_broken(void *context, uint64_t offset, void *p, size_t n)
{
    if (offset >= HEADER + CHUNK)
        return -5; /* EIO */
    return evtx_memory_source(context).read(context, offset, p, n);
}

static void test_source(void **unused)
{
    struct buf b = file_make(300);
    struct evtx_memory m = {b.data, b.len};
    struct evtx_source s = {read_broken, &m};
    struct evtx *x = NULL;
    struct evtx_record r;
    struct err e = {0};
    int rc;

    (void)unused;
    assert_int_equal(evtx_new(&s, &x, &e), 0);
    while ((rc = evtx_next(x, &r, &e)) == 1)
        ;
    assert_int_equal(rc, -5);
    assert_non_null(strstr(e.text, "0x11000"));
    evtx_free(&x);
    m = (struct evtx_memory){"This is no event log", 20};
    s = evtx_memory_source(&m);
    assert_int_equal(evtx_new(&s, &x, &e), ERR_FORMAT);
    assert_null(x);
    assert_true(evtx_signature("ElfFile", 8) && evtx_signature("ElfChnk\0x", 9));
    assert_false(evtx_signature("ElfFile", 7) || evtx_signature("ElfFileX", 8));
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event),     cmocka_unit_test(test_many),           cmocka_unit_test(test_values),
        cmocka_unit_test(test_tokens),    cmocka_unit_test(test_values_damaged), cmocka_unit_test(test_optional),
        cmocka_unit_test(test_user_data), cmocka_unit_test(test_limits),         cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_flipped),   cmocka_unit_test(test_damage),         cmocka_unit_test(test_moved),
        cmocka_unit_test(test_source),    cmocka_unit_test(test_chunk_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
