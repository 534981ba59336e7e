/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real scanner in its jail, and the cache of compiled rules. */
#include "detect/yara/cache.h"
#include "detect/yara/client.h"
#include "detect/yara/role.h"
#include "os/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static const struct role *const roles[] = {&yara_role, NULL};

struct seen {
    unsigned done, hits, failed, timeouts, problems, warnings;
    char rule[128], text[512], problem[512];
};

static void on_done(void *context, void *cookie, const struct yara_result *r)
{
    struct seen *s = context;
    (void)cookie;
    s->done++;
    s->hits += r->nhits;
    s->failed += r->status == YARA_FAILED;
    s->timeouts += r->status == YARA_TIMEOUT;
    snprintf(s->text, sizeof(s->text), "%.*s", STR_ARG(r->text));
    if (r->nhits)
        snprintf(s->rule, sizeof(s->rule), "%.*s/%.*s", STR_ARG(r->hits[0].ns), STR_ARG(r->hits[0].rule));
}

static void on_problem(void *context, bool warning, struct str file, unsigned line, const char *reason)
{
    struct seen *s = context;
    s->problems += !warning;
    s->warnings += warning;
    snprintf(s->problem, sizeof(s->problem), "%.*s:%u: %s", STR_ARG(file), line, reason);
}

static struct yara_client *client(struct seen *s, const char *rules, const char *cache)
{
    struct yara_pack p;
    struct yara_client *c = NULL;
    struct err e = {0};
    const struct yara_client_options o = {.pack = &p,
                                          .workers = 2,
                                          .no_cache = !cache,
                                          .cache_dir = cache,
                                          .handlers = {.context = s, .problem = on_problem},
                                          .done = on_done,
                                          .context = s};
    *s = (struct seen){0};
    yara_pack_init(&p);
    assert_int_equal(yara_pack_add_text(&p, "yara/t.yar", str_from(rules), &e), 0);
    assert_int_equal(yara_pack_add_text(&p, "yara/bad.yar", STR_LIT("rule {"), &e), 0);
    if (yara_client_new(&o, &c, &e) < 0)
        fail_msg("%s", e.text);
    yara_pack_free(&p);
    return c;
}

static void scan(struct yara_client *c, const void *p, size_t n, const char *name, unsigned timeout_s)
{
    struct err e = {0};
    struct yara_job job = {.fd = memfd_create("t", MFD_CLOEXEC),
                           .target = {.filename = name, .filepath = name, .timeout_s = timeout_s}};
    assert_true(job.fd >= 0);
    assert_int_equal(file_write_all(job.fd, p, n), 0);
    if (yara_client_scan(c, &job, &e) < 0)
        fail_msg("%s", e.text);
    close(job.fd);
    assert_int_equal(yara_client_finish(c, &e), 0);
}

static int count(void *context, const struct yara_hit *rule)
{
    (void)rule;
    return ++*(unsigned *)context, 0;
}

static void the_jailed_scanner_scans(void **state)
{
    struct seen s;
    struct err e = {0};
    unsigned rules = 0;
    struct yara_client *c = client(
        &s,
        "import \"magic\" import \"hash\" import \"pe\"\n"
        "rule word { strings: $a = \"needle\" condition: $a and filename == \"x.sh\" and filetype == \"SCRIPT\"\n"
        "and magic.type() contains \"shell script\" and hash.sha256(0, 1) != \"\" and not pe.is_pe }\n"
        "rule slow { condition: filesize == 7 and for all i in (0..4000000000) : (uint8(i % 7) < 256) }",
        NULL);
    (void)state;
    assert_int_equal(s.problems, 1);
    assert_non_null(strstr(s.problem, "yara/bad.yar:1: "));
    assert_int_equal(yara_client_rules(c), 2);
    static const char script[] = "#!/bin/sh\necho needle\n";
    scan(c, script, sizeof(script) - 1, "x.sh", 20);
    if (s.hits != 1 || strcmp(s.rule, "t/word") != 0)
        fail_msg("%u hits, %s, %s", s.hits, s.rule, s.text);
    scan(c, "", 0, "empty", 20);
    scan(c, "1234567", 7, "slow", 1);
    assert_int_equal(s.timeouts, 1);
    assert_int_equal(s.done, 3);
    assert_int_equal(yara_client_list(c, count, &rules, &e), 0);
    assert_int_equal(rules, 2);
    yara_client_free(&c);
}

