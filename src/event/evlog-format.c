/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/evlog-format.h"
#include "base/crc32c.h"

static void put32(uint8_t *p, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        p[i] = (uint8_t)(v >> (8 * i));
}

static void put64(uint8_t *p, uint64_t v)
{
    put32(p, (uint32_t)v);
    put32(p + 4, (uint32_t)(v >> 32));
}

void evlog_block_write(uint8_t out[EVLOG_BLOCK_HEADER], const struct evlog_block *b)
{
    put32(out, EVLOG_BLOCK_MAGIC);
    put32(out + 4, b->file);
    put32(out + 8, b->type); /* and three reserved bytes */
    put32(out + 12, b->strings_len);
    put32(out + 16, b->records_len);
    put32(out + 20, b->records);
    put64(out + 24, b->first_event);
    put32(out + 32, b->first_string);
    put32(out + 36, b->strings);
    put32(out + 40, b->strings_crc);
    put32(out + 44, b->records_crc);
    put32(out + 48, b->number);
    put32(out + 52, crc32c(0, out, 52));
}

bool evlog_block_read(const uint8_t in[EVLOG_BLOCK_HEADER], struct evlog_block *ret)
{
    struct reader r;
    struct evlog_block b;

    reader_init(&r, in, EVLOG_BLOCK_HEADER);
    if (reader_u32le(&r) != EVLOG_BLOCK_MAGIC)
        return false;
    b.file = reader_u32le(&r);
    b.type = reader_u8(&r);
    reader_skip(&r, 3);
    b.strings_len = reader_u32le(&r);
    b.records_len = reader_u32le(&r);
    b.records = reader_u32le(&r);
    b.first_event = reader_u64le(&r);
    b.first_string = reader_u32le(&r);
    b.strings = reader_u32le(&r);
    b.strings_crc = reader_u32le(&r);
    b.records_crc = reader_u32le(&r);
    b.number = reader_u32le(&r);
    if (reader_u32le(&r) != crc32c(0, in, 52) || !reader_ok(&r))
        return false;
    uint32_t max = b.type == EVLOG_BLOCK_FOOTER ? EVLOG_FOOTER_MAX : EVLOG_SECTION_MAX;
    if (b.strings_len > EVLOG_SECTION_MAX || b.records_len > max)
        return false;
    if (b.type != EVLOG_BLOCK_EVENTS && b.type != EVLOG_BLOCK_FOOTER)
        return false;
    /* No string and no record is shorter than one byte. */
    if (b.strings > b.strings_len || b.records > b.records_len)
        return false;
    if (b.first_string > EVLOG_STRINGS_MAX || b.strings > EVLOG_STRINGS_MAX - b.first_string)
        return false;
    *ret = b;
    return true;
}

void evlog_file_write(uint8_t out[EVLOG_FILE_HEADER], uint32_t file)
{
    memcpy(out, EVLOG_FILE_MAGIC, 8);
    put32(out + 8, EVLOG_VERSION);
    put32(out + 12, file);
    put32(out + 16, 0);
    put32(out + 20, crc32c(0, out, 20));
}

int evlog_file_read(const uint8_t in[EVLOG_FILE_HEADER], uint32_t *ret_file)
{
    struct reader r;

    reader_init(&r, in, EVLOG_FILE_HEADER);
    const uint8_t *magic = reader_bytes(&r, 8);
    if (memcmp(magic, EVLOG_FILE_MAGIC, 8) != 0)
        return ERR_FORMAT;
    uint32_t version = reader_u32le(&r);
    uint32_t file = reader_u32le(&r);
    reader_skip(&r, 4);
    if (reader_u32le(&r) != crc32c(0, in, 20))
        return ERR_FORMAT;
    if (version != EVLOG_VERSION)
        return ERR_UNSUPPORTED;
    *ret_file = file;
    return 0;
}
