/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The process: opens artefacts, hands them to the jailed scanner, writes yara.json.
 * It parses nothing of them itself; what the scanner says was checked by its client.
 */
#include "case/artefacts-private.h"
#include "case/artefacts.h"

#include "detect/yara/json.h"
#include "detect/yara/meaning.h"
#include "os/file.h"
#include "os/loop.h"
#include "os/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define LOOK_MS 500    /* how often new artefacts are looked for */
#define SETTLED_MS 400 /* a file that did not change for so long is whole */
#define TARGET_S 20    /* for one artefact */
#define JSON_MAX (24u << 20)
#define ONE_JSON_MAX (8u << 20)
#define PROBLEMS_MAX 200
#define NICE 10 /* the machine and the sample come first */

enum artefact_kind { ARTEFACT_SAMPLE, ARTEFACT_DROPPED, ARTEFACT_MEMORY, ARTEFACT_TRAFFIC };

struct artefact {
    enum artefact_kind kind;
    char *name; /* of the sample as submitted, of a file in its folder */
    char *file; /* below the case folder */
    uint64_t size, changed_ns;
    struct buf json; /* hits and notes, members of an open object; empty: not scanned */
    bool scanned;
    char reason[256];
};

struct scanning {
    char *dir, *sample_name, *sample_sha256;
    struct yara_pack pack;
    struct yara_client *client;
    struct artefact **items;
    size_t count, cap, json_bytes;
    uint64_t more, problems_more, deadline_ms; /* 0: the run goes on */
    unsigned problems;
    int64_t looked_ns[4]; /* per kind: the folder's time of change when all in it was whole and scanned */
    struct buf problems_json;
    struct err rules_error;
};

static const char *const kind_names[] = {"sample", "dropped", "memory", "traffic"};

/* ---- results ------------------------------------------------------------------------------------------- */

void artefacts_json_head(struct jsonw *w, const struct yara_client *c, const char *error)
{
    char engine[64];
    snprintf(engine, sizeof(engine), "libyara %s", yara_version());
    jsonw_kz(w, "schema", "belljar-yara/1");
    jsonw_kz(w, "engine", engine);
    jsonw_ku64(w, "rules", c ? yara_client_rules(c) : 0);
    jsonw_kz(w, "error", error);
}

static void meaning_json(struct jsonw *w, const struct yara_meaning *m, unsigned weight)
{
    jsonw_kz(w, "severity", severity_name(m->severity));
    jsonw_ku64(w, "points", m->points * weight / 100);
    jsonw_kstr(w, "category", m->category);
    jsonw_karray(w, "attack");
    for (unsigned i = 0; i < m->nattack; i++)
        jsonw_str(w, m->attack[i]);
    jsonw_array_end(w);
    jsonw_kobject(w, "classes");
    for (unsigned i = 0; i < CLASS_COUNT; i++)
        if (m->classes[i])
            jsonw_ku64(w, threat_class_name((enum threat_class)i), m->classes[i]);
    jsonw_object_end(w);
    jsonw_kbytes(w, "description", m->description);
    jsonw_kbytes(w, "author", m->author);
    jsonw_kbytes(w, "reference", m->reference);
    jsonw_kbytes(w, "licence", m->licence);
    jsonw_kbytes(w, "malware", m->malware);
}

static void hit_json(struct jsonw *w, const struct scanning *s, const struct yara_hit *h)
{
    struct yara_meaning m;
    char id[2 * YARA_TEXT_MAX + 32];

    yara_rule_id(h->ns, h->rule, id, sizeof(id));
    yara_meaning_of(h, &m);
    jsonw_object(w);
    jsonw_kbytes(w, "id", str_from(id));
    meaning_json(w, &m, yara_pack_weight(&s->pack, h->ns));
    yara_hit_json(w, h);
    jsonw_object_end(w);
}

