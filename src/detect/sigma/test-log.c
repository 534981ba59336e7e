/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/log.h"

#include "base/buf.h"
#include "evtx-make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct told {
    struct buf text; /* "record:line:text;" */
};

static void on_trouble(void *context, uint64_t record, uint64_t line, uint64_t offset, const char *text)
{
    struct told *t = context;
    (void)offset;
    buf_addf(&t->text, "%u:%u:%s;", (unsigned)record, (unsigned)line, text);
}

static void source_text(struct buf *b, const struct sigma_source *s)
{
    buf_addf(b, "%.*s/%.*s/%.*s", STR_ARG(s->product), STR_ARG(s->category), STR_ARG(s->service));
}

static void record_text(struct buf *b, const struct sigma_log_record *r)
{
    static const char kinds[] = "0tnb";
    buf_addf(b, "%u(", (unsigned)r->index);
    for (unsigned i = 0; i < r->nsources; i++) {
        if (i)
            buf_addz(b, " ");
        source_text(b, &r->sources[i]);
    }
    buf_addz(b, ")");
    for (size_t i = 0; i < r->nvalues; i++) {
        buf_addf(b, " %.*s=", STR_ARG(r->values[i].name));
        if (r->values[i].value.kind != SIGMA_TEXT)
            buf_addf(b, "%c:", kinds[r->values[i].value.kind]);
        buf_add_str(b, r->values[i].value.text);
    }
    buf_addz(b, "\n");
}

/* Reads a log in small steps, so that records lie across reads. */
struct stepped {
    const char *p;
    size_t n, step;
};
static ssize_t stepped_read(void *context, uint64_t offset, void *p, size_t n)
{
    struct stepped *s = context;
    if (offset >= s->n)
        return 0;
    if (n > s->step)
        n = s->step;
    if (n > s->n - offset)
        n = s->n - (size_t)offset;
    memcpy(p, s->p + offset, n);
    return (ssize_t)n;
}

static int read_log(struct str in, size_t step, bool lines, struct str given, struct buf *ret, struct told *told,
                    struct sigma_log_stats *stats, struct err *e)
{
    struct stepped s = {in.p, in.n, step};
    struct sigma_log_options o = {.source = {stepped_read, &s}, .lines = lines, .trouble = on_trouble, .context = told};
    struct sigma_log_record r;
    struct sigma_log *l = NULL;
    int rc;

    buf_init(ret, 1 << 20);
    buf_init(&told->text, 1 << 20);
    if (given.n)
        assert_int_equal(sigma_log_source_parse(given, &o.given, e), 0);
    if ((rc = sigma_log_open(&o, &l, e)) < 0)
        return rc;
    while ((rc = sigma_log_next(l, &r, e)) == 1)
        record_text(ret, &r);
    sigma_log_stats(l, stats);
    sigma_log_free(&l);
    assert_null(l);
    return rc;
}

#define P1 "windows//sysmon windows/process_creation/sysmon"

