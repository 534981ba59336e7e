/* SPDX-License-Identifier: GPL-3.0-or-later */
/* belljar sigma scan: Sigma rules over Windows event logs and JSON, in a jail. */
#include "cmd/cmd.h"

#include "base/jsonw.h"
#include "cmd/logfile.h"
#include "cmd/sigma-role.h"
#include "cmd/text.h"
#include "detect/rulepack.h"
#include "detect/sigma/log.h"
#include "os/file.h"
#include "os/loop.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RULES_PATHS_MAX 64
#define PLACEHOLDERS_MAX (8u << 20)
#define SHOWN_RECORDS 5
#define RULES_MAX 10000000u

struct found { /* a rule, in one log */
    uint32_t rule;
    enum sigma_level level;
    char *title, *id;
    uint64_t count, records[SHOWN_RECORDS];
};

struct scanning {
    const char *rules[RULES_PATHS_MAX], *logsource, *placeholders_file;
    unsigned nrules;
    bool json, no_index, stats;
    enum sigma_level level, fail_on, worst;

    struct buf texts, placeholders;
    struct sigma_client *client;
    struct sigma_loaded loaded;
    struct sigma_scanned all;
    uint64_t files, failed, load_ms, scan_ms;

    const char *file; /* at hand */
    struct found *found;
    size_t nfound, cap;
    uint32_t *place; /* of each rule in it, from 1; 0: not there */
    int error;       /* of collecting */
};

/* ---- what the process tells ---------------------------------------------------------------------------------- */

static void on_bad_rule(void *context, struct str file, unsigned line, struct str reason)
{
    (void)context;
    text_print(stderr, file);
    if (line)
        fprintf(stderr, ":%u", line);
    fputs(": ", stderr);
    text_print(stderr, reason);
    fputc('\n', stderr);
}

static void on_trouble(void *context, uint64_t record, uint64_t line, uint64_t offset, struct str text)
{
    struct scanning *s = context;

    fputs("belljar: ", stderr);
    text_print(stderr, str_from(s->file));
    if (line)
        fprintf(stderr, ":%" PRIu64 ": record %" PRIu64 ": ", line, record);
    else
        fprintf(stderr, ": offset 0x%" PRIx64 ": ", offset);
    text_print(stderr, text);
    fputc('\n', stderr);
}

static void hit_json(const struct scanning *s, const struct sigma_hit *h)
{
    struct buf b;
    struct jsonw w;

    buf_init(&b, 4u << 20);
    jsonw_to_buf(&w, &b, false);
    jsonw_object(&w);
    jsonw_kbytes(&w, "file", str_from(s->file));
    jsonw_ku64(&w, "record", h->record);
    jsonw_kstr(&w, "rule_id", h->id);
    jsonw_kstr(&w, "title", h->title);
    jsonw_kz(&w, "level", sigma_level_name(h->level));
    if (h->correlation) {
        jsonw_karray(&w, "records");
        for (size_t i = 0; i < h->nrecords; i++)
            jsonw_u64(&w, h->records[i]);
        jsonw_array_end(&w);
    }
    jsonw_object_end(&w);
    if (jsonw_finish(&w) == 0) {
        buf_u8(&b, '\n');
        fwrite(b.data, 1, b.len, stdout);
    }
    buf_free(&b);
}

static struct found *found_of(struct scanning *s, const struct sigma_hit *h)
{
    struct found *f;

    if (h->rule >= s->loaded.rules) /* the process is not to be believed */
        return NULL;
    if (s->place[h->rule])
        return &s->found[s->place[h->rule] - 1];
    if (s->nfound == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 64;
        if (!(f = realloc(s->found, cap * sizeof(*f))))
            return NULL;
        s->found = f;
        s->cap = cap;
    }
    f = &s->found[s->nfound];
    *f = (struct found){.rule = h->rule, .level = h->level, .title = str_dup(h->title), .id = str_dup(h->id)};
    if (!f->title || !f->id) {
        free(f->title);
        free(f->id);
        return NULL;
    }
    s->place[h->rule] = (uint32_t)++s->nfound;
    return f;
}

static void on_hit(void *context, const struct sigma_hit *h)
{
    struct scanning *s = context;
    struct found *f;

    if (h->level > s->worst)
        s->worst = h->level;
    if (s->json) {
        hit_json(s, h);
        return;
    }
    if (!(f = found_of(s, h))) {
        s->error = -ENOMEM;
        return;
    }
    if (f->count < SHOWN_RECORDS)
        f->records[f->count] = h->record;
    f->count++;
}

