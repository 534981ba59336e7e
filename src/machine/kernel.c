/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/kernel.h"

#include "base/reader.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define CHUNK (1u << 20)

static int add_failed(struct buf *out, struct err *e)
{
    return err_set(e, out->failed, "the unpacked kernel is larger than %zu bytes, or memory ended", out->max);
}

static int unpack_zstd(const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
    ZSTD_DStream *z = ZSTD_createDStream();
    uint8_t *chunk = malloc(CHUNK);
    ZSTD_inBuffer in = {p, n, 0};
    int r = 0;

    if (!z || !chunk) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    for (size_t left = 1; left;) {
        ZSTD_outBuffer o = {chunk, CHUNK, 0};
        size_t before = in.pos;
        left = ZSTD_decompressStream(z, &o, &in);
        if (ZSTD_isError(left)) {
            r = err_set(e, ERR_FORMAT, "the kernel's zstd stream is damaged: %s", ZSTD_getErrorName(left));
            goto out;
        }
        if (buf_add(out, chunk, o.pos) < 0) {
            r = add_failed(out, e);
            goto out;
        }
        if (left && o.pos == 0 && in.pos == before) {
            r = err_set(e, ERR_TRUNCATED, "the kernel's zstd stream ends too early");
            goto out;
        }
    }
out:
    ZSTD_freeDStream(z);
    free(chunk);
    return r;
}

static int unpack_gzip(const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
    uint8_t *chunk = malloc(CHUNK);
    z_stream z = {.next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n};
    int r = 0, x = Z_OK;

    if (!chunk || inflateInit2(&z, 16 + MAX_WBITS) != Z_OK) {
        free(chunk);
        return err_set(e, -ENOMEM, "out of memory");
    }
    while (r == 0 && x != Z_STREAM_END) {
        z.next_out = chunk;
        z.avail_out = CHUNK;
        x = inflate(&z, Z_NO_FLUSH);
        if (x == Z_BUF_ERROR || (x == Z_OK && z.avail_in == 0 && z.avail_out))
            r = err_set(e, ERR_TRUNCATED, "the kernel's gzip stream ends too early");
        else if (x != Z_OK && x != Z_STREAM_END)
            r = err_set(e, ERR_FORMAT, "the kernel's gzip stream is damaged: %s", z.msg ? z.msg : "no reason given");
        else if (buf_add(out, chunk, CHUNK - z.avail_out) < 0)
            r = add_failed(out, e);
    }
    inflateEnd(&z);
    free(chunk);
    return r;
}

static bool begins(const uint8_t *p, size_t n, const char *magic, size_t m)
{
    return n >= m && memcmp(p, magic, m) == 0;
}

static int unpack(const uint8_t *p, size_t n, struct buf *out, struct err *e)
{
    static const struct {
        const char *magic;
        unsigned size;
        const char *name;
    } others[] = {{"\xfd"
                   "7zXZ",
                   5, "xz"},
                  {"BZh", 3, "bzip2"},
                  {"\x5d\0\0", 3, "lzma"},
                  {"\x89LZO", 4, "lzo"},
                  {"\x02\x21\x4c\x18", 4, "lz4"}};

    if (begins(p, n, "\x28\xb5\x2f\xfd", 4))
        return unpack_zstd(p, n, out, e);
    if (begins(p, n, "\x1f\x8b", 2))
        return unpack_gzip(p, n, out, e);
    if (begins(p, n,
               "\x7f"
               "ELF",
               4))
        return buf_add(out, p, n) < 0 ? add_failed(out, e) : 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (begins(p, n, others[i].magic, others[i].size))
            return err_set(e, ERR_UNSUPPORTED, "the kernel is packed with %s; zstd and gzip are understood",
                           others[i].name);
    return err_set(e, ERR_FORMAT, "the kernel's payload is packed in an unknown way");
}

int kernel_extract(const void *p, size_t n, struct buf *out, struct err *e)
{
    struct reader r;
    size_t before = out->len;

    reader_init(&r, p, n);
    if (n > KERNEL_MAX)
        return err_set(e, ERR_LIMIT, "the kernel has more than %u bytes", KERNEL_MAX);
    if (begins(p, n,
               "\x7f"
               "ELF",
               4))
        return unpack(p, n, out, e);
    reader_seek(&r, 0x1f1);
    uint64_t sectors = reader_u8(&r);
    reader_seek(&r, 0x202);
    uint32_t magic = reader_u32le(&r);
    uint16_t version = reader_u16le(&r);
    reader_seek(&r, 0x248);
    uint64_t offset = reader_u32le(&r);
    uint64_t length = reader_u32le(&r);
    if (!reader_ok(&r))
        return reader_err(&r, e);
    if (magic != 0x53726448u || version < 0x208)
        return err_set(e, ERR_FORMAT, "this is no Linux kernel of boot protocol 2.08 or later");
    offset += ((sectors ? sectors : 4) + 1) * 512;
    struct reader payload;
    if (!reader_window(&r, offset, length, &payload))
        return err_set(e, ERR_TRUNCATED, "the kernel ends before its payload (offset 0x%llx, %llu bytes)",
                       (unsigned long long)offset, (unsigned long long)length);
    int x = unpack(payload.base, payload.size, out, e);
    if (x == 0 && (out->len - before < 4 || !begins(out->data + before, out->len - before,
                                                    "\x7f"
                                                    "ELF",
                                                    4)))
        x = err_set(e, ERR_FORMAT, "what the kernel's payload holds is no ELF file");
    return x;
}
