/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "case/case.h"

#include "base/jsonw.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE ".lock"
#define JSON_MAX (1u << 30)
#define STATE_MAX (64u << 10)
#define LOCK_TRIES 20
#define LOCK_RETRY_MS 50

static const char *const kind_names[] = {"file", "url", "command"};

static char *cases_dir(void)
{
    char *data = path_data_dir();
    char *dir = data ? path_join(data, "cases") : NULL;
    free(data);
    return dir;
}

char *case_path(const struct case_folder *c, const char *relative)
{
    return path_join(c->dir, relative);
}

void case_clear(struct case_folder *c)
{
    if (!c)
        return;
    free(c->id);
    free(c->dir);
    if (c->lock_fd > 0)
        close(c->lock_fd);
    *c = (struct case_folder){.lock_fd = -1};
}

/* Time and randomness: sorts by age, and cannot be guessed from outside. */
static char *new_id(void)
{
    uint8_t salt[3];
    char hex[2 * sizeof(salt) + 1], stamp[32];
    struct timespec now;
    struct tm tm;

    clock_gettime(CLOCK_REALTIME, &now);
    random_bytes(salt, sizeof(salt));
    hex_encode(salt, sizeof(salt), hex);
    gmtime_r(&now.tv_sec, &tm);
    strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
    return path_format("%s%03u-%s", stamp, (unsigned)(now.tv_nsec / 1000000), hex);
}

static int take_lock(struct case_folder *c, bool wait, struct err *e)
{
    char *path = case_path(c, LOCK_FILE);
    int r = 0;

    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    c->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (c->lock_fd < 0)
        r = err_errno(e, "cannot open %s", path);
    else if (flock(c->lock_fd, LOCK_EX | (wait ? 0 : LOCK_NB)) < 0)
        r = errno == EWOULDBLOCK ? err_set(e, ERR_CONFLICT, "analysis %s is being worked on by another process", c->id)
                                 : err_errno(e, "cannot lock %s", path);
    if (r < 0 && c->lock_fd >= 0) {
        close(c->lock_fd);
        c->lock_fd = -1;
    }
    free(path);
    return r;
}

void case_tidy(const struct case_folder *c)
{
    char *disk = case_path(c, "runs/1/disk.qcow2"), *spool = case_path(c, "runs/1/spool");
    char *reserve = case_path(c, "runs/1/reserve");

    if (disk)
        unlink(disk);
    if (reserve)
        unlink(reserve);
    free(reserve);
    if (spool)
        file_remove_tree(spool, NULL);
    free(disk);
    free(spool);
}

static int write_json(const struct case_folder *c, const char *name, const struct buf *b, struct err *e)
{
    char *path = case_path(c, name);
    int r = path ? file_write_atomic(path, b->data, b->len, 0600, e) : err_set(e, -ENOMEM, "out of memory");
    free(path);
    return r;
}

int case_state_set(const struct case_folder *c, const char *state, const char *detail, struct err *e)
{
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, STATE_MAX);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_kz(&w, "state", state);
    jsonw_kz(&w, "detail", detail);
    jsonw_ki64(&w, "pid", getpid());
    jsonw_ki64(&w, "since", (int64_t)time(NULL));
    jsonw_object_end(&w);
    r = jsonw_finish(&w);
    if (r == 0)
        r = write_json(c, "state.json", &b, e);
    else
        err_set(e, r, "cannot write state.json of %s", c->id);
    buf_free(&b);
    return r;
}

/* The hashes are those of the bytes that we keep: the source may change while it is read. */
static int copy_sample(const struct case_folder *c, int in, struct hash_set *hashes, struct err *e)
{
    char *dir = case_path(c, "sample"), *from = path_format("/proc/self/fd/%d", in);
    char *copy = dir ? path_join(dir, ".incoming") : NULL, *to = NULL;
    int r = -ENOMEM, fd = -1;

    if (!copy || !from) {
        err_set(e, r, "out of memory");
        goto out;
    }
    if ((r = file_mkdirs(dir, 0700, e)) < 0 || (r = file_copy(from, copy, 0400, e)) < 0 ||
        (r = file_open_regular(copy, &fd, NULL, e)) < 0 || (r = hash_fd(fd, CASE_SAMPLE_MAX, hashes, e)) < 0)
        goto out;
    if (!(to = path_format("%s/%s", dir, hashes->sha256)))
        r = err_set(e, -ENOMEM, "out of memory");
    else if (rename(copy, to) < 0)
        r = err_errno(e, "cannot keep the sample");
out:
    if (fd >= 0)
        close(fd);
    free(dir);
    free(from);
    free(copy);
    free(to);
    return r;
}

