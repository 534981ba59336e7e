/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "follow.h"
#include "util.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PID_MAX (4u << 20) /* the kernel's own limit on 64-bit machines */
#define WORDS (PID_MAX / 64)

struct follow {
    pthread_mutex_t lock;
    uint64_t member[WORDS], alive[WORDS];
    uint32_t count, root;
    int code;
    uint32_t signal;
};

static bool bit(const uint64_t *w, uint32_t pid)
{
    return pid < PID_MAX && w[pid / 64] >> pid % 64 & 1;
}

static void set_bit(uint64_t *w, uint32_t pid, bool on)
{
    if (pid >= PID_MAX)
        return;
    if (on)
        w[pid / 64] |= 1ull << pid % 64;
    else
        w[pid / 64] &= ~(1ull << pid % 64);
}

struct follow *follow_new(void)
{
    struct follow *f = calloc(1, sizeof(*f));

    if (!f)
        return NULL;
    pthread_mutex_init(&f->lock, NULL);
    f->code = -1;
    return f;
}

static void set_alive(struct follow *f, uint32_t pid, bool on)
{
    if (pid >= PID_MAX || bit(f->alive, pid) == on)
        return;
    set_bit(f->alive, pid, on);
    f->count += on ? 1 : -1u;
}

void follow_root(struct follow *f, uint32_t pid)
{
    pthread_mutex_lock(&f->lock);
    f->root = pid;
    set_bit(f->member, pid, true);
    set_alive(f, pid, true);
    pthread_mutex_unlock(&f->lock);
}

void follow_started(struct follow *f, uint32_t pid, bool from_sample)
{
    pthread_mutex_lock(&f->lock);
    set_bit(f->member, pid, from_sample);
    set_alive(f, pid, from_sample);
    pthread_mutex_unlock(&f->lock);
}

void follow_joined(struct follow *f, uint32_t pid)
{
    pthread_mutex_lock(&f->lock);
    if (!bit(f->member, pid)) {
        set_bit(f->member, pid, true);
        set_alive(f, pid, true);
    }
    pthread_mutex_unlock(&f->lock);
}

void follow_ended(struct follow *f, uint32_t pid, int code, uint32_t signal)
{
    pthread_mutex_lock(&f->lock);
    set_alive(f, pid, false);
    if (pid == f->root && pid) {
        f->code = code;
        f->signal = signal;
    }
    pthread_mutex_unlock(&f->lock);
}

bool follow_member(struct follow *f, uint32_t pid)
{
    pthread_mutex_lock(&f->lock);
    bool r = bit(f->member, pid);
    pthread_mutex_unlock(&f->lock);
    return r;
}

uint32_t follow_alive(struct follow *f)
{
    pthread_mutex_lock(&f->lock);
    uint32_t n = f->count;
    pthread_mutex_unlock(&f->lock);
    return n;
}

size_t follow_list(struct follow *f, uint32_t from, uint32_t *ret, size_t n)
{
    size_t got = 0;

    pthread_mutex_lock(&f->lock);
    for (uint32_t w = from / 64; w < WORDS && got < n && f->count; w++)
        for (uint64_t bits = f->alive[w]; bits && got < n; bits &= bits - 1) {
            uint32_t pid = w * 64 + (uint32_t)__builtin_ctzll(bits);
            if (pid > from)
                ret[got++] = pid;
        }
    pthread_mutex_unlock(&f->lock);
    return got;
}

void follow_root_status(struct follow *f, int *ret_code, uint32_t *ret_signal)
{
    pthread_mutex_lock(&f->lock);
    *ret_code = f->code;
    *ret_signal = f->signal;
    pthread_mutex_unlock(&f->lock);
}

/* Parent or session in the sample: what can be known without a tracer. */
static void look_for_children(struct follow *f)
{
    DIR *d = opendir("/proc");

    if (!d)
        return;
    for (struct dirent *e; (e = readdir(d));) {
        char path[300], text[512], state;
        unsigned parent, group, session;
        if (!isdigit((unsigned char)e->d_name[0]))
            continue;
        snprintf(path, sizeof(path), "/proc/%s/stat", e->d_name);
        if (file_get(path, text, sizeof(text)) <= 0)
            continue;
        const char *after = strrchr(text, ')');
        if (after && sscanf(after + 1, " %c %u %u %u", &state, &parent, &group, &session) == 4 && state != 'Z' &&
            (follow_member(f, parent) || follow_member(f, group) || (session != 0 && follow_member(f, session))))
            follow_joined(f, (uint32_t)atoi(e->d_name));
    }
    closedir(d);
}

static bool is_gone(uint32_t pid)
{
    char path[64], text[512];

    if (kill((pid_t)pid, 0) < 0 && errno == ESRCH)
        return true;
    snprintf(path, sizeof(path), "/proc/%u/stat", pid);
    if (file_get(path, text, sizeof(text)) <= 0)
        return false;
    const char *after = strrchr(text, ')');
    return after && after[1] == ' ' && after[2] == 'Z';
}

void follow_verify(struct follow *f, bool tracer_works)
{
    uint32_t pids[64], from = 0;
    size_t n;

    if (!tracer_works)
        look_for_children(f);
    while ((n = follow_list(f, from, pids, 64)) > 0) {
        for (size_t i = 0; i < n; i++)
            if (is_gone(pids[i])) {
                pthread_mutex_lock(&f->lock);
                set_alive(f, pids[i], false);
                pthread_mutex_unlock(&f->lock);
            }
        from = pids[n - 1];
    }
}
