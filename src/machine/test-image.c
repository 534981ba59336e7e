/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Recipes, their hash, and the building of images with recipes that take no time. */
#include "machine/image-private.h"
#include "machine/recipe.h"
#include "os/file.h"
#include "os/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static char root[64];

static const char recipe_text[] = "# a comment\n title = Tiny (test)\nsuite=none\nmemory_mib = 256\ncpus = 1\n";
static const char good_build[] = "#!/bin/sh\nset -e\necho 'step: begin' >&2\nprintf 'QFI\\373disk' >\"$1/disk.qcow2\"\n"
                                 "printf '\\177ELFkernel' >\"$1/vmlinuz\"\necho 'step: end' >&2\n";

static void write_file(const char *name, const char *text, mode_t mode)
{
    char path[256];
    struct err e;

    snprintf(path, sizeof(path), "%s/images/tiny/%s", root, name);
    assert_int_equal(file_write_atomic(path, text, strlen(text), (int)mode, &e), 0);
}

static int setup(void **state)
{
    char path[256];
    struct err e;

    (void)state;
    snprintf(root, sizeof(root), "/tmp/belljar-test-XXXXXX");
    assert_non_null(mkdtemp(root));
    snprintf(path, sizeof(path), "%s/images/tiny/files/etc", root);
    assert_int_equal(file_mkdirs(path, 0755, &e), 0);
    setenv("BELLJAR_SHARE", root, 1);
    snprintf(path, sizeof(path), "%s/cache", root);
    setenv("BELLJAR_CACHE", path, 1);
    snprintf(path, sizeof(path), "%s/images/tiny/build", root);
    setenv("BELLJAR_AGENT", path, 1); /* any file will do */
    write_file("recipe", recipe_text, 0644);
    write_file("build", good_build, 0755);
    write_file("files/etc/hostname", "tiny\n", 0644);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    return file_remove_tree(root, NULL);
}

static void hash_of(char ret[SHA256_HEX])
{
    struct recipe r;
    struct err e;

    assert_int_equal(recipe_load("tiny", &r, &e), 0);
    memcpy(ret, r.hash, SHA256_HEX);
    recipe_clear(&r);
}

static void hash_covers_everything(void **state)
{
    char first[SHA256_HEX], other[SHA256_HEX], path[256], path2[256];
    (void)state;

    hash_of(first);
    hash_of(other);
    assert_string_equal(first, other);
    write_file("files/etc/hostname", "tinY\n", 0644); /* a byte */
    hash_of(other);
    assert_string_not_equal(first, other);
    write_file("files/etc/hostname", "tiny\n", 0755); /* the execute bit */
    hash_of(other);
    assert_string_not_equal(first, other);
    write_file("files/etc/hostname", "tiny\n", 0644);
    hash_of(other);
    assert_string_equal(first, other);
    snprintf(path, sizeof(path), "%s/images/tiny/files/etc/hostname", root);
    snprintf(path2, sizeof(path2), "%s/images/tiny/files/etc/hostnamf", root);
    assert_int_equal(rename(path, path2), 0); /* a name */
    hash_of(other);
    assert_string_not_equal(first, other);
    assert_int_equal(rename(path2, path), 0);
    assert_int_equal(symlink("/etc/passwd", path2), 0); /* what cannot be hashed is refused */
    struct recipe r;
    struct err e;
    assert_int_equal(recipe_load("tiny", &r, &e), ERR_UNSUPPORTED);
    assert_int_equal(unlink(path2), 0);
}

static void bad_recipes(void **state)
{
    static const struct {
        const char *text;
        const char *word;
    } cases[] = {
        {"title = x\nsuite = y\nmemory_mib = many\n", "line 3"},
        {"title = x\nsuite = y\nmemory_mib = 99999999\n", "line 3"},
        {"title = x\nwhat = y\n", "unknown key \"what\""},
        {"title\n", "line 1"},
        {"title = x\n", "must be there"},
        {"title =\n", "line 1"},
    };
    struct recipe r;
    struct err e;
    (void)state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        write_file("recipe", cases[i].text, 0644);
        assert_int_equal(recipe_load("tiny", &r, &e), ERR_FORMAT);
        assert_non_null(strstr(e.text, cases[i].word));
    }
    write_file("recipe", recipe_text, 0644);
    assert_int_equal(recipe_load("nothere", &r, &e), ERR_MISSING);
    static const char *const names[] = {"", "../tiny", "Tiny", ".tiny", "a/b", "-x"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_int_equal(recipe_load(names[i], &r, &e), ERR_USAGE);
}

static unsigned steps;

static void count(void *context, const char *step, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    steps += !strcmp(step, "begin") || !strcmp(step, "end");
}

static const struct image_work counted = {.progress = count};