static int open_sample(const char *path, int *ret, struct err *e)
{
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    if (fd < 0)
        return err_errno(e, "cannot read %s", path);
    if (fstat(fd, &st) < 0) {
        int r = err_errno(e, "cannot read %s", path);
        close(fd);
        return r;
    }
    if (!S_ISREG(st.st_mode)) {
        close(fd);
        return S_ISDIR(st.st_mode)
                   ? err_set(e, -EISDIR, "%s is a folder; pack it (tar, zip) and submit the file inside that matters",
                             path)
                   : err_set(e, -EINVAL, "%s is not a regular file", path);
    }
    if ((uint64_t)st.st_size > CASE_SAMPLE_MAX) {
        close(fd);
        return err_set(e, ERR_LIMIT, "%s has %llu bytes; the limit is %llu", path, (unsigned long long)st.st_size,
                       (unsigned long long)CASE_SAMPLE_MAX);
    }
    *ret = fd;
    return 0;
}

static int write_submission(const struct case_folder *c, const struct case_options *o, const struct hash_set *h,
                            struct err *e)
{
    char *path = o->kind == CASE_FILE ? realpath(o->target, NULL) : NULL;
    struct buf b;
    struct jsonw w;
    int r;

    buf_init(&b, 1u << 20);
    jsonw_to_buf(&w, &b, true);
    jsonw_object(&w);
    jsonw_kz(&w, "id", c->id);
    jsonw_ki64(&w, "created", (int64_t)time(NULL));
    jsonw_kz(&w, "kind", kind_names[o->kind]);
    jsonw_kbytes(&w, "target", str_from(o->target));
    if (path) /* for the allow-list */
        jsonw_kbytes(&w, "path", str_from(path));
    jsonw_kbytes(&w, "name",
                 o->name                ? str_from(o->name)
                 : o->kind == CASE_FILE ? str_basename(str_from(o->target))
                                        : str_from(o->target));
    jsonw_kz(&w, "sha256", h ? h->sha256 : NULL);
    jsonw_kz(&w, "sha1", h ? h->sha1 : NULL);
    jsonw_kz(&w, "md5", h ? h->md5 : NULL);
    if (h)
        jsonw_ku64(&w, "size", h->size);
    jsonw_kz(&w, "system", o->system);
    jsonw_kz(&w, "user", o->user);
    if (o->args)
        jsonw_kbytes(&w, "args", str_from(o->args));
    jsonw_ku64(&w, "seconds", o->seconds);
    jsonw_object_end(&w);
    r = jsonw_finish(&w);
    if (r == 0)
        r = write_json(c, "submission.json", &b, e);
    else
        err_set(e, r, "cannot write submission.json");
    free(path);
    buf_free(&b);
    return r;
}

/*
 * A folder that was put elsewhere (--out) stands among the others as a link, so that it is listed, and found when its
 * worker died. Failing is no harm: --out may have been asked for because the data folder cannot be written.
 */
static void record_elsewhere(const struct case_folder *c)
{
    char *base = cases_dir(), *link = base ? path_join(base, c->id) : NULL, *whole = realpath(c->dir, NULL);

    if (link && whole && file_mkdirs(base, 0700, NULL) == 0)
        (void)!symlink(whole, link);
    free(base);
    free(link);
    free(whole);
}

/* The folder is gone, though what held it is there: nobody will ask for it again. */
static void forget_if_gone(const char *link)
{
    char target[PATH_MAX];
    ssize_t n = readlink(link, target, sizeof(target) - 1);
    struct stat st;

    if (n <= 0)
        return;
    target[n] = 0;
    char *parent = str_dup(str_dirname(str_from(target)));
    if (parent && stat(target, &st) < 0 && errno == ENOENT && stat(parent, &st) == 0)
        unlink(link);
    free(parent);
}

