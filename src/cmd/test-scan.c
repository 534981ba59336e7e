/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * belljar sigma scan and belljar evtx dump as their users call them, with rules
 * of this test over logs that are made here. With BELLJAR_SIGMAHQ (a folder or an
 * archive of SigmaHQ's rules) also with all of those.
 */
#include "base/buf.h"
#include "os/file.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define ARGS_MAX 20

static char home[] = "/tmp/belljar-scan-XXXXXX";

static const char rules_text[] =
    "title: Who am I\nid: 11111111-0000-4000-8000-000000000001\nlevel: low\nstatus: test\n"
    "logsource: {product: windows, category: process_creation}\n"
    "detection: {s: {Image|endswith: '\\whoami.exe', Imphash: FFEEDDCCBBAA99887766554433221100}, condition: s}\n"
    "---\n"
    "title: New user\nid: 11111111-0000-4000-8000-000000000002\nlevel: high\nstatus: test\n"
    "logsource: {product: windows, category: process_creation}\n"
    "detection: {s: {Image|endswith: '\\net.exe', CommandLine|contains|all: [user, /add], ParentImage|endswith: "
    "explorer.exe, "
    "User: 'TEST\\HOST$'}, condition: s}\n"
    "---\n"
    "title: Classic start\nid: 11111111-0000-4000-8000-000000000003\nlevel: medium\nstatus: test\n"
    "logsource: {product: windows, category: ps_classic_start}\n"
    "detection: {s: {Data|contains: '-enc'}, condition: s}\n"
    "---\n"
    "title: Service\nid: 11111111-0000-4000-8000-000000000004\nlevel: critical\nstatus: test\n"
    "logsource: {product: windows, service: system}\n"
    "detection: {s: {EventID: 7045, Provider_Name: Service Control Manager}, condition: s}\n"
    "---\n"
    "title: Printer driver\nid: 11111111-0000-4000-8000-000000000005\nlevel: informational\nstatus: test\n"
    "logsource: {product: windows, service: printservice-operational}\n"
    "detection: {s: {Param1: Test printer}, condition: s}\n"
    "---\n"
    "title: Linux log-in\nid: 11111111-0000-4000-8000-000000000006\nlevel: medium\nstatus: test\n"
    "logsource: {product: linux, service: auth}\n"
    "detection: {keywords: ['failed password'], condition: keywords}\n";

static const char correlation_text[] =
    "title: Log-ins that fail\nid: 11111111-0000-4000-8000-000000000010\nname: failed\nlevel: low\nstatus: test\n"
    "logsource: {product: windows, service: security}\n"
    "detection: {s: {EventID: 4625}, condition: s}\n"
    "---\n"
    "title: Many log-ins fail\nid: 11111111-0000-4000-8000-000000000011\nlevel: high\nstatus: test\n"
    "correlation: {type: event_count, rules: [failed], group-by: [TargetUserName], timespan: 1h, condition: {gte: "
    "3}}\n";

struct said {
    int code;
    struct buf out, err;
};

static void said_free(struct said *s)
{
    buf_free(&s->out);
    buf_free(&s->err);
}

static void slurp(FILE *f, struct buf *b)
{
    rewind(f);
    assert_int_equal(file_read_fd(fileno(f), 64u << 20, b, NULL), 0);
    buf_z(b);
    fclose(f);
}

static struct said run(const char *const *argv, const char *in)
{
    FILE *out = tmpfile(), *err = tmpfile(), *input = tmpfile();
    struct said s = {0};
    int status;

    assert_true(out && err && input);
    fputs(in ? in : "", input);
    rewind(input);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(fileno(input), 0);
        dup2(fileno(out), 1);
        dup2(fileno(err), 2);
        execvp(argv[0], (char *const *)(uintptr_t)argv);
        _exit(126);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    s.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    slurp(out, &s.out);
    slurp(err, &s.err);
    fclose(input);
    return s;
}

static struct said belljar_in(const char *in, const char *first, va_list ap)
{
    const char *argv[ARGS_MAX + 2] = {BELLJAR_PROGRAM, first};
    int n = 2;

    while (n <= ARGS_MAX && (argv[n] = va_arg(ap, const char *)))
        n++;
    return run(argv, in);
}

/* Arguments end with NULL. */
static struct said belljar(const char *first, ...)
{
    va_list ap;
    struct said s;

    va_start(ap, first);
    s = belljar_in(NULL, first, ap);
    va_end(ap);
    return s;
}

static char *inside(const char *name)
{
    static char paths[64][256];
    static int at;
    char *p = paths[at++ % 64];

    snprintf(p, sizeof(paths[0]), "%s/%s", home, name);
    return p;
}

static void put(const char *name, const char *text)
{
    struct err e;

    if (file_write_atomic(inside(name), text, strlen(text), 0600, &e) < 0)
        fail_msg("%s", e.text);
}

static void expect(struct said *s, int code, const char *out, const char *err)
{
    if (s->code != code || (out && strcmp(buf_z(&s->out), out)) || (err && !strstr(buf_z(&s->err), err)))
        fail_msg("ends with %d\n%s\n%s\nwanted %d\n%s\n%s", s->code, buf_z(&s->out), buf_z(&s->err), code,
                 out ? out : "", err ? err : "");
    said_free(s);
}

static int setup(void **state)
{
    const char *argv[] = {MAKE_EVTX, NULL, NULL};

    (void)state;
    assert_non_null(mkdtemp(home));
    mkdir(inside("rules"), 0700);
    put("rules/own.yml", rules_text);
    put("correlation.yml", correlation_text);
    argv[1] = inside("log.evtx");
    struct said s = run(argv, NULL);
    expect(&s, 0, NULL, NULL);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(home, NULL);
}

#define ID "11111111-0000-4000-8000-0000000000"
#define LINE(record, id, title, level)                                                                                 \
    "{\"file\":\"%s\",\"record\":" #record ",\"rule_id\":\"" ID id "\",\"title\":\"" title "\",\"level\":\"" level     \
    "\"}\n"
#define EVTX_MATCHES                                                                                                   \
    LINE(0, "01", "Who am I", "low")                                                                                   \
    LINE(3, "02", "New user", "high")                                                                                  \
    LINE(6, "03", "Classic start", "medium")                                                                           \
    LINE(7, "04", "Service", "critical") LINE(8, "05", "Printer driver", "informational")

static void test_evtx(void **state)
{
    char want[4096], *log = inside("log.evtx"), *rules = inside("rules");
    struct said s;

    (void)state;
    snprintf(want, sizeof(want), EVTX_MATCHES, log, log, log, log, log);
    s = belljar("sigma", "scan", "--json", "--rules", rules, log, NULL);
    expect(&s, 0, want, NULL);
    s = belljar("sigma", "scan", "--json", "--no-index", "--rules", rules, log, NULL);
    expect(&s, 0, want, NULL);
    snprintf(want, sizeof(want), LINE(3, "02", "New user", "high") LINE(7, "04", "Service", "critical"), log, log);
    s = belljar("sigma", "scan", "--json", "--level", "high", "--fail-on", "critical", "--rules", rules, log, NULL);
    expect(&s, 3, want, NULL);
    snprintf(want, sizeof(want),
             "%s: 9 records, 5 matches of 5 rules\n"
             "  critical            1  Service  (record 7)\n"
             "  high                1  New user  (record 3)\n"
             "  medium              1  Classic start  (record 6)\n"
             "  low                 1  Who am I  (record 0)\n"
             "  informational       1  Printer driver  (record 8)\n",
             log);
    s = belljar("sigma", "scan", "--rules", rules, log, NULL);
    expect(&s, 0, want, NULL);
}

/* What dump prints, scanned, gives the same matches. */
static void test_dump(void **state)
{
    char want[4096], *log = inside("log.evtx"), *dumped = inside("dumped.jsonl");
    struct said s = belljar("evtx", "dump", log, NULL);
    unsigned lines = 0;

    (void)state;
    assert_int_equal(s.code, 0);
    assert_int_equal(s.err.len, 0);
    for (size_t i = 0; i < s.out.len; i++)
        lines += s.out.data[i] == '\n';
    assert_int_equal(lines, 9);
    put("dumped.jsonl", buf_z(&s.out));
    said_free(&s);
    snprintf(want, sizeof(want), EVTX_MATCHES, dumped, dumped, dumped, dumped, dumped);
    s = belljar("sigma", "scan", "--json", "--rules", inside("rules"), dumped, NULL);
    expect(&s, 0, want, NULL);
    s = belljar("evtx", "dump", "--record", "4", log, NULL);
    assert_non_null(strstr(buf_z(&s.out), "\"TargetUserName\":\"admin\",\"LogonType\":3"));
    expect(&s, 0, NULL, NULL);
    s = belljar("evtx", "dump", "--xml", "--record", "4", log, NULL);
    assert_non_null(strstr(buf_z(&s.out), "<Data Name=\"TargetUserName\">admin</Data>"));
    expect(&s, 0, NULL, NULL);
    s = belljar("evtx", "dump", "--record", "9", log, NULL);
    expect(&s, 1, "", "there is no record 9: the log has 9");
}

static void test_damaged(void **state)
{
    char *log = inside("damaged.evtx");
    struct buf b;
    struct said s;

    (void)state;
    assert_int_equal(file_read(inside("log.evtx"), 1 << 20, &b, NULL), 0);
    b.data[4096 + 512] = 'x'; /* the first record's signature */
    assert_int_equal(file_write_atomic(log, b.data, b.len, 0600, NULL), 0);
    buf_free(&b);
    s = belljar("evtx", "dump", log, NULL);
    assert_null(strstr(buf_z(&s.out), "whoami"));
    assert_non_null(strstr(buf_z(&s.out), "net user intruder"));
    expect(&s, 0, NULL, "offset 0x1200: here should be a record");
    s = belljar("evtx", "dump", "--anomalies", log, NULL);
    assert_non_null(strstr(buf_z(&s.out), "\"offset\":4608,\"what\":\"record-damaged\""));
    expect(&s, 0, NULL, NULL);
    s = belljar("sigma", "scan", "--rules", inside("rules"), log, NULL);
    expect(&s, 0, NULL, "offset 0x1034: the checksum of the chunk's records is wrong");
}

static void test_json(void **state)
{
    char want[4096], *log = inside("a.jsonl"), *array = inside("b.json");
    struct said s;

    (void)state;
    put("a.jsonl",
        "{\"winlog\":{\"channel\":\"System\",\"event_id\":7045,\"provider_name\":\"Service Control Manager\"}}\n"
        "{\"broken\n"
        "{\"Channel\":\"System\",\"EventID\":\"7045\",\"Provider_Name\":\"service control manager\"}\n");
    snprintf(want, sizeof(want), LINE(0, "04", "Service", "critical") LINE(2, "04", "Service", "critical"), log, log);
    s = belljar("sigma", "scan", "--json", "--rules", inside("rules"), log, NULL);
    expect(&s, 0, want, "a.jsonl:2: record 1: no JSON at byte ");
    put("b.json", "[{\"message\":\"Accepted\"},\n {\"message\":\"Failed password for root\"}]");
    snprintf(want, sizeof(want), LINE(1, "06", "Linux log-in", "medium"), array);
    s = belljar("sigma", "scan", "--json", "--logsource", "product=linux,service=auth", "--rules", inside("rules"),
                array, NULL);
    expect(&s, 0, want, NULL);
    s = belljar("sigma", "scan", "--json", "--rules", inside("rules"), array, NULL);
    expect(&s, 0, "", "2 records do not say what they are: give --logsource");
    /* a missing file and one that is no log do not keep from the others */
    snprintf(want, sizeof(want), LINE(1, "06", "Linux log-in", "medium"), array);
    s = belljar("sigma", "scan", "--json", "--logsource", "product=linux,service=auth", "--rules", inside("rules"),
                inside("missing"), inside("correlation.yml"), array, NULL);
    expect(&s, 1, want, "this is neither a Windows event log nor JSON");
}

static struct said from_input(const char *in, const char *first, ...)
{
    va_list ap;
    struct said s;

    va_start(ap, first);
    s = belljar_in(in, first, ap);
    va_end(ap);
    return s;
}

static void test_correlation(void **state)
{
    static const char in[] = "{\"System\":{\"Channel\":\"Security\",\"EventID\":4625},\"TimeCreated\":\"2024-01-01T00:"
                             "00:00Z\",\"EventData\":"
                             "{\"TargetUserName\":\"a\"}}\n"
                             "{\"System\":{\"Channel\":\"Security\",\"EventID\":4625},\"TimeCreated\":\"2024-01-01T00:"
                             "01:00Z\",\"EventData\":"
                             "{\"TargetUserName\":\"b\"}}\n"
                             "{\"System\":{\"Channel\":\"Security\",\"EventID\":4625},\"TimeCreated\":\"2024-01-01T00:"
                             "02:00Z\",\"EventData\":"
                             "{\"TargetUserName\":\"a\"}}\n"
                             "{\"System\":{\"Channel\":\"Security\",\"EventID\":4625},\"TimeCreated\":\"2024-01-01T00:"
                             "03:00Z\",\"EventData\":"
                             "{\"TargetUserName\":\"a\"}}\n";
    struct said s = from_input(in, "sigma", "scan", "--json", "--rules", inside("correlation.yml"), "-", NULL);

    (void)state;
    assert_non_null(strstr(buf_z(&s.out),
                           "{\"file\":\"-\",\"record\":3,\"rule_id\":\"" ID "11\",\"title\":\"Many log-ins "
                           "fail\",\"level\":\"high\",\"records\":[0,2,3]}\n"));
    expect(&s, 0, NULL, NULL);
}

static void test_wrong(void **state)
{
    char *rules = inside("rules"), *log = inside("log.evtx");
    struct said s;

    (void)state;
    put("bad.yml", "title: Bad\nid: 11111111-0000-4000-8000-000000000099\nlogsource: {product: windows}\n"
                   "detection: {s: {a|frobnicate: 1}, condition: s}\n");
    s = belljar("sigma", NULL);
    expect(&s, 2, "", "what is to be done");
    s = belljar("sigma", "look", NULL);
    expect(&s, 2, "", "\"look\"");
    s = belljar("sigma", "scan", NULL);
    expect(&s, 2, "", "which log?");
    s = belljar("sigma", "scan", "--level", "loud", log, NULL);
    expect(&s, 2, "", "\"loud\"");
    s = belljar("sigma", "scan", "--logsource", "windows", log, NULL);
    expect(&s, 2, "", "product=..,category=..,service=..");
    s = belljar("sigma", "scan", "--rules", inside("nowhere"), log, NULL);
    expect(&s, 1, "", "No such file or directory");
    s = belljar("sigma", "scan", "--rules", inside("bad.yml"), log, NULL);
    expect(&s, 1, "", "bad.yml:");
    s = belljar("sigma", "scan", "--rules", inside("bad.yml"), "--rules", rules, "--json", log, NULL);
    expect(&s, 0, NULL, "1 rule is bad and was left out");
    s = belljar("sigma", "scan", "--rules", rules, "--placeholders", inside("missing"), log, NULL);
    expect(&s, 1, "", "No such file or directory");
    s = belljar("evtx", "dump", inside("rules/own.yml"), NULL);
    expect(&s, 1, "", "this is no Windows event log");
    s = belljar("evtx", "dump", rules, NULL);
    expect(&s, 1, "", "there are no logs (.evtx)");
    s = belljar("evtx", "dump", "--record", "-1", log, NULL);
    expect(&s, 2, "", "--record takes a number");
}

static void test_sigmahq(void **state)
{
    const char *where = getenv("BELLJAR_SIGMAHQ");
    struct stat st;
    struct said s;

    (void)state;
    if (!where || !*where || stat(where, &st) < 0) {
        print_message("BELLJAR_SIGMAHQ is not set: SigmaHQ's rules are not tried\n");
        skip();
    }
    if (!S_ISDIR(st.st_mode)) {
        mkdir(inside("sigmahq"), 0700);
        const char *argv[] = {"tar", "-C", inside("sigmahq"), "-xf", where, NULL};
        s = run(argv, NULL);
        expect(&s, 0, NULL, NULL);
        where = inside("sigmahq");
    }
    s = belljar("sigma", "scan", "--json", "--stats", "--rules", where, inside("log.evtx"), NULL);
    assert_non_null(strstr(buf_z(&s.err), " 0 rejected"));
    /* By their ids: whoami /all, net user /add */
    assert_non_null(strstr(buf_z(&s.out), "\"record\":0,\"rule_id\":\"c248c896-e412-4279-8c15-1c558067b6fa\""));
    assert_non_null(strstr(buf_z(&s.out), "\"record\":3,\"rule_id\":\"cd219ff3-fa99-45d4-8380-a7d15116c6dc\""));
    struct said slow = belljar("sigma", "scan", "--json", "--no-index", "--rules", where, inside("log.evtx"), NULL);
    assert_string_equal(buf_z(&slow.out), buf_z(&s.out));
    said_free(&slow);
    expect(&s, 0, NULL, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_evtx),    cmocka_unit_test(test_dump),        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_json),    cmocka_unit_test(test_correlation), cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_sigmahq),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
