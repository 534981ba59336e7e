/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log's writer. */
#include "event/evlog.h"
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/intern.h"
#include "event/evlog-index.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct evlog_writer {
    int fd;
    struct err failure; /* code 0 while all is well */
    uint64_t offset;    /* of the next block */
    struct intern *strings;
    uint32_t strings_max; /* ids that may be given out */
    struct evlog_status status;
    struct evlog_index index;
    struct buf offsets; /* varint steps between the blocks, for the footer */
    uint64_t last_offset;
    /* the block being filled */
    struct evlog_block block;
    struct buf text, records, out;
    int64_t last_time;
    uint32_t last_pid;
    uint64_t last_seq[EVENT_SOURCE_MAX];
    /* the last string of each slot: repeats need no hashing */
    uint32_t recent[EVENT_KIND_MAX][EVENT_FIELDS_MAX];
};

static int fail(struct evlog_writer *w, struct err *e)
{
    if (e)
        *e = w->failure;
    return w->failure.code;
}

static int write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Writes bytes at the end of the file; after a failure removes what was written of them. */
static int put_bytes(struct evlog_writer *w, const uint8_t *p, size_t n)
{
    int r = write_all(w->fd, p, n);

    if (r < 0) {
        err_set(&w->failure, r, "cannot write the event log: %s", err_name(r));
        /* Best effort: readers also cope with a torn block. */
        if (ftruncate(w->fd, (off_t)w->offset) < 0)
            return r;
        return r;
    }
    w->offset += n;
    return 0;
}

static void block_start(struct evlog_writer *w)
{
    buf_clear(&w->text);
    buf_clear(&w->records);
    w->block.records = 0;
    w->block.strings = 0;
    w->block.first_string = intern_count(w->strings) + 1;
    w->block.first_event = w->status.events;
    w->last_time = 0;
    w->last_pid = 0;
    memset(w->last_seq, 0, sizeof(w->last_seq));
}

static int block_put(struct evlog_writer *w, uint8_t type)
{
    uint8_t header[EVLOG_BLOCK_HEADER];
    struct evlog_block *b = &w->block;

    b->type = type;
    b->strings_len = (uint32_t)w->text.len;
    b->records_len = (uint32_t)w->records.len;
    b->strings_crc = crc32c(0, w->text.data, w->text.len);
    b->records_crc = crc32c(0, w->records.data, w->records.len);
    evlog_block_write(header, b);
    /* One write for the whole block, so that readers rarely see half of it. */
    buf_clear(&w->out);
    buf_add(&w->out, header, sizeof(header));
    buf_add(&w->out, w->text.data, w->text.len);
    buf_add(&w->out, w->records.data, w->records.len);
    if (w->out.failed)
        return err_set(&w->failure, w->out.failed, "cannot write the event log: %s", err_name(w->out.failed));
    return put_bytes(w, w->out.data, w->out.len);
}

int evlog_flush(struct evlog_writer *w, struct err *e)
{
    if (w->failure.code)
        return fail(w, e);
    if (w->records.len == 0)
        return 0;
    uint64_t at = w->offset;
    if (block_put(w, EVLOG_BLOCK_EVENTS) < 0)
        return fail(w, e);
    buf_varint(&w->offsets, at - w->last_offset);
    w->last_offset = at;
    w->block.number++;
    w->status.blocks++;
    block_start(w);
    return 0;
}

int evlog_create_fd(int fd, struct evlog_writer **ret, struct err *e)
{
    uint8_t header[EVLOG_FILE_HEADER];
    struct evlog_writer *w = calloc(1, sizeof(*w));
    int r = -ENOMEM;

    if (!w || intern_new(EVLOG_INTERN_MAX, &w->strings) < 0) {
        err_set(e, r, "cannot start an event log: no memory");
        goto out;
    }
    w->fd = fd;
    w->strings_max = EVLOG_STRINGS_MAX - 1;
    random_bytes(&w->block.file, sizeof(w->block.file));
    evlog_index_init(&w->index, w->block.file);
    buf_init(&w->text, EVLOG_SECTION_MAX);
    buf_init(&w->records, EVLOG_SECTION_MAX);
    buf_init(&w->out, EVLOG_FOOTER_MAX + EVLOG_BLOCK_HEADER);
    buf_init(&w->offsets, EVLOG_FOOTER_MAX / 4);
    block_start(w);
    evlog_file_write(header, w->block.file);
    r = put_bytes(w, header, sizeof(header));
    if (r < 0) {
        fail(w, e);
        goto out;
    }
    *ret = w;
    return 0;
out:
    if (w) {
        w->fd = -1;
        evlog_abandon(&w);
    }
    close(fd);
    return r;
}

int evlog_create(const char *path, struct evlog_writer **ret, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);

    if (fd < 0)
        return err_errno(e, "cannot create %s", path);
    return evlog_create_fd(fd, ret, e);
}

