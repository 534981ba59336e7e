/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "conf/conf.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

static char *const home_only[] = {"HOME=/home/a", "BELLJAR_MACHINES=", "PATH=/bin", NULL};

static struct conf *good(const char *text, char *const *environment)
{
    struct conf *c = NULL;
    struct err e = {0};

    if (conf_parse("t.conf", str_from(text), environment, &c, &e) != 0)
        fail_msg("%s", e.text);
    return c;
}

static void test_defaults(void **unused)
{
    struct conf *c = good("", home_only);
    (void)unused;

    assert_int_equal(conf_number(c, CONF_MACHINES), 1);
    assert_int_equal(conf_number(c, CONF_MEMORY_MIB), 0);
    assert_int_equal(conf_number(c, CONF_CPUS), 0);
    assert_int_equal(conf_number(c, CONF_DEFAULT_TIME), 60);
    assert_string_equal(conf_text(c, CONF_ACCEL), "auto");
    assert_int_equal(conf_number(c, CONF_CAPTURE_FILE_MAX), 64 << 20);
    assert_int_equal(conf_number(c, CONF_CAPTURE_TOTAL_MAX), 1 << 30);
    assert_int_equal(conf_number(c, CONF_DUMP_TOTAL_MAX), 256 << 20);
    assert_int_equal(conf_number(c, CONF_DISK_MAX), 4ull << 30);
    assert_string_equal(conf_data_dir(c), "/of/data");
    assert_string_equal(conf_cache_dir(c), "/of/cache");
    assert_string_equal(conf_share_dir(c), "/of/share");
    conf_free(&c);
    conf_free(&c);
    conf_free(NULL);
}

static void test_file(void **unused)
{
    struct conf *c = good("\xef\xbb\xbf# comment\r\n  machines\t=  8   # eight\r\n\n"
                          "capture-file-max = 2 MiB\ndisk-max=1T\ndump-total-max = 0\n"
                          "data-dir = \"/srv/a # b \" # c\ncache-dir = /x#y\nshare-dir = ~/s",
                          home_only);
    (void)unused;

    assert_int_equal(conf_number(c, CONF_MACHINES), 8);
    assert_int_equal(conf_number(c, CONF_CAPTURE_FILE_MAX), 2 << 20);
    assert_int_equal(conf_number(c, CONF_DISK_MAX), 1ull << 40);
    assert_int_equal(conf_number(c, CONF_DUMP_TOTAL_MAX), 0);
    assert_string_equal(conf_data_dir(c), "/srv/a # b ");
    assert_string_equal(conf_cache_dir(c), "/x#y");
    assert_string_equal(conf_share_dir(c), "/home/a/s");
    conf_free(&c);
}

static void test_errors(void **unused)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"machines = 0", "t.conf:1: machines: 0 is not between 1 and 64"},
        {"\n\nmachines = 65", "t.conf:3: machines: 65 is not between 1 and 64"},
        {"machines = 99999999999999999999999", "is not between 1 and 64"},
        {"machines = many", "t.conf:1: machines: \"many\" is not a number"},
        {"machines =", "t.conf:1: machines: \"\" is not a number"},
        {"machines = -1", "\"-1\" is not a number"},
        {"machines = 2K", "\"2K\" is not a number"},
        {"disk-max = 1", "disk-max: 1 is not between 64M and 1T"},
        {"disk-max = 99999999999999999999G", "is not between 64M and 1T"},
        {"disk-max = 18446744073709551615T", "is not between 64M and 1T"},
        {"disk-max = G", "is not a size"},
        {"memory-mb = 5", "t.conf:1: unknown setting \"memory-mb\"; did you mean \"memory-mib\"?"},
        {"machine = 5", "did you mean \"machines\"?"},
        {"colour = blue", "t.conf:1: unknown setting \"colour\""},
        {"machines = 1\nmachines = 2", "t.conf:2: machines was set before in this file"},
        {"machines 1", "t.conf:1: expected: name = value"},
        {"= 1", "unknown setting \"\""},
        {"accel = xen", "accel: \"xen\" is none of: auto tcg kvm"},
        {"accel = auto tcg", "is none of"},
        {"data-dir = here", "data-dir: \"here\" is not an absolute path"},
        {"data-dir = \"/x", "closing quote is missing"},
        {"data-dir = \"/x\" y", "text behind the value's closing quote"},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct conf *c = NULL;
        struct err e = {0};
        assert_true(conf_parse("t.conf", str_from(rows[i].text), home_only, &c, &e) < 0);
        assert_null(c);
        if (!strstr(e.text, rows[i].error))
            fail_msg("\"%s\" gave: %s", rows[i].text, e.text);
    }
    struct conf *c = NULL;
    struct err e;
    assert_int_equal(conf_parse("t.conf", STR_LIT("data-dir = ~/x"), NULL, &c, &e), ERR_USAGE);
    assert_non_null(strstr(e.text, "HOME"));
    assert_int_equal(conf_parse("t.conf", STR_LIT("data-dir = /a\0b"), NULL, &c, &e), ERR_USAGE);
    assert_int_equal(conf_parse("t.conf", STR_LIT("x"), NULL, &c, NULL), ERR_FORMAT);
}