static const struct row {
    const char *in, *given, *out, *told;
} rows[] = {
    /* forms of files */
    {"", NULL, "", ""},
    {" \n\n ", NULL, "", ""},
    {"{}", NULL, "0()\n", ""},
    {"{\"a\":1}", NULL, "0() a=n:1\n", ""},
    {"\xef\xbb\xbf{\"a\":1}\r\n{\"a\":2}\r\n", NULL, "0() a=n:1\n1() a=n:2\n", ""},
    {"{\"a\":1}{\"a\":2} {\"a\":3}\n\n{\"a\":4}", NULL, "0() a=n:1\n1() a=n:2\n2() a=n:3\n3() a=n:4\n", ""},
    {"[{\"a\":1},\n{\"a\":2}]", NULL, "0() a=n:1\n1() a=n:2\n", ""},
    {"[{\"a\":1},{\"a\":2}]\n", NULL, "0() a=n:1\n1() a=n:2\n", ""},
    {"[]", NULL, "", ""},
    {"[\n  {\n    \"a\": \"x]}\\\"\"\n  }\n  , {\"a\": [\"[\", \"{\"]}\n]\n", NULL, "0() a=x]}\"\n1() a=[ a={\n", ""},
    {"{\n \"a\": 1\n}\n{\n \"a\": 2\n}\n", NULL, "0() a=n:1\n1() a=n:2\n", ""},
    {"{\"Records\":[{\"a\":1},7,{\"a\":2}]}\n{\"a\":3}", NULL, "0() a=n:1\n2() a=n:2\n3() a=n:3\n",
     "1:1:the record is not an object;"},
    /* broken ones: each takes a place, the others are read */
    {"{\"a\":1}\n{\"a\":\n{\"a\":2}\n", NULL, "0() a=n:1\n2() a=n:2\n", "1:2:no JSON at byte 6: a value is wanted;"},
    {"{\"a\":1}\nnonsense\n\n[1]\n\"x\"\n{\"a\":2}", NULL, "0() a=n:1\n4() a=n:2\n",
     "1:2:no JSON at byte 0: a value is wanted;2:4:the record is not an object;3:5:the record is not an object;"},
    {"{\"a\":1}\n{\"a\":\"\xff\"}\n{\"a\":2}", NULL, "0() a=n:1\n2() a=n:2\n",
     "1:2:no JSON at byte 6: the text is not UTF-8;"},
    {"{\"a\":1}\n{\"a\":\"\1\"}\n{\"a\":2}", NULL, "0() a=n:1\n2() a=n:2\n",
     "1:2:no JSON at byte 6: a control character in a text;"},
    {"[{\"a\":1},{\"a\" 2},{\"a\":3}]", NULL, "0() a=n:1\n2() a=n:3\n", "1:1:no JSON at byte 5: ':' is wanted;"},
    {"[{\"a\":1},5,{\"a\":3}]", NULL, "0() a=n:1\n2() a=n:3\n", "1:1:the record is not an object;"},
    {"{\n\"a\":1\n}\n]\n{\n\"a\":2\n}", NULL, "0() a=n:1\n2() a=n:2\n", "1:4:a bracket that closes nothing;"},
    {"{\n\"a\":1\n}\n{\"a\":\n", NULL, "0() a=n:1\n", "1:4:the record has no end;"},
    /* values */
    {"{\"t\":\"\\u00e4\\ud83d\\ude00\\n\\\\\",\"n\":-1.5e3,\"b\":true,\"z\":null,\"h\":\"\\ud800x\"}", NULL,
     "0() t=\xc3\xa4\xf0\x9f\x98\x80\n\\ n=n:-1.5e3 b=b:true z=0: h=\xef\xbf\xbdx\n", ""},
    {"{\"a\":{\"b\":{\"c\":1},\"d\":[1,\"2\",{\"e\":3}]}}", NULL, "0() a.b.c=n:1 a.d=n:1 a.d=2 a.d.e=n:3\n", ""},
    /* shapes */
    {"{\"Event\":{\"#attributes\":{\"xmlns\":\"x\"},\"System\":{\"Provider\":{\"#attributes\":{\"Name\":"
     "\"Microsoft-Windows-Sysmon\",\"Guid\":\"G\"}},\"EventID\":1,\"Channel\":\"Microsoft-Windows-Sysmon/Operational\","
     "\"Correlation\":null},\"EventData\":{\"Image\":\"C:\\\\a.exe\",\"ProcessId\":5}}}",
     NULL,
     "0(" P1 ") Provider_Name=Microsoft-Windows-Sysmon Provider_Guid=G EventID=n:1 "
     "Channel=Microsoft-Windows-Sysmon/Operational Image=C:\\a.exe ProcessId=n:5\n",
     ""},
    {"{\"Event\":{\"Event_attributes\":{\"xmlns\":\"x\"},\"System\":{\"EventID_attributes\":{\"Qualifiers\":7},"
     "\"EventID\":{\"#text\":\"1\"},\"Channel\":\"MICROSOFT-windows-Sysmon/"
     "Operational\"},\"EventData\":{\"a\":\"b\"}}}",
     NULL, "0(" P1 ") EventID_Qualifiers=n:7 EventID=1 Channel=MICROSOFT-windows-Sysmon/Operational a=b\n", ""},
    {"{\"System\":{\"Channel\":\"Security\",\"EventID\":\"4625\",\"Provider_Name\":\"P\"},\"EventData\":{\"LogonType\":"
     "3}}",
     NULL, "0(windows//security) Channel=Security EventID=4625 Provider_Name=P LogonType=n:3\n", ""},
    {"{\"System\":{\"Provider\":{\"@Name\":\"P\"},\"EventID\":{\"@Qualifiers\":\"0\",\"Value\":4104},"
     "\"Channel\":\"PowerShellCore/"
     "Operational\"},\"EventData\":{\"Data\":[{\"@Name\":\"ScriptBlockText\",\"#text\":\"x\"},"
     "{\"@Name\":\"Path\"},\"plain\"]}}",
     NULL,
     "0(windows//powershell windows/ps_script/powershell) Provider_Name=P EventID_Qualifiers=0 EventID=n:4104 "
     "Channel=PowerShellCore/Operational ScriptBlockText=x Path= Data=plain\n",
     ""},
    {"{\"Event\":{\"System\":{\"EventID\":400,\"Channel\":\"Windows PowerShell\"},\"EventData\":{\"Data\":{\"#text\":"
     "[\"Available\",\"None\"]},\"Binary\":null}}}",
     NULL,
     "0(windows//powershell-classic windows/ps_classic_start/powershell-classic) EventID=n:400 "
     "Channel=Windows PowerShell Data=Available Data=None Binary=0:\n",
     ""},
    {"{\"Event\":{\"System\":{\"EventID\":316,\"Channel\":\"Microsoft-Windows-PrintService/Operational\"},\"UserData\":"
     "{\"DriverAdded\":{\"#attributes\":{\"xmlns\":\"u\"},\"Param1\":\"p\",\"In\":{\"#attributes\":{\"k\":1},\"Leaf\":"
     "true}}}}}",
     NULL,
     "0(windows//printservice-operational) EventID=n:316 Channel=Microsoft-Windows-PrintService/Operational "
     "DriverAdded_xmlns=u Param1=p In_k=n:1 Leaf=b:true\n",
     ""},
    {"{\"@timestamp\":\"2024-01-02T03:04:05Z\",\"winlog\":{\"channel\":\"Security\",\"event_id\":4688,\"provider_"
     "name\":\"P\","
     "\"computer_name\":\"h\",\"event_data\":{\"NewProcessName\":\"C:\\\\n.exe\",\"SubjectUserName\":\"u\","
     "\"SubjectDomainName\":\"D\",\"MandatoryLabel\":\"S-1-16-12288\"}},\"host\":{\"name\":\"h\"}}",
     NULL,
     "0(windows//security windows/process_creation/security) Channel=Security EventID=n:4688 Provider_Name=P "
     "Computer=h "
     "NewProcessName=C:\\n.exe SubjectUserName=u SubjectDomainName=D MandatoryLabel=S-1-16-12288 Image=C:\\n.exe "
     "IntegrityLevel=S-1-16-12288 User=D\\u\n",
     ""},
    {"{\"winlog.channel\":\"System\",\"winlog.event_id\":7045,\"winlog.event_data.ServiceName\":\"s\"}", NULL,
     "0(windows//system) winlog.channel=System winlog.event_id=n:7045 ServiceName=s Channel=System EventID=n:7045\n",
     ""},
    {"{\"Channel\":\"Security\",\"EventID\":4624,\"x\":1}", NULL,
     "0(windows//security) Channel=Security EventID=n:4624 x=n:1\n", ""},
    {"{\"SourceName\":\"Microsoft-Windows-Sysmon\",\"EventID\":22,\"QueryName\":\"q\"}", NULL,
     "0(windows//sysmon windows/dns_query/sysmon) SourceName=Microsoft-Windows-Sysmon EventID=n:22 QueryName=q "
     "Provider_Name=Microsoft-Windows-Sysmon\n",
     ""},
    {"{\"Channel\":\"Some-Other/Channel\",\"EventID\":1}", NULL,
     "0(windows//) Channel=Some-Other/Channel EventID=n:1\n", ""},
    /* a given source is for flat objects, in place of their own words; records that are Windows events keep theirs */
    {"{\"Channel\":\"Security\",\"EventID\":1}", "product=linux,service=auth",
     "0(linux//auth) Channel=Security EventID=n:1\n", ""},
    {"{\"CommandLine\":\"x\"}", "product=windows,category=process_creation",
     "0(windows/process_creation/) CommandLine=x\n", ""},
    {"{\"System\":{\"Channel\":\"System\",\"EventID\":1}}", "category=proxy",
     "0(windows//system) Channel=System EventID=n:1\n", ""},
    /* mapping */
    {"{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":12,\"EventType\":\"CreateKey\"}", NULL,
     "0(windows//sysmon windows/registry_event/sysmon windows/registry_add/sysmon) "
     "Channel=Microsoft-Windows-Sysmon/Operational EventID=n:12 EventType=CreateKey\n",
     ""},
    {"{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":12,\"EventType\":\"DeleteValue\"}", NULL,
     "0(windows//sysmon windows/registry_event/sysmon windows/registry_delete/sysmon) "
     "Channel=Microsoft-Windows-Sysmon/Operational EventID=n:12 EventType=DeleteValue\n",
     ""},
    {"{\"Channel\":\"Microsoft-Windows-Sysmon/Operational\",\"EventID\":6,\"Hashes\":\"MD5=AA,SHA256=BB, IMPHASH=CC\"}",
     NULL,
     "0(windows//sysmon windows/driver_load/sysmon) Channel=Microsoft-Windows-Sysmon/Operational EventID=n:6 "
     "Hashes=MD5=AA,SHA256=BB, IMPHASH=CC md5=AA sha256=BB Imphash=CC\n",
     ""},
    {"{\"Channel\":\"Microsoft-Windows-Windows Defender/Operational\",\"EventID\":1116,\"Threat "
     "Name\":\"T\",\"Path\":\"p\"}",
     NULL,
     "0(windows//windefend windows/antivirus/windefend) Channel=Microsoft-Windows-Windows Defender/Operational "
     "EventID=n:1116 Threat Name=T Path=p ThreatName=T Signature=T Filename=p\n",
     ""},
    {"{\"Channel\":\"Linux-Sysmon/Operational\",\"EventID\":1,\"Image\":\"/bin/sh\"}", NULL,
     "0(linux//sysmon linux/process_creation/sysmon) Channel=Linux-Sysmon/Operational EventID=n:1 Image=/bin/sh\n", ""},
};

