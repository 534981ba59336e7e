/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/image-private.h"

#include "machine/cpio.h"
#include "machine/kernel.h"
#include "machine/recipe.h"
#include "os/file.h"
#include "os/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define HASH_IN_NAME 16
#define LINE_MAX_BYTES 4096
#define LOG_MAX (16u << 20)
#define LOOK_EVERY_MS 200
#define STOP_PATIENCE_MS 15000
#define BUILD_NEEDS_BYTES (4ull << 30)

void image_clear(struct image *i)
{
    if (!i)
        return;
    free(i->name);
    free(i->hash);
    free(i->dir);
    free(i->disk);
    free(i->kernel);
    free(i->initrd);
    free(i->title);
    *i = (struct image){0};
}

void image_tell(const struct image_work *w, const char *step, uint64_t done, uint64_t total)
{
    if (w && w->progress)
        w->progress(w->context, step, done, total);
}

int image_stopped(const struct image_work *w, struct err *e)
{
    return w && w->stop && *w->stop ? err_set(e, -ECANCELED, "stopped") : 0;
}

/* ---- places ---- */

static char *images_cache(void)
{
    char *cache = path_cache_dir();
    char *dir = cache ? path_join(cache, "images") : NULL;

    free(cache);
    return dir;
}

static int agent_from(const char *path, char ret_hash[SHA256_HEX], struct err *e)
{
    struct buf content = {0};
    uint8_t sum[SHA256_SIZE];
    int r = file_read(path, IMAGE_AGENT_MAX, &content, e);

    if (r == 0 && (r = sha256_bytes(content.data, content.len, sum)) < 0)
        err_set(e, r, "cannot hash %s", path);
    if (r == 0)
        hex_encode(sum, sizeof(sum), ret_hash);
    buf_free(&content);
    return r;
}

int image_agent_find(char **ret_path, char ret_hash[SHA256_HEX], struct err *e)
{
    static const char *const places[] = {"../lib/belljar/agent", "guest/linux/agent", "../guest/linux/agent",
                                         "../../guest/linux/agent", "../../../guest/linux/agent"};
    const char *given = getenv("BELLJAR_AGENT");
    char exe[4096];
    ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
    char *path = NULL;

    if (given && *given) {
        path = strdup(given);
    } else if (n > 0) {
        exe[n] = 0;
        struct str dir = str_dirname((struct str){exe, (size_t)n});
        for (size_t i = 0; !path && i < sizeof(places) / sizeof(places[0]); i++) {
            path = path_format("%.*s/%s", STR_ARG(dir), places[i]);
            if (path && !file_exists(path)) {
                free(path);
                path = NULL;
            }
        }
    }
    if (!path)
        return err_set(e, ERR_MISSING,
                       "the guest's agent was not found beside this program (or set BELLJAR_AGENT to its path)");
    int r = agent_from(path, ret_hash, e);
    if (r == 0)
        *ret_path = path;
    else
        free(path);
    return r;
}

static int fill(struct image *i, const struct recipe *r)
{
    char *cache = images_cache(), agent_hash[SHA256_HEX], *agent = NULL;

    if (!cache)
        return -ENOMEM;
    i->name = strdup(r->name);
    i->hash = strdup(r->hash);
    i->title = strdup(r->title);
    i->dir = path_format("%s/%s-%.*s", cache, r->name, HASH_IN_NAME, r->hash);
    free(cache);
    if (!i->dir)
        return -ENOMEM;
    i->disk = path_join(i->dir, "disk.qcow2");
    i->kernel = path_join(i->dir, "vmlinux");
    if (image_agent_find(&agent, agent_hash, NULL) == 0)
        i->initrd = path_format("%s/initrd-%.*s.cpio", i->dir, HASH_IN_NAME, agent_hash);
    free(agent);
    if (!i->name || !i->hash || !i->title || !i->disk || !i->kernel)
        return -ENOMEM;
    struct stat st;
    i->built = file_exists(i->disk) && file_exists(i->kernel);
    if (i->built && stat(i->disk, &st) == 0)
        i->bytes = (uint64_t)st.st_blocks * 512;
    return 0;
}