/* ---- what is printed ----------------------------------------------------------------------------------------- */

static int by_level(const void *a, const void *b)
{
    const struct found *x = a, *y = b;

    if (x->level != y->level)
        return x->level < y->level ? 1 : -1;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return strcmp(x->title, y->title);
}

static void found_print(const struct found *f)
{
    static const char *const colours[] = {"", "", "\033[36m", "\033[33m", "\033[31m", "\033[1;31m"};
    bool colour = isatty(STDOUT_FILENO) && !getenv("NO_COLOR");

    printf("  %s%-13s%s %7" PRIu64 "  ", colour ? colours[f->level] : "", sigma_level_name(f->level),
           colour && *colours[f->level] ? "\033[0m" : "", f->count);
    text_print(stdout, str_from(f->title));
    printf("  (record%s", f->count == 1 ? "" : "s");
    for (uint64_t i = 0; i < f->count && i < SHOWN_RECORDS; i++)
        printf("%s %" PRIu64, i ? "," : "", f->records[i]);
    puts(f->count > SHOWN_RECORDS ? ", ...)" : ")");
}

static void file_print(struct scanning *s, const struct sigma_scanned *r)
{
    if (s->nfound)
        qsort(s->found, s->nfound, sizeof(*s->found), by_level);
    text_print(stdout, str_from(s->file));
    printf(": %" PRIu64 " record%s, ", r->records, r->records == 1 ? "" : "s");
    if (!s->nfound) {
        puts("no matches");
        return;
    }
    printf("%" PRIu64 " match%s of %zu rule%s\n", r->matches, r->matches == 1 ? "" : "es", s->nfound,
           s->nfound == 1 ? "" : "s");
    for (size_t i = 0; i < s->nfound; i++)
        found_print(&s->found[i]);
}

static void found_clear(struct scanning *s)
{
    for (size_t i = 0; i < s->nfound; i++) {
        s->place[s->found[i].rule] = 0;
        free(s->found[i].title);
        free(s->found[i].id);
    }
    s->nfound = 0;
}

/* What a log's reader has to know about it. */
static void notes_print(const struct scanning *s, const struct sigma_scanned *r)
{
    const struct {
        uint64_t count;
        const char *text;
    } notes[] = {
        {r->troubles_more, "more places that could not be read are not listed"},
        {r->unknown, "records do not say what they are: give --logsource"},
        {r->dropped, "values were left out: a record may have 1024"},
        {r->over_budget, "times a rule was given up on a record: it took too long"},
        {r->evicted, "times a correlation had to forget something: there was too much"},
    };

    for (size_t i = 0; i < sizeof(notes) / sizeof(*notes); i++) {
        char text[160];
        if (!notes[i].count)
            continue;
        snprintf(text, sizeof(text), "%" PRIu64 " %s", notes[i].count, notes[i].text);
        logfile_complain(s->file, text);
    }
}

static void stats_print(const struct scanning *s)
{
    const struct sigma_scanned *a = &s->all;
    double seconds = (double)s->scan_ms / 1000;

    fprintf(stderr, "rules: %" PRIu64 " loaded, %" PRIu64 " rejected, %" PRIu64 " inert, in %" PRIu64 " ms\n",
            s->loaded.rules, s->loaded.rejected, s->loaded.inert, s->load_ms);
    fprintf(stderr, "logs: %" PRIu64 ", %" PRIu64 " records, %" PRIu64 " broken, in %" PRIu64 " ms (%.0f a second)\n",
            s->files, a->records, a->broken, s->scan_ms, seconds > 0 ? (double)a->records / seconds : 0);
    fprintf(stderr, "matches: %" PRIu64 "; rules evaluated: %" PRIu64 "; records no rule asks for: %" PRIu64 "\n",
            a->matches, a->evaluated, a->idle);
}

/* ---- the work ------------------------------------------------------------------------------------------------ */

static void sum_up(struct scanning *s, const struct sigma_scanned *r)
{
    s->files++;
    s->all.records += r->records;
    s->all.broken += r->broken;
    s->all.matches += r->matches;
    s->all.evaluated += r->evaluated;
    s->all.idle += r->idle;
}

