/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Our own events as log lines: each view, who counts, what a finding is. */
#include "detect/sigma/sigma-run.h"
#include "detect/sigma/sigma-test-util.h"
#include "detect/sigma/sigma-views.h"

#define LINUX(c) "logsource: {product: linux, category: " c "}\n"
#define DET(d) "detection: {s: {" d "}, condition: s}\n"

struct play {
    struct proctab *t;
    struct sigma_run *run;
    struct sigma_rules *rules;
    uint64_t seq;
    struct findings found;
};

static void begin(struct play *k, const char *yaml)
{
    struct seen s = {0};
    *k = (struct play){0};
    k->rules = rules_of(yaml, &s);
    if (s.problems)
        fail_msg("%s\n%s", yaml, s.problem);
    assert_int_equal(proctab_new(1000, &k->t), 0);
    assert_int_equal(sigma_run_new(k->rules, k->t, &k->run), 0);
    findings_init(&k->found);
}

static void end(struct play *k)
{
    assert_int_equal(sigma_run_finish(k->run, &k->found), 0);
}

static void clear(struct play *k)
{
    findings_free(&k->found);
    sigma_run_free(&k->run);
    sigma_run_free(&k->run);
    proctab_free(&k->t);
    sigma_rules_free(&k->rules);
}

static void feed(struct play *k, struct event *ev, uint16_t kind, uint8_t source, uint32_t pid)
{
    ev->kind = kind;
    ev->count = event_kind_info(kind)->count;
    ev->source = source;
    ev->pid = ev->tid = pid;
    ev->seq = ++k->seq;
    ev->time_ns = (int64_t)k->seq * 1000000000;
    for (unsigned i = 0; i < ev->count; i++)
        if (!ev->f[i].s.p)
            ev->f[i].s = STR_LIT("");
    const struct proc *p = source == EVENT_SOURCE_NET ? NULL : proctab_event(k->t, ev);
    assert_int_equal(sigma_run_event(k->run, ev, p), 0);
}

/* The sample, a shell of it, a program of the machine. */
static void processes(struct play *k)
{
    struct event ev = {0};
    ev.f[EVF_RUN_SAMPLE_Path].s = STR_LIT("/home/user/sample");
    ev.f[EVF_RUN_SAMPLE_CommandLine].s = STR_LIT("/home/user/sample -x");
    feed(k, &ev, EVENT_RUN_SAMPLE, EVENT_SOURCE_AGENT, 100);
    for (unsigned i = 0; i < 2; i++) {
        ev = (struct event){0};
        ev.f[EVF_PROCESS_START_ParentProcessId].u = i ? 1 : 100;
        feed(k, &ev, EVENT_PROCESS_START, EVENT_SOURCE_TRACER, 101 + i);
        ev = (struct event){0};
        ev.f[EVF_PROCESS_EXEC_Image].s = i ? STR_LIT("/usr/sbin/cron") : STR_LIT("/usr/bin/bash");
        ev.f[EVF_PROCESS_EXEC_CommandLine].s = i ? STR_LIT("cron -f") : STR_LIT("bash -c \"echo a  b\" x");
        ev.f[EVF_PROCESS_EXEC_CurrentDirectory].s = STR_LIT("/tmp");
        ev.f[EVF_PROCESS_EXEC_ParentProcessId].u = i ? 1 : 100;
        feed(k, &ev, EVENT_PROCESS_EXEC, EVENT_SOURCE_TRACER, 101 + i);
    }
}

struct view_row {
    const char *rule;
    uint16_t kind;
    bool net;
    struct {
        unsigned slot;
        const char *text;
        uint64_t u;
    } f[6];
    bool want;
};

#define F(kind, field) EVF_##kind##_##field

