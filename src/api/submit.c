/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "api/submit.h"

#include "case/case.h"
#include "os/file.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define OPTIONS_MAX (2u << 20)
#define TIME_MIN 30
#define PRIORITY_NORMAL 5
#define DAY_SECONDS 86400
#define DEFAULT_SYSTEM "debian13"
#define ROOT_USER "root"
#define NORMAL_USER "user"

enum type { TEXT, BOOL, NUMBER, DATE, LIST };
enum use { HONOURED, LATER, SILENT };

static const struct option_row {
    const char *name;
    enum type type;
    enum use use;
} option_rows[] = {
#define JOE_OPTION(name, type, use) {name, type, use},
#include "api/joe-options.def"
#undef JOE_OPTION
};
#define NOPTIONS (sizeof(option_rows) / sizeof(*option_rows))

/* Names may come with brackets when they are lists. */
static const struct option_row *option_find(struct str name)
{
    bool brackets = str_ends(name, STR_LIT("[]"));
    struct str plain = brackets ? str_sub(name, 0, name.n - 2) : name;

    for (size_t i = 0; i < NOPTIONS; i++)
        if (str_eqz(plain, option_rows[i].name) && (!brackets || option_rows[i].type == LIST))
            return &option_rows[i];
    return NULL;
}

void submit_name(struct str name, char ret[SUBMIT_SAMPLE_NAME_MAX + 1])
{
    size_t n = 0;

    for (size_t i = name.n; i > 0; i--)
        if (name.p[i - 1] == '/' || name.p[i - 1] == '\\') {
            name = str_sub(name, i, name.n);
            break;
        }
    for (size_t i = 0; i < name.n;) {
        int k = utf8_len(name.p + i, name.n - i);
        if (n + (size_t)(k ? k : 1) > SUBMIT_SAMPLE_NAME_MAX)
            break;
        if (k == 0 || name.p[i] == 0) {
            ret[n++] = '_';
            i++;
            continue;
        }
        memcpy(ret + n, name.p + i, (size_t)k);
        n += (size_t)k;
        i += (size_t)k;
    }
    ret[n] = 0;
    if (n == 0 || !strcmp(ret, ".") || !strcmp(ret, ".."))
        snprintf(ret, SUBMIT_SAMPLE_NAME_MAX + 1, "sample");
}

static bool wrong(struct http_request *q, const char *name, const char *why)
{
    joe_error(q, JOE_INVALID, 0, "The parameter %s %s.", name, why);
    return false;
}

static bool unknown(struct http_request *q, struct str name)
{
    char z[SUBMIT_SAMPLE_NAME_MAX + 1];

    submit_name(str_sub(name, 0, 64), z);
    joe_error(q, JOE_INVALID, 0, "Unknown parameter %s.", z);
    return false;
}

