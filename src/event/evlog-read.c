/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The log's reader. Everything in the file is hostile input. */
#include "base/buf.h"
#include "base/crc32c.h"
#include "base/intern.h"
#include "event/evlog-index.h"
#include "event/evlog.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SCAN_CHUNK (64 * 1024)

struct evlog_reader {
    int fd;
    uint64_t offset; /* of the next block */
    bool started, ended, resync;
    bool file_known;
    uint32_t file;
    struct evlog_status status;
    struct intern *strings;
    uint32_t *ids; /* id in the file -> id in `strings`; they differ only in damaged files */
    uint32_t ids_cap;
    uint64_t next_event; /* ordinal that the next good block should start with */
    /* filter */
    uint32_t pid;
    uint16_t kind;
    uint8_t *wanted; /* per block, when the index is used */
    uint32_t wanted_count;
    /* the block being read */
    struct buf space;
    struct reader records;
    uint32_t left;
    uint64_t block_offset;
    int64_t last_time;
    uint32_t last_pid;
    uint64_t last_seq[EVENT_SOURCE_MAX];
};

/* A folder of a case may come from a stranger: a pipe or a device there would hold us, or never end. */
static int check_file(int fd, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) < 0)
        return err_errno(e, "cannot look at the event log");
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_UNSUPPORTED, "the event log is no plain file");
    if ((uint64_t)st.st_size > EVLOG_BYTES_MAX)
        return err_set(e, ERR_LIMIT, "the event log has %lld bytes; none that Belljar writes has more than %llu",
                       (long long)st.st_size, (unsigned long long)EVLOG_BYTES_MAX);
    return 0;
}

int evlog_open_fd(int fd, struct evlog_reader **ret, struct err *e)
{
    struct evlog_reader *r;
    int x = check_file(fd, e);

    if (x < 0) {
        close(fd);
        return x;
    }
    r = calloc(1, sizeof(*r));
    if (!r || intern_new(EVLOG_INTERN_MAX, &r->strings) < 0) {
        free(r);
        close(fd);
        return err_set(e, -ENOMEM, "cannot open the event log: no memory");
    }
    r->fd = fd;
    buf_init(&r->space, EVLOG_FOOTER_MAX + EVLOG_SECTION_MAX);
    *ret = r;
    return 0;
}

int evlog_open(const char *path, struct evlog_reader **ret, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY | O_NOFOLLOW), x;

    if (fd < 0 && errno == ELOOP)
        return err_set(e, -ELOOP, "cannot read %s: it is a link, not a plain file", path);
    if (fd < 0 && errno == ENXIO) /* a socket */
        return err_set(e, ERR_UNSUPPORTED, "cannot read %s: it is no plain file", path);
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    x = evlog_open_fd(fd, ret, e);
    return x < 0 ? err_prefix(e, "%s: ", path) : 0;
}

void evlog_reader_free(struct evlog_reader **reader)
{
    struct evlog_reader *r = reader ? *reader : NULL;

    if (!r)
        return;
    close(r->fd);
    intern_free(&r->strings);
    buf_free(&r->space);
    free(r->ids);
    free(r->wanted);
    free(r);
    *reader = NULL;
}

const struct evlog_status *evlog_reader_status(const struct evlog_reader *r)
{
    return &r->status;
}

const struct intern *evlog_strings(const struct evlog_reader *r)
{
    return r->strings;
}

