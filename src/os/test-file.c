/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "os/file.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char dir[64];

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/belljar-test-XXXXXX");
    return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(dir, NULL);
}

/* A path in the test's folder; a few may be alive at once. */
static const char *at(const char *name)
{
    static char paths[4][512];
    static unsigned next;
    char *p = paths[next++ % 4];
    snprintf(p, sizeof(paths[0]), "%s/%s", dir, name);
    return p;
}

static void put(const char *name, const char *text)
{
    struct err e;
    assert_int_equal(file_write_atomic(at(name), text, strlen(text), 0600, &e), 0);
}

static void test_read_caps(void **state)
{
    struct buf b;
    struct err e = {0};
    (void)state;
    put("f", "hello");
    assert_int_equal(file_read(at("f"), 5, &b, &e), 0); /* exactly the cap */
    assert_int_equal(b.len, 5);
    assert_memory_equal(b.data, "hello", 5);
    buf_free(&b);
    assert_int_equal(file_read(at("f"), 4, &b, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, at("f")));
    assert_int_equal(file_read(at("f"), 0, &b, &e), ERR_LIMIT);
    put("empty", "");
    assert_int_equal(file_read(at("empty"), 0, &b, &e), 0);
    assert_int_equal(b.len, 0);
    buf_free(&b);
    assert_int_equal(file_read(at("none"), 10, &b, &e), -ENOENT);
    assert_int_equal(file_read(dir, 10, &b, &e), -EISDIR);
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(file_read(at("pipe"), 10, &b, &e), ERR_UNSUPPORTED); /* and does not wait for a writer */
    assert_int_equal(file_read("/dev/zero", 100000, &b, &e), ERR_LIMIT);
    assert_int_equal(file_read("/proc/self/maps", 1u << 20, &b, &e), 0); /* claims to be empty */
    assert_true(b.len > 100);
    buf_free(&b);
}

static void test_write_atomic(void **state)
{
    struct stat st;
    struct buf b;
    struct err e = {0};
    (void)state;
    put("f", "old");
    assert_int_equal(file_write_atomic(at("f"), "newer", 5, 0640, &e), 0);
    assert_int_equal(file_read(at("f"), 100, &b, &e), 0);
    assert_int_equal(b.len, 5);
    buf_free(&b);
    assert_int_equal(stat(at("f"), &st), 0);
    assert_int_equal(st.st_mode & 0777, 0640);
    assert_int_equal(mkdir(at("taken"), 0700), 0);
    assert_true(file_write_atomic(at("taken"), "x", 1, 0600, &e) < 0);
    assert_true(file_write_atomic(at("no/such"), "x", 1, 0600, &e) < 0);
    unlink(at("f"));
    rmdir(at("taken"));
    assert_int_equal(rmdir(dir), 0); /* nothing temporary was left behind */
    assert_int_equal(mkdir(dir, 0700), 0);
}

static void test_mkdirs(void **state)
{
    struct err e = {0};
    char with_slash[600];
    (void)state;
    snprintf(with_slash, sizeof(with_slash), "%s//a/b///c/", dir);
    assert_int_equal(file_mkdirs(with_slash, 0700, &e), 0);
    assert_int_equal(file_mkdirs(with_slash, 0700, &e), 0);
    assert_true(file_exists(at("a/b/c")));
    put("file", "");
    assert_int_equal(file_mkdirs(at("file/x"), 0700, &e), -EEXIST);
    assert_true(e.text[0]);
}

static void test_copy(void **state)
{
    struct stat st;
    struct err e = {0};
    char c;
    (void)state;
    int fd = open(at("sparse"), O_RDWR | O_CREAT, 0600);
    assert_int_equal(pwrite(fd, "x", 1, 5 << 20), 1);
    assert_int_equal(ftruncate(fd, 64 << 20), 0);
    close(fd);
    assert_int_equal(file_copy(at("sparse"), at("copy"), 0600, &e), 0);
    assert_int_equal(stat(at("copy"), &st), 0);
    assert_int_equal(st.st_size, 64 << 20);
    assert_true(st.st_blocks * 512 < 8 << 20); /* holes stay holes */
    fd = open(at("copy"), O_RDONLY);
    assert_int_equal(pread(fd, &c, 1, 5 << 20), 1);
    assert_int_equal(c, 'x');
    assert_int_equal(pread(fd, &c, 1, (5 << 20) + 1), 1);
    assert_int_equal(c, 0);
    close(fd);
    put("short", "s");
    assert_int_equal(file_copy(at("short"), at("copy"), 0600, &e), 0); /* over a longer one */
    assert_int_equal(stat(at("copy"), &st), 0);
    assert_int_equal(st.st_size, 1);
    assert_int_equal(file_copy(at("short"), at("short"), 0600, &e), -EEXIST); /* and the source is still whole */
    assert_int_equal(stat(at("short"), &st), 0);
    assert_int_equal(st.st_size, 1);
    assert_int_equal(file_copy("/proc/self/maps", at("maps"), 0600, &e), 0);
    assert_int_equal(stat(at("maps"), &st), 0);
    assert_true(st.st_size > 100);
    assert_int_equal(file_copy(at("none"), at("new"), 0600, &e), -ENOENT);
    assert_false(file_exists(at("new")));
    assert_true(file_free_bytes(dir) > 0);
}