void evlog_strings_limit(struct evlog_writer *w, uint32_t count)
{
    w->strings_max = count;
}

static uint8_t *put_varint(uint8_t *p, uint64_t v)
{
    while (v >= 0x80) {
        *p++ = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    *p++ = (uint8_t)v;
    return p;
}

static uint8_t *put_zigzag(uint8_t *p, int64_t v)
{
    return put_varint(p, ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0));
}

static uint8_t *put_text(uint8_t *p, struct str s)
{
    p = put_varint(p, s.n);
    if (s.n)
        memcpy(p, s.p, s.n);
    return p + s.n;
}

static struct str cut(const struct event_value *v)
{
    return str_sub(v->s, 0, EVENT_STR_MAX);
}

/* Id of a string, which is defined in this block when it is new; 0 = keep it in place. */
static uint32_t string_id(struct evlog_writer *w, struct str s, uint32_t *recent)
{
    bool fresh = false;

    if (*recent && str_eq(intern_get(w->strings, *recent), s))
        return *recent;
    if (s.n > EVLOG_INTERN_STR_MAX)
        return 0;
    uint32_t id =
        intern_count(w->strings) < w->strings_max ? intern_add_new(w->strings, s, &fresh) : intern_find(w->strings, s);
    if (fresh) {
        buf_varint(&w->text, s.n);
        buf_add_str(&w->text, s);
        w->block.strings++;
    }
    if (id)
        *recent = id;
    return id;
}

/* A STR: 0 = none, even = id, odd = in place. */
static uint8_t *put_str(struct evlog_writer *w, uint8_t *p, struct str s, uint32_t *recent)
{
    if (s.n == 0)
        return put_varint(p, 0);
    uint32_t id = string_id(w, s, recent);
    if (id)
        return put_varint(p, (uint64_t)id << 1);
    p = put_varint(p, (uint64_t)s.n << 1 | 1);
    memcpy(p, s.p, s.n);
    return p + s.n;
}

static uint8_t *put_field(struct evlog_writer *w, uint8_t *p, const struct event *ev, unsigned i,
                          const struct event_kind_info *k)
{
    const struct event_value *v = &ev->f[i];
    struct str s = cut(v);
    bool known = k && i < k->count;

    if (s.n < v->s.n && (!known || k->fields[i].type == EV_STR || k->fields[i].type == EV_TEXT))
        w->status.cut_strings++;
    if (!known) {
        /* Beyond our schema: the value tells its own type. */
        *p++ = s.p ? EVLOG_EXTRA_TEXT : EVLOG_EXTRA_NUMBER;
        return s.p ? put_text(p, s) : put_varint(p, v->u);
    }
    switch (k->fields[i].type) {
    case EV_STR:
        return put_str(w, p, s, &w->recent[k->kind][i]);
    case EV_TEXT:
        return put_text(p, s);
    case EV_I64:
        return put_zigzag(p, (int64_t)v->u);
    default:
        return put_varint(p, v->u);
    }
}

/* Puts the finished record, whose bytes stand at `from`, behind its length. */
static void record_end(struct evlog_writer *w, uint8_t *from, uint8_t *end)
{
    uint8_t length[10];
    size_t n = (size_t)(end - from), l = (size_t)(put_varint(length, n) - length);

    /* One byte was left free for the length: enough for nearly all. */
    if (l > 1)
        memmove(from - 1 + l, from, n);
    memcpy(from - 1, length, l);
    w->records.len += l + n;
    w->block.records++;
}

static void source_count(struct evlog_source_status *s, uint64_t seq)
{
    s->events++;
    if (seq > s->last_seq) {
        s->gaps += seq - s->last_seq - 1;
        s->last_seq = seq;
    } else {
        s->repeated++;
    }
}