static void test_rows(void **unused)
{
    static const size_t steps[] = {1 << 20, 1, 3, 7};

    (void)unused;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        for (size_t k = 0; k < sizeof(steps) / sizeof(*steps); k++) {
            struct sigma_log_stats stats;
            struct told told;
            struct buf out;
            struct err e;
            int rc = read_log(str_from(rows[i].in), steps[k], false, str_from(rows[i].given), &out, &told, &stats, &e);
            if (rc < 0)
                print_message("row %zu: %s\n", i, e.text);
            assert_int_equal(rc, 0);
            assert_string_equal(buf_z(&out), rows[i].out);
            assert_string_equal(buf_z(&told.text), rows[i].told);
            buf_free(&out);
            buf_free(&told.text);
        }
    }
}

/* What the name says: then even a broken first line is a line. */
static void test_lines(void **unused)
{
    struct sigma_log_stats stats;
    struct told told;
    struct buf out;
    struct err e;

    (void)unused;
    assert_int_equal(read_log(STR_LIT("{\"a\":\n{\"a\":2}\n"), 5, true, STR_NONE, &out, &told, &stats, &e), 0);
    assert_string_equal(buf_z(&out), "1() a=n:2\n");
    assert_int_equal(stats.records, 1);
    assert_int_equal(stats.broken, 1);
    assert_int_equal(stats.unknown, 1);
    buf_free(&out);
    buf_free(&told.text);
}

