/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/score-advice.h"

#include "detect/attack.h"

#include <stdarg.h>
#include <stdio.h>

#define QUICK_NS 3000000000 /* "ended at once" */
#define FEW_EVENTS 400
#define DROPPED "Submit the file that it dropped and ran on its own"

static struct advice *advise(struct verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static struct advice *advise(struct verdict *v, const char *format, ...)
{
    static struct advice beyond;
    struct advice *a = v->nadvice < ADVICE_MAX ? &v->advice[v->nadvice++] : &beyond;
    va_list ap;
    *a = (struct advice){.finding = SCORE_NONE};
    va_start(ap, format);
    vsnprintf(a->text, sizeof(a->text), format, ap);
    va_end(ap);
    return a;
}

static void add_event(struct advice *a, const struct evidence *v)
{
    if (v->source && a->nevents < ADVICE_EVENTS_MAX)
        a->events[a->nevents++] = *v;
}

/* Text of a sample in a sentence: whole characters, no control bytes. */
static const char *plain(const char *text, char *to, size_t room)
{
    size_t n = 0;
    for (const char *p = text; *p && n + 5 < room;) {
        int len = utf8_len(p, strlen(p));
        if (len <= 0 || (uint8_t)*p < 0x20 || *p == 0x7f) {
            to[n++] = '?';
            p++;
            continue;
        }
        memcpy(to + n, p, (size_t)len);
        n += (size_t)len;
        p += len;
    }
    to[n] = '\0';
    return to;
}

/* ---- advice that follows from a finding; the finding's sentence and events are its evidence ---------------------- */

static const struct {
    const char *rules;  /* globs over ids, separated by blanks; "" none */
    const char *attack; /* ids, separated by blanks: for rules of other engines */
    const char *text;
} rows[] = {
    {"*.evasion.*sleep*", "T1497.003 T1678", "It delays itself: run it again with a longer time"},
    {"*.evasion.vm-* *.evasion.cpu-info *.evasion.container-check *.combination.vm-aware", "T1497.001 T1497",
     "It looks for a virtual machine and may hide: compare with a run on another system"},
    {"*.evasion.debugger-*", "T1622", "It looks for debuggers or tracers and may hide: read its code as well"},
    {"*.evasion.locale-*", "T1614.001 T1614",
     "It looks at language, keyboard or time zone: run it again with another locale"},
    {"*.evasion.date-* *.discovery.time", "T1124", "It looks at the date or time: run it again with another date"},
    {"*.evasion.user-*", "T1497.002",
     "It looks for a user at work: run it again with user actions, or as the normal user"},
    {"*.evasion.internet-*", "T1016.001", "It checks for the internet first: look at which answer it waited for"},
    {"*.execution.dropped-*", "T1204.002", DROPPED},
    {"*.c2.download-*", "T1105",
     "Submit the file that it downloaded: in the simulated internet it is not the real one"},
    {"*.execution.exec-failed*", "",
     "A program that it needs is missing or of another architecture: try another system"},
    {"*.privilege.setid-*", "", "It tries to change its user: run it again as root or as the normal user"},
};

static bool word_matches(const char *words, struct str s, bool glob)
{
    struct str rest = str_from(words), word;
    while (*words && str_split(&rest, ' ', &word))
        if (glob ? str_glob(word, s, false) : str_eq(word, s))
            return true;
    return false;
}

static bool row_matches(size_t r, const struct finding *f)
{
    if (word_matches(rows[r].rules, f->rule, true))
        return true;
    /* Our own rules are named above, each for what it means. */
    if (!str_starts(f->rule, STR_LIT("sigma:")) && !str_starts(f->rule, STR_LIT("yara:")))
        return false;
    for (unsigned i = 0; i < f->nattack; i++) {
        const struct attack_technique *t = attack_technique(f->attack[i]);
        if (word_matches(rows[r].attack, t ? str_from(t->id) : f->attack[i], false))
            return true;
    }
    return false;
}

static void advise_finding(const struct finding *f, uint32_t index, const char *text, struct verdict *v)
{
    int64_t ms = f->nevidence ? f->evidence[0].time_ns / 1000000 : 0;
    struct str cut = f->title;
    char title[128], shown[128];
    if (cut.n > 90) {
        cut.n = 90;
        while (cut.n && ((uint8_t)f->title.p[cut.n] & 0xc0) == 0x80)
            cut.n--;
    }
    snprintf(title, sizeof(title), "%.*s%s", STR_ARG(cut), cut.n < f->title.n ? "..." : "");
    plain(title, shown, sizeof(shown));
    struct advice *a = f->nevidence ? advise(v, "%s (%s, +%lld.%lld s)", text, shown, (long long)(ms / 1000),
                                             (long long)(ms % 1000 / 100))
                                    : advise(v, "%s (%s)", text, shown);
    a->finding = index;
    for (unsigned i = 0; i < f->nevidence; i++)
        add_event(a, &f->evidence[i]);
}

static void advise_findings(const struct findings *f, struct verdict *v)
{
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (size_t i = 0; i < f->count; i++)
            if (row_matches(r, &f->items[i])) {
                advise_finding(&f->items[i], (uint32_t)i, rows[r].text, v);
                break;
            }
}

/* The row about dropped files has spoken already. */
static bool dropped_is_said(const struct verdict *v)
{
    for (unsigned i = 0; i < v->nadvice; i++)
        if (!strncmp(v->advice[i].text, DROPPED, strlen(DROPPED)))
            return true;
    return false;
}

/* ---- advice that follows from how the run went ------------------------------------------------------------------- */

static void advise_hints(const struct score_facts *s, struct verdict *v)
{
    char name[176];
    if (s->slept.event.source && !s->ended_by_itself)
        add_event(advise(v, "It slept to the end (%s, begun at +%lld.%lld s): run it again for longer",
                         plain(s->slept.text, name, sizeof(name)), (long long)(s->slept.event.time_ns / 1000000000),
                         (long long)(s->slept.event.time_ns / 100000000 % 10)),
                  &s->slept.event);
    if (s->silent.event.source)
        add_event(advise(v,
                         "No answer of the simulated internet matched what it said to %s%s: its server may be needed "
                         "to see more",
                         plain(s->silent.text, name, sizeof(name)), s->silent.count > 1 ? " and others" : ""),
                  &s->silent.event);
    if (s->captured.event.source && !dropped_is_said(v))
        add_event(advise(v, "Submit the program that it made: a copy of %s%s is kept",
                         plain(s->captured.text, name, sizeof(name)), s->captured.count > 1 ? " and of others" : ""),
                  &s->captured.event);
}

void score_advise(const struct findings *f, const struct score_facts *s, struct verdict *v)
{
    double ran = (double)s->ran_ns / 1e9;
    if (!s->started) {
        advise(v, "Try another system or give the right interpreter: %s",
               s->not_started_because ? s->not_started_because : "the sample did not start");
        return;
    }
    if (s->ended_by_itself && s->ran_ns < QUICK_NS && s->events < FEW_EVENTS && v->score < 30)
        add_event(
            advise(v,
                   "It may need arguments, input or files: it ended by itself, with status %u and %llu events; the "
                   "run lasted %.1f s",
                   s->exit_code, (unsigned long long)s->events, ran),
            &s->ended.event);
    if (s->crashed)
        add_event(advise(v, "It crashed after %.1f s: try another system or the files that it expects", ran),
                  &s->ended.event);
    advise_findings(f, v);
    advise_hints(s, v);
    if (!s->network_simulated)
        advise(v, "Run it again with the simulated internet: there was no network in this run");
    if (!s->ended_by_itself && s->machine_alive && v->word == VERDICT_CLEAN && !s->slept.event.source)
        advise(v, "Run it again for longer: it was still running when the time was over (%.0f s)", ran);
    if (!s->channel_intact || s->lost)
        advise(v, "Run it again: %llu events were lost%s", (unsigned long long)s->lost,
               s->channel_intact ? "" : " and the recording has a gap");
}