static bool is_date(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (i == 4 || i == 7 ? s.p[i] != '-' : s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n == 10;
}

static bool value_check(struct http_request *q, const struct option_row *o, struct str v)
{
    uint64_t n;

    if (memchr(v.p ? v.p : "", 0, v.n) || !utf8_valid(v))
        return wrong(q, o->name, "is not valid UTF-8 text");
    if (o->type == BOOL && v.n && !str_eqz(v, "0") && !str_eqz(v, "1"))
        return wrong(q, o->name, "takes 1 or 0");
    if (o->type == NUMBER && v.n && str_u64(v, 10, &n) < 0)
        return wrong(q, o->name, "takes a number");
    if (o->type == DATE && v.n && !is_date(v))
        return wrong(q, o->name, "takes a date, YYYY-MM-DD");
    return true;
}

static bool number_in(struct http_request *q, const char *name, struct str v, uint64_t min, uint64_t max, uint64_t *ret)
{
    uint64_t n = 0;

    if (str_u64(v, 10, &n) < 0 || n < min || n > max) {
        joe_error(q, JOE_INVALID, 0, "The parameter %s takes a number from %llu to %llu.", name,
                  (unsigned long long)min, (unsigned long long)max);
        return false;
    }
    *ret = n;
    return true;
}

static bool target_set(struct http_request *q, struct submit *x, enum submit_kind kind, struct str target)
{
    if (x->kind != SUBMIT_NOTHING) {
        joe_error(q, JOE_INVALID, 0,
                  "Only one of sample, chunked-sample, sample-url, url and command-line may be given.");
        return false;
    }
    x->kind = kind;
    x->target = target;
    return true;
}

static bool address_ok(struct str s)
{
    static const char *const schemes[] = {"http://", "https://", "ftp://"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (str_istarts(s, str_from(schemes[i])) && s.n > strlen(schemes[i]))
            return true;
    return false;
}

static bool system_known(const struct api *api, struct str name)
{
    for (const struct api_system *x = api->systems; x && x->name; x++)
        if (str_eqz(name, x->name))
            return true;
    return false;
}

static bool honour(struct http_request *q, struct submit *x, const char *name, struct str v)
{
    if (!strcmp(name, "chunked-sample"))
        return target_set(q, x, SUBMIT_CHUNKED, v);
    if (!strcmp(name, "command-line"))
        return v.n ? target_set(q, x, SUBMIT_COMMAND, v) : wrong(q, name, "is empty");
    if (!strcmp(name, "url") || !strcmp(name, "sample-url"))
        return address_ok(v) ? target_set(q, x, *name == 'u' ? SUBMIT_URL : SUBMIT_SAMPLE_URL, v)
                             : wrong(q, name, "takes an address that begins with http://, https:// or ftp://");
    if (!strcmp(name, "encrypt-with-password"))
        return wrong(q, name, "cannot be honoured on this server yet: results are not encrypted");
    if (!strcmp(name, "systems")) {
        if (x->nsystems == SUBMIT_SYSTEMS_MAX || !system_known(q->context, v))
            return wrong(q, "systems[]", "names a system that is not here (server/systems lists them)");
        x->systems[x->nsystems++] = v;
        return true;
    }
    if (!strcmp(name, "tags")) {
        if (x->ntags == SUBMIT_TAGS_MAX || v.n > 128)
            return wrong(q, "tags[]", "takes at most 32 tags of at most 128 bytes");
        x->tags[x->ntags++] = v;
        return true;
    }
    if (!strcmp(name, "analysis-time"))
        return number_in(q, name, v, TIME_MIN, CASE_TIME_MAX, &x->seconds);
    if (!strcmp(name, "priority"))
        return number_in(q, name, v, 1, 10, &x->priority);
    if (!strcmp(name, "delete-after-days"))
        return number_in(q, name, v, 1, 36500, &x->delete_after_days);
    if (!strcmp(name, "comments"))
        x->comments = v;
    else if (!strcmp(name, "command-line-argument"))
        x->arguments = v;
    else if (!strcmp(name, "start-as-normal-user"))
        x->normal_user = str_eqz(v, "1");
    else if (!strcmp(name, "report-cache"))
        x->report_cache = str_eqz(v, "1");
    return true;
}

static bool read_field(struct http_request *q, struct submit *x, const struct form_field *f, struct jsonw *w)
{
    const struct option_row *o = option_find(f->name);

    if (!o)
        return unknown(q, f->name);
    if (!value_check(q, o, f->value))
        return false;
    if (!strcmp(o->name, "apikey") || f->value.n == 0) /* empty means unset */
        return strcmp(o->name, "chunked-sample") || honour(q, x, o->name, f->value);
    if (o->use == HONOURED && !honour(q, x, o->name, f->value))
        return false;
    /* Lists are written behind the fields; secrets not at all. */
    if (o->type != LIST && !strstr(o->name, "password"))
        jsonw_kstr(w, o->name, f->value);
    return true;
}

static bool read_files(struct http_request *q, struct submit *x)
{
    for (unsigned i = 0; i < q->nfiles; i++) {
        struct http_file *f = &q->files[i];
        if (str_eqz(f->field, "sample")) {
            if (!target_set(q, x, SUBMIT_FILE, f->filename))
                return false;
            x->sample = f;
        } else if (str_eqz(f->field, "cookbook")) {
            joe_error(q, JOE_INVALID, 0, "Cookbooks cannot be run on this server yet.");
            return false;
        } else {
            return unknown(q, f->field);
        }
    }
    return true;
}

static void write_list(struct jsonw *w, const char *key, const struct str *items, size_t n)
{
    jsonw_karray(w, key);
    for (size_t i = 0; i < n; i++)
        jsonw_str(w, items[i]);
    jsonw_array_end(w);
}

static void write_warnings(const struct http_request *q, struct jsonw *w)
{
    jsonw_karray(w, "without_effect");
    for (size_t i = 0; i < http_form_count(q); i++) {
        const struct form_field *f = http_form_at(q, i);
        const struct option_row *o = option_find(f->name);
        if (o && o->use == LATER && f->value.n && !str_eqz(f->value, "0"))
            jsonw_z(w, o->name);
    }
    jsonw_array_end(w);
}

bool submit_read(struct http_request *q, struct submit *ret)
{
    struct jsonw w;

    *ret = (struct submit){.priority = PRIORITY_NORMAL, .seconds = ((const struct api *)q->context)->default_seconds};
    buf_init(&ret->options, OPTIONS_MAX);
    if (!read_files(q, ret))
        return false;
    jsonw_to_buf(&w, &ret->options, false);
    jsonw_object(&w);
    jsonw_kobject(&w, "fields");
    for (size_t i = 0; i < http_form_count(q); i++)
        if (!read_field(q, ret, http_form_at(q, i), &w))
            return false;
    jsonw_object_end(&w);
    write_list(&w, "systems", ret->systems, ret->nsystems);
    write_list(&w, "tags", ret->tags, ret->ntags);
    write_warnings(q, &w);
    jsonw_object_end(&w);
    if (jsonw_finish(&w) < 0) {
        joe_error(q, JOE_INVALID, 413, "The options are too long.");
        return false;
    }
    if (ret->kind == SUBMIT_NOTHING) {
        joe_error(q, JOE_MISSING, 0, "One of sample, chunked-sample, sample-url, url and command-line is wanted.");
        return false;
    }
    return true;
}

void submit_clear(struct submit *x)
{
    buf_free(&x->options);
}

static const char *kind_name(enum submit_kind k)
{
    static const char *const names[] = {"", "file", "file", "sample-url", "url", "command", "cookbook"};
    return names[k];
}

/* The case folder, below the data folder, in the state in which it waits for its worker. */
static int make_case(const struct submit *x, const char *path, const char *name, struct case_folder *ret, struct err *e)
{
    char *target = str_dup(x->target), *args = x->arguments.n ? str_dup(x->arguments) : NULL;
    char *system = x->nsystems ? str_dup(x->systems[0]) : NULL;
    struct case_options o = {
        .kind = x->kind == SUBMIT_COMMAND                               ? CASE_COMMAND
                : x->kind == SUBMIT_URL || x->kind == SUBMIT_SAMPLE_URL ? CASE_URL
                                                                        : CASE_FILE,
        .target = path ? path : target,
        .name = path ? name : NULL,
        .system = system ? system : DEFAULT_SYSTEM,
        .user = x->normal_user ? NORMAL_USER : ROOT_USER,
        .args = args,
        .seconds = (unsigned)x->seconds,
    };
    int r = target ? case_create(&o, ret, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0 && (r = case_state_set(ret, "waiting", NULL, e)) < 0) {
        file_remove_tree(ret->dir, NULL);
        case_clear(ret);
    }
    free(target);
    free(args);
    free(system);
    return r;
}

static void hashes_of(const struct case_folder *c, struct hash_set *ret)
{
    char *path = case_path(c, "submission.json");
    json_t *j = path ? json_load_file(path, JSON_ALLOW_NUL, NULL) : NULL;
    const char *md5 = json_string_value(json_object_get(j, "md5")),
               *sha1 = json_string_value(json_object_get(j, "sha1")),
               *sha256 = json_string_value(json_object_get(j, "sha256"));

    *ret = (struct hash_set){.size = (uint64_t)json_integer_value(json_object_get(j, "size"))};
    snprintf(ret->md5, sizeof(ret->md5), "%s", md5 ? md5 : "");
    snprintf(ret->sha1, sizeof(ret->sha1), "%s", sha1 ? sha1 : "");
    snprintf(ret->sha256, sizeof(ret->sha256), "%s", sha256 ? sha256 : "");
    json_decref(j);
    free(path);
}

int submit_store(struct store *s, const struct viewer *v, const struct submit *x, const char *path, int64_t id,
                 int64_t *ret_id, int64_t *ret_analysis, struct err *e)
{
    static const struct str default_system = {DEFAULT_SYSTEM, sizeof(DEFAULT_SYSTEM) - 1};
    char name[SUBMIT_SAMPLE_NAME_MAX + 1];
    struct case_folder c = {.lock_fd = -1};
    struct hash_set h = {0};
    bool waits = x->kind == SUBMIT_CHUNKED && !path;
    int r;

    submit_name(x->target, name);
    struct submission_new n = {
        .account = v->account,
        .visibility = "private",
        .kind = kind_name(x->kind),
        .name = x->kind == SUBMIT_FILE || x->kind == SUBMIT_CHUNKED ? str_from(name) : x->target,
        .target = x->target,
        .comments = x->comments,
        .options = buf_str(&x->options),
        .tags = x->tags,
        .ntags = x->ntags,
        .systems = x->nsystems ? x->systems : &default_system,
        .nsystems = x->nsystems ? x->nsystems : 1,
        .priority = (int)x->priority,
        .delete_at = x->delete_after_days ? store_now() + (int64_t)x->delete_after_days * DAY_SECONDS : 0,
        .waits_for_upload = waits,
    };
    if (!waits) {
        if ((r = make_case(x, path, name, &c, e)) < 0)
            return r;
        hashes_of(&c, &h);
        n.md5 = h.md5;
        n.sha1 = h.sha1;
        n.sha256 = h.sha256;
        n.size = (int64_t)h.size;
        n.folder = c.id;
    }
    *ret_id = id;
    r = id ? submission_ready(s, id, &n, ret_analysis, e) : submission_create(s, &n, ret_id, ret_analysis, e);
    if (r < 0 && c.dir)
        file_remove_tree(c.dir, NULL);
    case_clear(&c);
    return r;
}

/* ---- submissions that waited for their upload ----------------------------------------------------------------------
 */

static struct str field(const json_t *fields, const char *name)
{
    const json_t *j = json_object_get(fields, name);
    return (struct str){json_string_value(j), json_string_length(j)};
}

static void field_number(const json_t *fields, const char *name, uint64_t *ret)
{
    uint64_t n;
    if (str_u64(field(fields, name), 10, &n) == 0)
        *ret = n;
}

/* The fields were checked when they came; lists are kept as one field per value. */
int submit_resume(const json_t *options, struct str name, struct submit *ret, struct err *e)
{
    const json_t *fields = json_object_get(options, "fields"), *list;
    const json_t *x;
    size_t i;

    if (!json_is_object(fields))
        return err_set(e, ERR_FORMAT, "the options of the submission cannot be read");
    *ret = (struct submit){.kind = SUBMIT_CHUNKED, .priority = PRIORITY_NORMAL, .target = name};
    ret->comments = field(fields, "comments");
    ret->arguments = field(fields, "command-line-argument");
    ret->normal_user = str_eqz(field(fields, "start-as-normal-user"), "1");
    field_number(fields, "analysis-time", &ret->seconds);
    field_number(fields, "priority", &ret->priority);
    field_number(fields, "delete-after-days", &ret->delete_after_days);
    list = json_object_get(options, "systems");
    json_array_foreach(list, i, x) if (ret->nsystems < SUBMIT_SYSTEMS_MAX) ret->systems[ret->nsystems++] =
        (struct str){json_string_value(x), json_string_length(x)};
    list = json_object_get(options, "tags");
    json_array_foreach(list, i, x) if (ret->ntags < SUBMIT_TAGS_MAX) ret->tags[ret->ntags++] =
        (struct str){json_string_value(x), json_string_length(x)};
    return 0;
}