static void test_environment(void **unused)
{
    static char *const environment[] = {"HOME=/h",
                                        "XDG_DATA_HOME=/d",
                                        "XDG_CACHE_HOME=relative",
                                        "BELLJAR_CPUS=3",
                                        "BELLJAR_ACCEL=",
                                        "BELLJAR_CAPTURE_TOTAL_MAX=5M",
                                        "BELLJAR_CPUSX=99",
                                        NULL};
    static char *const wrong[] = {"BELLJAR_CPUS=none", NULL};
    struct conf *c = good("cpus = 7\naccel = tcg", environment);
    struct err e;
    (void)unused;

    assert_int_equal(conf_number(c, CONF_CPUS), 3);
    assert_string_equal(conf_text(c, CONF_ACCEL), "tcg");
    assert_int_equal(conf_number(c, CONF_CAPTURE_TOTAL_MAX), 5 << 20);
    assert_int_equal(conf_set(c, STR_LIT("cpus"), STR_LIT("4"), &e), 0);
    assert_int_equal(conf_number(c, CONF_CPUS), 4);
    assert_int_equal(conf_set(c, STR_LIT("cpu"), STR_LIT("4"), &e), ERR_USAGE);
    assert_int_equal(conf_set(c, STR_LIT("cpus"), STR_LIT("400"), &e), ERR_USAGE);
    assert_int_equal(conf_number(c, CONF_CPUS), 4);
    assert_int_equal(conf_set(c, STR_LIT("data-dir"), STR_LIT("/other"), &e), 0);
    assert_string_equal(conf_data_dir(c), "/other");
    conf_free(&c);
    assert_int_equal(conf_parse("t", STR_NONE, wrong, &c, &e), ERR_USAGE);
    assert_string_equal(e.text, "environment variable BELLJAR_CPUS: cpus: \"none\" is not a number");
}

static void test_load(void **unused)
{
    char path[] = "/tmp/test-conf-XXXXXX";
    int fd = mkstemp(path);
    struct conf *c = NULL;
    struct err e;
    (void)unused;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, "cpus = 5\n", 9), 9);
    assert_int_equal(conf_load(path, &c, &e), 0);
    assert_int_equal(conf_number(c, CONF_CPUS), 5);
    conf_free(&c);
    assert_int_equal(ftruncate(fd, CONF_FILE_MAX + 1), 0);
    assert_int_equal(conf_load(path, &c, &e), ERR_LIMIT);
    close(fd);
    unlink(path);
    assert_int_equal(conf_load(path, &c, &e), -ENOENT);
    assert_non_null(strstr(e.text, path));
    assert_int_equal(conf_load("/tmp", &c, &e), -EISDIR);
    assert_int_equal(conf_load(NULL, &c, &e), 0);
    conf_free(&c);
}

static void test_written_forms(void **unused)
{
    struct conf *c = good("disk-max = 3G\ndata-dir = /d\n", home_only), *again;
    char *text = NULL;
    size_t n = 0;
    (void)unused;

    FILE *out = open_memstream(&text, &n);
    assert_int_equal(conf_write(c, out), 0);
    fclose(out);
    assert_non_null(strstr(text, "disk-max = 3G\n"));
    assert_non_null(strstr(text, "(t.conf:1)"));
    again = good(text, home_only);
    assert_int_equal(conf_number(again, CONF_DISK_MAX), 3ull << 30);
    assert_string_equal(conf_data_dir(again), "/d");
    conf_free(&again);
    conf_free(&c);
    free(text);
    text = NULL;
    out = open_memstream(&text, &n);
    assert_int_equal(conf_docs_write(out), 0);
    fclose(out);
    for (int i = 0; i < CONF_COUNT; i++)
        assert_non_null(strstr(text, conf_name(i)));
    assert_non_null(strstr(text, "`BELLJAR_CAPTURE_FILE_MAX`"));
    assert_non_null(strstr(text, "auto, tcg, kvm"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_defaults),    cmocka_unit_test(test_file), cmocka_unit_test(test_errors),
        cmocka_unit_test(test_environment), cmocka_unit_test(test_load), cmocka_unit_test(test_written_forms),
    };
    setenv("BELLJAR_DATA", "/of/data", 1);
    setenv("BELLJAR_CACHE", "/of/cache", 1);
    setenv("BELLJAR_SHARE", "/of/share", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