/* Up to n bytes; fewer only at the end of the file. Negative: -errno. */
static ssize_t read_at(int fd, void *to, size_t n, uint64_t offset)
{
    size_t have = 0;

    while (have < n) {
        ssize_t got = pread(fd, (uint8_t *)to + have, n - have, (off_t)(offset + have));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -errno;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

static int read_failed(ssize_t code, struct err *e)
{
    return err_set(e, (int)code, "cannot read the event log: %s", err_name((int)code));
}

/* Counts one run of damage. */
static void damage(struct evlog_reader *r, uint64_t offset)
{
    if (r->status.bad_blocks++ == 0)
        r->status.first_bad_offset = offset;
}

/* Is there a block of this file? A damaged file header is made up for by the first sound block. */
static bool header_good(struct evlog_reader *r, const uint8_t *p, struct evlog_block *ret)
{
    if (!evlog_block_read(p, ret) || (r->file_known && ret->file != r->file))
        return false;
    r->file = ret->file;
    r->file_known = true;
    return true;
}

/* Looks for the next sound block header from r->offset on. 1: found, r->offset is there. 0: none so far. */
static int scan(struct evlog_reader *r, struct err *e)
{
    static const uint8_t magic[4] = {0x42, 0x4a, 0x4c, 0x42};
    uint8_t space[SCAN_CHUNK];
    struct evlog_block b;

    for (;;) {
        /* A hole may be terabytes of nothing. A file system without holes answers with the same place. */
        off_t data = lseek(r->fd, (off_t)r->offset, SEEK_DATA);
        if (data > (off_t)r->offset)
            r->offset = (uint64_t)data;
        ssize_t n = data < 0 && errno == ENXIO ? 0 : read_at(r->fd, space, sizeof(space), r->offset);
        if (n < 0)
            return read_failed(n, e);
        if (n < EVLOG_BLOCK_HEADER)
            return 0;
        size_t last = (size_t)n - EVLOG_BLOCK_HEADER; /* the last place where a whole header fits */
        for (size_t at = 0; at <= last;) {
            const uint8_t *hit = memmem(space + at, (size_t)n - at, magic, sizeof(magic));
            at = hit ? (size_t)(hit - space) : last + 1;
            if (at <= last && header_good(r, space + at, &b)) {
                r->offset += at;
                r->resync = false;
                return 1;
            }
            at++;
        }
        r->offset += last + 1;
    }
}

static int start(struct evlog_reader *r, struct err *e)
{
    uint8_t header[EVLOG_FILE_HEADER];
    ssize_t n = read_at(r->fd, header, sizeof(header), 0);

    if (n < 0)
        return read_failed(n, e);
    if (n < EVLOG_FILE_HEADER) {
        r->status.torn_tail = n > 0;
        return 0;
    }
    int code = evlog_file_read(header, &r->file);
    if (code == ERR_UNSUPPORTED)
        return err_set(e, code, "this event log was written by another version");
    r->file_known = code == 0;
    r->offset = EVLOG_FILE_HEADER;
    if (code < 0) {
        damage(r, 0);
        r->resync = true;
        r->offset = 0;
    }
    r->started = true;
    r->status.torn_tail = false;
    return 1;
}

static bool ids_reserve(struct evlog_reader *r, uint32_t need)
{
    if (need <= r->ids_cap)
        return true;
    uint32_t cap = r->ids_cap ? r->ids_cap : 1024;
    while (cap < need)
        cap *= 2; /* need is at most EVLOG_STRINGS_MAX + 1 */
    uint32_t *ids = realloc(r->ids, (size_t)cap * sizeof(*ids));
    if (!ids)
        return false;
    memset(ids + r->ids_cap, 0, (size_t)(cap - r->ids_cap) * sizeof(*ids));
    r->ids = ids;
    r->ids_cap = cap;
    return true;
}

/* Takes a block's string definitions. */
static bool strings_take(struct evlog_reader *r, const struct evlog_block *b, struct reader *in)
{
    if (b->strings && !ids_reserve(r, b->first_string + b->strings))
        return false;
    for (uint32_t i = 0; i < b->strings; i++) {
        uint64_t n = reader_varint(in);
        struct str s = n <= EVENT_STR_MAX ? reader_str(in, (size_t)n) : STR_NONE;
        if (!reader_ok(in) || n > EVENT_STR_MAX)
            return false;
        r->ids[b->first_string + i] = intern_add(r->strings, s);
    }
    return reader_done(in);
}

/* Counts and gaps of the sources as far as they can be told from the records. */
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

/* Reads totals from a footer into *ret; the reader then stands before the table of blocks. */
static bool footer_totals(struct reader *in, struct evlog_status *ret, uint32_t *ret_indexed)
{
    struct evlog_status st = {.complete = true};

    st.events = reader_varint(in);
    st.blocks = reader_varint(in);
    uint64_t indexed = reader_varint(in);
    st.cut_strings = reader_varint(in);
    for (int i = 0; i < EVENT_SOURCE_MAX; i++) {
        struct evlog_source_status *s = &st.source[i];
        s->events = reader_varint(in);
        s->lost = reader_varint(in);
        s->gaps = reader_varint(in);
        s->last_seq = reader_varint(in);
        s->repeated = reader_varint(in);
    }
    /* Each block has at least one byte in the table that follows. */
    if (!reader_ok(in) || indexed > st.blocks || st.blocks > reader_left(in))
        return false;
    *ret = st;
    *ret_indexed = (uint32_t)indexed;
    return true;
}

/* The walk came to the footer: what it promises and what was found must agree. */
static void footer_take(struct evlog_reader *r, struct reader *in)
{
    struct evlog_status totals;
    uint32_t indexed;

    r->ended = true;
    if (!footer_totals(in, &totals, &indexed)) {
        damage(r, r->block_offset);
        return;
    }
    if (r->wanted)
        return; /* the status holds the footer's totals already */
    r->status.complete = true;
    r->status.cut_strings = totals.cut_strings;
    if (totals.events > r->next_event)
        r->status.damaged_events += totals.events - r->next_event;
    for (int i = 0; i < EVENT_SOURCE_MAX; i++) {
        struct evlog_source_status *s = &r->status.source[i], *t = &totals.source[i];
        s->lost = t->lost > s->lost ? t->lost : s->lost;
        if (t->last_seq > s->last_seq) {
            s->gaps += t->last_seq - s->last_seq;
            s->last_seq = t->last_seq;
        }
    }
}

static void records_start(struct evlog_reader *r, const struct evlog_block *b, const struct reader *in)
{
    r->records = *in;
    r->left = b->records;
    r->last_time = 0;
    r->last_pid = 0;
    memset(r->last_seq, 0, sizeof(r->last_seq));
    if (!r->wanted) {
        r->status.blocks++;
        if (b->first_event > r->next_event)
            r->status.damaged_events += b->first_event - r->next_event;
        r->next_event = b->first_event;
    }
}

/* Uses the sections of a block that lie in r->space; records only when they were read. */
static bool block_take(struct evlog_reader *r, const struct evlog_block *b, bool with_records)
{
    struct reader all, text, records;

    reader_init(&all, r->space.data, (size_t)b->strings_len + (with_records ? b->records_len : 0));
    all.origin = r->block_offset + EVLOG_BLOCK_HEADER;
    if (crc32c(0, r->space.data, b->strings_len) != b->strings_crc)
        return false;
    if (with_records && crc32c(0, r->space.data + b->strings_len, b->records_len) != b->records_crc)
        return false;
    reader_take(&all, b->strings_len, &text);
    if (!strings_take(r, b, &text))
        return false;
    if (with_records) {
        reader_take(&all, b->records_len, &records);
        if (b->type == EVLOG_BLOCK_FOOTER)
            footer_take(r, &records);
        else
            records_start(r, b, &records);
    }
    return true;
}

/* Where to go on behind a block whose content is damaged: its end, if a block begins there. */
static int block_skip(struct evlog_reader *r, const struct evlog_block *b, struct err *e)
{
    uint8_t header[EVLOG_BLOCK_HEADER];
    uint64_t end = r->block_offset + EVLOG_BLOCK_HEADER + b->strings_len + b->records_len;
    struct evlog_block next;

    damage(r, r->block_offset);
    ssize_t n = read_at(r->fd, header, sizeof(header), end);
    if (n < 0)
        return read_failed(n, e);
    if (n == EVLOG_BLOCK_HEADER && header_good(r, header, &next)) {
        r->offset = end;
    } else {
        r->offset = r->block_offset + 4;
        r->resync = true;
    }
    return 1;
}

/* Loads the next block. 1: something was done, go on. 0: no more now. */
static int block_next(struct evlog_reader *r, struct err *e)
{
    uint8_t header[EVLOG_BLOCK_HEADER];
    struct evlog_block b;

    if (r->resync) {
        int found = scan(r, e);
        if (found <= 0)
            return found;
    }
    ssize_t n = read_at(r->fd, header, sizeof(header), r->offset);
    if (n < 0)
        return read_failed(n, e);
    r->status.torn_tail = n > 0 && n < EVLOG_BLOCK_HEADER;
    if (n < EVLOG_BLOCK_HEADER)
        return 0;
    if (!header_good(r, header, &b)) {
        damage(r, r->offset);
        r->resync = true;
        r->offset++;
        return 1;
    }
    bool with_records = b.type == EVLOG_BLOCK_FOOTER || b.number >= r->wanted_count || r->wanted[b.number];
    size_t want = (size_t)b.strings_len + (with_records ? b.records_len : 0);
    buf_clear(&r->space);
    if (buf_reserve(&r->space, want ? want : 1) < 0)
        return err_set(e, r->space.failed, "cannot read the event log: no memory");
    n = read_at(r->fd, r->space.data, want, r->offset + EVLOG_BLOCK_HEADER);
    if (n < 0)
        return read_failed(n, e);
    if ((size_t)n < want) {
        r->status.torn_tail = true;
        return 0;
    }
    r->block_offset = r->offset;
    if (!block_take(r, &b, with_records))
        return block_skip(r, &b, e);
    r->offset += (uint64_t)EVLOG_BLOCK_HEADER + b.strings_len + b.records_len;
    return 1;
}

static bool value_str(struct evlog_reader *r, struct reader *in, struct event_value *v)
{
    uint64_t tag = reader_varint(in);

    v->u = 0;
    v->id = 0;
    v->s = STR_NONE;
    if (tag == 0)
        return reader_ok(in);
    if (tag & 1) {
        v->s = tag >> 1 <= EVENT_STR_MAX ? reader_str(in, (size_t)(tag >> 1)) : STR_NONE;
        return reader_ok(in) && v->s.n == tag >> 1;
    }
    tag >>= 1;
    v->id = tag < r->ids_cap ? r->ids[tag] : 0;
    v->s = intern_get(r->strings, v->id);
    if (!v->id) {
        v->s = STR_LIT("(lost)");
        r->status.lost_strings++;
    }
    return true;
}

static bool value_text(struct reader *in, struct event_value *v)
{
    uint64_t n = reader_varint(in);

    v->u = 0;
    v->id = 0;
    v->s = n <= EVENT_STR_MAX ? reader_str(in, (size_t)n) : STR_NONE;
    return reader_ok(in) && v->s.n == n;
}

static bool value_number(struct event_value *v, uint64_t u)
{
    *v = (struct event_value){.u = u};
    return true;
}

static bool field_read(struct evlog_reader *r, struct reader *in, const struct event_kind_info *k, unsigned i,
                       struct event_value *v)
{
    if (!k || i >= k->count) {
        uint8_t tag = reader_u8(in);
        return tag == EVLOG_EXTRA_TEXT ? value_text(in, v) : tag == 0 && value_number(v, reader_varint(in));
    }
    switch (k->fields[i].type) {
    case EV_STR:
        return value_str(r, in, v);
    case EV_TEXT:
        return value_text(in, v);
    case EV_I64:
        return value_number(v, (uint64_t)reader_zigzag(in));
    default:
        return value_number(v, reader_varint(in));
    }
}

static bool fields_read(struct evlog_reader *r, struct reader *in, struct event *ev)
{
    const struct event_kind_info *k = event_kind_info(ev->kind);

    if (ev->count > EVENT_FIELDS_MAX)
        return false;
    for (unsigned i = 0; i < ev->count; i++) {
        if (!field_read(r, in, k, i, &ev->f[i]))
            return false;
    }
    return reader_done(in);
}

static bool loss_read(struct evlog_reader *r, uint8_t source, struct reader *in)
{
    uint64_t total = reader_varint(in);
    struct evlog_source_status *s = &r->status.source[source];

    if (!reader_done(in))
        return false;
    if (total > s->lost)
        s->lost = total;
    return true;
}

/* 1: *ev is an event that was asked for. 0: something else. Negative: the record is malformed. */
static int record_read(struct evlog_reader *r, struct event *ev)
{
    struct reader in;

    if (!reader_take(&r->records, reader_varint(&r->records), &in))
        return ERR_FORMAT;
    uint8_t head = reader_u8(&in);
    uint8_t source = head & EVLOG_SOURCE_BITS;
    if (head & ~EVLOG_FLAGS_KNOWN)
        return ERR_FORMAT;
    if (head & EVLOG_LOSS)
        return loss_read(r, source, &in) ? 0 : ERR_FORMAT;
    uint64_t kind = reader_varint(&in);
    int64_t time = (int64_t)((uint64_t)r->last_time + (uint64_t)reader_zigzag(&in));
    uint64_t seq = head & EVLOG_NEXT_SEQ ? r->last_seq[source] + 1 : reader_varint(&in);
    uint64_t pid = head & EVLOG_SAME_PID ? r->last_pid : reader_varint(&in);
    uint64_t tid = head & EVLOG_MAIN_TID ? pid : reader_varint(&in);
    uint8_t count = reader_u8(&in);
    if (!reader_ok(&in) || kind > UINT16_MAX || pid > UINT32_MAX || tid > UINT32_MAX)
        return ERR_FORMAT;

    r->last_time = time;
    r->last_seq[source] = seq;
    r->last_pid = (uint32_t)pid;
    bool asked = (!r->pid || r->pid == pid) && (!r->kind || r->kind == kind);
    if (asked) {
        ev->kind = (uint16_t)kind;
        ev->source = source;
        ev->count = count;
        ev->seq = seq;
        ev->time_ns = time;
        ev->pid = (uint32_t)pid;
        ev->tid = (uint32_t)tid;
        if (!fields_read(r, &in, ev))
            return ERR_FORMAT;
    }
    if (!r->wanted) {
        r->status.events++;
        r->next_event++;
        source_count(&r->status.source[source], seq);
    }
    return asked;
}

int evlog_next(struct evlog_reader *r, struct event *ret, struct err *e)
{
    for (;;) {
        while (r->left) {
            r->left--;
            int code = record_read(r, ret);
            if (code > 0)
                return 1;
            if (code < 0) {
                /* A sound sum over senseless records: not from our writer. The rest of the block has no meaning. */
                damage(r, r->block_offset);
                r->left = 0;
            }
        }
        if (r->ended)
            return 0;
        int more = r->started ? block_next(r, e) : start(r, e);
        if (more <= 0)
            return more;
    }
}

/* Reads the footer's sections through the trailer at the end of the file. False: there is none, or it is damaged. */
static bool footer_load(struct evlog_reader *r, struct reader *ret)
{
    uint8_t bytes[EVLOG_BLOCK_HEADER];
    struct evlog_block b;
    struct reader in;
    struct stat st;

    if (fstat(r->fd, &st) < 0 || st.st_size < EVLOG_FILE_HEADER + EVLOG_BLOCK_HEADER + EVLOG_TRAILER)
        return false;
    uint64_t size = (uint64_t)st.st_size;
    if (read_at(r->fd, bytes, EVLOG_TRAILER, size - EVLOG_TRAILER) != EVLOG_TRAILER)
        return false;
    reader_init(&in, bytes, EVLOG_TRAILER);
    uint64_t at = reader_u64le(&in);
    reader_skip(&in, 4);
    if (reader_u32le(&in) != EVLOG_TRAILER_MAGIC || at > size - EVLOG_BLOCK_HEADER)
        return false;
    if (read_at(r->fd, bytes, EVLOG_BLOCK_HEADER, at) != EVLOG_BLOCK_HEADER || !header_good(r, bytes, &b))
        return false;
    if (b.type != EVLOG_BLOCK_FOOTER || b.strings_len || b.records_len != size - at - EVLOG_BLOCK_HEADER)
        return false;
    buf_clear(&r->space);
    if (buf_reserve(&r->space, b.records_len) < 0)
        return false;
    if (read_at(r->fd, r->space.data, b.records_len, at + EVLOG_BLOCK_HEADER) != (ssize_t)b.records_len)
        return false;
    reader_init(ret, r->space.data, b.records_len);
    return crc32c(0, r->space.data, b.records_len) == b.records_crc;
}

void evlog_filter(struct evlog_reader *r, uint32_t pid, uint16_t kind)
{
    struct evlog_status totals;
    struct reader in;
    uint32_t indexed;

    r->pid = pid;
    r->kind = kind;
    if ((!pid && !kind) || r->started || start(r, NULL) != 1)
        return;
    if (r->resync || !footer_load(r, &in) || !footer_totals(&in, &totals, &indexed))
        return;
    for (uint64_t i = 0; i < totals.blocks; i++)
        reader_varint(&in);
    uint8_t *wanted = malloc(totals.blocks + 1);
    if (!wanted)
        return;
    memset(wanted, 1, totals.blocks + 1);
    if (!reader_ok(&in) || evlog_index_read(&in, indexed, pid, kind, wanted) < 0) {
        free(wanted);
        return;
    }
    r->wanted = wanted;
    r->wanted_count = (uint32_t)totals.blocks;
    r->status = totals;
}