static void forget(const char *id)
{
    char *base = cases_dir(), *link = base ? path_join(base, id) : NULL;

    if (link)
        forget_if_gone(link);
    free(base);
    free(link);
}

static int make_folder(const struct case_options *o, struct case_folder *c, struct err *e)
{
    char *base = NULL;
    int r = 0;

    c->id = new_id();
    if (o->out_dir) {
        c->dir = strdup(o->out_dir);
        if (c->dir && file_exists(c->dir) && rmdir(c->dir) < 0)
            return err_set(e, -EEXIST, "%s exists already and is not an empty folder; choose another --out",
                           o->out_dir);
    } else if ((base = cases_dir())) {
        c->dir = c->id ? path_join(base, c->id) : NULL;
    }
    free(base);
    if (!c->id || !c->dir)
        return err_set(e, -ENOMEM, "out of memory");
    if ((r = file_mkdirs(c->dir, 0700, e)) < 0 || (r = take_lock(c, true, e)) < 0)
        return r;
    if (o->out_dir)
        record_elsewhere(c);
    return 0;
}

int case_create(const struct case_options *o, struct case_folder *ret, struct err *e)
{
    struct case_folder c = {.lock_fd = -1};
    struct hash_set hashes;
    int in = -1, r;

    if (o->kind == CASE_FILE && (r = open_sample(o->target, &in, e)) < 0)
        return r;
    if ((r = make_folder(o, &c, e)) < 0)
        goto out;
    if ((r = case_state_set(&c, "created", NULL, e)) < 0)
        goto out;
    if (in >= 0 && (r = copy_sample(&c, in, &hashes, e)) < 0)
        goto out;
    r = write_submission(&c, o, in >= 0 ? &hashes : NULL, e);
out:
    if (in >= 0)
        close(in);
    if (r < 0) {
        if (c.dir && c.lock_fd >= 0)
            file_remove_tree(c.dir, NULL);
        if (c.id && o->out_dir)
            forget(c.id);
        case_clear(&c);
        return r;
    }
    *ret = c;
    return 0;
}

json_t *case_json(const char *dir, const char *name, struct err *e)
{
    char *path = path_join(dir, name);
    json_error_t je;
    struct buf b = {0};
    json_t *j = NULL;

    if (!path)
        err_set(e, -ENOMEM, "out of memory");
    else if (file_read_regular(path, JSON_MAX, &b, e) == 0 &&
             !(j = json_loadb((const char *)b.data, b.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &je)))
        err_set(e, ERR_FORMAT, "%s cannot be read: %s", name, je.text);
    buf_free(&b);
    free(path);
    return j;
}

static json_t *read_state(const char *dir)
{
    return case_json(dir, "state.json", NULL);
}

static int compare_newest_first(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*b)->d_name, (*a)->d_name);
}

static int not_hidden(const struct dirent *d)
{
    return d->d_name[0] != '.';
}

int case_each(void (*fn)(void *context, const char *id, const char *dir, const char *state), void *context,
              struct err *e)
{
    struct dirent **list = NULL;
    char *base = cases_dir();
    int n;

    if (!base)
        return err_set(e, -ENOMEM, "out of memory");
    n = scandir(base, &list, not_hidden, compare_newest_first);
    for (int i = 0; i < n; i++) {
        char *dir = path_join(base, list[i]->d_name);
        json_t *state = dir ? read_state(dir) : NULL;
        if (state)
            fn(context, list[i]->d_name, dir, json_string_value(json_object_get(state, "state")));
        else if (dir)
            forget_if_gone(dir);
        json_decref(state);
        free(dir);
        free(list[i]);
    }
    free(list);
    free(base);
    return n < 0 ? 0 : n; /* no folder yet: no cases */
}

struct find_last {
    char *dir, *id;
};