static void builds_once(void **state)
{
    struct image i;
    struct err e;
    struct stat st;
    (void)state;

    assert_int_equal(image_find("tiny", &i, &e), 0);
    assert_false(i.built);
    image_clear(&i);
    steps = 0;
    assert_int_equal(image_build("tiny", &counted, &i, &e), 0);
    assert_int_equal(steps, 2);
    assert_true(i.built);
    assert_string_equal(i.title, "Tiny (test)");
    assert_int_equal(stat(i.disk, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0444);
    assert_int_equal(image_initrd_ensure(&i, &e), 0);
    assert_true(file_exists(i.initrd));
    image_clear(&i);
    assert_int_equal(image_build("tiny", &counted, &i, &e), 0); /* nothing to do */
    assert_int_equal(steps, 2);
    image_clear(&i);
    assert_int_equal(image_remove("tiny", &e), 0);
    assert_int_equal(image_find("tiny", &i, &e), 0);
    assert_false(i.built);
    image_clear(&i);
}

static unsigned entries(const char *word)
{
    char path[256];
    unsigned n = 0;

    snprintf(path, sizeof(path), "%s/cache/images", root);
    DIR *d = opendir(path);
    for (struct dirent *entry; d && (entry = readdir(d));)
        n += strstr(entry->d_name, word) != NULL;
    if (d)
        closedir(d);
    return n;
}

static void failures_tell_and_leave_nothing(void **state)
{
    struct image i;
    struct err e;
    (void)state;

    write_file("build", "#!/bin/sh\nprintf x >\"$1/disk.qcow2\"\necho 'error: no mirror answers' >&2\nexit 3\n", 0755);
    assert_true(image_build("tiny", NULL, &i, &e) < 0);
    assert_non_null(strstr(e.text, "no mirror answers"));
    assert_non_null(strstr(e.text, ".failed.log"));
    assert_int_equal(entries(".tmp-"), 0);
    write_file("build", "#!/bin/sh\nprintf x >\"$1/disk.qcow2\"\nprintf nokernel >\"$1/vmlinuz\"\n", 0755);
    assert_int_equal(image_build("tiny", NULL, &i, &e), ERR_TRUNCATED);
    assert_int_equal(entries(".tmp-"), 0);
    write_file("build", good_build, 0755);
}

/* kill -9 in the middle: nothing is taken for whole, and the next one cleans up. */
static void killed_builder_leaves_no_image(void **state)
{
    static const char slow[] = "#!/bin/sh\nprintf 'QFI' >\"$1/disk.qcow2\"\nprintf '\\177ELFkernel' >\"$1/vmlinuz\"\n"
                               "[ -e \"$BELLJAR_SHARE/second\" ] && exit 0\nsleep 60\n";
    struct image i;
    struct err e;
    char second[256];
    (void)state;

    write_file("build", slow, 0755);
    pid_t pid = fork();
    if (pid == 0)
        _exit(image_build("tiny", NULL, &i, &e) == 0);
    for (int n = 0; n < 500 && !entries(".tmp-"); n++)
        poll(NULL, 0, 10);
    poll(NULL, 0, 200);
    assert_int_equal(entries(".tmp-"), 1);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(image_find("tiny", &i, &e), 0);
    assert_false(i.built);
    image_clear(&i);
    snprintf(second, sizeof(second), "%s/second", root);
    assert_int_equal(file_write_atomic(second, "", 0, 0644, &e), 0);
    assert_int_equal(image_build("tiny", NULL, &i, &e), 0);
    assert_true(i.built);
    assert_int_equal(entries(".tmp-"), 0);
    image_clear(&i);
}

static volatile int stop_now;

static void stop_soon(void *context, const char *step, uint64_t done, uint64_t total)
{
    (void)context;
    (void)done;
    (void)total;
    if (!strcmp(step, "slow"))
        stop_now = 1;
}

/* Asked to stop: the recipe's program and its children end, no half image, no log of a failure stays. */
static void stopped_build_leaves_nothing(void **state)
{
    static const char *const builds[] = {
        "#!/bin/sh\necho $$ >\"$BELLJAR_SHARE/pid\"\nprintf x >\"$1/disk.qcow2\"\necho 'step: slow' >&2\nsleep 60\n",
        /* hears of no signal but the last one; its child holds the pipe */
        "#!/bin/sh\ntrap '' TERM INT\necho $$ >\"$BELLJAR_SHARE/pid\"\necho 'step: slow' >&2\nsleep 60 & sleep 60\n"};
    const struct image_work w = {.progress = stop_soon, .stop = &stop_now};
    char path[256], text[32] = "";
    struct image i;
    struct err e;
    (void)state;

    for (size_t k = 0; k < sizeof(builds) / sizeof(builds[0]); k++) {
        assert_int_equal(image_remove("tiny", NULL), 0);
        unsigned logs = entries(".failed.log");
        stop_now = 0;
        write_file("build", builds[k], 0755);
        assert_int_equal(image_build("tiny", &w, &i, &e), -ECANCELED);
        assert_int_equal(entries(".tmp-"), 0);
        assert_int_equal(entries(".failed.log"), logs);
        assert_int_equal(image_find("tiny", &i, &e), 0);
        assert_false(i.built);
        image_clear(&i);
        snprintf(path, sizeof(path), "%s/pid", root);
        int fd = open(path, O_RDONLY);
        assert_true(fd >= 0 && read(fd, text, sizeof(text) - 1) > 0);
        close(fd);
        assert_int_equal(kill(atoi(text), 0), -1);
    }
    write_file("build", good_build, 0755);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_covers_everything),
        cmocka_unit_test(bad_recipes),
        cmocka_unit_test(builds_once),
        cmocka_unit_test(failures_tell_and_leave_nothing),
        cmocka_unit_test(killed_builder_leaves_no_image),
        cmocka_unit_test(stopped_build_leaves_nothing),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