static void on_done(void *context, void *cookie, const struct yara_result *r)
{
    struct scanning *s = context;
    struct artefact *a = cookie;
    struct jsonw w;
    char text[2 * YARA_TEXT_MAX];

    a->scanned = r->status == YARA_DONE;
    snprintf(a->reason, sizeof(a->reason), "%.*s", STR_ARG(r->text));
    s->json_bytes -= a->json.len;
    buf_free(&a->json);
    buf_init(&a->json, ONE_JSON_MAX);
    jsonw_to_buf(&w, &a->json, false);
    jsonw_array(&w);
    for (uint32_t i = 0; i < r->nhits; i++)
        if (!yara_pack_is_off(&s->pack, r->hits[i].ns, r->hits[i].rule))
            hit_json(&w, s, &r->hits[i]);
    jsonw_array_end(&w);
    bool bad = jsonw_finish(&w) < 0 || s->json_bytes + a->json.len > JSON_MAX;
    buf_addf(&a->json, ",\"hits_more\":%llu,\"notes\":", (unsigned long long)r->more_hits);
    jsonw_to_buf(&w, &a->json, false);
    jsonw_array(&w);
    for (uint32_t i = 0; i < r->nnotes; i++) {
        yara_note_text(&r->notes[i], text, sizeof(text));
        jsonw_str(&w, str_from(text));
    }
    jsonw_array_end(&w);
    if (bad || jsonw_finish(&w) < 0 || a->json.failed) {
        buf_free(&a->json);
        a->scanned = false;
        snprintf(a->reason, sizeof(a->reason), "too many hits to be written down");
    }
    s->json_bytes += a->json.len;
}

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct scanning *s = context;
    struct jsonw w;

    if (s->problems == PROBLEMS_MAX) {
        s->problems_more++;
        return;
    }
    if (s->problems++)
        buf_addz(&s->problems_json, ",");
    jsonw_to_buf(&w, &s->problems_json, false);
    jsonw_object(&w);
    jsonw_kbytes(&w, "file", file);
    jsonw_ku64(&w, "line", line);
    jsonw_kbool(&w, "warning", warning);
    jsonw_kz(&w, "text", reason);
    jsonw_object_end(&w);
    jsonw_finish(&w);
}

/* ---- artefacts ----------------------------------------------------------------------------------------- */

static struct artefact *artefact_get(struct scanning *s, enum artefact_kind kind, const char *folder, const char *name)
{
    char *file = folder ? path_format("%s/%s", folder, name) : NULL;
    struct artefact *a = NULL;

    for (size_t i = 0; file && i < s->count && !a; i++)
        if (!strcmp(s->items[i]->file, file))
            a = s->items[i];
    if (!a && file && s->count < ARTEFACTS_MAX) {
        if (s->count == s->cap) {
            size_t cap = s->cap ? s->cap * 2 : 64;
            struct artefact **items = realloc(s->items, cap * sizeof(struct artefact *));
            if (items) {
                s->items = items;
                s->cap = cap;
            }
        }
        if (s->count < s->cap && (a = calloc(1, sizeof(*a)))) {
            *a = (struct artefact){.kind = kind, .name = strdup(name), .file = file};
            snprintf(a->reason, sizeof(a->reason), "not reached");
            file = NULL;
            s->items[s->count++] = a;
        }
    }
    free(file);
    return a;
}

static void target_fill(const struct scanning *s, const struct artefact *a, struct yara_target *t)
{
    const char *name = a->kind == ARTEFACT_SAMPLE ? s->sample_name : a->name, *dot = name ? strrchr(name, '.') : NULL;
    uint64_t now = loop_now_ms();

    t->filename = t->filepath = name;
    t->extension = dot ? dot : "";
    t->filetype = a->kind == ARTEFACT_MEMORY ? "MEMORY" : a->kind == ARTEFACT_TRAFFIC ? "PCAP" : NULL;
    t->timeout_s = TARGET_S;
    if (s->deadline_ms && s->deadline_ms - now < TARGET_S * 1000ull)
        t->timeout_s = (unsigned)((s->deadline_ms - now) / 1000) + 1;
}

/* Scans it, unless it was scanned as it is now. False: it still grows, to be looked at again. */
static bool artefact_scan(struct scanning *s, struct artefact *a)
{
    char *path = path_format("%s/%s", s->dir, a->file);
    struct yara_job job = {.fd = -1, .streams = a->kind == ARTEFACT_TRAFFIC, .cookie = a};
    struct err e = {0};
    struct stat st;
    uint64_t changed;
    bool whole = true;
    int r;

    r = path ? file_open_regular(path, &job.fd, NULL, &e) : err_set(&e, -ENOMEM, "out of memory");
    free(path);
    if (r == 0 && fstat(job.fd, &st) < 0)
        r = err_errno(&e, "cannot look at it");
    if (r < 0) {
        snprintf(a->reason, sizeof(a->reason), "%.250s", e.text);
        goto out;
    }
    changed = (uint64_t)st.st_mtim.tv_sec * 1000000000u + (uint64_t)st.st_mtim.tv_nsec;
    if (a->changed_ns == changed && a->size == (uint64_t)st.st_size)
        goto out;
    if (!s->deadline_ms && a->kind != ARTEFACT_SAMPLE && changed + SETTLED_MS * 1000000ull > (uint64_t)time_real_ns()) {
        whole = false;
        goto out;
    }
    a->size = (uint64_t)st.st_size;
    if (s->deadline_ms && loop_now_ms() >= s->deadline_ms) {
        snprintf(a->reason, sizeof(a->reason), "there was no time left after the run");
        goto out;
    }
    a->changed_ns = changed;
    if (a->size > ARTEFACT_BYTES_MAX) {
        snprintf(a->reason, sizeof(a->reason), "larger than %llu MiB", ARTEFACT_BYTES_MAX >> 20);
        goto out;
    }
    target_fill(s, a, &job.target);
    if (yara_client_scan(s->client, &job, &e) < 0)
        snprintf(a->reason, sizeof(a->reason), "%.250s", e.text);
out:
    if (job.fd >= 0)
        close(job.fd);
    return whole;
}

