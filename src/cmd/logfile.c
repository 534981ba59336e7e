/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/logfile.h"

#include "cmd/text.h"
#include "detect/rulefiles.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void logfile_complain(const char *file, const char *text)
{
    fputs("belljar: ", stderr);
    text_print(stderr, str_from(file));
    fputs(": ", stderr);
    text_print(stderr, str_from(text));
    fputc('\n', stderr);
}

int logfile_open(const char *path, int *ret, struct err *e)
{
    struct stat st;
    int fd;

    if (!strcmp(path, "-")) {
        fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
        if (fd < 0)
            return err_errno(e, "cannot read standard input");
        *ret = fd;
        return 0;
    }
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY); /* a named pipe must not make us wait */
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, -EINVAL, "%s is no plain file", path);
    }
    *ret = fd;
    return 0;
}

static bool is_evtx(const char *name)
{
    return str_iends(str_from(name), STR_LIT(".evtx"));
}

static bool is_log(const char *name)
{
    struct str n = str_from(name);

    return is_evtx(name) || str_iends(n, STR_LIT(".json")) || str_iends(n, STR_LIT(".jsonl")) ||
           str_iends(n, STR_LIT(".ndjson"));
}

int logfile_each(const char *path, bool evtx_only, int (*each)(void *context, const char *file), void *context,
                 struct err *e)
{
    struct rulefiles files = {0};
    struct stat st;
    int rc;

    if (!strcmp(path, "-") || stat(path, &st) < 0 || !S_ISDIR(st.st_mode))
        return each(context, path);
    if ((rc = rulefiles_list(path, evtx_only ? is_evtx : is_log, &files, e)) < 0)
        return rc;
    if (!files.count)
        rc = err_set(e, ERR_MISSING, "there are no logs (%s) in %s",
                     evtx_only ? ".evtx" : ".evtx, .json, .jsonl, .ndjson", path);
    for (size_t i = 0; i < files.count && rc >= 0; i++)
        rc = each(context, files.items[i]);
    rulefiles_free(&files);
    return rc;
}

static ssize_t source_read(void *context, uint64_t offset, void *p, size_t n)
{
    struct logfile *f = context;
    ssize_t got;

    if (!f->plain && offset != f->pos)
        return -ESPIPE;
    if (offset > INT64_MAX)
        return 0;
    do
        got = f->plain ? pread(f->fd, p, n, (off_t)offset) : read(f->fd, p, n);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    f->pos += (uint64_t)got;
    return got;
}

struct evtx_source logfile_source(struct logfile *f, int fd)
{
    struct stat st;

    *f = (struct logfile){.fd = fd};
    f->plain = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    return (struct evtx_source){source_read, f};
}
