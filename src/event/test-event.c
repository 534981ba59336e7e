/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/jsonw.h"
#include "event/docs.h"
#include "event/event.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_schema(void **unused)
{
    const struct event_kind_info *k;
    size_t i = 0;
    (void)unused;

    for (; (k = event_kind_at(i)); i++) {
        assert_true(k->kind > 0 && k->kind < EVENT_KIND_MAX);
        assert_ptr_equal(event_kind_info(k->kind), k);
        assert_ptr_equal(event_kind_by_name(str_from(k->name)), k);
        assert_true(k->count <= EVENT_FIELDS_MAX);
        assert_true(strlen(k->doc) > 5);
        for (int f = 0; f < k->count; f++) {
            assert_int_equal(event_field_slot(k, str_from(k->fields[f].name)), f);
            assert_true(k->fields[f].type <= EV_NS);
            assert_true(strlen(k->fields[f].doc) > 2);
        }
        assert_int_equal(event_field_slot(k, STR_LIT("NoSuchField")), -1);
    }
    assert_true(i > 60);
    assert_null(event_kind_at(i));
    assert_null(event_kind_info(0));
    assert_null(event_kind_info(255));
    assert_null(event_kind_info(UINT16_MAX));
    assert_null(event_kind_by_name(STR_LIT("process.")));
    assert_null(event_kind_by_name(STR_NONE));
    assert_string_equal(event_kind_info(EVENT_PROCESS_EXEC)->sigma, "process_creation");
    assert_int_equal(event_field_slot(event_kind_info(EVENT_PROCESS_EXEC), STR_LIT("CommandLine")),
                     EVF_PROCESS_EXEC_CommandLine);
}

static void json_is(const struct event *ev, const char *want)
{
    struct jsonw w;
    struct buf b;

    buf_init(&b, 1 << 20);
    jsonw_to_buf(&w, &b, false);
    event_json(&w, ev);
    assert_int_equal(jsonw_finish(&w), 0);
    assert_string_equal(buf_z(&b), want);
    buf_free(&b);
}

static void test_json(void **unused)
{
    struct event ev = {
        .kind = EVENT_FILE_CHMOD, .source = EVENT_SOURCE_TRACER, .seq = 3, .time_ns = -5, .pid = 7, .tid = 8};
    (void)unused;

    ev.count = 2;
    ev.f[0].s = STR_LIT("/tmp/\xff<a>");
    ev.f[1].u = 04755;
    json_is(&ev, "{\"seq\":3,\"source\":\"tracer\",\"time\":-5,\"kind\":\"file.chmod\",\"pid\":7,\"tid\":8,"
                 "\"TargetFilename\":\"/tmp/\\\\xff\\u003ca\\u003e\",\"Mode\":\"04755\"}");
    ev.count = 1; /* an older producer */
    json_is(&ev, "{\"seq\":3,\"source\":\"tracer\",\"time\":-5,\"kind\":\"file.chmod\",\"pid\":7,\"tid\":8,"
                 "\"TargetFilename\":\"/tmp/\\\\xff\\u003ca\\u003e\"}");

    struct event own = {.kind = EVENT_FILE_CHOWN, .source = 9, .count = 3};
    own.f[0].s = STR_LIT("/x");
    own.f[1].u = (uint64_t)-1;
    own.f[2].u = 5;
    json_is(&own, "{\"seq\":0,\"source\":\"unknown\",\"time\":0,\"kind\":\"file.chown\",\"pid\":0,\"tid\":0,"
                  "\"TargetFilename\":\"/x\",\"Uid\":-1,\"Gid\":5}");

    struct event map = {.kind = EVENT_FILE_LINK, .source = EVENT_SOURCE_HOST, .count = 5};
    map.f[2].u = 2;
    map.f[3].u = 77;
    map.f[4].s = STR_LIT("more");
    json_is(&map, "{\"seq\":0,\"source\":\"host\",\"time\":0,\"kind\":\"file.link\",\"pid\":0,\"tid\":0,"
                  "\"SourceFilename\":\"\",\"TargetFilename\":\"\",\"Symbolic\":true,\"fields\":[77,\"more\"]}");

    struct event later = {.kind = 251, .source = EVENT_SOURCE_NET, .count = 2};
    later.f[0].u = 1;
    later.f[1].s = STR_LIT("t");
    json_is(&later, "{\"seq\":0,\"source\":\"net\",\"time\":0,\"kind\":\"kind-251\",\"pid\":0,\"tid\":0,"
                    "\"fields\":[1,\"t\"]}");
    struct event hex = {.kind = EVENT_THREAD_START, .source = EVENT_SOURCE_AGENT, .count = 1};
    hex.f[0].u = UINT64_MAX;
    json_is(&hex, "{\"seq\":0,\"source\":\"agent\",\"time\":0,\"kind\":\"thread.start\",\"pid\":0,\"tid\":0,"
                  "\"CloneFlags\":\"0xffffffffffffffff\"}");
}

static void test_docs(void **unused)
{
    const struct event_kind_info *k;
    char *text = NULL;
    size_t n = 0;
    (void)unused;

    FILE *out = open_memstream(&text, &n);
    assert_non_null(out);
    assert_int_equal(event_docs_write(out), 0);
    fclose(out);
    for (size_t i = 0; (k = event_kind_at(i)); i++) {
        char head[80];
        snprintf(head, sizeof(head), "\n## %s\n", k->name);
        assert_non_null(strstr(text, head));
    }
    assert_non_null(strstr(text, "| `Mode` | octal number |"));
    free(text);
    out = fopen("/dev/full", "w");
    assert_non_null(out);
    setvbuf(out, NULL, _IONBF, 0);
    assert_true(event_docs_write(out) < 0);
    fclose(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_schema),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_docs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