int image_find(const char *name, struct image *ret, struct err *e)
{
    struct recipe recipe = {0};
    struct image i = {0};
    int r = recipe_load(name, &recipe, e);

    if (r == 0 && (r = fill(&i, &recipe)) < 0)
        err_set(e, r, "out of memory");
    if (r == 0)
        *ret = i;
    else
        image_clear(&i);
    recipe_clear(&recipe);
    return r;
}

int image_each(void (*fn)(void *context, const char *name), void *context, struct err *e)
{
    return recipe_each(fn, context, e);
}

/* ---- the initrd: our agent and nothing else ---- */

static int add_module(struct cpio *c, const char *dir, const char *name, struct err *e)
{
    char *from = path_format("%s/%s", dir, name), *to = path_format("modules/%s", name);
    struct buf content = {0};
    int r = from && to ? file_read(from, IMAGE_AGENT_MAX, &content, e) : err_set(e, -ENOMEM, "out of memory");

    if (r == 0)
        r = cpio_file(c, to, 0644, content.data, content.len);
    buf_free(&content);
    free(from);
    free(to);
    return r;
}

/* Drivers of the root's disk; the agent loads them in this order. */
static int add_modules(struct cpio *c, const char *image_dir, struct err *e)
{
    char *dir = path_join(image_dir, "modules");
    struct dirent **list = NULL;
    int n = dir ? scandir(dir, &list, NULL, alphasort) : -1, r = 0;

    if (n > 0)
        cpio_folder(c, "modules", 0755);
    for (int i = 0; i < n; i++) {
        if (r == 0 && list[i]->d_name[0] != '.')
            r = add_module(c, dir, list[i]->d_name, e);
        free(list[i]);
    }
    free(list);
    free(dir);
    return r;
}

static int make_initrd(const char *image_dir, const char *agent, struct buf *out, struct err *e)
{
    struct buf program = {0};
    struct cpio c;
    int r = file_read(agent, IMAGE_AGENT_MAX, &program, e);

    if (r < 0)
        return r;
    cpio_begin(&c, out);
    static const char *const folders[] = {"dev", "proc", "sys", "newroot"};
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
        cpio_folder(&c, folders[i], 0755);
    cpio_device(&c, "dev/console", 0600, 5, 1);
    cpio_device(&c, "dev/null", 0666, 1, 3);
    cpio_file(&c, "init", 0755, program.data, program.len);
    r = add_modules(&c, image_dir, e);
    if (r == 0 && (r = cpio_end(&c)) < 0)
        err_set(e, r, "cannot make the initrd");
    buf_free(&program);
    return r;
}

int image_initrd_ensure(const struct image *i, struct err *e)
{
    char *agent = NULL, hash[SHA256_HEX];
    struct buf archive;
    int r;

    if (i->initrd && file_exists(i->initrd))
        return 0;
    r = image_agent_find(&agent, hash, e);
    if (r < 0)
        return r;
    buf_init(&archive, IMAGE_AGENT_MAX + (1u << 20));
    if (!i->initrd)
        r = err_set(e, ERR_CONFLICT, "the guest's agent appeared only now; try again");
    if (r == 0)
        r = make_initrd(i->dir, agent, &archive, e);
    if (r == 0)
        r = file_write_atomic(i->initrd, archive.data, archive.len, 0444, e);
    buf_free(&archive);
    free(agent);
    return r;
}

/* ---- locks and temporary folders ---- */