static const struct view_row view_rows[] = {
    {LINUX("process_creation") DET("Image|endswith: /bash, CommandLine|contains: echo, ParentImage: /home/user/sample, "
                                   "ParentCommandLine|endswith: ' -x', CurrentDirectory: /tmp, User: uid 0"),
     0,
     false,
     {{0}},
     true},
    {LINUX("process_creation")
         DET("Image|endswith: /bash, CommandLine|contains: echo, CurrentDirectory: /tmp, ProcessId: 101"),
     0,
     false,
     {{0}},
     true},
    {LINUX("process_creation") DET("Image|endswith: /cron"), 0, false, {{0}}, false},
    {LINUX("process_creation") DET("Hashes|contains: abcd"), 0, false, {{0}}, false},
    {LINUX("file_event") DET("TargetFilename: /etc/cron.d/x, Image: /usr/bin/bash"),
     EVENT_FILE_CREATE,
     false,
     {{F(FILE_CREATE, TargetFilename), "/etc/cron.d/x", 0}},
     true},
    {LINUX("file_event") DET("TargetFilename: /etc/cron.d/x"),
     EVENT_FILE_DELETE,
     false,
     {{F(FILE_DELETE, TargetFilename), "/etc/cron.d/x", 0}},
     false},
    {LINUX("file_event") DET("TargetFilename: /etc/l"),
     EVENT_FILE_LINK,
     false,
     {{F(FILE_LINK, SourceFilename), "/x", 0}, {F(FILE_LINK, TargetFilename), "/etc/l", 0}},
     true},
    {LINUX("file_delete") DET("TargetFilename|startswith: /var/log"),
     EVENT_FILE_DELETE,
     false,
     {{F(FILE_DELETE, TargetFilename), "/var/log/syslog", 0}},
     true},
    {LINUX("file_rename") DET("SourceFilename: /a, TargetFilename: /b"),
     EVENT_FILE_RENAME,
     false,
     {{F(FILE_RENAME, SourceFilename), "/a", 0}, {F(FILE_RENAME, TargetFilename), "/b", 0}},
     true},
    {LINUX("file_change") DET("TargetFilename: /a"),
     EVENT_FILE_UTIME,
     false,
     {{F(FILE_UTIME, TargetFilename), "/a", 0}},
     true},
    {LINUX("file_access") DET("TargetFilename: /etc/shadow, FileName: /etc/shadow"),
     EVENT_FILE_READ,
     false,
     {{F(FILE_READ, TargetFilename), "/etc/shadow", 0}},
     true},
    {LINUX("network_connection")
         DET("DestinationIp|cidr: 10.0.0.0/8, DestinationPort: 4444, Initiated: 'true', Protocol: tcp"),
     EVENT_NET_CONNECT,
     false,
     {{F(NET_CONNECT, DestinationIp), "10.1.1.1", 0},
      {F(NET_CONNECT, DestinationPort), NULL, 4444},
      {F(NET_CONNECT, Protocol), "tcp", 0}},
     true},
    {LINUX("network_connection") DET("Initiated: 'true'"),
     EVENT_NET_CONNECT,
     false,
     {{F(NET_CONNECT, DestinationIp), "/run/x", 0}, {F(NET_CONNECT, Protocol), "unix", 0}},
     false},
    {LINUX("network_connection") DET("Initiated: 'false', DestinationPort|lt: 1024, SourceIp: 1.2.3.4"),
     EVENT_NET_ACCEPT,
     false,
     {{F(NET_ACCEPT, SourcePort), NULL, 22}, {F(NET_ACCEPT, DestinationIp), "1.2.3.4", 0}},
     true},
    {LINUX("dns_query") DET("QueryName|endswith: .onion"),
     EVENT_DNS_QUERY,
     true,
     {{F(DNS_QUERY, QueryName), "x.onion", 0}},
     true},
    {"logsource: {category: dns}\n" DET("query|endswith: .onion, record_type: TXT, answer: NXDOMAIN"),
     EVENT_DNS_QUERY,
     true,
     {{F(DNS_QUERY, QueryName), "x.onion", 0},
      {F(DNS_QUERY, QueryType), "TXT", 0},
      {F(DNS_QUERY, QueryResults), "NXDOMAIN", 0}},
     true},
    {"logsource: {category: proxy}\n" DET(
         "c-uri|contains: /a/x.php, cs-host: h.example, cs-method: POST, c-useragent: '', "
         "cs-uri-query: a=b, c-uri-extension: php, cs-uri-stem: /a/x.php, sc-status: 200"),
     EVENT_HTTP_REQUEST,
     true,
     {{F(HTTP_REQUEST, Url), "http://h.example/a/x.php?a=b", 0},
      {F(HTTP_REQUEST, Host), "h.example", 0},
      {F(HTTP_REQUEST, Method), "POST", 0},
      {F(HTTP_REQUEST, Status), NULL, 200}},
     true},
    {"logsource: {category: webserver}\n" DET("cs-uri-query|contains: '/a/x.php?a', cs-cookie: c=d, cs-referer: r"),
     EVENT_HTTP_REQUEST,
     true,
     {{F(HTTP_REQUEST, Url), "/a/x.php?a=b", 0},
      {F(HTTP_REQUEST, Headers), "GET / HTTP/1.1\r\nCookie: c=d\r\nReferer:r\r\n", 0}},
     true},
    {"logsource: {category: firewall}\n" DET("dst_port: 25, dst_ip: 1.2.3.4"),
     EVENT_NET_FLOW,
     true,
     {{F(NET_FLOW, DestinationPort), NULL, 25}, {F(NET_FLOW, DestinationIp), "1.2.3.4", 0}},
     true},
    {LINUX("image_load") DET("ImageLoaded|startswith: /tmp/"),
     EVENT_FILE_MAP_EXEC,
     false,
     {{F(FILE_MAP_EXEC, ImageLoaded), "/tmp/x.so", 0}},
     true},
    {LINUX("driver_load") DET("ImageLoaded: rootkit"),
     EVENT_KERNEL_MODULE,
     false,
     {{F(KERNEL_MODULE, ImageLoaded), "rootkit", 0}},
     true},
    {LINUX("process_access") DET("TargetImage|endswith: /cron, SourceImage|endswith: /bash"),
     EVENT_PROCESS_PTRACE,
     false,
     {{F(PROCESS_PTRACE, TargetProcessId), NULL, 102}},
     true},
    {"logsource: {product: linux, service: auditd}\n" DET(
         "type: EXECVE, a0: bash, a1: '-c', a2: 'echo a  b', a3: x, argc: 4"),
     0,
     false,
     {{0}},
     true},
    {"logsource: {product: linux, service: auditd}\n" DET(
         "type: SYSCALL, SYSCALL: execve, exe: /usr/bin/bash, comm: bash"),
     0,
     false,
     {{0}},
     true},
    {"logsource: {product: linux, service: auditd}\n" DET("type: PATH, name|startswith: /etc, nametype: CREATE"),
     EVENT_FILE_CREATE,
     false,
     {{F(FILE_CREATE, TargetFilename), "/etc/x", 0}},
     true},
    {"logsource: {product: linux, service: auditd}\n" DET("type: SYSCALL, syscall: init_module"),
     EVENT_KERNEL_MODULE,
     false,
     {{F(KERNEL_MODULE, Operation), "init_module", 0}},
     true},
    {"logsource: {product: linux, service: auditd}\n" DET("SYSCALL: personality, a0: 40000"),
     EVENT_PROCESS_PERSONALITY,
     false,
     {{F(PROCESS_PERSONALITY, Value), NULL, 0x40000}},
     true},
    {"logsource: {product: linux}\ndetection: {s: ['echo a', other], condition: s}\n", 0, false, {{0}}, true},
    {"logsource: {product: linux, service: sshd}\ndetection: {s: ['echo a'], condition: s}\n", 0, false, {{0}}, false},
    {"logsource: {product: windows, category: process_creation}\n" DET("Image|endswith: bash"), 0, false, {{0}}, false},
};

