/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "format/elf.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <elf.h>
#include <stdio.h>

/* The running test itself is an ELF file with everything in it. */
static uint8_t *own_file(size_t *ret)
{
    FILE *f = fopen("/proc/self/exe", "rb");
    uint8_t *p = malloc(64u << 20);

    assert_non_null(f);
    assert_non_null(p);
    *ret = fread(p, 1, 64u << 20, f);
    fclose(f);
    return p;
}

static void test_own_binary(void **state)
{
    size_t n;
    uint8_t *p = own_file(&n);
    struct reader r;
    struct arena a;
    struct elf f;
    bool libc = false, text = false;

    (void)state;
    reader_init(&r, p, n);
    arena_init(&a, 64u << 20);
    assert_int_equal(elf_parse(&r, &a, &f, NULL), 0);
    assert_int_equal(f.bits, sizeof(void *) * 8);
    assert_int_equal(f.anomalies.count, 0);
    assert_true(f.interpreter.n > 0);
    for (unsigned i = 0; i < f.nneeded; i++)
        libc |= str_starts(f.needed[i], STR_LIT("libc.so"));
    assert_true(libc);
    for (unsigned i = 0; i < f.nsections; i++)
        text |= str_eqz(f.sections[i].name, ".text") && f.sections[i].entropy > 1;
    assert_true(text);
    assert_true(str_eqz(f.entry_section, ".text"));
    assert_false(f.is_static);
    assert_int_equal(f.overlay_size, 0);
    assert_true(f.nimports > 0);
    arena_free(&a);
    free(p);
}

static void test_overlay_and_cuts(void **state)
{
    size_t n;
    uint8_t *p = own_file(&n);
    struct arena a;
    struct elf f;
    struct reader r;

    (void)state;
    p = realloc(p, n + 100);
    memset(p + n, 'x', 100);
    reader_init(&r, p, n + 100);
    arena_init(&a, 64u << 20);
    assert_int_equal(elf_parse(&r, &a, &f, NULL), 0);
    assert_int_equal(f.overlay_size, 100);
    for (size_t cut = 0; cut < n; cut += 1 + n / 40) {
        uint8_t *copy = malloc(cut ? cut : 1);
        memcpy(copy, p, cut);
        reader_init(&r, copy, cut);
        if (elf_parse(&r, &a, &f, NULL) == 0)
            assert_true(f.anomalies.count > 0);
        free(copy);
    }
    arena_free(&a);
    free(p);
}

static const struct {
    const char *name;
    uint8_t bytes[64];
    size_t n;
    int result;
    const char *anomaly;
} tiny[] = {
    {"empty", {0}, 0, ERR_FORMAT, NULL},
    {"not elf", {'M', 'Z'}, 2, ERR_FORMAT, NULL},
    {"bad class", {0x7f, 'E', 'L', 'F', 9, 1, 1}, 16, ERR_FORMAT, NULL},
    {"only identification", {0x7f, 'E', 'L', 'F', 2, 1, 1}, 16, 0, "header-truncated"},
    {"strange byte order", {0x7f, 'E', 'L', 'F', 2, 7, 1}, 64, 0, "byte-order"},
    {"segments beyond the end",
     {0x7f, 'E', 'L', 'F', 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,  3, 0,  1, 0, 0,
      0,    0,   0,   0,   0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 52, 0, 32, 0, 2, 0},
     52,
     0,
     "segment-outside-file"},
};

static void test_tiny(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(tiny) / sizeof(*tiny); i++) {
        struct reader r;
        struct arena a;
        struct elf f;
        struct err e;
        bool seen = false;

        reader_init(&r, tiny[i].bytes, tiny[i].n);
        arena_init(&a, 1u << 20);
        assert_int_equal(elf_parse(&r, &a, &f, &e), tiny[i].result);
        for (unsigned k = 0; tiny[i].result == 0 && k < f.anomalies.count; k++)
            seen |= tiny[i].anomaly && !strcmp(f.anomalies.items[k].what, tiny[i].anomaly);
        if (tiny[i].anomaly && !seen)
            fail_msg("%s: no anomaly %s", tiny[i].name, tiny[i].anomaly);
        arena_free(&a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_own_binary),
        cmocka_unit_test(test_overlay_and_cuts),
        cmocka_unit_test(test_tiny),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