static int scan_file(void *context, const char *file)
{
    struct scanning *s = context;
    struct sigma_scanned r = {0};
    struct str name = str_from(file);
    struct err e = {0};
    uint64_t begun = loop_now_ms();
    bool lines = str_iends(name, STR_LIT(".jsonl")) || str_iends(name, STR_LIT(".ndjson")) || !strcmp(file, "-");
    int fd, rc;

    if (ferror(stdout))
        return 0;
    if (logfile_open(file, &fd, &e) < 0) {
        s->failed++;
        cmd_failed(&e);
        return 0;
    }
    s->file = strcmp(file, "-") ? file : "standard input";
    if (s->json && !strcmp(file, "-"))
        s->file = "-";
    rc = sigma_client_scan(s->client, fd, lines, &r, &e);
    close(fd);
    s->scan_ms += loop_now_ms() - begun;
    if (rc < 0) {
        s->failed++;
        logfile_complain(s->file, e.text);
    } else {
        sum_up(s, &r);
        if (!s->json)
            file_print(s, &r);
        notes_print(s, &r);
    }
    fflush(stdout);
    found_clear(s);
    return s->error;
}

static int texts_read(struct scanning *s, struct err *e)
{
    int rc = 0;

    if (!s->nrules)
        return rulepacks_pack(1u << rulekind_index(rulekind_find("sigma")), &s->texts, e);
    buf_init(&s->texts, RULETEXTS_BYTES_MAX);
    for (unsigned i = 0; i < s->nrules && rc >= 0; i++)
        rc = rulepack_read_path(s->rules[i], true, &s->texts, e);
    return rc;
}

static int rules_load(struct scanning *s, struct err *e)
{
    struct sigma_client_options o = {.no_index = s->no_index,
                                     .level = s->level,
                                     .source = str_from(s->logsource),
                                     .bad_rule = on_bad_rule,
                                     .trouble = on_trouble,
                                     .hit = on_hit,
                                     .context = s};
    uint64_t begun = loop_now_ms();
    int rc = texts_read(s, e);

    if (rc < 0)
        return rc;
    if (s->placeholders_file && (rc = file_read(s->placeholders_file, PLACEHOLDERS_MAX, &s->placeholders, e)) < 0)
        return rc;
    o.texts = buf_str(&s->texts);
    o.placeholders = buf_str(&s->placeholders);
    if ((rc = sigma_client_new(&o, &s->client, &s->loaded, e)) < 0)
        return rc;
    s->load_ms = loop_now_ms() - begun;
    if (!s->loaded.rules)
        return err_set(e, ERR_MISSING, "there is not one Sigma rule%s%s", s->nrules ? " in " : "",
                       s->nrules ? s->rules[0] : "");
    if (s->loaded.rules > RULES_MAX || !(s->place = calloc(s->loaded.rules, sizeof(*s->place))))
        return err_set(e, ERR_LIMIT, "there are too many rules");
    if (s->loaded.rejected)
        fprintf(stderr, "belljar: %" PRIu64 " rule%s bad and %s left out\n", s->loaded.rejected,
                s->loaded.rejected == 1 ? " is" : "s are", s->loaded.rejected == 1 ? "was" : "were");
    return 0;
}

static int level_read(const char *option, const char *word, enum sigma_level *ret)
{
    *ret = sigma_level_of(str_from(word));
    return *ret ? EXIT_FINE
                : cmd_wrong(&cmd_sigma, "%s takes informational, low, medium, high or critical, not \"%s\"", option,
                            word);
}