static void test_refused(void **unused)
{
    static const struct {
        struct str in;
        int code;
    } refused[] = {{STR_LIT("hello"), ERR_FORMAT},
                   {STR_LIT("\xff\xfe{\0}\0"), ERR_UNSUPPORTED},
                   {STR_LIT("<Event/>"), ERR_FORMAT},
                   {STR_LIT("\0\0\0"), ERR_FORMAT}};

    (void)unused;
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        struct sigma_log_stats stats;
        struct told told;
        struct buf out;
        struct err e;
        assert_int_equal(read_log(refused[i].in, 100, false, STR_NONE, &out, &told, &stats, &e), refused[i].code);
        buf_free(&out);
        buf_free(&told.text);
    }
}

/* A record that is too large is passed over; so are thousands of records without an end, in time. */
static void test_limits(void **unused)
{
    size_t n = 40u << 20, at;
    char *big = malloc(n);
    struct sigma_log_stats stats;
    struct told told;
    struct buf out;
    struct err e;

    (void)unused;
    assert_non_null(big);
    memset(big, 'x', n);
    memcpy(big, "{\"a\":1}\n{\"a\":\"", 14);
    at = 20u << 20;
    memcpy(big + at, "\"}\n{\"a\":2}\n", 11);
    assert_int_equal(read_log((struct str){big, at + 11}, 1 << 20, false, STR_NONE, &out, &told, &stats, &e), 0);
    assert_string_equal(buf_z(&out), "0() a=n:1\n2() a=n:2\n");
    assert_string_equal(buf_z(&told.text), "1:2:the line is longer than 16 MiB;");
    buf_free(&out);
    buf_free(&told.text);

    at = 0;
    memcpy(big, "{\n", 2); /* objects, one behind the other, none of which ends */
    for (at = 2; at + 8 < (8u << 20); at += 8)
        memcpy(big + at, "{\"a\":[\n\n", 8);
    assert_int_equal(read_log((struct str){big, at}, 1 << 20, false, STR_NONE, &out, &told, &stats, &e), 0);
    assert_true(stats.broken > 100000);
    buf_free(&out);
    buf_free(&told.text);
    free(big);

    struct buf many;
    buf_init(&many, 1 << 20);
    buf_u8(&many, '{');
    for (int i = 0; i < 1500; i++)
        buf_addf(&many, "\"k%d\":%d,", i, i);
    buf_addz(&many, "\"last\":1}");
    assert_int_equal(read_log(buf_str(&many), 1 << 20, false, STR_NONE, &out, &told, &stats, &e), 0);
    assert_int_equal(stats.records, 1);
    assert_int_equal(stats.dropped, 1501 - SIGMA_EVENT_FIELDS_MAX);
    buf_free(&out);
    buf_free(&told.text);
    buf_clear(&many);
    for (int i = 0; i < 100000; i++)
        buf_addz(&many, "[");
    assert_int_equal(read_log(buf_str(&many), 1 << 20, false, STR_NONE, &out, &told, &stats, &e), 0);
    assert_int_equal(stats.records, 0);
    buf_free(&out);
    buf_free(&told.text);
    buf_free(&many);
}

