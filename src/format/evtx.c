/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file, its chunks and its records: libevtx "File header", "Chunk", "Event record", "Corruption scenarios". */
#include "format/evtx-private.h"

#include "base/crc32.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FILE_SIGNATURE "ElfFile"
#define CHUNK_SIGNATURE "ElfChnk"
#define SIGNATURE_SIZE 8 /* with its NUL */
#define HEADER_SIZE 4096u
#define CHUNK_HEADER_SIZE 512u
#define RECORD_SIGNATURE 0x00002a2au
#define RECORD_HEADER 24u
#define RECORD_MIN (RECORD_HEADER + 4)
#define FLAG_DIRTY 1u
#define FLAG_NO_CHECKSUMS 4u

void evtx_trouble(struct evtx *x, const char *what, const char *text, uint64_t offset)
{
    if (x->trouble)
        return;
    x->trouble = what;
    x->trouble_text = text ? text : "the record is damaged";
    x->trouble_offset = offset;
}

static void odd(struct evtx *x, const char *what, uint64_t offset, const char *text)
{
    anomaly_add(&x->anomalies, what, offset, text);
}

bool evtx_signature(const void *p, size_t n)
{
    return n >= SIGNATURE_SIZE &&
           (memcmp(p, FILE_SIGNATURE, SIGNATURE_SIZE) == 0 || memcmp(p, CHUNK_SIGNATURE, SIGNATURE_SIZE) == 0);
}

/* ---- the file ------------------------------------------------------------------------------------------------ */

static int fill(struct evtx *x, uint64_t offset, size_t want, size_t *ret, struct err *e)
{
    size_t have = 0;

    while (have < want) {
        ssize_t n = x->source.read(x->source.context, offset + have, x->bytes + have, want - have);
        if (n < 0)
            return err_set(e, (int)n, "reading the event log at offset 0x%llx: %s", (unsigned long long)(offset + have),
                           err_name((int)n));
        if (n == 0)
            break;
        have += (size_t)n;
    }
    *ret = have;
    return 0;
}

static bool all_zero(const uint8_t *p, size_t n)
{
    return !n || (p[0] == 0 && memcmp(p, p + 1, n - 1) == 0);
}

static void header_read(struct evtx *x, struct reader *r)
{
    uint32_t flags, sum, block, chunks, minor, major;

    reader_skip(r, 36);
    minor = reader_u16le(r);
    major = reader_u16le(r);
    block = reader_u16le(r);
    chunks = reader_u16le(r);
    reader_skip(r, 76);
    flags = reader_u32le(r);
    sum = reader_u32le(r);
    if (!reader_ok(r)) {
        odd(x, "header-truncated", 0, "the file ends inside its header");
        return;
    }
    x->header = true;
    x->chunks_said = chunks;
    x->checksums = !(flags & FLAG_NO_CHECKSUMS);
    if (x->checksums && crc32_add(0, x->bytes, 120) != sum)
        odd(x, "header-checksum", 124, "the file header's checksum is wrong");
    if (major != 3 || minor > 2)
        odd(x, "version", 36, "the format's version is not known");
    if (flags & FLAG_DIRTY)
        odd(x, "dirty", 120, "the log was not closed: its header may be older than its records");
    if (block != HEADER_SIZE)
        odd(x, "header-size", 40, "the header names another place for the first chunk");
}