int image_lock(const char *path, const struct image_work *w, int *ret_fd, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644), r = 0;
    bool told = false;

    if (fd < 0)
        return err_errno(e, "cannot open the lock %s", path);
    while (r == 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (errno != EWOULDBLOCK && errno != EINTR) {
            r = err_errno(e, "cannot lock %s", path);
        } else if ((r = image_stopped(w, e)) == 0) {
            if (!told)
                image_tell(w, "wait for another belljar that is at it", 0, 0);
            told = true;
            poll(NULL, 0, LOOK_EVERY_MS);
        }
    }
    if (r < 0)
        close(fd);
    else
        *ret_fd = fd;
    return r;
}

/* TARGET.tmp-*: whoever made these and did not rename them is dead, because we hold the lock. */
static void remove_leftovers(const char *target)
{
    struct str whole = str_from(target), dir = str_dirname(whole), base = str_basename(whole);
    char *parent = str_dup(dir), *prefix = path_format("%.*s.tmp-", STR_ARG(base));
    DIR *d = parent ? opendir(parent) : NULL;

    for (struct dirent *entry; d && prefix && (entry = readdir(d));)
        if (!strncmp(entry->d_name, prefix, strlen(prefix))) {
            char *path = path_join(parent, entry->d_name);
            if (path)
                file_remove_tree(path, NULL);
            free(path);
        }
    if (d)
        closedir(d);
    free(prefix);
    free(parent);
}

int image_temporary(const char *target, char **ret_dir, struct err *e)
{
    char *dir = path_format("%s.tmp-XXXXXX", target);
    int r = 0;

    if (!dir)
        return err_set(e, -ENOMEM, "out of memory");
    remove_leftovers(target);
    if (!mkdtemp(dir))
        r = err_errno(e, "cannot make a folder %s", dir);
    else if (chmod(dir, 0755) < 0)
        r = err_errno(e, "cannot set the mode of %s", dir);
    if (r < 0)
        free(dir);
    else
        *ret_dir = dir;
    return r;
}

static int sync_path(const char *path, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int r = fd < 0 || fsync(fd) < 0 ? err_errno(e, "cannot sync %s", path) : 0;

    if (fd >= 0)
        close(fd);
    return r;
}

int image_commit(const char *temporary, const char *target, struct err *e)
{
    DIR *d = opendir(temporary);
    int r = d ? 0 : err_errno(e, "cannot open %s", temporary);

    for (struct dirent *entry; r == 0 && (entry = readdir(d));) {
        char *path = path_join(temporary, entry->d_name);
        struct stat st;
        if (path && lstat(path, &st) == 0 && S_ISREG(st.st_mode))
            r = sync_path(path, e);
        free(path);
    }
    if (d)
        closedir(d);
    if (r == 0)
        r = sync_path(temporary, e);
    if (r == 0 && rename(temporary, target) < 0)
        r = err_errno(e, "cannot rename %s to %s", temporary, target);
    char *parent = str_dup(str_dirname(str_from(target)));
    if (r == 0 && parent)
        r = sync_path(parent, e);
    free(parent);
    return r;
}

/* ---- building ---- */

struct build {
    const struct image_work *work;
    int log_fd;
    size_t logged;
    char line[LINE_MAX_BYTES];
    size_t used;
    char complaint[256]; /* the last "error: ..." line, or the last line */
    bool have_error;
};

static void complain(struct build *b, const char *text)
{
    size_t n = strlen(text);

    if (n >= sizeof(b->complaint))
        n = sizeof(b->complaint) - 1;
    memcpy(b->complaint, text, n);
    b->complaint[n] = 0;
}

static void build_line(struct build *b)
{
    b->line[b->used] = 0;
    if (!strncmp(b->line, "step: ", 6)) {
        image_tell(b->work, b->line + 6, 0, 0);
    } else if (!strncmp(b->line, "error: ", 7) || !strncmp(b->line, "E: ", 3)) {
        complain(b, b->line + (b->line[0] == 'E' ? 3 : 7));
        b->have_error = true;
    } else if (!b->have_error && b->used) {
        complain(b, b->line);
    }
    b->used = 0;
}