static void test_evtx(void **unused)
{
    static const uint8_t sid[12] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
    static const struct evtx_make_field fields[] = {
        {.name = "Image", .text = "C:\\a.exe"},        {.name = "ProcessId", .value = {0x08, "\7\0\0\0", 4}},
        {.name = "Sid", .value = {0x13, sid, 12}},     {.name = "Guid", .value = {0x0f, "0123456789abcdef", 16}},
        {.name = "Nothing", .value = {0x00, NULL, 0}}, {.text = "plain"}};
    static const struct evtx_make_event ev = {.provider = "Microsoft-Windows-Sysmon",
                                              .channel = "Microsoft-Windows-Sysmon/Operational",
                                              .id = 1,
                                              .filetime = 133800000000000000ull,
                                              .fields = fields,
                                              .nfields = 6};
    struct evtx_make *m = malloc(sizeof(*m));
    struct sigma_log_stats stats;
    struct told told;
    struct buf b, out;
    struct err e;

    (void)unused;
    assert_non_null(m);
    evtx_make_begin(m);
    evtx_make_add(m, &ev);
    evtx_make_add(m, &ev);
    evtx_make_end(m, &b);
    free(m);
    assert_int_equal(read_log(buf_str(&b), 1000, false, STR_LIT("category=proxy"), &out, &told, &stats, &e), 0);
    assert_int_equal(stats.records, 2);
    const char *text = buf_z(&out);
    assert_non_null(strstr(text, "0(" P1 ") Provider_Name=Microsoft-Windows-Sysmon "
                                 "Provider_Guid={5770385F-C22A-43E0-BF4C-06F5698FFBD9} EventID=n:1 "));
    assert_non_null(strstr(text, " Security_UserID=S-1-5-18 Image=C:\\a.exe ProcessId=n:7 Sid=S-1-5-18 "
                                 "Guid={33323130-3534-3736-3839-616263646566} Nothing= Data=plain\n1("));
    assert_string_equal(buf_z(&told.text), "");
    buf_free(&out);
    buf_free(&told.text);
    b.data[4096 + 600] ^= 1;
    assert_int_equal(read_log(buf_str(&b), 1000, false, STR_NONE, &out, &told, &stats, &e), 0);
    assert_non_null(strstr(buf_z(&told.text), "the checksum of the chunk's records is wrong"));
    buf_free(&out);
    buf_free(&told.text);
    buf_free(&b);
}