static bool is_sha256(const char *name)
{
    uint8_t sum[SHA256_SIZE];
    return strlen(name) == 2 * SHA256_SIZE && hex_decode(name, 2 * SHA256_SIZE, sum, SHA256_SIZE) == 0;
}

static int plain(const struct dirent *d)
{
    return is_sha256(d->d_name);
}

static void folder_look(struct scanning *s, enum artefact_kind kind, const char *folder)
{
    char *path = path_format("%s/%s", s->dir, folder);
    struct dirent **list = NULL;
    struct stat st;
    uint64_t over = 0;
    bool all = true;
    int n = -1;

    if (path && stat(path, &st) == 0) {
        int64_t changed = st.st_mtim.tv_sec * 1000000000ll + st.st_mtim.tv_nsec;
        if (s->deadline_ms || changed != s->looked_ns[kind])
            n = scandir(path, &list, plain, alphasort);
        s->looked_ns[kind] = changed;
    }
    for (int i = 0; i < n; i++) {
        /* What was dropped may be the sample itself. */
        bool same = kind == ARTEFACT_DROPPED && s->sample_sha256 && !strcmp(list[i]->d_name, s->sample_sha256);
        struct artefact *a = same ? NULL : artefact_get(s, kind, folder, list[i]->d_name);
        over += !same && !a;
        if (a && !artefact_scan(s, a))
            all = false;
        free(list[i]);
    }
    if (!all)
        s->looked_ns[kind] = 0;
    if (s->deadline_ms)
        s->more += over;
    free(list);
    free(path);
}

static void look(struct scanning *s)
{
    if (s->sample_sha256) {
        struct artefact *a = artefact_get(s, ARTEFACT_SAMPLE, "sample", s->sample_sha256);
        if (a)
            artefact_scan(s, a);
    }
    folder_look(s, ARTEFACT_DROPPED, "runs/1/dropped");
    folder_look(s, ARTEFACT_MEMORY, "runs/1/memory");
    if (s->deadline_ms) { /* it grows to the end */
        char *path = path_format("%s/runs/1/traffic.pcap", s->dir);
        struct artefact *a =
            path && file_exists(path) ? artefact_get(s, ARTEFACT_TRAFFIC, "runs/1", "traffic.pcap") : NULL;
        if (a)
            artefact_scan(s, a);
        free(path);
    }
}

/* ---- yara.json ------------------------------------------------------------------------------------------- */

static void artefact_json(struct jsonw *w, const struct scanning *s, const struct artefact *a)
{
    const char *sha256 = a->kind == ARTEFACT_TRAFFIC ? NULL : a->name;

    jsonw_object(w);
    jsonw_kz(w, "kind", kind_names[a->kind]);
    jsonw_kbytes(w, "name", str_from(a->kind == ARTEFACT_SAMPLE && s->sample_name ? s->sample_name : a->name));
    jsonw_kz(w, "sha256", sha256);
    jsonw_ku64(w, "size", a->size);
    jsonw_kbool(w, "scanned", a->scanned);
    jsonw_kz(w, "reason", a->scanned ? NULL : a->reason);
    jsonw_key(w, "hits");
    if (a->json.len)
        jsonw_raw(w, (const char *)a->json.data, a->json.len);
    else
        jsonw_raw(w, "[],\"hits_more\":0,\"notes\":[]", strlen("[],\"hits_more\":0,\"notes\":[]"));
    jsonw_object_end(w);
}