static void every_view(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(view_rows) / sizeof(view_rows[0]); i++) {
        const struct view_row *row = &view_rows[i];
        struct play k;
        struct event ev = {0};
        char yaml[1024];
        snprintf(yaml, sizeof(yaml), "title: t\n%s", row->rule);
        begin(&k, yaml);
        processes(&k);
        for (unsigned f = 0; f < 6 && (row->f[f].text || row->f[f].u); f++) {
            ev.f[row->f[f].slot].s = str_from(row->f[f].text);
            ev.f[row->f[f].slot].u = row->f[f].u;
        }
        if (row->kind)
            feed(&k, &ev, row->kind, row->net ? EVENT_SOURCE_NET : EVENT_SOURCE_TRACER, row->net ? 0 : 101);
        end(&k);
        if ((k.found.count == 1) != row->want)
            fail_msg("row %zu: %s: %zu findings", i, row->rule, k.found.count);
        clear(&k);
    }
}

/* The same by the machine's own cron: never. */
static void the_machine_does_not_count(void **state)
{
    struct play k;
    struct event ev = {0};
    (void)state;
    begin(&k, "title: t\n" LINUX("file_event") DET("TargetFilename|startswith: /etc"));
    processes(&k);
    ev.f[0].s = STR_LIT("/etc/x");
    feed(&k, &ev, EVENT_FILE_CREATE, EVENT_SOURCE_TRACER, 102);
    end(&k);
    assert_int_equal(k.found.count, 0);
    clear(&k);
}