/* A file that gets shorter while it is mapped kills the scanner, and only that scan. */
static void a_file_that_cannot_be_scanned_is_told(void **state)
{
    struct seen s;
    struct err e = {0};
    struct yara_client *c = client(&s, "rule a { strings: $a = \"needle\" condition: $a }", NULL);
    struct yara_job job = {.fd = memfd_create("t", MFD_CLOEXEC), .target = {.timeout_s = 20}};
    (void)state;
    assert_int_equal(ftruncate(job.fd, (off_t)YARA_TARGET_MAX + 1), 0);
    assert_int_equal(yara_client_scan(c, &job, &e), 0);
    assert_int_equal(yara_client_finish(c, &e), 0);
    assert_int_equal(s.failed, 1);
    assert_non_null(strstr(s.text, "larger than 2048 MiB"));
    close(job.fd);
    job.fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* no file at all */
    assert_int_equal(yara_client_scan(c, &job, &e), 0);
    assert_int_equal(yara_client_finish(c, &e), 0);
    assert_int_equal(s.failed, 2);
    close(job.fd);
    scan(c, "a needle", 8, "x", 20);
    assert_int_equal(s.hits, 1);
    yara_client_free(&c);
}

/* ---- the cache ------------------------------------------------------------------------------------------ */

static char *make_dir(void)
{
    char *dir = strdup("/tmp/test-yara-XXXXXX");
    assert_non_null(dir);
    assert_non_null(mkdtemp(dir));
    return dir;
}

/* The one compiled file of a folder. */
static char *compiled_file(const char *dir)
{
    DIR *d = opendir(dir);
    struct dirent *e;
    char *path = NULL;
    assert_non_null(d);
    while ((e = readdir(d)) != NULL)
        if (str_ends(str_from(e->d_name), STR_LIT(".bjy"))) {
            assert_null(path);
            path = path_join(dir, e->d_name);
        }
    closedir(d);
    assert_non_null(path);
    return path;
}

#define RULE "rule word { strings: $a = \"needle\" condition: $a }"