int evtx_new(const struct evtx_source *s, struct evtx **ret, struct err *e)
{
    struct evtx *x = calloc(1, sizeof(*x));
    struct reader r;
    size_t n = 0;
    int rc;

    if (!x)
        return err_set(e, -ENOMEM, "out of memory");
    x->source = *s;
    x->checksums = true;
    arena_init(&x->memory, EVTX_RECORD_BYTES_MAX);
    arena_init(&x->chunk.memory, EVTX_CHUNK_BYTES_MAX);
    if ((rc = fill(x, 0, EVTX_CHUNK_SIZE, &n, e)) < 0)
        goto out;
    reader_init(&r, x->bytes, n);
    if (n >= SIGNATURE_SIZE && memcmp(x->bytes, FILE_SIGNATURE, SIGNATURE_SIZE) == 0) {
        header_read(x, &r);
        x->offset = HEADER_SIZE;
    } else if (n >= SIGNATURE_SIZE && (memcmp(x->bytes, CHUNK_SIGNATURE, SIGNATURE_SIZE) == 0 ||
                                       memmem(x->bytes, n, CHUNK_SIGNATURE, SIGNATURE_SIZE))) {
        odd(x, "no-header", 0, "the file header is missing");
    } else {
        rc = err_set(e, ERR_FORMAT, "this is no Windows event log: there is neither a file header nor a chunk");
        goto out;
    }
    *ret = x;
    x = NULL;
    rc = 0;
out:
    evtx_free(&x);
    return rc;
}

void evtx_free(struct evtx **x)
{
    if (!x || !*x)
        return;
    arena_free(&(*x)->memory);
    arena_free(&(*x)->chunk.memory);
    free(*x);
    *x = NULL;
}

/* ---- chunks -------------------------------------------------------------------------------------------------- */

/* Forgets the chunk before and takes x->bytes as the next one. */
static void chunk_reset(struct evtx *x, uint64_t offset, size_t n)
{
    struct evtx_chunk *c = &x->chunk;

    arena_reset(&c->memory);
    if (c->nnames)
        memset(c->names, 0, sizeof(c->names));
    if (c->ntemplates)
        memset(c->templates, 0, sizeof(c->templates));
    c->nnames = c->ntemplates = 0;
    reader_init(&c->in, x->bytes, n);
    c->in.origin = offset;
    c->size = n;
    c->pos = CHUNK_HEADER_SIZE < n ? CHUNK_HEADER_SIZE : n;
    c->end = n;
    c->sound = c->any = c->lost = false;
    c->last_id = 0;
    c->elements = c->work = c->parts = 0;
    x->in_chunk = true;
    x->chunks++;
}

/* A chunk whose signature is right. */
static void chunk_check(struct evtx *x)
{
    struct evtx_chunk *c = &x->chunk;
    struct reader r = c->in;
    uint32_t end, records_sum, sum;

    if (c->size < EVTX_CHUNK_SIZE)
        odd(x, "chunk-truncated", c->in.origin, "the file ends inside a chunk");
    reader_skip(&r, 48);
    end = reader_u32le(&r);
    records_sum = reader_u32le(&r);
    reader_skip(&r, 68);
    sum = reader_u32le(&r);
    if (!reader_ok(&r) || c->size < CHUNK_HEADER_SIZE)
        return;
    c->sound = true;
    if (x->checksums && crc32_add(crc32_add(0, x->bytes, 120), x->bytes + 128, CHUNK_HEADER_SIZE - 128) != sum) {
        odd(x, "chunk-checksum", c->in.origin + 124, "the chunk header's checksum is wrong");
        c->sound = false;
    }
    if (end < CHUNK_HEADER_SIZE || end > EVTX_CHUNK_SIZE) {
        odd(x, "chunk-end", c->in.origin + 48, "the chunk's end of records lies outside of it");
        c->sound = false;
        return;
    }
    if (end > c->size) {
        c->sound = false;
        return;
    }
    if (x->checksums && crc32_add(0, x->bytes + CHUNK_HEADER_SIZE, end - CHUNK_HEADER_SIZE) != records_sum) {
        odd(x, "records-checksum", c->in.origin + 52, "the checksum of the chunk's records is wrong");
        c->sound = false;
    }
    c->end = end;
}