static void names_and_hashes_are_learnt(void **state)
{
    struct play k;
    struct event ev = {0};
    (void)state;
    begin(&k, "title: a\nid: a\n" LINUX("network_connection")
                  DET("DestinationHostname|endswith: .evil.example") "---\ntitle: b\nid: b\n" LINUX("process_creation")
                      DET("Hashes|contains: 'SHA256=00ff'") "---\ntitle: c\nid: c\nlogsource: {category: dns}\n" DET(
                          "Image: /usr/bin/bash"));
    processes(&k);
    ev.f[EVF_DNS_QUERY_QueryName].s = STR_LIT("c2.evil.example");
    ev.f[EVF_DNS_QUERY_QueryResults].s = STR_LIT("10.9.9.9; 10.9.9.10");
    feed(&k, &ev, EVENT_DNS_QUERY, EVENT_SOURCE_NET, 0);
    ev = (struct event){0};
    ev.f[EVF_NET_CONNECT_DestinationIp].s = STR_LIT("10.9.9.10");
    ev.f[EVF_NET_CONNECT_SourcePort].u = 5353;
    feed(&k, &ev, EVENT_NET_CONNECT, EVENT_SOURCE_TRACER, 101);
    ev = (struct event){0};
    ev.f[EVF_FILE_CAPTURED_TargetFilename].s = STR_LIT("/tmp/dropped");
    ev.f[EVF_FILE_CAPTURED_Sha256].s = STR_LIT("00ff");
    feed(&k, &ev, EVENT_FILE_CAPTURED, EVENT_SOURCE_AGENT, 101);
    ev = (struct event){0};
    ev.f[EVF_PROCESS_EXEC_Image].s = STR_LIT("/tmp/dropped");
    feed(&k, &ev, EVENT_PROCESS_EXEC, EVENT_SOURCE_TRACER, 101);
    ev = (struct event){0};
    ev.f[EVF_PROCESS_EXEC_Image].s = STR_LIT("/usr/bin/bash");
    feed(&k, &ev, EVENT_PROCESS_EXEC, EVENT_SOURCE_TRACER, 101);
    ev = (struct event){0};
    ev.f[EVF_DNS_QUERY_QueryName].s = STR_LIT("x");
    ev.f[EVF_DNS_QUERY_SourcePort].u = 5353;
    feed(&k, &ev, EVENT_DNS_QUERY, EVENT_SOURCE_NET, 0);
    end(&k);
    assert_int_equal(k.found.count, 3);
    assert_int_equal(k.found.items[2].evidence[0].proc, 2);
    clear(&k);
}

/* What systemd-resolved asks, it asks for others; what cron asks is its own. */
static void a_resolver_asks_for_others(void **state)
{
    (void)state;
    for (unsigned resolver = 0; resolver < 2; resolver++) {
        struct play k;
        struct event ev = {0};
        begin(&k, "title: t\nlogsource: {category: dns}\n" DET("query|endswith: .onion"));
        processes(&k);
        if (resolver) {
            ev.f[EVF_PROCESS_EXEC_Image].s = STR_LIT("/usr/lib/systemd/systemd-resolved");
            feed(&k, &ev, EVENT_PROCESS_EXEC, EVENT_SOURCE_TRACER, 102);
        }
        ev = (struct event){0};
        ev.f[EVF_NET_BIND_SourcePort].u = 4000;
        feed(&k, &ev, EVENT_NET_BIND, EVENT_SOURCE_TRACER, 102);
        ev = (struct event){0};
        ev.f[EVF_DNS_QUERY_QueryName].s = STR_LIT("x.onion");
        ev.f[EVF_DNS_QUERY_SourcePort].u = 4000;
        feed(&k, &ev, EVENT_DNS_QUERY, EVENT_SOURCE_NET, 0);
        end(&k);
        assert_int_equal(k.found.count, resolver);
        clear(&k);
    }
}

