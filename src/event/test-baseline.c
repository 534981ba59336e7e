/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "event/baseline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

static struct event file_event(const char *path)
{
    struct event ev = {.kind = EVENT_FILE_WRITE, .count = 3};
    ev.f[0].s = str_from(path);
    return ev;
}

/* Recorded and seen later: is it the same noise? */
static void test_normal_forms(void **unused)
{
    static const struct {
        const char *recorded, *later;
        bool same;
    } rows[] = {
        {"/var/log/syslog", "/var/log/syslog", true},
        {"/proc/123/stat", "/proc/45678/stat", true},
        {"/var/log/syslog", "/var/log/auth.log", false},
        {"/run/x/deadbeef01", "/run/x/0123456789abcdef", true},
        {"/j/8f14e45f-ceea-467f-a9b5-1234567890ab", "/j/cafebabe-beef-dead-f00d-abcdefabcdef", true},
        {"/tmp/systemd-private-8f14e45fceea467f-ssh.service-Ab3dEf",
         "/tmp/systemd-private-aaaaaaaabbbbbbbb-ssh.service-zZ9yXw", true},
        {"/tmp/tmp.aB3dEfGhIj", "/tmp/tmp.Zz9xYwVuTs", true},
        {"/tmp/tmp.ordinary", "/tmp/tmp.different", false},
        {"/usr/bin/abc", "/usr/bin/abd", false},
        {"/a b\tc\n\xff", "/a b\tc\n\xff", true},
        {"/a\xff", "/a\\xff", false},
        {"", "", true},
    };
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct proc p = {.image = STR_LIT("/usr/bin/x1")};
        struct event ev = file_event(rows[i].recorded), later = file_event(rows[i].later);
        struct baseline *b;
        assert_int_equal(baseline_new(&b), 0);
        assert_int_equal(baseline_add_event(b, &ev, &p), 1);
        assert_int_equal(baseline_add_event(b, &ev, &p), 0);
        assert_true(baseline_has(b, &ev, &p));
        if (baseline_has(b, &later, &p) != rows[i].same)
            fail_msg("row %zu: %s", i, rows[i].later);
        later.kind = EVENT_FILE_DELETE;
        assert_false(baseline_has(b, &later, &p));
        p.image = STR_LIT("/usr/bin/y");
        assert_false(baseline_has(b, &ev, &p));
        baseline_free(&b);
    }
}

static void test_lineage(void **unused)
{
    struct event ev = file_event("/x"), unknown = {.kind = 250};
    struct proc p = {.image = STR_LIT("/s"), .lineage = PROC_SAMPLE};
    struct baseline *b;
    (void)unused;

    assert_int_equal(baseline_new(&b), 0);
    assert_int_equal(baseline_add_event(b, &ev, &p), 0);
    p.lineage = PROC_ADOPTED;
    assert_int_equal(baseline_add_event(b, &ev, &p), 0);
    p.lineage = PROC_SYSTEM;
    assert_int_equal(baseline_add_event(b, &unknown, &p), 0);
    assert_false(baseline_has(b, &unknown, &p));
    assert_int_equal(baseline_count(b), 0);
    baseline_free(&b);
    baseline_free(&b);
}

static void test_save_and_load(void **unused)
{
    struct proc p = {.image = STR_LIT("/usr/bin/\xc3\xa4\\ b")};
    struct baseline *b, *again = NULL;
    struct err e;
    char path[700];
    int fd = memfd_create("baseline", 0);
    (void)unused;

    assert_int_equal(baseline_new(&b), 0);
    for (int i = 0; i < 500; i++) {
        int n = snprintf(path, sizeof(path), "/var/%c%c\n", 'a' + i % 26, 'a' + i / 26);
        if (i % 50 == 0) {
            memset(path + n, 0x80 + i % 100, 690 - (size_t)n); /* longer than a key holds */
            path[690] = '\0';
        }
        struct event ev = file_event(path);
        assert_int_equal(baseline_add_event(b, &ev, &p), 1);
    }
    assert_int_equal(baseline_save(b, fd, &e), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    assert_int_equal(baseline_load(fd, &again, &e), 0);
    assert_int_equal(baseline_count(again), 500);
    struct event ev = file_event("/var/aa\n");
    assert_int_equal(baseline_has(again, &ev, &p), baseline_has(b, &ev, &p));
    ev = file_event("/var/ba\n");
    assert_true(baseline_has(again, &ev, &p));

    /* Saving again gives the same bytes. */
    int fd2 = memfd_create("baseline", 0);
    assert_int_equal(baseline_save(again, fd2, &e), 0);
    off_t size = lseek(fd, 0, SEEK_END);
    assert_int_equal(lseek(fd2, 0, SEEK_END), size);
    char *one = calloc(1, (size_t)size), *two = calloc(1, (size_t)size);
    assert_int_equal(pread(fd, one, (size_t)size, 0), size);
    assert_int_equal(pread(fd2, two, (size_t)size, 0), size);
    assert_memory_equal(one, two, (size_t)size);
    free(one);
    free(two);
    close(fd);
    close(fd2);
    baseline_free(&again);
    baseline_free(&b);
    assert_true(baseline_load(-1, &again, &e) < 0);
}

static void test_parse_errors(void **unused)
{
    static const struct {
        const char *text, *error;
    } rows[] = {
        {"", "line 1"},
        {"something else\n", "line 1"},
        {"belljar-baseline 2\n", "line 1"},
        {"belljar-baseline 1\nno tabs\n", "line 2"},
        {"belljar-baseline 1\na\tb\tc\na\tb\tc\td\n", "line 3"},
        {"belljar-baseline 1\na\tb\t\xff\n", "line 2"},
        {"belljar-baseline 1\n\na\tb\tc\n", "line 2"},
    };
    struct baseline *b = NULL;
    struct err e;
    (void)unused;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        assert_int_equal(baseline_parse(str_from(rows[i].text), &b, &e), ERR_FORMAT);
        assert_null(b);
        assert_non_null(strstr(e.text, rows[i].error));
    }
    assert_int_equal(baseline_parse(STR_LIT("belljar-baseline 1"), &b, &e), 0);
    assert_int_equal(baseline_count(b), 0);
    baseline_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_normal_forms),
        cmocka_unit_test(test_lineage),
        cmocka_unit_test(test_save_and_load),
        cmocka_unit_test(test_parse_errors),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
