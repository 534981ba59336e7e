/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/proc.h"

#include "base/buf.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TEXT_MAX (64u << 10)
#define CHILDREN_TEXT_MAX (1u << 20)

static int read_text(pid_t pid, const char *name, size_t max, struct buf *ret, struct err *e)
{
    char path[128];
    struct err inner = {0};

    snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
    int r = file_read(path, max, ret, &inner);
    if (r == -ENOENT || r == -ESRCH)
        return err_set(e, ERR_MISSING, "process %d is gone", (int)pid);
    if (r < 0)
        return err_set(e, r, "%s", inner.text);
    return 0;
}

/* proc(5): "pid (comm) state ppid ...". comm may hold spaces and parentheses: the last ')' ends it. */
static int stat_parse(struct str text, struct proc_stat *ret)
{
    const char *open = memchr(text.p, '(', text.n), *close = memrchr(text.p, ')', text.n);
    uint64_t field[23] = {0}; /* by number in proc(5), from 4 on */
    struct str rest, part;
    unsigned n = 3;

    if (!open || !close || close < open || close + 3 > text.p + text.n)
        return ERR_FORMAT;
    size_t name_len = (size_t)(close - open - 1);
    if (name_len >= sizeof(ret->name))
        name_len = sizeof(ret->name) - 1;
    memcpy(ret->name, open + 1, name_len);
    ret->name[name_len] = 0;
    ret->state = close[2];
    rest = str_trim((struct str){close + 3, text.n - (size_t)(close + 3 - text.p)});
    while (n < 22 && str_split(&rest, ' ', &part)) {
        n++;
        if (part.n && part.p[0] == '-') /* negative fields (tty, priority) are none that we want */
            continue;
        if (str_u64(part, 10, &field[n]) < 0)
            return ERR_FORMAT;
    }
    if (n < 22)
        return ERR_FORMAT;
    uint64_t tick_ns = 1000000000ull / (uint64_t)sysconf(_SC_CLK_TCK);
    ret->ppid = (pid_t)field[4];
    ret->pgrp = (pid_t)field[5];
    ret->session = (pid_t)field[6];
    ret->user_ns = field[14] * tick_ns;
    ret->system_ns = field[15] * tick_ns;
    ret->threads = (uint32_t)field[20];
    ret->start_ticks = field[22];
    return 0;
}

int proc_stat_read(pid_t pid, struct proc_stat *ret, struct err *e)
{
    struct proc_stat s = {.pid = pid};
    struct buf b;
    int r = read_text(pid, "stat", TEXT_MAX, &b, e);

    if (r < 0)
        return r;
    r = b.len ? stat_parse(buf_str(&b), &s) : ERR_FORMAT;
    buf_free(&b);
    if (r < 0)
        return err_set(e, r, "/proc/%d/stat has an unknown form", (int)pid);
    *ret = s;
    return 0;
}

/* "Private_Dirty:      1234 kB" */
static uint64_t value_of(struct str text, const char *name)
{
    struct str line;
    size_t n = strlen(name);
    uint64_t kib;

    while (str_split(&text, '\n', &line)) {
        if (line.n <= n || memcmp(line.p, name, n) != 0 || line.p[n] != ':')
            continue;
        line = str_trim(str_sub(line, n + 1, line.n));
        ptrdiff_t space = str_find(line, STR_LIT(" "));
        if (str_u64(space < 0 ? line : str_sub(line, 0, (size_t)space), 10, &kib) == 0)
            return kib * 1024;
    }
    return 0;
}

int proc_memory_read(pid_t pid, struct proc_memory *ret, struct err *e)
{
    struct buf b;
    int r = read_text(pid, "smaps_rollup", TEXT_MAX, &b, e);

    if (r < 0)
        return r;
    struct str text = buf_str(&b);
    *ret = (struct proc_memory){.rss = value_of(text, "Rss"),
                                .private_dirty = value_of(text, "Private_Dirty"),
                                .shared = value_of(text, "Shared_Clean") + value_of(text, "Shared_Dirty"),
                                .swap = value_of(text, "Swap")};
    buf_free(&b);
    return 0;
}

/* Children of one thread: a list of pids with spaces between. */
static int children_of_thread(pid_t pid, const char *tid, pid_t *ret, unsigned max, int have)
{
    char name[64];
    struct buf b;
    struct str rest, part;
    uint64_t v;

    snprintf(name, sizeof(name), "task/%.20s/children", tid);
    if (read_text(pid, name, CHILDREN_TEXT_MAX, &b, NULL) < 0)
        return have;
    rest = buf_str(&b);
    while (rest.p && str_split(&rest, ' ', &part)) {
        if (!part.n || str_u64(str_trim(part), 10, &v) < 0)
            continue;
        if ((unsigned)have < max)
            ret[have] = (pid_t)v;
        have++;
    }
    buf_free(&b);
    return have;
}

int proc_children(pid_t pid, pid_t *ret, unsigned max, struct err *e)
{
    char path[64];
    int n = 0;

    snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
    DIR *d = opendir(path);
    if (!d && errno == ENOENT)
        return err_set(e, ERR_MISSING, "process %d is gone", (int)pid);
    if (!d)
        return err_errno(e, "cannot read %s", path);
    for (struct dirent *t; (t = readdir(d));)
        if (t->d_name[0] != '.')
            n = children_of_thread(pid, t->d_name, ret, max, n);
    closedir(d);
    return n;
}

int proc_boot_id(char ret[PROC_BOOT_ID_SIZE], struct err *e)
{
    struct buf b;
    int r = file_read("/proc/sys/kernel/random/boot_id", 256, &b, e);

    if (r < 0)
        return r;
    struct str s = str_trim(buf_str(&b));
    if (s.n == PROC_BOOT_ID_SIZE - 1) {
        memcpy(ret, s.p, s.n);
        ret[s.n] = 0;
    } else {
        r = err_set(e, ERR_FORMAT, "the kernel's boot id has an unknown form");
    }
    buf_free(&b);
    return r;
}

bool proc_is_alive(const char *boot_id, pid_t pid, uint64_t start_ticks)
{
    char now[PROC_BOOT_ID_SIZE];
    struct proc_stat s;

    if (pid <= 0 || proc_boot_id(now, NULL) < 0 || strcmp(now, boot_id) != 0)
        return false;
    return proc_stat_read(pid, &s, NULL) == 0 && s.start_ticks == start_ticks && s.state != 'Z' && s.state != 'X';
}