/* No signature at the chunk's place. True: the block is to be read for records all the same. */
static bool chunk_lost(struct evtx *x, size_t n, uint64_t *next)
{
    uint64_t offset = x->offset;
    const uint8_t *at = memmem(x->bytes, n, CHUNK_SIGNATURE, SIGNATURE_SIZE);

    if (all_zero(x->bytes, n))
        return false; /* reserved space */
    if (at) {
        odd(x, "chunk-moved", offset + (uint64_t)(at - x->bytes), "a chunk does not lie at its place");
        *next = offset + (uint64_t)(at - x->bytes);
        n = (size_t)(at - x->bytes);
    } else {
        odd(x, "chunk-signature", offset, "a chunk's signature is missing");
    }
    if (n <= CHUNK_HEADER_SIZE)
        return false;
    chunk_reset(x, offset, n);
    x->chunk.lost = true;
    return true;
}

static void count_compare(struct evtx *x)
{
    if (x->counted || !x->header)
        return;
    x->counted = true;
    /* 16 bits in the header: larger logs wrap. More room than chunks in use is usual in archived logs. */
    if ((x->chunks & 0xffff) != x->chunks_said)
        odd(x, "chunk-count", 42, "the header names another number of chunks than there are");
}

/* 1: a chunk is ready. */
static int chunk_next(struct evtx *x, struct err *e)
{
    while (!x->ended) {
        uint64_t next = x->offset + EVTX_CHUNK_SIZE;
        bool ready = false;
        size_t n = 0;
        int rc = fill(x, x->offset, EVTX_CHUNK_SIZE, &n, e);
        if (rc < 0)
            return rc;
        if (n < EVTX_CHUNK_SIZE)
            x->ended = true;
        if (!n)
            break;
        if (n >= SIGNATURE_SIZE && memcmp(x->bytes, CHUNK_SIGNATURE, SIGNATURE_SIZE) == 0) {
            chunk_reset(x, x->offset, n);
            chunk_check(x);
            ready = true;
        } else {
            ready = chunk_lost(x, n, &next);
            if (next < x->offset + n)
                x->ended = false;
        }
        x->offset = next;
        if (ready)
            return 1;
    }
    count_compare(x);
    return 0;
}

/* ---- records ------------------------------------------------------------------------------------------------- */

struct head {
    uint32_t size;
    uint64_t id, filetime;
};

/* A record's frame at a place of the chunk. Its size stands at both ends; *ret_whole: they agree. */
static bool head_any(const struct evtx_chunk *c, size_t pos, struct head *ret, bool *ret_whole)
{
    struct reader r = c->in;

    reader_seek(&r, pos);
    if (reader_u32le(&r) != RECORD_SIGNATURE)
        return false;
    ret->size = reader_u32le(&r);
    ret->id = reader_u64le(&r);
    ret->filetime = reader_u64le(&r);
    if (!reader_ok(&r) || ret->size < RECORD_MIN || ret->size > c->size - pos)
        return false;
    reader_seek(&r, pos + ret->size - 4);
    *ret_whole = reader_u32le(&r) == ret->size && reader_ok(&r);
    return true;
}

static bool head_read(const struct evtx_chunk *c, size_t pos, struct head *ret)
{
    bool whole = false;

    return head_any(c, pos, ret, &whole) && whole;
}

/* The next place from `from` on where a record's frame is whole; c->size when there is none. */
static size_t head_find(const struct evtx_chunk *c, size_t from, size_t end)
{
    static const uint8_t signature[4] = {0x2a, 0x2a, 0, 0};
    struct reader r = c->in;
    struct head h;

    while (from < end) {
        const uint8_t *p, *at;
        reader_seek(&r, from);
        p = reader_bytes(&r, end - from);
        if (!p || !(at = memmem(p, end - from, signature, sizeof(signature))))
            break;
        from += (size_t)(at - p);
        if (head_read(c, from, &h))
            return from;
        from++;
    }
    return c->size;
}

