/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/judge-hints.h"

#include "base/siphash.h"

#include <stdio.h>

#define SLEEP_MIN_NS 10000000000 /* a shorter one is no reason to wait for its end */
#define END_SLACK_NS 1000000000  /* the end of the run is not told to the nanosecond */
#define DNS_PORT 53

static struct evidence evidence_of(const struct event *ev, const struct proc *p)
{
    return (struct evidence){.source = ev->source, .seq = ev->seq, .time_ns = ev->time_ns, .proc = p->n};
}

static void hint_set(struct score_hint *h, const struct event *ev, const struct proc *p, struct str text)
{
    if (h->count++)
        return;
    h->event = evidence_of(ev, p);
    snprintf(h->text, sizeof(h->text), "%.*s", STR_ARG(text));
}

static uint64_t path_hash(struct str path)
{
    static const uint8_t key[16] = {'h', 'i', 'n', 't', 's'};
    return siphash24(path.p, path.n, key);
}

static void sleep_seen(struct judge_hints *h, const struct event *ev, const struct proc *p)
{
    uint64_t duration = event_u(ev, EVF_TIME_SLEEP_Duration);
    int64_t until =
        duration > INT64_MAX / 2 || ev->time_ns > INT64_MAX / 2 ? INT64_MAX : ev->time_ns + (int64_t)duration;
    uint64_t seconds = duration / 1000000000;
    if (duration < SLEEP_MIN_NS || until < h->slept_until_ns)
        return;
    h->slept_until_ns = until;
    h->slept = (struct score_hint){.event = evidence_of(ev, p), .count = 1};
    if (seconds < 600)
        snprintf(h->slept.text, sizeof(h->slept.text), "for %llu s", (unsigned long long)seconds);
    else if (seconds < 100 * 3600)
        snprintf(h->slept.text, sizeof(h->slept.text), "for %llu minutes", (unsigned long long)(seconds / 60));
    else
        snprintf(h->slept.text, sizeof(h->slept.text), "without an end");
}

static bool is_loopback(struct str ip)
{
    return str_starts(ip, STR_LIT("127.")) || str_eqz(ip, "::1");
}

/* It sent something, and the socket was closed or the run ended without one byte back. */
static void traffic_seen(struct judge_hints *h, const struct event *ev, const struct proc *p)
{
    struct str ip = event_s(ev, EVF_NET_TRAFFIC_DestinationIp);
    uint64_t port = event_u(ev, EVF_NET_TRAFFIC_DestinationPort);
    char to[96];
    if (!event_u(ev, EVF_NET_TRAFFIC_BytesSent) || event_u(ev, EVF_NET_TRAFFIC_BytesReceived) || !ip.n ||
        is_loopback(ip) || port == DNS_PORT)
        return;
    snprintf(to, sizeof(to), "%.*s port %llu (%.*s)", STR_ARG(str_sub(ip, 0, 48)), (unsigned long long)port,
             STR_ARG(str_sub(event_s(ev, EVF_NET_TRAFFIC_Protocol), 0, 8)));
    hint_set(&h->silent, ev, p, str_from(to));
}

static void capture_seen(struct judge_hints *h, const struct event *ev, const struct proc *p)
{
    struct str path = event_s(ev, EVF_FILE_CAPTURED_TargetFilename);
    if (str_eqz(event_s(ev, EVF_FILE_CAPTURED_Reason), "memfd"))
        hint_set(&h->captured, ev, p, path);
    else if (path.n && h->ncaptures < JUDGE_CAPTURES_MAX)
        h->captures[h->ncaptures++] = (struct judge_capture){path_hash(path), evidence_of(ev, p)};
}

/* A file of which there is a copy is started. */
static void exec_seen(struct judge_hints *h, const struct proc *p)
{
    uint64_t image = path_hash(p->image), script = path_hash(p->script);
    for (unsigned i = 0; i < h->ncaptures; i++) {
        struct judge_capture *c = &h->captures[i];
        struct str path = p->image.n && c->path == image     ? p->image
                          : p->script.n && c->path == script ? p->script
                                                             : STR_NONE;
        if (!path.n)
            continue;
        if (!h->captured.count++) {
            h->captured.event = c->event;
            snprintf(h->captured.text, sizeof(h->captured.text), "%.*s", STR_ARG(path));
        }
        *c = h->captures[--h->ncaptures]; /* each file once */
        return;
    }
}

void judge_hints_event(struct judge_hints *h, const struct event *ev, const struct proc *p)
{
    if (ev->kind == EVENT_RUN_SAMPLE)
        h->root_pid = ev->pid;
    if (p->lineage == PROC_SYSTEM)
        return;
    switch (ev->kind) {
    case EVENT_PROCESS_EXIT:
        if (ev->pid == h->root_pid)
            hint_set(&h->ended, ev, p, STR_NONE);
        break;
    case EVENT_PROCESS_EXEC:
        exec_seen(h, p);
        break;
    case EVENT_TIME_SLEEP:
        sleep_seen(h, ev, p);
        break;
    case EVENT_NET_TRAFFIC:
        traffic_seen(h, ev, p);
        break;
    case EVENT_FILE_CAPTURED:
        capture_seen(h, ev, p);
        break;
    default:
        break;
    }
}

void judge_hints_finish(const struct judge_hints *h, struct score_facts *s)
{
    s->ended = h->ended;
    s->silent = h->silent;
    s->captured = h->captured;
    if (h->slept.count && h->slept_until_ns >= s->ran_ns - END_SLACK_NS)
        s->slept = h->slept;
}
