/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/score-advice.h"

#include <stdarg.h>
#include <stdio.h>

#define ADVICE_MAX 8
#define QUICK_NS 3000000000 /* "ended at once" */
#define FEW_EVENTS 400

static void advise(struct verdict *v, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void advise(struct verdict *v, const char *format, ...)
{
    va_list ap;
    if (v->nadvice == ADVICE_MAX)
        return;
    va_start(ap, format);
    vsnprintf(v->advice[v->nadvice++], sizeof(v->advice[0]), format, ap);
    va_end(ap);
}

/* Advice that follows from a finding; the finding's sentence is its evidence. */
static const struct {
    const char *rule; /* glob over ids */
    const char *text;
} rows[] = {
    {"linux.evasion.*sleep*", "It delays itself: run it again with a longer time"},
    {"linux.evasion.vm-*", "It looks for a virtual machine and may hide: compare with a run on another system"},
    {"linux.evasion.debugger-*", "It looks for debuggers or tracers and may hide: read its code as well"},
    {"linux.evasion.locale-*", "It looks at language or time zone: run it again with another locale"},
    {"linux.evasion.date-*", "It looks at the date: run it again with another date"},
    {"linux.evasion.user-*", "It looks for a user at work: run it again as the normal user"},
    {"linux.evasion.internet-*", "It checks for the internet first: look at which answer it waited for"},
    {"linux.execution.dropped-*", "Submit the file that it dropped and ran on its own"},
    {"linux.c2.download-*", "Submit the file that it downloaded: in the simulated internet it is not the real one"},
    {"linux.execution.exec-failed*",
     "A program that it needs is missing or of another architecture: try another system"},
    {"linux.privilege.setid-*", "It tries to change its user: run it again as root or as the normal user"},
};

static void advise_finding(const struct finding *f, const char *text, struct verdict *v)
{
    int64_t ms = f->nevidence ? f->evidence[0].time_ns / 1000000 : 0;
    struct str title = str_sub(f->title, 0, 90);
    advise(v, "%s (%.*s%s, +%lld.%lld s)", text, STR_ARG(title), title.n < f->title.n ? "..." : "",
           (long long)(ms / 1000), (long long)(ms % 1000 / 100));
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
        advise(v, "It may need arguments, input or files: it ended by itself within %.1f s, with %llu events", ran,
               (unsigned long long)s->events);
    if (s->crashed)
        advise(v, "It crashed after %.1f s: try another system or the files that it expects", ran);
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++)
        for (size_t i = 0; i < f->count; i++)
            if (str_glob(str_from(rows[r].rule), f->items[i].rule, false)) {
                advise_finding(&f->items[i], rows[r].text, v);
                break;
            }
    if (!s->network_simulated)
        advise(v, "Run it again with the simulated internet: there was no network in this run");
    if (!s->ended_by_itself && s->machine_alive && v->word == VERDICT_CLEAN)
        advise(v, "Run it again for longer: it was still running when the time was over (%.0f s)", ran);
    if (!s->channel_intact || s->lost)
        advise(v, "Run it again: %llu events were lost%s", (unsigned long long)s->lost,
               s->channel_intact ? "" : " and the recording has a gap");
}