/* Decides whether a record begins at c->pos, or where the next one is. False: the chunk is at its end. */
static bool record_place(struct evtx *x, struct head *h, bool *recovered)
{
    struct evtx_chunk *c = &x->chunk;
    size_t found;

    if (c->pos < c->end && head_any(c, c->pos, h, &c->whole)) {
        *recovered = c->lost;
        if (!c->whole)
            odd(x, "record-size", c->in.origin + c->pos, "the record's two sizes differ: it was being written over");
        return true;
    }
    c->whole = true;
    if (c->pos < c->end) {
        /* The header's end may stand behind zeros (archived logs). */
        if (all_zero(x->bytes + c->pos, c->end - c->pos))
            return false;
        found = head_find(c, c->pos + 1, c->end);
        if (!c->lost || c->any)
            odd(x, "record-damaged", c->in.origin + c->pos, "here should be a record");
        if (found >= c->end) {
            c->pos = c->size;
            return false;
        }
        c->pos = found;
        *recovered = true;
        return head_read(c, found, h);
    }
    /* Behind the end by the header: only when that is not to be believed, and only what goes on. */
    if (c->sound || !head_read(c, c->pos, h) || (c->any && h->id <= c->last_id))
        return false;
    *recovered = true;
    return true;
}

static void record_read(struct evtx *x, const struct head *h, struct evtx_record *ret)
{
    struct evtx_chunk *c = &x->chunk;
    struct reader body;

    arena_reset(&x->memory);
    x->trouble = NULL;
    x->elements = 0;
    *ret = (struct evtx_record){.number = x->records++,
                                .id = h->id,
                                .written_ns = evtx_filetime_ns(h->filetime),
                                .offset = c->in.origin + c->pos,
                                .size = h->size};
    if (c->elements > EVTX_CHUNK_ELEMENTS_MAX || c->work > EVTX_CHUNK_WORK_MAX || c->parts >= EVTX_CHUNK_PARTS_MAX)
        evtx_trouble(x, "limit", "the records of this chunk are larger than any real ones", ret->offset);
    else if (reader_window(&c->in, c->pos + RECORD_HEADER, h->size - RECORD_MIN, &body))
        ret->root = evtx_document(x, &body);
    c->elements += x->elements;
    c->work += x->memory.used;
    if (!ret->root)
        evtx_trouble(x, "record-empty", "the record has no contents", ret->offset);
    ret->damaged = x->trouble != NULL;
    if (x->trouble)
        odd(x, x->trouble, x->trouble_offset, x->trouble_text);
}

int evtx_next(struct evtx *x, struct evtx_record *ret, struct err *e)
{
    struct evtx_chunk *c = &x->chunk;

    for (;;) {
        struct head h;
        bool recovered = false;
        if (!x->in_chunk) {
            int rc = chunk_next(x, e);
            if (rc <= 0)
                return rc;
        }
        if (!record_place(x, &h, &recovered)) {
            x->in_chunk = false;
            continue;
        }
        if (recovered && c->pos >= c->end)
            odd(x, "record-behind-end", c->in.origin + c->pos, "a record behind the end that the chunk's header names");
        record_read(x, &h, ret);
        ret->recovered = recovered;
        /* A size that is not confirmed is not to be followed. */
        c->pos = c->whole ? c->pos + h.size : head_find(c, c->pos + RECORD_HEADER, c->end);
        ret->damaged |= !c->whole;
        c->last_id = h.id;
        c->any = true;
        return 1;
    }
}

const struct anomalies *evtx_anomalies(const struct evtx *x)
{
    return &x->anomalies;
}

uint64_t evtx_chunks(const struct evtx *x)
{
    return x->chunks;
}

static ssize_t memory_read(void *context, uint64_t offset, void *p, size_t n)
{
    const struct evtx_memory *m = context;

    if (offset >= m->size)
        return 0;
    if (n > m->size - offset)
        n = m->size - (size_t)offset;
    memcpy(p, (const uint8_t *)m->data + offset, n);
    return (ssize_t)n;
}

struct evtx_source evtx_memory_source(struct evtx_memory *m)
{
    return (struct evtx_source){memory_read, m};
}