static void test_remove_does_not_follow_links(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(mkdir(at("keep"), 0700), 0);
    put("keep/f", "x");
    assert_int_equal(file_mkdirs(at("t/a/b"), 0700, &e), 0);
    assert_int_equal(symlink(at("keep"), at("t/a/link")), 0);
    assert_int_equal(symlink(at("keep"), at("link")), 0);
    assert_int_equal(symlink("nowhere", at("t/dangling")), 0);
    assert_int_equal(chmod(at("t/a"), 0), 0); /* a folder without rights */
    assert_int_equal(file_remove_tree(at("t"), &e), 0);
    assert_false(file_exists(at("t")));
    assert_int_equal(file_remove_tree(at("link"), &e), 0); /* only the link */
    assert_true(file_exists(at("keep/f")));
    assert_int_equal(file_remove_tree(at("t"), &e), 0); /* not there: done */
    assert_int_equal(file_remove_tree(at("keep/f"), &e), 0);
}

/* Deeper than any path may be long and than descriptors would last. */
static void test_remove_deep(void **state)
{
    struct err e = {0};
    (void)state;
    assert_int_equal(mkdir(at("deep"), 0700), 0);
    int fd = open(at("deep"), O_RDONLY | O_DIRECTORY);
    for (int i = 0; i < 3000; i++) {
        assert_int_equal(mkdirat(fd, "directory", 0700), 0);
        int next = openat(fd, "directory", O_RDONLY | O_DIRECTORY);
        assert_true(next >= 0);
        close(fd);
        fd = next;
    }
    close(fd);
    if (file_remove_tree(at("deep"), &e) < 0)
        fail_msg("%s", e.text);
    assert_false(file_exists(at("deep")));
}

struct swapper {
    volatile bool stop;
    char folder[512], link[512], spare[512];
};

/* Swaps t/x (a folder) with a link to the folder that must survive, as fast as it can. */
static void *swap(void *context)
{
    struct swapper *s = context;
    while (!s->stop)
        if (renameat2(AT_FDCWD, s->folder, AT_FDCWD, s->link, RENAME_EXCHANGE) < 0)
            sched_yield();
    return NULL;
}

static void test_remove_against_swaps(void **state)
{
    struct swapper s = {0};
    struct err e;
    pthread_t t;
    (void)state;
    assert_int_equal(mkdir(at("keep"), 0700), 0);
    put("keep/precious", "x");
    snprintf(s.folder, sizeof(s.folder), "%s", at("t/x"));
    snprintf(s.link, sizeof(s.link), "%s", at("swap"));
    assert_int_equal(pthread_create(&t, NULL, swap, &s), 0);
    for (int i = 0; i < 400; i++) {
        file_mkdirs(at("t/x/y"), 0700, &e);
        (void)!symlink(at("keep"), at("swap"));
        file_remove_tree(at("t"), &e); /* may fail: whoever swaps can also hinder; it may never leave the tree */
        file_remove_tree(at("swap"), &e);
        assert_true(file_exists(at("keep/precious")));
    }
    s.stop = true;
    pthread_join(t, NULL);
}

/* A bind mount inside the tree is another place: it is not emptied, and that is said. */
static void test_remove_stops_at_mounts(void **state)
{
    int status;
    (void)state;
    if (geteuid() != 0)
        skip();
    assert_int_equal(mkdir(at("keep"), 0700), 0);
    put("keep/precious", "x");
    assert_int_equal(mkdir(at("t"), 0700), 0);
    assert_int_equal(mkdir(at("t/mount"), 0700), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct err e = {0};
        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount(at("keep"), at("t/mount"), NULL, MS_BIND, NULL) < 0)
            _exit(77);
        int r = file_remove_tree(at("t"), &e);
        _exit(r == -EXDEV && file_exists(at("keep/precious")) ? 0 : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == 77)
        skip();
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void check_path(char *got, const char *want)
{
    assert_non_null(got);
    assert_string_equal(got, want);
    free(got);
}

static void test_paths(void **state)
{
    (void)state;
    check_path(path_join("a", "b"), "a/b");
    check_path(path_join("a/", "/b"), "a/b");
    check_path(path_join("/", "b"), "/b");
    check_path(path_join("", "b"), "b");
    check_path(path_format("%d-%s", 3, "x"), "3-x");
    setenv("BELLJAR_CACHE", "/c", 1);
    setenv("XDG_CACHE_HOME", "/x", 1);
    check_path(path_cache_dir(), "/c");
    unsetenv("BELLJAR_CACHE");
    check_path(path_cache_dir(), "/x/belljar");
    setenv("XDG_CACHE_HOME", "relative", 1); /* to be ignored */
    setenv("HOME", "/h", 1);
    check_path(path_cache_dir(), geteuid() == 0 ? "/var/cache/belljar" : "/h/.cache/belljar");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("XDG_DATA_HOME");
    unsetenv("BELLJAR_DATA");
    check_path(path_data_dir(), geteuid() == 0 ? "/var/lib/belljar" : "/h/.local/share/belljar");
    setenv("BELLJAR_SHARE", "/s", 1);
    check_path(path_share_dir(), "/s");
    unsetenv("BELLJAR_SHARE");
    char *share = path_share_dir();
    assert_non_null(share);
    assert_int_equal(share[0], '/');
    free(share);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(test_read_caps),
        T(test_write_atomic),
        T(test_mkdirs),
        T(test_copy),
        T(test_remove_does_not_follow_links),
        T(test_remove_deep),
        T(test_remove_against_swaps),
        T(test_remove_stops_at_mounts),
        T(test_paths),
    };
    return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