static void test_times(void **unused)
{
    static const struct {
        const char *text;
        int64_t ns;
    } times[] = {
        {"2024-12-30T02:40:00.123456Z", 1735526400123456000},
        {"2024-12-30 02:40:00.123", 1735526400123000000},
        {"2024-12-30T04:40:00+02:00", 1735526400000000000},
        {"2024-12-29T22:10:00.5-0430", 1735526400500000000},
        {"2024/12/30 02:40:00 UTC", 1735526400000000000},
        {"1735526400", 1735526400000000000},
        {"1735526400.25", 1735526400250000000},
        {"1735526400123", 1735526400123000000},
        {"1735526400123456789", 1735526400123456789},
        {"yesterday", -1},
        {"2024-13-30T02:40:00Z", -1},
        {"2024-12-30", -1},
        {"99999999999999999999", -1},
        {"2024-12-30T02:40:00+ab", -1},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(times) / sizeof(*times); i++) {
        char line[200];
        struct stepped s;
        struct sigma_log_options o = {.source = {stepped_read, &s}};
        struct sigma_log *l = NULL;
        struct sigma_log_record r;
        struct err e;
        snprintf(line, sizeof(line), "{\"timestamp\":\"%s\"}", times[i].text);
        s = (struct stepped){line, strlen(line), 1000};
        assert_int_equal(sigma_log_open(&o, &l, &e), 0);
        assert_int_equal(sigma_log_next(l, &r, &e), 1);
        assert_int_equal(r.time_ns, times[i].ns);
        sigma_log_free(&l);
    }
}

static void test_source_parse(void **unused)
{
    static const struct {
        const char *text, *out; /* NULL: an error */
    } sources[] = {
        {"product=windows", "windows//"},
        {"service=a,product=b,category=c", "b/c/a"},
        {"product=gcp,service=gcp.audit", "gcp//gcp.audit"},
        {"", NULL},
        {"windows", NULL},
        {"product=", NULL},
        {"product=a,product=b", NULL},
        {"colour=red", NULL},
        {"product=a,", NULL},
    };

    (void)unused;
    for (size_t i = 0; i < sizeof(sources) / sizeof(*sources); i++) {
        struct sigma_source s;
        struct buf b;
        struct err e = {0};
        int rc = sigma_log_source_parse(str_from(sources[i].text), &s, &e);
        assert_int_equal(rc, sources[i].out ? 0 : ERR_USAGE);
        if (rc < 0) {
            assert_true(strlen(e.text) > 5);
            continue;
        }
        buf_init(&b, 1000);
        source_text(&b, &s);
        assert_string_equal(buf_z(&b), sources[i].out);
        buf_free(&b);
    }
}

/* Every row of the table is reached by an event of its own. */
static void test_map(void **unused)
{
    struct sigma_log_row row;
    unsigned n = 0;

    (void)unused;
    for (; sigma_log_row_at(n, &row); n++) {
        char line[400];
        struct sigma_log_stats stats;
        struct told told;
        struct buf out, want;
        struct err e;
        snprintf(line, sizeof(line), "{\"System\":{\"Channel\":\"%s\",\"EventID\":%u},\"EventData\":{}}", row.channel,
                 row.event ? row.event : 9999);
        assert_int_equal(read_log(str_from(line), 1000, false, STR_NONE, &out, &told, &stats, &e), 0);
        buf_init(&want, 1000);
        source_text(&want, &row.source);
        assert_non_null(strstr(buf_z(&out), buf_z(&want)));
        buf_free(&want);
        buf_free(&out);
        buf_free(&told.text);
    }
    assert_true(n > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows), cmocka_unit_test(test_lines),        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_evtx), cmocka_unit_test(test_times),        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_map),  cmocka_unit_test(test_source_parse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