static void build_bytes(struct build *b, const char *p, size_t n)
{
    if (b->logged + n <= LOG_MAX && file_write_all(b->log_fd, p, n) == 0)
        b->logged += n;
    for (size_t i = 0; i < n; i++) {
        if (p[i] == '\n')
            build_line(b);
        else if (b->used + 1 < sizeof(b->line))
            b->line[b->used++] = p[i];
    }
}

/* Reads what the recipe's program says until it ends. Asked to stop: first kindly, so that it can unmount. */
static int follow_build(struct build *b, int fd, pid_t group, struct err *e)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    char chunk[8192];
    int r = 0;

    for (unsigned waited = 0; waited < STOP_PATIENCE_MS; waited += r < 0 ? LOOK_EVERY_MS : 0) {
        if (r == 0 && (r = image_stopped(b->work, e)) < 0)
            kill(-group, SIGTERM);
        if (poll(&p, 1, LOOK_EVERY_MS) <= 0)
            continue;
        ssize_t n = read(fd, chunk, sizeof(chunk));
        if (n > 0)
            build_bytes(b, chunk, (size_t)n);
        else if (n == 0 || errno != EINTR)
            return r;
    }
    kill(-group, SIGKILL);
    return r;
}

static int run_build(const struct recipe *recipe, const char *dir, struct build *b, struct err *e)
{
    char *program = path_join(recipe->dir, "build");
    const char *argv[] = {program, dir, NULL};
    int fds[2], status = 0, r;
    pid_t pid;

    if (!program || pipe2(fds, O_CLOEXEC) < 0) {
        free(program);
        return err_errno(e, "cannot make a pipe");
    }
    struct spawn_options o = {.argv = argv, .cwd = "/", .in = -1, .out = fds[1], .err = fds[1], .own_group = true};
    r = spawn(&o, &pid, e);
    close(fds[1]);
    if (r == 0) {
        r = follow_build(b, fds[0], pid, e);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (r == 0 && status)
            r = err_set(e, -EPROTO, "building the image %s failed: %s", recipe->name,
                        b->complaint[0] ? b->complaint : "no reason given");
    }
    close(fds[0]);
    free(program);
    return r;
}

static int extract_kernel(const char *dir, struct err *e)
{
    char *packed = path_join(dir, "vmlinuz"), *plain = path_join(dir, "vmlinux");
    struct buf in = {0}, out;
    int r;

    buf_init(&out, KERNEL_MAX);
    if (!packed || !plain)
        r = err_set(e, -ENOMEM, "out of memory");
    else
        r = file_read(packed, KERNEL_MAX, &in, e);
    if (r == 0)
        r = kernel_extract(in.data, in.len, &out, e);
    if (r == 0)
        r = file_write_atomic(plain, out.data, out.len, 0444, e);
    buf_free(&in);
    buf_free(&out);
    free(packed);
    free(plain);
    return r;
}

static int build_into(const struct recipe *recipe, const struct image *i, const char *dir, const struct image_work *w,
                      struct err *e)
{
    struct build b = {.work = w, .log_fd = -1};
    char *log = path_join(dir, "build.log"), *disk = path_join(dir, "disk.qcow2");
    int r;