static void what_a_finding_is(void **state)
{
    struct play k;
    struct event ev = {0};
    (void)state;
    begin(&k,
          "title: Deletes logs\nid: abc-1\nlevel: high\ntags: [attack.t1070.002, attack.defense_evasion, "
          "attack.impact]\n" LINUX("file_delete")
              DET("TargetFilename|startswith: /var/log") "---\ntitle: Twice\nid: abc-2\nname: n\nlevel: low\n" LINUX(
                  "file_delete")
                  DET("TargetFilename: /b") "---\ntitle: Often\nid: abc-3\nlevel: critical\ncorrelation: {type: "
                                            "event_count, rules: [n], group-by: [Image], "
                                            "timespan: 1m, condition: {gte: 3}}\n");
    processes(&k);
    for (unsigned i = 0; i < 40; i++) {
        ev = (struct event){0};
        ev.f[0].s = STR_LIT("/var/log/x");
        feed(&k, &ev, EVENT_FILE_DELETE, EVENT_SOURCE_TRACER, 101);
    }
    uint64_t from = k.seq;
    for (unsigned i = 0; i < 3; i++) {
        ev = (struct event){0};
        ev.f[0].s = STR_LIT("/b");
        feed(&k, &ev, EVENT_FILE_DELETE, EVENT_SOURCE_TRACER, 101);
    }
    end(&k);
    assert_int_equal(k.found.count, 2);
    const struct finding *f = &k.found.items[0];
    assert_true(str_eqz(f->rule, "sigma:abc-1") && str_eqz(f->title, "Deletes logs"));
    assert_true(str_eqz(f->category, "Operating System Destruction"));
    assert_int_equal(f->severity, SEVERITY_HIGH);
    assert_int_equal(f->points, 25);
    assert_int_equal(f->count, 40);
    assert_int_equal(f->nevidence, FINDING_EVIDENCE_MAX);
    assert_int_equal(f->nattack, 1);
    assert_true(finding_category_find(f->category) >= 0);
    f = &k.found.items[1];
    assert_true(str_eqz(f->rule, "sigma:abc-3"));
    assert_int_equal(f->points, 40);
    assert_int_equal(f->nevidence, 3);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(f->evidence[i].seq, from + 1 + i);
        assert_int_equal(f->evidence[i].time_ns, (int64_t)(from + 1 + i) * 1000000000);
        assert_int_equal(f->evidence[i].source, EVENT_SOURCE_TRACER);
        assert_int_equal(f->evidence[i].proc, 2);
    }
    clear(&k);
}

static void weights_and_switches(void **state)
{
    static const struct {
        unsigned weight, points;
        enum severity severity;
    } rows[] = {{100, 25, SEVERITY_HIGH}, {60, 15, SEVERITY_HIGH}, {40, 10, SEVERITY_MEDIUM}, {0, 0, SEVERITY_INFO}};
    static const char yaml[] = "title: t\nid: one\nlevel: high\n" LINUX("process_creation") DET("Image|endswith: bash");
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) + 1; i++) {
        bool off = i == sizeof(rows) / sizeof(rows[0]);
        struct play k = {0};
        assert_int_equal(sigma_rules_new(&k.rules), 0);
        sigma_rules_weight(k.rules, off ? 100 : rows[i].weight);
        assert_int_equal(sigma_rules_add(k.rules, "t", str_from(yaml), NULL, NULL, NULL), 1);
        assert_false(sigma_rules_off(k.rules, STR_LIT("two")));
        if (off)
            assert_true(sigma_rules_off(k.rules, STR_LIT("one")));
        assert_int_equal(sigma_rules_compile(k.rules, NULL, NULL, NULL), 0);
        assert_int_equal(proctab_new(1000, &k.t), 0);
        assert_int_equal(sigma_run_new(k.rules, k.t, &k.run), 0);
        findings_init(&k.found);
        processes(&k);
        end(&k);
        assert_int_equal(k.found.count, !off);
        if (!off) {
            assert_int_equal(k.found.items[0].points, rows[i].points);
            assert_int_equal(k.found.items[0].severity, rows[i].severity);
        }
        clear(&k);
    }
}

static void tables_are_sound(void **state)
{
    (void)state;
    for (unsigned i = 0; view_at(i); i++) {
        const struct view *v = view_at(i);
        const struct event_kind_info *k = event_kind_info(v->kind);
        assert_non_null(k);
        for (const struct view_field *f = v->fields; f->name; f++)
            assert_true(f->slot < k->count || f->slot == 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_view),           cmocka_unit_test(the_machine_does_not_count),
        cmocka_unit_test(what_a_finding_is),    cmocka_unit_test(names_and_hashes_are_learnt),
        cmocka_unit_test(tables_are_sound),     cmocka_unit_test(a_resolver_asks_for_others),
        cmocka_unit_test(weights_and_switches),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
