/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/cpio.h"

#include "base/reader.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cmocka.h>

static unsigned long field(struct reader *r)
{
    struct str s = reader_str(r, 8);
    char text[9] = "";

    assert_int_equal(s.n, 8);
    memcpy(text, s.p, 8);
    return strtoul(text, NULL, 16);
}

struct entry {
    unsigned long mode, size, major, minor;
    struct str name, content;
};

static void align(struct reader *r)
{
    reader_skip(r, (4 - reader_offset(r) % 4) % 4);
}

static struct entry next(struct reader *r)
{
    struct entry x = {0};
    unsigned long v[13];
    struct str magic = reader_str(r, 6);

    assert_true(str_eqz(magic, "070701"));
    for (int i = 0; i < 13; i++)
        v[i] = field(r);
    x.mode = v[1];
    x.size = v[6];
    x.major = v[9];
    x.minor = v[10];
    x.name = reader_str(r, v[11]);
    x.name.n--;
    assert_int_equal(x.name.p[x.name.n], 0);
    align(r);
    x.content = reader_str(r, x.size);
    align(r);
    assert_true(reader_ok(r));
    return x;
}

static void writes_what_the_kernel_reads(void **state)
{
    struct buf out;
    struct cpio c;
    struct reader r;
    (void)state;

    buf_init(&out, 65536);
    cpio_begin(&c, &out);
    assert_int_equal(cpio_folder(&c, "dev", 0755), 0);
    assert_int_equal(cpio_device(&c, "/dev/console", 0600, 5, 1), 0);
    assert_int_equal(cpio_file(&c, "init", 0755, "abcde", 5), 0);
    assert_int_equal(cpio_end(&c), 0);
    assert_int_equal(out.len % 512, 0);
    reader_init(&r, out.data, out.len);
    struct entry folder = next(&r), device = next(&r), file = next(&r), end = next(&r);
    assert_true(str_eqz(folder.name, "dev"));
    assert_int_equal(folder.mode, S_IFDIR | 0755);
    assert_true(str_eqz(device.name, "dev/console"));
    assert_int_equal(device.mode, S_IFCHR | 0600);
    assert_int_equal(device.major, 5);
    assert_int_equal(device.minor, 1);
    assert_true(str_eqz(file.name, "init"));
    assert_int_equal(file.mode, S_IFREG | 0755);
    assert_true(str_eqz(file.content, "abcde"));
    assert_true(str_eqz(end.name, "TRAILER!!!"));
    buf_free(&out);
}

static void keeps_to_the_cap(void **state)
{
    static const char big[4096];
    struct buf out;
    struct cpio c;
    (void)state;

    buf_init(&out, 1024);
    cpio_begin(&c, &out);
    assert_int_equal(cpio_file(&c, "big", 0644, big, sizeof(big)), ERR_LIMIT);
    assert_int_equal(cpio_end(&c), ERR_LIMIT);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(writes_what_the_kernel_reads),
                                       cmocka_unit_test(keeps_to_the_cap)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