static void compiled_rules_are_kept(void **state)
{
    char *dir = make_dir(), *file;
    struct seen s;
    struct err e;
    struct stat st;
    (void)state;
    struct yara_client *c = client(&s, RULE, dir);
    assert_false(yara_client_from_cache(c));
    assert_int_equal(s.warnings, 0);
    yara_client_free(&c);
    file = compiled_file(dir);
    assert_int_equal(stat(file, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    c = client(&s, RULE, dir);
    assert_true(yara_client_from_cache(c));
    assert_int_equal(s.problems, 1); /* the bad file is told again */
    scan(c, "a needle", 8, "x", 20);
    assert_int_equal(s.hits, 1);
    yara_client_free(&c);
    c = client(&s, RULE " ", dir); /* other text, other key */
    assert_false(yara_client_from_cache(c));
    yara_client_free(&c);
    file_remove_tree(dir, &e);
    free(file);
    free(dir);
}

static void changed_files_are_refused(void **state)
{
    char *dir = make_dir(), *file, *secret = path_join(dir, "secret");
    struct buf b;
    struct seen s;
    struct err e = {0};
    (void)state;
    struct yara_client *c = client(&s, RULE, dir);
    yara_client_free(&c);
    file = compiled_file(dir);
    assert_true(file_read(file, 64 << 20, &b, &e) >= 0);
    const size_t places[] = {0, 5, 20, 50, 73, 80, b.len / 2, b.len - 1};
    for (size_t i = 0; i <= sizeof(places) / sizeof(*places); i++) {
        bool cut = i == sizeof(places) / sizeof(*places);
        if (!cut)
            b.data[places[i]] ^= 1;
        assert_int_equal(file_write_atomic(file, b.data, cut ? b.len - 1 : b.len, 0600, &e), 0);
        if (!cut)
            b.data[places[i]] ^= 1;
        c = client(&s, RULE, dir);
        if (yara_client_from_cache(c) || s.warnings != 1 || !strstr(s.problem, "bad.yar"))
            fail_msg("place %zu: %s", i, s.problem);
        yara_client_free(&c);
        c = client(&s, RULE, dir); /* made again and good */
        assert_true(yara_client_from_cache(c));
        yara_client_free(&c);
    }
    /* made with another secret */
    assert_int_equal(file_write_atomic(secret, "0123456789abcdef0123456789abcdef", 32, 0600, &e), 0);
    c = client(&s, RULE, dir);
    assert_false(yara_client_from_cache(c));
    yara_client_free(&c);
    buf_free(&b);
    file_remove_tree(dir, &e);
    free(file);
    free(secret);
    free(dir);
}

static void one_file_in_the_place_of_another_is_refused(void **state)
{
    char *dir = make_dir();
    uint8_t a[SHA256_SIZE] = {1}, b[SHA256_SIZE] = {2};
    char ha[65], hb[65];
    struct err e = {0};
    struct buf problems;
    int fd = -1;
    (void)state;
    assert_int_equal(yara_cache_put(dir, a, STR_LIT("p"), STR_LIT("content"), &e), 0);
    assert_int_equal(yara_cache_get(dir, a, &fd, &problems, &e), 1);
    assert_true(str_eqz(buf_str(&problems), "p"));
    assert_true(write(fd, "x", 1) < 0); /* sealed */
    buf_free(&problems);
    close(fd);
    assert_int_equal(yara_cache_get(dir, b, &fd, &problems, &e), 0);
    hex_encode(a, SHA256_SIZE, ha);
    hex_encode(b, SHA256_SIZE, hb);
    char *from = path_format("%s/%s.bjy", dir, ha), *to = path_format("%s/%s.bjy", dir, hb);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(yara_cache_get(dir, b, &fd, &problems, &e), ERR_FORMAT);
    /* a folder that others may use */
    assert_int_equal(chmod(dir, 0770), 0);
    assert_int_equal(yara_cache_get(dir, b, &fd, &problems, &e), ERR_CONFLICT);
    assert_int_equal(yara_cache_put(dir, b, STR_LIT(""), STR_LIT(""), &e), ERR_CONFLICT);
    file_remove_tree(dir, &e);
    free(from);
    free(to);
    free(dir);
}

static void old_files_go(void **state)
{
    char *dir = make_dir();
    struct err e = {0};
    unsigned n = 0;
    struct dirent *d;
    (void)state;
    for (unsigned i = 0; i < YARA_CACHE_FILES_MAX + 10; i++) {
        uint8_t key[SHA256_SIZE] = {(uint8_t)i};
        assert_int_equal(yara_cache_put(dir, key, STR_LIT(""), STR_LIT("x"), &e), 0);
    }
    DIR *list = opendir(dir);
    while ((d = readdir(list)) != NULL)
        n += str_ends(str_from(d->d_name), STR_LIT(".bjy"));
    closedir(list);
    assert_int_equal(n, YARA_CACHE_FILES_MAX);
    file_remove_tree(dir, &e);
    free(dir);
}

int main(int argc, char **argv)
{
    int r = role_main(argc, argv, roles);
    if (r >= 0)
        return r;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_jailed_scanner_scans),
        cmocka_unit_test(a_file_that_cannot_be_scanned_is_told),
        cmocka_unit_test(compiled_rules_are_kept),
        cmocka_unit_test(changed_files_are_refused),
        cmocka_unit_test(one_file_in_the_place_of_another_is_refused),
        cmocka_unit_test(old_files_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