    if (!log || !disk) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    b.log_fd = open(log, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (b.log_fd < 0) {
        r = err_errno(e, "cannot write %s", log);
        goto out;
    }
    if ((r = run_build(recipe, dir, &b, e)) < 0)
        goto out;
    image_tell(w, "unpack the kernel", 0, 0);
    if ((r = extract_kernel(dir, e)) < 0)
        goto out;
    if (chmod(disk, 0444) < 0)
        r = err_errno(e, "the build left no disk (%s)", disk);
    if (r == 0)
        r = image_commit(dir, i->dir, e);
out:
    if (b.log_fd >= 0)
        close(b.log_fd);
    free(log);
    free(disk);
    return r;
}

/* A failed build's log is what people need: it stays, under a name that nobody takes for an image. */
static void keep_log(const char *dir, const struct image *i, struct err *e)
{
    char *from = path_join(dir, "build.log"), *to = path_format("%s.failed.log", i->dir);

    if (from && to && rename(from, to) == 0 && e && strlen(e->text) + strlen(to) + 16 < sizeof(e->text)) {
        char before[ERR_TEXT_MAX];
        snprintf(before, sizeof(before), "%s", e->text);
        err_set(e, e->code, "%.300s (log: %.180s)", before, to);
    }
    free(from);
    free(to);
}

static int build_locked(const struct recipe *recipe, const struct image *i, const struct image_work *w, struct err *e)
{
    char *dir = NULL;

    if (file_exists(i->disk) && file_exists(i->kernel))
        return 0; /* somebody else built it while we waited */
    char *parent = str_dup(str_dirname(str_from(i->dir)));
    uint64_t free_bytes = parent ? file_free_bytes(parent) : 0;
    free(parent);
    if (free_bytes < BUILD_NEEDS_BYTES)
        return err_set(e, -ENOSPC,
                       "building an image needs 4 GiB in the cache folder; only %llu MiB are free (set BELLJAR_CACHE)",
                       (unsigned long long)(free_bytes >> 20));
    int r = image_temporary(i->dir, &dir, e);
    if (r < 0)
        return r;
    r = build_into(recipe, i, dir, w, e);
    if (r < 0) {
        if (r != -ECANCELED)
            keep_log(dir, i, e);
        file_remove_tree(dir, NULL);
    }
    free(dir);
    return r;
}

int image_build(const char *name, const struct image_work *w, struct image *ret, struct err *e)
{
    struct recipe recipe = {0};
    struct image i = {0};
    char *cache = images_cache(), *lock = NULL;
    int lock_fd = -1, r;

    if (!cache)
        return err_set(e, -ENOMEM, "out of memory");
    if ((r = recipe_load(name, &recipe, e)) < 0)
        goto out;
    if ((r = fill(&i, &recipe)) < 0) {
        err_set(e, r, "out of memory");
        goto out;
    }
    if ((r = file_mkdirs(cache, 0755, e)) < 0)
        goto out;
    lock = path_format("%s.lock", i.dir);
    if (!lock) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if ((r = image_lock(lock, w, &lock_fd, e)) < 0 || (r = build_locked(&recipe, &i, w, e)) < 0)
        goto out;
    image_clear(&i);
    if ((r = fill(&i, &recipe)) < 0) {
        err_set(e, r, "out of memory");
        goto out;
    }
    *ret = i;
    i = (struct image){0};
out:
    if (lock_fd >= 0)
        close(lock_fd);
    image_clear(&i);
    recipe_clear(&recipe);
    free(lock);
    free(cache);
    return r;
}

/* ---- removing ---- */

/* NAME-<16 hex digits>, and what belongs to it. */
static bool belongs(const char *entry, const char *name)
{
    size_t n = strlen(name);

    return !strncmp(entry, name, n) && entry[n] == '-' && strspn(entry + n + 1, "0123456789abcdef") == HASH_IN_NAME;
}

int image_remove(const char *name, struct err *e)
{
    char *cache = images_cache();
    DIR *d = NULL;
    int r = 0;

    if (!recipe_name_valid(name))
        r = err_set(e, ERR_USAGE, "\"%s\" cannot be the name of an image", name);
    else if (cache && (d = opendir(cache)) == NULL && errno != ENOENT)
        r = err_errno(e, "cannot open %s", cache);
    for (struct dirent *entry; r == 0 && d && (entry = readdir(d));) {
        if (!belongs(entry->d_name, name) || str_ends(str_from(entry->d_name), STR_LIT(".lock")))
            continue;
        char *path = path_join(cache, entry->d_name);
        r = path ? file_remove_tree(path, e) : err_set(e, -ENOMEM, "out of memory");
        free(path);
    }
    if (d)
        closedir(d);
    free(cache);
    return r;
}