static void keep_first(void *context, const char *id, const char *dir, const char *state)
{
    struct find_last *f = context;
    (void)state;
    if (!f->dir) {
        f->dir = strdup(dir);
        f->id = strdup(id);
    }
}

/* Where the words lead: *ret_id stays NULL for a folder, which names itself. */
static int find_folder(const char *id, char **ret_dir, char **ret_id, struct err *e)
{
    if (strcmp(id, "last") == 0) {
        struct find_last f = {0};
        case_each(keep_first, &f, NULL);
        if (!f.dir)
            return err_set(e, ERR_MISSING, "there is no analysis yet");
        *ret_dir = f.dir;
        *ret_id = f.id;
        return 0;
    }
    if (strchr(id, '/') || file_exists(id)) {
        *ret_dir = strdup(id);
    } else {
        char *base = cases_dir();
        *ret_dir = base ? path_join(base, id) : NULL;
        *ret_id = strdup(id);
        free(base);
    }
    return *ret_dir ? 0 : err_set(e, -ENOMEM, "out of memory");
}

int case_open(const char *id, struct case_folder *ret, struct err *e)
{
    struct case_folder c = {.lock_fd = -1};
    json_t *submission = NULL;
    struct err why = {0};
    int r = find_folder(id, &c.dir, &c.id, e);

    if (r < 0)
        goto out;
    char *where = realpath(c.dir, NULL);
    if (where) {
        free(c.dir);
        c.dir = where;
    }
    if (!(submission = case_json(c.dir, "submission.json", &why))) {
        r = why.code == -ENOENT || why.code == -ENOTDIR
                ? err_set(e, ERR_MISSING, "there is no analysis \"%s\" (belljar cases lists them)", id)
                : err_set(e, why.code, "%s", why.text);
        goto out;
    }
    if (!c.id) {
        const char *own = json_string_value(json_object_get(submission, "id"));
        c.id = strdup(own ? own : id);
    }
    if (!c.id)
        r = err_set(e, -ENOMEM, "out of memory");
out:
    json_decref(submission);
    if (r < 0)
        case_clear(&c);
    else
        *ret = c;
    return r;
}

static bool is_finished(const char *state)
{
    return !state || !strcmp(state, "done") || !strcmp(state, "failed") || !strcmp(state, "interrupted");
}

int case_lock(struct case_folder *c, struct err *e)
{
    int r;

    /* Who looks for abandoned cases holds the lock for a moment. */
    for (int i = 0; (r = take_lock(c, false, e)) == ERR_CONFLICT && i < LOCK_TRIES; i++)
        poll(NULL, 0, LOCK_RETRY_MS);
    return r;
}

bool case_is_worked_on(const struct case_folder *c)
{
    struct case_folder probe = {.id = c->id, .dir = c->dir, .lock_fd = -1};
    int r = take_lock(&probe, false, NULL);

    if (probe.lock_fd >= 0)
        close(probe.lock_fd);
    return r == ERR_CONFLICT;
}

struct recover {
    void (*fn)(void *context, const struct case_interrupted *c);
    void *context;
};

static void recover_one(void *context, const char *id, const char *dir, const char *state)
{
    struct recover *r = context;
    struct case_folder c = {.id = (char *)id, .dir = (char *)dir, .lock_fd = -1};
    struct case_interrupted found = {.id = (char *)id, .dir = (char *)dir, .state = (char *)state};

    json_t *now = NULL;

    /* Abandoned: nobody holds its lock though its state says that somebody works on it. */
    if (is_finished(state) || take_lock(&c, false, NULL) < 0)
        goto out;
    now = read_state(dir); /* it may have ended since the state was read */
    if (is_finished(json_string_value(json_object_get(now, "state"))))
        goto out;
    case_tidy(&c);
    case_state_set(&c, "interrupted", state, NULL);
    if (r->fn)
        r->fn(r->context, &found);
out:
    json_decref(now);
    if (c.lock_fd >= 0)
        close(c.lock_fd);
}

int case_recover(void (*fn)(void *context, const struct case_interrupted *c), void *context, struct err *e)
{
    struct recover r = {fn, context};
    int n = case_each(recover_one, &r, e);
    return n < 0 ? n : 0;
}
