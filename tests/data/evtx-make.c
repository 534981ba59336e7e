/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "evtx-make.h"

#include "base/crc32.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK 65536u
#define CHUNK_HEADER 512u
#define FILE_HEADER 4096u
#define CLOCK_BEGIN 133800000000000000ull /* 2024-12-30 */
#define ROOM 65536

#define MUST(x)                                                                                                        \
    do {                                                                                                               \
        if (!(x)) {                                                                                                    \
            fprintf(stderr, "evtx-make: %s\n", #x);                                                                    \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> 8 * i);
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

static uint32_t get32(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

size_t evtx_make_utf16(const char *text, uint8_t *to, size_t room)
{
    size_t out = 0;

    for (const unsigned char *p = (const unsigned char *)text; *p;) {
        uint32_t c = *p++;
        unsigned more = c >= 0xf0 ? 3 : c >= 0xe0 ? 2 : c >= 0xc0 ? 1 : 0;
        if (more)
            c &= 0x3fu >> more;
        for (; more; more--)
            c = c << 6 | (*p++ & 0x3f);
        uint32_t unit[2] = {c, 0};
        if (c >= 0x10000) {
            unit[0] = 0xd800 + ((c - 0x10000) >> 10);
            unit[1] = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        for (int i = 0; i < 2 && (!i || unit[1]); i++) {
            MUST(out + 2 <= room);
            to[out++] = (uint8_t)unit[i];
            to[out++] = (uint8_t)(unit[i] >> 8);
        }
    }
    return out;
}

/* ---- binary XML ---------------------------------------------------------------------------------------------- */

void evtx_make_name(struct evtx_make *m, const char *name)
{
    uint8_t wide[512];
    size_t n = evtx_make_utf16(name, wide, sizeof(wide));

    for (unsigned i = 0; i < m->nnames; i++)
        if (!strcmp(m->names[i].name, name)) {
            buf_u32le(&m->chunk, m->names[i].offset);
            return;
        }
    uint32_t here = (uint32_t)m->chunk.len + 4;
    MUST(m->nnames < EVTX_MAKE_NAMES && strlen(name) < sizeof(m->names[0].name));
    snprintf(m->names[m->nnames].name, sizeof(m->names[0].name), "%s", name);
    m->names[m->nnames++].offset = here;
    buf_u32le(&m->chunk, here);
    buf_u32le(&m->chunk, 0);
    buf_u16le(&m->chunk, 0xabcd); /* a hash, which nobody checks */
    buf_u16le(&m->chunk, (uint16_t)(n / 2));
    buf_add(&m->chunk, wide, n);
    buf_u16le(&m->chunk, 0);
}

struct evtx_make_element evtx_make_open(struct evtx_make *m, const char *name, bool attributes, bool dependency)
{
    struct evtx_make_element e = {0};

    buf_u8(&m->chunk, attributes ? 0x41 : 0x01);
    if (dependency)
        buf_u16le(&m->chunk, 0xffff);
    e.size_at = m->chunk.len;
    buf_u32le(&m->chunk, 0);
    evtx_make_name(m, name);
    e.list_at = m->chunk.len;
    if (attributes)
        buf_u32le(&m->chunk, 0);
    return e;
}

void evtx_make_attribute(struct evtx_make *m, const char *name, bool more)
{
    buf_u8(&m->chunk, more ? 0x46 : 0x06);
    evtx_make_name(m, name);
}

void evtx_make_attributes_end(struct evtx_make *m, const struct evtx_make_element *e)
{
    put32(m->chunk.data + e->list_at, (uint32_t)(m->chunk.len - e->list_at - 4));
}

void evtx_make_content(struct evtx_make *m)
{
    buf_u8(&m->chunk, 0x02);
}

static void close_with(struct evtx_make *m, const struct evtx_make_element *e, uint8_t token)
{
    buf_u8(&m->chunk, token);
    put32(m->chunk.data + e->size_at, (uint32_t)(m->chunk.len - e->size_at - 4));
}

void evtx_make_close(struct evtx_make *m, const struct evtx_make_element *e)
{
    close_with(m, e, 0x04);
}

void evtx_make_close_empty(struct evtx_make *m, const struct evtx_make_element *e)
{
    close_with(m, e, 0x03);
}

void evtx_make_text(struct evtx_make *m, const char *text)
{
    static uint8_t wide[ROOM];
    size_t n = evtx_make_utf16(text, wide, sizeof(wide));

    buf_u8(&m->chunk, 0x05);
    buf_u8(&m->chunk, 0x01);
    buf_u16le(&m->chunk, (uint16_t)(n / 2));
    buf_add(&m->chunk, wide, n);
}

void evtx_make_substitution(struct evtx_make *m, unsigned index, uint8_t type, bool optional)
{
    buf_u8(&m->chunk, optional ? 0x0e : 0x0d);
    buf_u16le(&m->chunk, (uint16_t)index);
    buf_u8(&m->chunk, type);
}

static void fragment(struct evtx_make *m)
{
    buf_add(&m->chunk, "\x0f\x01\x01", 4);
}

void evtx_make_template(struct evtx_make *m, const char *key, void (*write)(struct evtx_make *m, void *context),
                        void *context)
{
    uint32_t here, number = crc32_add(0, key, strlen(key));

    buf_u8(&m->chunk, 0x0c);
    buf_u8(&m->chunk, 0x01);
    buf_u32le(&m->chunk, number);
    for (unsigned i = 0; i < m->ntemplates; i++)
        if (!strcmp(m->templates[i].key, key)) {
            buf_u32le(&m->chunk, m->templates[i].offset);
            return;
        }
    MUST(m->ntemplates < EVTX_MAKE_TEMPLATES && strlen(key) < sizeof(m->templates[0].key));
    here = (uint32_t)m->chunk.len + 4;
    snprintf(m->templates[m->ntemplates].key, sizeof(m->templates[0].key), "%s", key);
    m->templates[m->ntemplates++].offset = here;
    buf_u32le(&m->chunk, here);
    buf_u32le(&m->chunk, 0);
    buf_u32le(&m->chunk, number);
    buf_add(&m->chunk, "belljar-test", 12);
    size_t size_at = m->chunk.len;
    buf_u32le(&m->chunk, 0);
    fragment(m);
    write(m, context);
    buf_u8(&m->chunk, 0x00);
    MUST(!m->chunk.failed);
    put32(m->chunk.data + size_at, (uint32_t)(m->chunk.len - size_at - 4));
}

void evtx_make_values(struct evtx_make *m, const struct evtx_make_value *values, unsigned n)
{
    buf_u32le(&m->chunk, n);
    for (unsigned i = 0; i < n; i++) {
        buf_u16le(&m->chunk, (uint16_t)values[i].n);
        buf_u8(&m->chunk, values[i].type);
        buf_u8(&m->chunk, 0);
    }
    for (unsigned i = 0; i < n; i++)
        buf_add(&m->chunk, values[i].data, values[i].n);
}

/* ---- an event ------------------------------------------------------------------------------------------------ */

static void leaf(struct evtx_make *m, const char *name, unsigned index, uint8_t type)
{
    struct evtx_make_element e = evtx_make_open(m, name, false, true);

    evtx_make_content(m);
    evtx_make_substitution(m, index, type, true);
    evtx_make_close(m, &e);
}

static void one_attribute(struct evtx_make *m, const char *name, const char *attribute, unsigned index, uint8_t type)
{
    struct evtx_make_element e = evtx_make_open(m, name, true, true);

    evtx_make_attribute(m, attribute, false);
    evtx_make_substitution(m, index, type, true);
    evtx_make_attributes_end(m, &e);
    evtx_make_close_empty(m, &e);
}

enum {
    V_PROVIDER,
    V_GUID,
    V_ID,
    V_VERSION,
    V_LEVEL,
    V_TASK,
    V_OPCODE,
    V_KEYWORDS,
    V_TIME,
    V_RECORD,
    V_PROCESS,
    V_THREAD,
    V_CHANNEL,
    V_COMPUTER,
    V_USER,
    V_DATA,
    V_COUNT
};

static void outer_write(struct evtx_make *m, void *context)
{
    struct evtx_make_element event = evtx_make_open(m, "Event", true, true), system, e;

    (void)context;
    evtx_make_attribute(m, "xmlns", false);
    evtx_make_text(m, "http://schemas.microsoft.com/win/2004/08/events/event");
    evtx_make_attributes_end(m, &event);
    evtx_make_content(m);
    system = evtx_make_open(m, "System", false, true);
    evtx_make_content(m);
    e = evtx_make_open(m, "Provider", true, true);
    evtx_make_attribute(m, "Name", true);
    evtx_make_substitution(m, V_PROVIDER, 0x01, false);
    evtx_make_attribute(m, "Guid", false);
    evtx_make_substitution(m, V_GUID, 0x0f, true);
    evtx_make_attributes_end(m, &e);
    evtx_make_close_empty(m, &e);
    leaf(m, "EventID", V_ID, 0x06);
    leaf(m, "Version", V_VERSION, 0x04);
    leaf(m, "Level", V_LEVEL, 0x04);
    leaf(m, "Task", V_TASK, 0x06);
    leaf(m, "Opcode", V_OPCODE, 0x04);
    leaf(m, "Keywords", V_KEYWORDS, 0x15);
    one_attribute(m, "TimeCreated", "SystemTime", V_TIME, 0x11);
    leaf(m, "EventRecordID", V_RECORD, 0x0a);
    e = evtx_make_open(m, "Correlation", false, true);
    evtx_make_close_empty(m, &e);
    e = evtx_make_open(m, "Execution", true, true);
    evtx_make_attribute(m, "ProcessID", true);
    evtx_make_substitution(m, V_PROCESS, 0x08, false);
    evtx_make_attribute(m, "ThreadID", false);
    evtx_make_substitution(m, V_THREAD, 0x08, false);
    evtx_make_attributes_end(m, &e);
    evtx_make_close_empty(m, &e);
    leaf(m, "Channel", V_CHANNEL, 0x01);
    leaf(m, "Computer", V_COMPUTER, 0x01);
    one_attribute(m, "Security", "UserID", V_USER, 0x13);
    evtx_make_close(m, &system);
    evtx_make_substitution(m, V_DATA, 0x21, true);
    evtx_make_close(m, &event);
}

static void inner_write(struct evtx_make *m, void *context)
{
    const struct evtx_make_event *ev = context;
    struct evtx_make_element data = evtx_make_open(m, ev->user_data ? "UserData" : "EventData", false, true),
                             user = {0};

    evtx_make_content(m);
    if (ev->user_data) {
        user = evtx_make_open(m, ev->user_data, false, true);
        evtx_make_content(m);
    }
    for (unsigned i = 0; i < ev->nfields; i++) {
        const struct evtx_make_field *f = &ev->fields[i];
        uint8_t type = f->text ? 0x01 : f->value.type;
        struct evtx_make_element e =
            evtx_make_open(m, ev->user_data ? f->name : "Data", f->name && !ev->user_data, true);
        if (f->name && !ev->user_data) {
            evtx_make_attribute(m, "Name", false);
            evtx_make_text(m, f->name);
            evtx_make_attributes_end(m, &e);
        }
        evtx_make_content(m);
        evtx_make_substitution(m, i, type, false);
        evtx_make_close(m, &e);
    }
    if (ev->user_data)
        evtx_make_close(m, &user);
    evtx_make_close(m, &data);
}

/* Which fields, of which types: the same template serves all such events of a chunk. */
static void inner_key(const struct evtx_make_event *ev, char *to, size_t room)
{
    size_t n = (size_t)snprintf(to, room, "data %s", ev->user_data ? ev->user_data : "");

    for (unsigned i = 0; i < ev->nfields; i++) {
        const struct evtx_make_field *f = &ev->fields[i];
        n += (size_t)snprintf(to + n, room - n, "|%s:%u", f->name ? f->name : "", f->text ? 1 : f->value.type);
        MUST(n < room);
    }
}

static void inner_values(struct evtx_make *m, const struct evtx_make_event *ev)
{
    static struct evtx_make_value values[256];
    static uint8_t wide[ROOM];
    size_t used = 0;

    MUST(ev->nfields <= 256);
    for (unsigned i = 0; i < ev->nfields; i++) {
        const struct evtx_make_field *f = &ev->fields[i];
        values[i] = f->value;
        if (f->text) {
            size_t n = evtx_make_utf16(f->text, wide + used, sizeof(wide) - used);
            values[i] = (struct evtx_make_value){0x01, wide + used, n};
            used += n;
        }
    }
    evtx_make_values(m, values, ev->nfields);
}

struct event_write {
    const struct evtx_make_event *event;
    uint64_t id, filetime;
};

static void event_write(struct evtx_make *m, void *context)
{
    const struct event_write *w = context;
    const struct evtx_make_event *ev = w->event;
    static const uint8_t guid[16] = {0x5f, 0x38, 0x70, 0x57, 0x2a, 0xc2, 0xe0, 0x43,
                                     0xbf, 0x4c, 6,    0xf5, 0x69, 0x8f, 0xfb, 0xd9};
    static const uint8_t system_sid[12] = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
    static const uint8_t keywords[8] = {0, 0, 0, 0, 0, 0, 0, 0x80};
    uint8_t provider[512], channel[512], computer[512], id[2] = {(uint8_t)ev->id, (uint8_t)(ev->id >> 8)},
                                                        level[1] = {4};
    uint8_t zero[4] = {0}, time[8], record[8], process[4] = {0x10, 0x27, 0, 0};
    char key[2048];
    struct evtx_make_value v[V_COUNT] = {
        [V_PROVIDER] = {0x01, provider, evtx_make_utf16(ev->provider, provider, sizeof(provider))},
        [V_GUID] = {0x0f, guid, 16},
        [V_ID] = {0x06, id, 2},
        [V_VERSION] = {0x04, zero, 1},
        [V_LEVEL] = {0x04, level, 1},
        [V_TASK] = {0x06, id, 2},
        [V_OPCODE] = {0x04, zero, 1},
        [V_KEYWORDS] = {0x15, keywords, 8},
        [V_TIME] = {0x11, time, 8},
        [V_RECORD] = {0x0a, record, 8},
        [V_PROCESS] = {0x08, process, 4},
        [V_THREAD] = {0x08, process, 4},
        [V_CHANNEL] = {0x01, channel, evtx_make_utf16(ev->channel, channel, sizeof(channel))},
        [V_COMPUTER] = {0x01, computer,
                        evtx_make_utf16(ev->computer ? ev->computer : "test.invalid", computer, sizeof(computer))},
        [V_USER] = {0x13, system_sid, 12},
        [V_DATA] = {0x00, NULL, 0},
    };

    put64(time, w->filetime);
    put64(record, w->id);
    inner_key(ev, key, sizeof(key));
    evtx_make_template(m, "event", outer_write, NULL);
    /* The nested document is the last value: its size is known when it is written. */
    size_t at = m->chunk.len;
    evtx_make_values(m, v, V_COUNT);
    size_t document = m->chunk.len;
    fragment(m);
    evtx_make_template(m, key, inner_write, (void *)ev);
    inner_values(m, ev);
    buf_u8(&m->chunk, 0x00);
    MUST(!m->chunk.failed);
    if (m->chunk.len - document <= 0xffff) {
        m->chunk.data[at + 4 + V_DATA * 4] = (uint8_t)(m->chunk.len - document);
        m->chunk.data[at + 4 + V_DATA * 4 + 1] = (uint8_t)((m->chunk.len - document) >> 8);
        m->chunk.data[at + 4 + V_DATA * 4 + 2] = 0x21;
    }
}

/* ---- records, chunks, the file ------------------------------------------------------------------------------- */

static void sums(uint8_t *chunk)
{
    uint32_t end = get32(chunk + 48);

    if (end >= CHUNK_HEADER && end <= CHUNK)
        put32(chunk + 52, crc32_add(0, chunk + CHUNK_HEADER, end - CHUNK_HEADER));
    put32(chunk + 124, crc32_add(crc32_add(0, chunk, 120), chunk + 128, CHUNK_HEADER - 128));
}

static void chunk_begin(struct evtx_make *m)
{
    static const uint8_t zero[CHUNK_HEADER];

    buf_clear(&m->chunk);
    buf_add(&m->chunk, zero, sizeof(zero));
    m->nnames = m->ntemplates = 0;
    m->first_id = m->next_id;
}

static void chunk_end(struct evtx_make *m)
{
    static uint8_t chunk[CHUNK];

    memset(chunk, 0, sizeof(chunk));
    MUST(!m->chunk.failed && m->chunk.len <= CHUNK);
    memcpy(chunk, m->chunk.data, m->chunk.len);
    memcpy(chunk, "ElfChnk", 8);
    put64(chunk + 8, m->first_id);
    put64(chunk + 16, m->next_id - 1);
    put64(chunk + 24, m->first_id);
    put64(chunk + 32, m->next_id - 1);
    put32(chunk + 40, 128);
    put32(chunk + 44, m->last_record);
    put32(chunk + 48, (uint32_t)m->chunk.len);
    sums(chunk);
    buf_add(&m->file, chunk, CHUNK);
    m->chunks++;
    MUST(!m->file.failed);
}

void evtx_make_begin(struct evtx_make *m)
{
    static const uint8_t zero[FILE_HEADER];

    memset(m, 0, sizeof(*m));
    buf_init(&m->file, 1u << 30);
    buf_init(&m->chunk, 4u << 20);
    buf_add(&m->file, zero, sizeof(zero));
    m->next_id = 1;
    m->clock = CLOCK_BEGIN;
    chunk_begin(m);
}

static void record_write(struct evtx_make *m, void (*write)(struct evtx_make *m, void *context), void *context,
                         uint64_t filetime)
{
    size_t at = m->chunk.len;

    buf_u32le(&m->chunk, 0x2a2a);
    buf_u32le(&m->chunk, 0);
    buf_u64le(&m->chunk, m->next_id);
    buf_u64le(&m->chunk, filetime);
    fragment(m);
    write(m, context);
    buf_u8(&m->chunk, 0x00);
    while ((m->chunk.len + 4 - at) % 8)
        buf_u8(&m->chunk, 0x00);
    buf_u32le(&m->chunk, (uint32_t)(m->chunk.len + 4 - at));
    MUST(!m->chunk.failed);
    put32(m->chunk.data + at + 4, (uint32_t)(m->chunk.len - at));
    m->last_record = (uint32_t)at;
}

static void record_add(struct evtx_make *m, void (*write)(struct evtx_make *m, void *context), void *context,
                       uint64_t filetime)
{
    size_t at = m->chunk.len;
    unsigned names = m->nnames, templates = m->ntemplates;
    uint32_t last = m->last_record;

    record_write(m, write, context, filetime);
    if (m->chunk.len > CHUNK) { /* it begins the next chunk */
        MUST(at > CHUNK_HEADER);
        m->chunk.len = at;
        m->nnames = names;
        m->ntemplates = templates;
        m->last_record = last;
        chunk_end(m);
        chunk_begin(m);
        record_write(m, write, context, filetime);
        MUST(m->chunk.len <= CHUNK);
    }
    m->next_id++;
}

void evtx_make_add(struct evtx_make *m, const struct evtx_make_event *ev)
{
    struct event_write w = {ev, m->next_id, ev->filetime ? ev->filetime : (m->clock += 10000000)};

    record_add(m, event_write, &w, w.filetime);
}

void evtx_make_raw(struct evtx_make *m, void (*write)(struct evtx_make *m, void *context), void *context)
{
    record_add(m, write, context, m->clock += 10000000);
}

void evtx_make_end(struct evtx_make *m, struct buf *ret)
{
    uint8_t *h;

    if (m->chunk.len > CHUNK_HEADER)
        chunk_end(m);
    h = m->file.data;
    memcpy(h, "ElfFile", 8);
    put64(h + 16, m->chunks ? m->chunks - 1 : 0);
    put64(h + 24, m->next_id);
    put32(h + 32, 128);
    put32(h + 36, 3u << 16 | 1);
    put32(h + 40, FILE_HEADER | m->chunks << 16);
    put32(h + 124, crc32_add(0, h, 120));
    buf_free(&m->chunk);
    *ret = m->file;
}

void evtx_make_sums(uint8_t *file, size_t n)
{
    if (n < FILE_HEADER)
        return;
    put32(file + 124, crc32_add(0, file, 120));
    for (size_t at = FILE_HEADER; at + CHUNK <= n; at += CHUNK)
        sums(file + at);
}