int evlog_append(struct evlog_writer *w, const struct event *ev, struct err *e)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);
    size_t bound = EVLOG_RECORD_FIXED;

    if (w->failure.code)
        return fail(w, e);
    if (ev->source >= EVENT_SOURCE_MAX || ev->count > EVENT_FIELDS_MAX)
        return err_set(e, ERR_USAGE, "impossible event: source %u, %u fields", ev->source, ev->count);
    for (unsigned i = 0; i < ev->count; i++) {
        bound += EVLOG_FIELD_FIXED + cut(&ev->f[i]).n;
    }
    /* Both sections may need that much: room is made first, so that nothing fails half way. */
    if (buf_reserve(&w->records, bound) < 0 || buf_reserve(&w->text, bound) < 0) {
        err_set(&w->failure, -ENOMEM, "cannot write the event log: no memory");
        return fail(w, e);
    }
    struct evlog_source_status *s = &w->status.source[ev->source];
    uint64_t seq = ev->seq ? ev->seq : s->last_seq + 1;
    uint8_t head = ev->source;
    if (w->last_seq[ev->source] && seq == w->last_seq[ev->source] + 1)
        head |= EVLOG_NEXT_SEQ;
    if (w->block.records && ev->pid == w->last_pid)
        head |= EVLOG_SAME_PID;
    if (ev->tid == ev->pid)
        head |= EVLOG_MAIN_TID;

    uint8_t *from = w->records.data + w->records.len + 1, *p = from;
    *p++ = head;
    p = put_varint(p, ev->kind);
    p = put_zigzag(p, (int64_t)((uint64_t)ev->time_ns - (uint64_t)w->last_time));
    if (!(head & EVLOG_NEXT_SEQ))
        p = put_varint(p, seq);
    if (!(head & EVLOG_SAME_PID))
        p = put_varint(p, ev->pid);
    if (!(head & EVLOG_MAIN_TID))
        p = put_varint(p, ev->tid);
    *p++ = ev->count;
    for (unsigned i = 0; i < ev->count; i++)
        p = put_field(w, p, ev, i, k);
    record_end(w, from, p);

    w->last_time = ev->time_ns;
    w->last_pid = ev->pid;
    w->last_seq[ev->source] = seq;
    w->status.events++;
    source_count(s, seq);
    evlog_index_add(&w->index, w->block.number, ev->pid, ev->kind);
    return w->records.len + w->text.len >= EVLOG_BLOCK_TARGET ? evlog_flush(w, e) : 0;
}

int evlog_lost(struct evlog_writer *w, uint8_t source, uint64_t total, struct err *e)
{
    if (w->failure.code)
        return fail(w, e);
    if (source >= EVENT_SOURCE_MAX)
        return err_set(e, ERR_USAGE, "impossible event source %u", source);
    if (total <= w->status.source[source].lost)
        return 0;
    if (buf_reserve(&w->records, EVLOG_RECORD_FIXED) < 0) {
        err_set(&w->failure, -ENOMEM, "cannot write the event log: no memory");
        return fail(w, e);
    }
    uint8_t *from = w->records.data + w->records.len + 1, *p = from;
    *p++ = (uint8_t)(source | EVLOG_LOSS);
    p = put_varint(p, total);
    record_end(w, from, p);
    w->status.source[source].lost = total;
    return 0;
}

uint64_t evlog_writer_bytes(const struct evlog_writer *w)
{
    return w->offset + w->records.len + w->text.len;
}

const struct evlog_status *evlog_writer_status(const struct evlog_writer *w)
{
    return &w->status;
}

/* The footer is a block whose records section is the index. */
static int footer_put(struct evlog_writer *w)
{
    struct evlog_status *st = &w->status;
    struct buf *out = &w->records;
    uint32_t blocks = (uint32_t)st->blocks;
    uint64_t at = w->offset;

    block_start(w);
    out->max = EVLOG_FOOTER_MAX;
    buf_varint(out, st->events);
    buf_varint(out, blocks);
    buf_varint(out, evlog_index_blocks(&w->index, blocks));
    buf_varint(out, st->cut_strings);
    for (int i = 0; i < EVENT_SOURCE_MAX; i++) {
        const struct evlog_source_status *s = &st->source[i];
        buf_varint(out, s->events);
        buf_varint(out, s->lost);
        buf_varint(out, s->gaps);
        buf_varint(out, s->last_seq);
        buf_varint(out, s->repeated);
    }
    buf_add(out, w->offsets.data, w->offsets.len);
    evlog_index_write(&w->index, out);
    buf_u64le(out, at);
    buf_u32le(out, w->block.file);
    buf_u32le(out, EVLOG_TRAILER_MAGIC);
    if (out->failed || w->offsets.failed)
        return err_set(&w->failure, ERR_LIMIT, "cannot write the event log's index: %s", err_name(out->failed));
    return block_put(w, EVLOG_BLOCK_FOOTER);
}

int evlog_close(struct evlog_writer **writer, struct err *e)
{
    struct evlog_writer *w = writer ? *writer : NULL;

    if (!w)
        return 0;
    int r = evlog_flush(w, NULL);
    if (r == 0)
        r = footer_put(w);
    /* EINVAL: a descriptor that cannot be synced (a pipe, a special file). */
    if (r == 0 && fsync(w->fd) < 0 && errno != EINVAL && errno != EROFS)
        r = err_errno(&w->failure, "cannot write the event log");
    if (r < 0)
        fail(w, e);
    evlog_abandon(writer);
    return r;
}

void evlog_abandon(struct evlog_writer **writer)
{
    struct evlog_writer *w = writer ? *writer : NULL;

    if (!w)
        return;
    if (w->fd >= 0)
        close(w->fd);
    intern_free(&w->strings);
    evlog_index_free(&w->index);
    buf_free(&w->offsets);
    buf_free(&w->text);
    buf_free(&w->records);
    buf_free(&w->out);
    free(w);
    *writer = NULL;
}