static int write_result(const struct scanning *s, struct err *e)
{
    char *path = path_join(s->dir, ARTEFACTS_FILE);
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, JSON_MAX + (8u << 20));
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    artefacts_json_head(&w, s->client, s->rules_error.code ? s->rules_error.text : NULL);
    jsonw_karray(&w, "problems");
    if (s->problems && !s->problems_json.failed)
        jsonw_raw(&w, (const char *)s->problems_json.data, s->problems_json.len);
    jsonw_array_end(&w);
    jsonw_ku64(&w, "problems_more", s->problems_more);
    jsonw_karray(&w, "artefacts");
    for (size_t i = 0; i < s->count; i++)
        artefact_json(&w, s, s->items[i]);
    jsonw_array_end(&w);
    jsonw_ku64(&w, "artefacts_more", s->more);
    jsonw_object_end(&w);
    if ((r = jsonw_finish(&w)) < 0)
        err_set(e, r, "the hits cannot be written down: %s", err_name(r));
    else
        r = path ? file_write_atomic(path, b.data, b.len, 0600, e) : err_set(e, -ENOMEM, "out of memory");
    buf_free(&b);
    free(path);
    return r;
}

/* ---- life -------------------------------------------------------------------------------------------------- */

static void sample_read(struct scanning *s)
{
    char *path = path_join(s->dir, "submission.json");
    struct buf b = {0};
    json_t *j = path && file_read_regular(path, 1u << 20, &b, NULL) >= 0
                    ? json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL)
                    : NULL;
    const char *sha256 = json_string_value(json_object_get(j, "sha256"));
    const char *name = json_string_value(json_object_get(j, "name"));

    if (sha256 && is_sha256(sha256)) {
        s->sample_sha256 = strdup(sha256);
        s->sample_name = strdup(name ? name : "sample");
    }
    json_decref(j);
    buf_free(&b);
    free(path);
}

static void begin(struct scanning *s)
{
    const struct yara_client_options o = {.pack = &s->pack,
                                          .workers = 1,
                                          .handlers = {.context = s, .problem = on_problem},
                                          .done = on_done,
                                          .context = s};
    sample_read(s);
    if (yara_pack_add_own(&s->pack, &s->rules_error) == 0)
        yara_client_new(&o, &s->client, &s->rules_error);
    if (s->client)
        look(s);
}

/* Until the parent says that the run is over. 0, or negative: it is gone. */
static int follow(struct scanning *s, struct ipc *parent)
{
    struct ipc_message m;
    for (;;) {
        int r = ipc_receive(parent, LOOK_MS, &m, NULL);
        if (r == 1 && m.type == ARTEFACTS_FINISH)
            return 0;
        if (r != ERR_TIMEOUT)
            return ERR_PEER;
        if (s->client)
            look(s);
    }
}

static int finish(struct scanning *s, struct err *e)
{
    int r = 0;
    s->deadline_ms = loop_now_ms() + ARTEFACTS_FINISH_S * 1000;
    if (s->client) {
        look(s);
        r = yara_client_finish(s->client, e);
    }
    return r < 0 ? r : write_result(s, e);
}

static void release(struct scanning *s)
{
    yara_client_free(&s->client);
    yara_pack_free(&s->pack);
    for (size_t i = 0; i < s->count; i++) {
        free(s->items[i]->name);
        free(s->items[i]->file);
        buf_free(&s->items[i]->json);
        free(s->items[i]);
    }
    free(s->items);
    free(s->dir);
    free(s->sample_name);
    free(s->sample_sha256);
    buf_free(&s->problems_json);
}

static int artefacts_role_run(struct ipc *parent)
{
    struct scanning s = {0};
    struct ipc_message m;
    struct err e = {0};
    int r = ipc_receive(parent, 10000, &m, &e);

    if (r != 1 || m.type != ARTEFACTS_BEGIN || !m.length)
        return 2;
    /* Ctrl-C goes to every process of the terminal's group, and so may SIGTERM; the supervisor alone decides. */
    (void)!setsid();
    (void)!nice(NICE);
    buf_init(&s.problems_json, 4u << 20);
    yara_pack_init(&s.pack);
    s.dir = str_dup((struct str){(const char *)m.payload, m.length});
    if (s.dir) {
        begin(&s);
        if ((r = follow(&s, parent)) == 0)
            r = finish(&s, &e) < 0 ? ipc_send(parent, ARTEFACTS_FAILED, e.text, strlen(e.text), NULL, 0, NULL)
                                   : ipc_send(parent, ARTEFACTS_DONE, NULL, 0, NULL, 0, NULL);
    }
    release(&s);
    return r < 0;
}

const struct role artefacts_role = {
    .name = "artefacts",
    .doc = "opens the sample, dropped files, memory and traffic of a case for the YARA scanner",
    .jail = NULL,
    .run = artefacts_role_run,
};
