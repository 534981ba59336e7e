/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/kernel.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

#define ELF_SIZE 300000

/* A kernel of 3 setup sectors with a payload at offset 0x40 behind them. */
static uint8_t *make_kernel(const void *payload, size_t n, size_t *ret_n)
{
    size_t at = 4 * 512 + 0x40;
    uint8_t *k = calloc(1, at + n);

    assert_non_null(k);
    k[0x1f1] = 3;
    memcpy(k + 0x202, "HdrS\x0f\x02", 6);
    k[0x248] = 0x40;
    for (int i = 0; i < 4; i++)
        k[0x24c + i] = (uint8_t)(n >> (8 * i));
    memcpy(k + at, payload, n);
    *ret_n = at + n;
    return k;
}

static uint8_t *make_elf(void)
{
    uint8_t *elf = malloc(ELF_SIZE);

    assert_non_null(elf);
    for (size_t i = 0; i < ELF_SIZE; i++)
        elf[i] = (uint8_t)(i * i >> 7);
    memcpy(elf,
           "\x7f"
           "ELF",
           4);
    return elf;
}

static size_t pack_zstd(const uint8_t *p, size_t n, uint8_t *to, size_t cap)
{
    size_t r = ZSTD_compress(to, cap, p, n, 3);

    assert_false(ZSTD_isError(r));
    return r;
}

static size_t pack_gzip(const uint8_t *p, size_t n, uint8_t *to, size_t cap)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)p, .avail_in = (uInt)n, .next_out = to, .avail_out = (uInt)cap};

    assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
    assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
    size_t done = cap - z.avail_out;
    deflateEnd(&z);
    return done;
}

typedef size_t pack_fn(const uint8_t *p, size_t n, uint8_t *to, size_t cap);

static int extract(const uint8_t *k, size_t n, size_t max, struct buf *out, struct err *e)
{
    uint8_t *exact = malloc(n ? n : 1); /* so that AddressSanitizer sees the first byte too far */

    assert_non_null(exact);
    memcpy(exact, k, n);
    buf_init(out, max);
    int r = kernel_extract(exact, n, out, e);
    free(exact);
    return r;
}

static void unpacks(void **state)
{
    static pack_fn *const packers[] = {pack_zstd, pack_gzip};
    uint8_t *elf = make_elf(), *packed = malloc(ELF_SIZE * 2);
    (void)state;

    for (size_t i = 0; i < 2; i++) {
        size_t n, k_n;
        struct buf out;
        struct err e;
        n = packers[i](elf, ELF_SIZE, packed, ELF_SIZE * 2);
        memcpy(packed + n, "\x01\x02\x03\x04", 4); /* the kernel build appends the size */
        uint8_t *k = make_kernel(packed, n + 4, &k_n);
        assert_int_equal(extract(k, k_n, KERNEL_MAX, &out, &e), 0);
        assert_int_equal(out.len, ELF_SIZE);
        assert_memory_equal(out.data, elf, ELF_SIZE);
        buf_free(&out);
        assert_int_equal(extract(k, k_n, 1000, &out, &e), ERR_LIMIT);
        buf_free(&out);
        for (size_t cut = 0; cut < k_n - 5; cut += cut < 0x300 ? 1 : 4099) {
            assert_true(extract(k, cut, KERNEL_MAX, &out, &e) < 0);
            buf_free(&out);
        }
        free(k);
    }
    free(packed);
    free(elf);
}

static void names_what_it_cannot(void **state)
{
    static const struct {
        const char *payload;
        int code;
        const char *word;
    } cases[] = {
        {"\xfd"
         "7zXZ...",
         ERR_UNSUPPORTED, "xz"},
        {"\x28\xb5\x2f\xfd\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", ERR_FORMAT, "zstd"},
        {"nonsense", ERR_FORMAT, "unknown"},
    };
    struct buf out;
    struct err e;
    uint8_t *k, packed[256];
    size_t n;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        k = make_kernel(cases[i].payload, strlen(cases[i].payload), &n);
        assert_int_equal(extract(k, n, KERNEL_MAX, &out, &e), cases[i].code);
        assert_non_null(strstr(e.text, cases[i].word));
        buf_free(&out);
        free(k);
    }
    n = pack_zstd((const uint8_t *)"a text, no program", 18, packed, sizeof(packed));
    k = make_kernel(packed, n, &n);
    assert_int_equal(extract(k, n, KERNEL_MAX, &out, &e), ERR_FORMAT);
    assert_non_null(strstr(e.text, "no ELF"));
    buf_free(&out);
    free(k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(unpacks), cmocka_unit_test(names_what_it_cannot)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
