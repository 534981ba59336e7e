/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Any file as an event log. When the first byte is odd the sums of everything
 * that looks like a block are made right first, so that changed bytes reach
 * the code behind them.
 */
#include "base/crc32c.h"
#include "base/jsonw.h"
#include "event/evlog-format.h"
#include "event/evlog.h"
#include "event/proctab.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void sums_mend(uint8_t *p, size_t n)
{
    if (n >= EVLOG_FILE_HEADER)
        put32(p + 20, crc32c(0, p, 20));
    for (size_t at = EVLOG_FILE_HEADER; at + EVLOG_BLOCK_HEADER <= n;) {
        size_t strings = get32(p + at + 12), records = get32(p + at + 16), left = n - at - EVLOG_BLOCK_HEADER;
        if (get32(p + at) != EVLOG_BLOCK_MAGIC || strings > left || records > left - strings) {
            at++;
            continue;
        }
        uint8_t *body = p + at + EVLOG_BLOCK_HEADER;
        put32(p + at + 40, crc32c(0, body, strings));
        put32(p + at + 44, crc32c(0, body + strings, records));
        put32(p + at + 52, crc32c(0, p + at, 52));
        at += EVLOG_BLOCK_HEADER + strings + records;
    }
}

static void walk(int fd, uint32_t pid, uint16_t kind)
{
    struct evlog_reader *r;
    struct proctab *t;
    struct event ev;
    struct err e;
    struct jsonw w;
    struct buf b;
    uint64_t n = 0;

    if (evlog_open_fd(dup(fd), &r, &e) < 0 || proctab_new(64, &t) < 0)
        abort();
    buf_init(&b, 8 << 20);
    evlog_filter(r, pid, kind);
    while (evlog_next(r, &ev, &e) > 0) {
        if (ev.count > EVENT_FIELDS_MAX || (pid && ev.pid != pid) || (kind && ev.kind != kind))
            abort();
        const struct proc *p = proctab_event(t, &ev);
        if (!p)
            abort();
        unsigned depth = 0;
        for (; p; p = proctab_parent(t, p)) {
            if (depth++ > 64)
                abort();
        }
        buf_clear(&b);
        jsonw_to_buf(&w, &b, false);
        event_json(&w, &ev);
        if (jsonw_finish(&w) < 0)
            abort();
        n++;
    }
    if (!pid && !kind && evlog_reader_status(r)->events != n)
        abort();
    buf_free(&b);
    proctab_free(&t);
    evlog_reader_free(&r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int fd = memfd_create("log", MFD_CLOEXEC);
    uint8_t *copy = malloc(size + 1);

    if (fd < 0 || !copy)
        abort();
    if (size) {
        memcpy(copy, data + 1, size - 1);
        if (data[0] & 1)
            sums_mend(copy, size - 1);
        if (write(fd, copy, size - 1) != (ssize_t)(size - 1))
            abort();
    }
    walk(fd, 0, 0);
    walk(fd, 101, 0);
    walk(fd, 101, EVENT_FILE_CREATE);
    free(copy);
    close(fd);
    return 0;
}