static int parse(int argc, char **argv, struct scanning *s)
{
    enum { RULES = 1, LOGSOURCE, JSON, PLACEHOLDERS, LEVEL, FAIL_ON, NO_INDEX, STATS };
    static const struct option options[] = {{"rules", required_argument, NULL, RULES},
                                            {"logsource", required_argument, NULL, LOGSOURCE},
                                            {"json", no_argument, NULL, JSON},
                                            {"placeholders", required_argument, NULL, PLACEHOLDERS},
                                            {"level", required_argument, NULL, LEVEL},
                                            {"fail-on", required_argument, NULL, FAIL_ON},
                                            {"no-index", no_argument, NULL, NO_INDEX},
                                            {"stats", no_argument, NULL, STATS},
                                            {NULL, 0, NULL, 0}};
    struct sigma_source source;
    struct err e;
    int c, code;

    while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
        code = EXIT_FINE;
        if (c == RULES && s->nrules < RULES_PATHS_MAX)
            s->rules[s->nrules++] = optarg;
        else if (c == RULES)
            code = cmd_wrong(&cmd_sigma, "more than %d folders of rules", RULES_PATHS_MAX);
        else if (c == LOGSOURCE && sigma_log_source_parse(str_from(optarg), &source, &e) < 0)
            code = cmd_wrong(&cmd_sigma, "--logsource: %s", e.text);
        else if (c == LOGSOURCE)
            s->logsource = optarg;
        else if (c == JSON)
            s->json = true;
        else if (c == PLACEHOLDERS)
            s->placeholders_file = optarg;
        else if (c == LEVEL)
            code = level_read("--level", optarg, &s->level);
        else if (c == FAIL_ON)
            code = level_read("--fail-on", optarg, &s->fail_on);
        else if (c == NO_INDEX)
            s->no_index = true;
        else if (c == STATS)
            s->stats = true;
        else
            code = cmd_wrong(&cmd_sigma, "wrong option");
        if (code != EXIT_FINE)
            return code;
    }
    return optind < argc ? EXIT_FINE : cmd_wrong(&cmd_sigma, "which log?");
}

static int scan(int argc, char **argv, struct scanning *s)
{
    struct err e = {0};
    bool failed = false;

    if (rules_load(s, &e) < 0)
        return cmd_failed(&e);
    for (int i = optind; i < argc; i++)
        if (logfile_each(argv[i], false, scan_file, s, &e) < 0) {
            if (s->error)
                err_set(&e, s->error, "the matches could not be collected: %s", err_name(s->error));
            cmd_failed(&e);
            failed = true;
        }
    if (s->stats)
        stats_print(s);
    if (failed || s->failed)
        return EXIT_FAILED;
    return s->fail_on && s->worst >= s->fail_on ? EXIT_VERDICT : EXIT_FINE;
}

static int run(int argc, char **argv)
{
    struct scanning s = {0};
    int code;

    if (argc < 2 || strcmp(argv[1], "scan"))
        return argc < 2 ? cmd_wrong(&cmd_sigma, "what is to be done with Sigma rules?")
                        : cmd_wrong(&cmd_sigma, "there is nothing \"%s\" to be done with Sigma rules", argv[1]);
    if ((code = parse(argc - 1, argv + 1, &s)) == EXIT_FINE)
        code = scan(argc - 1, argv + 1, &s);
    sigma_client_free(&s.client);
    buf_free(&s.texts);
    buf_free(&s.placeholders);
    free(s.found);
    free(s.place);
    return code;
}

const struct cmd cmd_sigma = {
    "sigma",
    "scan [--rules PATH]... [--logsource SOURCE] [--json] [--level LEVEL] [--fail-on LEVEL] [--placeholders FILE] "
    "[--no-index] [--stats] FILE|FOLDER|-...",
    "Look with Sigma rules through Windows event logs (.evtx) and JSON logs",
    "  --rules PATH         a folder or file of rules; may be given again. Without: the rules that came with Belljar\n"
    "                       and those of the packs that are on\n"
    "  --logsource SOURCE   what the flat objects of the logs are: product=linux,service=auth or\n"
    "                       product=windows,category=process_creation. Windows events tell it themselves\n"
    "  --json               one object a line and match: file, record, rule_id, title, level, and of correlations\n"
    "                       records\n"
    "  --level LEVEL        show only matches of at least this level: informational, low, medium, high, critical\n"
    "  --fail-on LEVEL      exit with code 3 when something of at least this level matches\n"
    "  --placeholders FILE  YAML, a list of values for each name that rules use with the modifier expand\n"
    "  --no-index           evaluate every rule on every record: slow, same matches\n"
    "  --stats              say on standard error how much was done in what time\n"
    "\n"
    "A log is told by its contents: .evtx, or JSON as lines, as one array or as objects one behind the other; \"-\" "
    "is\n"
    "standard input, JSON by lines. A record's number is its place in its file from 0; records that cannot be read\n"
    "are told and take a place, too. Rules and logs are read in a jail.\n"
    "Exit codes: 0 all logs were read, whatever matched; 1 a log or the rules could not be read; 2 wrong words;\n"
    "3 by --fail-on.\n",
    run};
