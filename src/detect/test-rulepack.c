/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rule packs: archives of all kinds, honest and hostile; versions; what a killed command leaves. */
#include "detect/rulefetch.h"
#include "detect/rulepack.h"
#include "detect/unpack.h"
#include "jail/jail.h"
#include "os/file.h"

#include <archive.h>
#include <archive_entry.h>
#include <arpa/inet.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RULE(id)                                                                                                       \
    "id: " id "\ntitle: T\ncategory: Networking\nseverity: high\npoints: 20\nplatforms: [linux]\nlicense: MIT\n"       \
    "event: net.connect\n"

static char data_dir[] = "/tmp/belljar-test-packs-XXXXXX";

/* ---- archives ---------------------------------------------------------------------------------------------------- */

struct member {
    const char *name, *text;
    const char *link; /* a symbolic link */
};

static size_t archive_make(const char *format, const char *filter, const struct member *m, void *to, size_t room)
{
    struct archive *a = archive_write_new();
    size_t used = 0;
    assert_int_equal(archive_write_set_format_by_name(a, format), ARCHIVE_OK);
    if (filter)
        assert_int_equal(archive_write_add_filter_by_name(a, filter), ARCHIVE_OK);
    assert_int_equal(archive_write_open_memory(a, to, room, &used), ARCHIVE_OK);
    for (; m->name; m++) {
        struct archive_entry *e = archive_entry_new();
        size_t n = m->text ? strlen(m->text) : 0;
        archive_entry_set_pathname(e, m->name);
        archive_entry_set_mode(e, (m->link ? AE_IFLNK : AE_IFREG) | 0644);
        archive_entry_set_size(e, (la_int64_t)n);
        if (m->link)
            archive_entry_set_symlink(e, m->link);
        assert_int_equal(archive_write_header(a, e), ARCHIVE_OK);
        if (n)
            assert_int_equal(archive_write_data(a, m->text, n), (la_ssize_t)n);
        archive_entry_free(e);
    }
    archive_write_close(a);
    archive_write_free(a);
    return used;
}

static int memory_fd(const void *p, size_t n)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(file_write_all(fd, p, n), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* Through the jailed role. */
static int unpack_text(const void *p, size_t n, struct buf *ret, struct unpack_stats *stats, struct err *e)
{
    int fd = memory_fd(p, n);
    int rc = unpack_fd(fd, ret, stats, e);
    close(fd);
    return rc;
}

static void archives_of_all_kinds_are_unpacked(void **state)
{
    static const struct {
        const char *format, *filter;
    } t[] = {{"pax", NULL},   {"ustar", "gzip"}, {"pax", "xz"},   {"gnutar", "bzip2"},
             {"pax", "zstd"}, {"zip", NULL},     {"v7tar", NULL}, {"pax", "gzip"}};
    static const struct member m[] = {{"./top/a.yml", RULE("a.a"), NULL},
                                      {"top/b.yaml", RULE("b.b"), NULL},
                                      {"top/LICENSE", "The Licence\nmore\n", NULL},
                                      {"top/picture.png", "no", NULL},
                                      {"top/.github/x.yml", "no", NULL},
                                      {"top/link.yml", NULL, "/etc/passwd"},
                                      {0}};
    static char bytes[1 << 20];
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        struct unpack_stats stats;
        struct ruletexts texts;
        struct err e = {0};
        struct buf b;
        size_t n = archive_make(t[i].format, t[i].filter, m, bytes, sizeof(bytes));
        if (unpack_text(bytes, n, &b, &stats, &e) < 0)
            fail_msg("%s %s: %s", t[i].format, t[i].filter ? t[i].filter : "", e.text);
        assert_int_equal(ruletexts_read(buf_str(&b), &texts, &e), 0);
        ruletexts_sort(&texts);
        assert_int_equal(texts.count, 3);
        assert_true(str_eqz(texts.items[1].name, "top/a.yml"));
        assert_true(str_eqz(texts.items[1].text, RULE("a.a")));
        assert_int_equal(stats.kept, 3);
        assert_int_equal(stats.left_out, 3);
        assert_int_equal(stats.links, 1);
        ruletexts_free(&texts);
        buf_free(&b);
    }
}

static void hostile_archives_are_refused(void **state)
{
    static const struct {
        struct member m[3];
        const char *says;
    } t[] = {
        {{{"../a.yml", "x", NULL}}, "leads outside"},
        {{{"a/../../b.yml", "x", NULL}}, "leads outside"},
        {{{"/etc/cron.d/a.yml", "x", NULL}}, "leads outside"},
        {{{"ok.yml", "x", NULL}, {"a/..", "x", NULL}}, "leads outside"},
    };
    static char bytes[1 << 20];
    struct unpack_stats stats;
    struct err e = {0};
    struct buf b = {0};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        size_t n = archive_make("pax", "gzip", t[i].m, bytes, sizeof(bytes));
        assert_true(unpack_text(bytes, n, &b, &stats, &e) < 0);
        assert_non_null(strstr(e.text, t[i].says));
    }
    /* Nothing, noise, and every cut of a good one. */
    struct member good[] = {{"a.yml", RULE("a.a"), NULL}, {"b.yml", RULE("b.b"), NULL}, {0}};
    size_t n = archive_make("pax", "gzip", good, bytes, sizeof(bytes));
    for (size_t cut = 0; cut < n; cut++) {
        buf_init(&b, UNPACK_TOTAL_MAX);
        e = (struct err){0};
        int rc = unpack_archive(bytes, cut, rulekind_file, &b, &stats, &e);
        assert_true(rc == 0 || e.text[0]);
        if (cut < n / 2)
            assert_true(rc < 0);
        buf_free(&b);
    }
    assert_true(unpack_text("", 0, &b, &stats, &e) < 0);
    assert_true(unpack_text("no archive at all", 17, &b, &stats, &e) < 0);
}

/* A small archive that is large inside. */
static void bombs_are_stopped(void **state)
{
    static char bytes[4 << 20];
    char *zeros = calloc(1, UNPACK_FILE_MAX + 2);
    struct member one[] = {{"a.yml", zeros, NULL}, {0}};
    struct unpack_stats stats;
    struct err e = {0};
    struct buf b = {0};
    (void)state;
    assert_non_null(zeros);
    memset(zeros, ' ', UNPACK_FILE_MAX + 1);
    size_t n = archive_make("pax", "xz", one, bytes, sizeof(bytes));
    assert_true(n < 64 << 10);
    assert_true(unpack_text(bytes, n, &b, &stats, &e) < 0);
    assert_non_null(strstr(e.text, "larger than"));
    /* Thirty files that are just small enough. */
    struct member many[31] = {{0}};
    char names[30][16];
    zeros[7 << 20] = '\0';
    for (int i = 0; i < 30; i++) {
        snprintf(names[i], sizeof(names[i]), "%d.yml", i);
        many[i] = (struct member){names[i], zeros, NULL};
    }
    n = archive_make("pax", "xz", many, bytes, sizeof(bytes));
    assert_true(unpack_text(bytes, n, &b, &stats, &e) < 0);
    assert_non_null(strstr(e.text, "bytes of files"));
    free(zeros);
}

static void names_are_tidied(void **state)
{
    static const struct {
        const char *name, *tidy; /* NULL: refused */
    } t[] = {{"a.yml", "a.yml"}, {"./a//b/./c.yml", "a/b/c.yml"},
             {"/a", NULL},       {"..", NULL},
             {"a/../b", NULL},   {"", NULL},
             {"./", NULL},       {".x", NULL},
             {"a\\b", NULL},     {"a\nb", NULL},
             {"a/b\x7f", NULL},  {"\xc3\xa4.yml", "\xc3\xa4.yml"}};
    char tidy[UNPACK_NAME_MAX + 1], *deep = calloc(1, 4000);
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        int rc = unpack_name(str_from(t[i].name), tidy);
        if ((rc == 0) != (t[i].tidy != NULL) || (rc == 0 && strcmp(tidy, t[i].tidy) != 0))
            fail_msg("'%s': %d '%s'", t[i].name, rc, rc == 0 ? tidy : "");
    }
    memset(deep, 'a', 300);
    assert_true(unpack_name(str_from(deep), tidy) < 0); /* no such file on most disks */
    for (int i = 0; i < 60; i++)
        memcpy(deep + 2 * i, "a/", 2);
    deep[120] = 0;
    assert_true(unpack_name(str_from(deep), tidy) < 0);
    free(deep);
}

/* ---- texts ------------------------------------------------------------------------------------------------------- */

static void torn_texts_are_refused(void **state)
{
    struct ruletexts texts;
    struct buf b;
    struct err e;
    (void)state;
    buf_init(&b, 1 << 20);
    ruletexts_add(&b, &(struct ruletext){0, 100, STR_LIT("a"), STR_LIT("text")});
    ruletexts_add(&b, &(struct ruletext){RULETEXT_OFF, 0, STR_LIT("id"), STR_NONE});
    size_t first = 4 * 4 + 1 + 4;
    for (size_t n = 0; n <= b.len; n++) {
        int rc = ruletexts_read((struct str){(const char *)b.data, n}, &texts, &e);
        assert_true((rc == 0) == (n == 0 || n == first || n == b.len));
        if (rc == 0)
            ruletexts_free(&texts);
    }
    buf_clear(&b);
    ruletexts_add(&b, &(struct ruletext){0, 101, STR_LIT("a"), STR_NONE});
    assert_int_equal(ruletexts_read(buf_str(&b), &texts, &e), ERR_FORMAT);
    buf_clear(&b);
    ruletexts_add(&b, &(struct ruletext){0, 100, STR_LIT("a\0b"), STR_NONE});
    assert_int_equal(ruletexts_read(buf_str(&b), &texts, &e), ERR_FORMAT);
    buf_free(&b);
}

/* ---- packs ------------------------------------------------------------------------------------------------------- */

static int pack_put(const char *name, const char *rule, bool *same, struct err *e)
{
    struct rulepacks p;
    struct rulepack *k;
    struct ruletext items[] = {{0, 100, STR_LIT("x/a.yml"), str_from(rule)},
                               {RULETEXT_NONE, 100, STR_LIT("LICENSE"), STR_LIT("\n  Free Licence 2\nmore")},
                               {RULETEXT_NONE, 100, STR_LIT("other.txt"), STR_LIT("no")}};
    struct ruletexts t = {items, 3};
    struct rulepack_new n = {name, "/somewhere", rulekind_find("behavior"), 50, 1, 0};
    int rc = rulepacks_change(&p, e);
    if (rc == 0)
        rc = rulepacks_store(&p, &n, &t, &k, same, e);
    if (rc == 0) {
        assert_int_equal(k->files, 1);
        assert_string_equal(k->licences, "Free Licence 2; MIT");
    }
    rulepacks_clear(&p);
    return rc;
}

struct seen {
    unsigned files, off, weight;
    char text[400];
};

static int see_file(void *context, const struct ruletext *t)
{
    struct seen *s = context;
    if (str_starts(t->name, STR_LIT("mine/"))) {
        s->files++;
        s->weight = t->weight;
        snprintf(s->text, sizeof(s->text), "%.*s", STR_ARG(t->text));
    }
    return 0;
}

static int see_off(void *context, const char *id)
{
    struct seen *s = context;
    assert_string_equal(id, "a.b");
    s->off++;
    return 0;
}

static struct seen collect(void)
{
    struct seen s = {0};
    struct rulepacks_reader r = {see_file, see_off, &s};
    struct err e = {0};
    if (rulepacks_collect(rulekind_find("behavior"), &r, &e) < 0)
        fail_msg("%s", e.text);
    return s;
}

static char *version_now(const char *name, size_t *older)
{
    struct rulepacks p;
    struct err e;
    assert_int_equal(rulepacks_open(&p, &e), 0);
    struct rulepack *k = rulepacks_find(&p, name);
    char *v = k ? strdup(k->version) : NULL;
    *older = k ? k->nolder : 0;
    rulepacks_clear(&p);
    return v;
}

static void versions_come_and_go(void **state)
{
    struct rulepacks p;
    struct err e = {0};
    bool same;
    size_t older;
    (void)state;
    assert_int_equal(collect().files, 0);
    assert_int_equal(pack_put("mine", RULE("a.one"), &same, &e), 0);
    assert_false(same);
    struct seen s = collect();
    assert_int_equal(s.files, 1);
    assert_int_equal(s.weight, 50);
    assert_string_equal(s.text, RULE("a.one"));
    assert_int_equal(pack_put("mine", RULE("a.one"), &same, &e), 0);
    assert_true(same);
    char *first = version_now("mine", &older);
    assert_int_equal(older, 0);
    assert_int_equal(pack_put("mine", RULE("a.two"), &same, &e), 0);
    assert_string_equal(collect().text, RULE("a.two"));
    char *second = version_now("mine", &older);
    assert_int_equal(older, 1);
    assert_int_equal(pack_put("mine", RULE("a.one"), &same, &e), 0); /* back: its files are still there */
    assert_string_equal(collect().text, RULE("a.one"));
    char *third = version_now("mine", &older);
    assert_string_equal(third, first);
    assert_int_equal(older, 1);
    assert_int_equal(rulepacks_change(&p, &e), 0);
    assert_int_equal(rulepacks_remove(&p, "mine", first, &e), ERR_CONFLICT);
    assert_int_equal(rulepacks_remove(&p, "mine", "0123456789abcdef", &e), ERR_MISSING);
    assert_int_equal(rulepacks_remove(&p, "other", NULL, &e), ERR_MISSING);
    assert_int_equal(rulepacks_remove(&p, "mine", second, &e), 0);
    assert_int_equal(rulepacks_set_off(&p, "a.b", true, &e), 0);
    assert_int_equal(rulepacks_set_off(&p, "a.b", true, &e), ERR_CONFLICT);
    char *longest = calloc(1, RULETEXTS_NAME_MAX + 2);
    memset(longest, 'x', RULETEXTS_NAME_MAX + 1); /* one more byte than an engine reads */
    assert_int_equal(rulepacks_set_off(&p, longest, true, &e), ERR_LIMIT);
    free(longest);
    assert_int_equal(rulepacks_save(&p, &e), 0);
    rulepacks_clear(&p);
    assert_int_equal(collect().off, 1);
    assert_int_equal(rulepacks_change(&p, &e), 0);
    rulepacks_find(&p, "mine")->enabled = false;
    assert_int_equal(rulepacks_set_off(&p, "a.b", false, &e), 0);
    assert_int_equal(rulepacks_save(&p, &e), 0);
    rulepacks_clear(&p);
    assert_int_equal(collect().files, 0);
    assert_int_equal(rulepacks_change(&p, &e), 0);
    assert_int_equal(rulepacks_remove(&p, "mine", NULL, &e), 0);
    assert_int_equal(p.count, 0);
    rulepacks_clear(&p);
    char *dir = path_format("%s/rules/packs/mine", data_dir);
    assert_false(file_exists(dir));
    free(dir);
    free(first);
    free(second);
    free(third);
}

/* A child puts versions one after the other and is killed at any moment: a reader always sees a whole one. */
static void a_killed_command_leaves_a_whole_version(void **state)
{
    struct err e = {0};
    bool same;
    size_t older;
    (void)state;
    assert_int_equal(pack_put("mine", RULE("a.zero"), &same, &e), 0);
    for (unsigned i = 0; i < 12; i++) {
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            for (unsigned k = 0;; k = (k + 1) % 8) {
                char rule[400];
                snprintf(rule, sizeof(rule), RULE("a.v%u"), k);
                struct err bad;
                pack_put("mine", rule, &same, &bad);
            }
        }
        usleep(1000 + i * 1500);
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        struct seen s = collect();
        assert_int_equal(s.files, 1);
        assert_non_null(strstr(s.text, "event: net.connect"));
    }
    assert_int_equal(pack_put("mine", RULE("a.last"), &same, &e), 0); /* and removes what was left */
    free(version_now("mine", &older));
    char *dir = path_format("%s/rules/packs/mine", data_dir), *find = path_format("%s/.new-", dir);
    char *command = path_format("ls -A '%s' | wc -l", dir);
    FILE *f = popen(command, "r");
    unsigned n = 0;
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%u", &n), 1);
    pclose(f);
    assert_int_equal(n, older + 1);
    free(command);
    free(find);
    free(dir);
}

static void a_damaged_index_is_refused(void **state)
{
    static const char *const t[] = {
        "",
        "{",
        "[]",
        "{\"packs\": 1}",
        "{\"packs\": [{\"name\": \"../x\", \"kind\": \"behavior\", \"version\": "
        "\"0123456789abcdef\"}]}",
        "{\"packs\": [{\"name\": \"x\", \"kind\": \"behavior\", \"version\": \"../../../etc\"}]}",
        "{\"packs\": [{\"name\": \"x\", \"kind\": \"rain\", \"version\": "
        "\"0123456789abcdef\"}]}",
        "{\"packs\": [], \"off\": [1]}"};
    char *path = path_format("%s/rules/index.json", data_dir);
    struct rulepacks p;
    struct err e;
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        assert_int_equal(file_write_atomic(path, t[i], strlen(t[i]), 0600, NULL), 0);
        e.text[0] = '\0';
        if (rulepacks_open(&p, &e) >= 0)
            fail_msg("taken: %s", t[i]);
        assert_non_null(strstr(e.text, "index.json"));
    }
    unlink(path);
    free(path);
}

static void names_of_packs(void **state)
{
    static const struct {
        const char *source, *name;
    } t[] = {{"/a/sigma-2.1.tar.xz", "sigma-2.1"},
             {"https://x.example/y/Rules.ZIP?z=1/2", "rules"},
             {"/a/my rules/", "my-rules"},
             {"/a/x.yml", "x"},
             {"/a/\xc3\xa4.zip", NULL},
             {"/", NULL},
             {"/a/.hidden.zip", NULL}};
    (void)state;
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char *n = rulepack_name_from(t[i].source);
        if (t[i].name ? !n || strcmp(n, t[i].name) != 0 : n != NULL)
            fail_msg("%s: %s", t[i].source, n ? n : "none");
        free(n);
    }
}

/* ---- http -------------------------------------------------------------------------------------------------------- */

static int server_fd;

/* Answers each connection with the answer that its path names. */
static void *serve(void *context)
{
    (void)context;
    for (;;) {
        char request[2000] = "";
        int fd = accept(server_fd, NULL, NULL);
        if (fd < 0)
            return NULL;
        if (read(fd, request, sizeof(request) - 1) > 0) {
            const char *answer = "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
            if (strstr(request, "GET /good"))
                answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
            else if (strstr(request, "GET /away"))
                answer = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/elsewhere\r\nContent-Length: 0\r\n\r\n";
            else if (strstr(request, "GET /long"))
                answer = "HTTP/1.1 200 OK\r\n\r\nthis is more than was allowed, and the length was not told";
            else if (strstr(request, "GET /torn"))
                answer = "HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\nhalf";
            else if (strstr(request, "GET /empty"))
                answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
            file_write_all(fd, answer, strlen(answer));
        }
        close(fd);
    }
}

static void only_what_was_asked_for_is_fetched(void **state)
{
    static const struct {
        const char *path, *says; /* NULL: fine */
    } t[] = {{"good", NULL},           {"away", "elsewhere"}, {"long", "larger than"},
             {"torn", "cannot fetch"}, {"empty", "is empty"}, {"other", "404"}};
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    pthread_t thread;
    (void)state;
    unsetenv("http_proxy");
    server_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(server_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    assert_int_equal(listen(server_fd, 8), 0);
    assert_int_equal(getsockname(server_fd, (struct sockaddr *)&a, &n), 0);
    assert_int_equal(pthread_create(&thread, NULL, serve, NULL), 0);
    for (size_t i = 0; i < sizeof(t) / sizeof(t[0]); i++) {
        char *url = path_format("http://127.0.0.1:%u/%s", ntohs(a.sin_port), t[i].path);
        struct err e = {0};
        int fd = memory_fd("", 0), rc = rulefetch_to_fd(url, 20, fd, &e);
        char text[32] = "";
        if ((rc == 0) != !t[i].says || (rc < 0 && !strstr(e.text, t[i].says)))
            fail_msg("%s: %d %s", t[i].path, rc, e.text);
        if (rc == 0) {
            assert_int_equal(read(fd, text, sizeof(text)), 5);
            assert_string_equal(text, "hello");
        }
        close(fd);
        free(url);
    }
    static const char *const never[] = {"file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x",
                                        "http://127.0.0.1:1/refused"};
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++) {
        struct err e = {0};
        int fd = memory_fd("", 0);
        assert_true(rulefetch_to_fd(never[i], 20, fd, &e) < 0);
        assert_non_null(strstr(e.text, never[i]));
        close(fd);
    }
    assert_true(rulefetch_is_url("https://x"));
    assert_false(rulefetch_is_url("/a://b"));
    shutdown(server_fd, SHUT_RDWR);
    close(server_fd);
    pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
    static const struct role *const roles[] = {&unpack_role, NULL};
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(archives_of_all_kinds_are_unpacked),
        cmocka_unit_test(hostile_archives_are_refused),
        cmocka_unit_test(bombs_are_stopped),
        cmocka_unit_test(names_are_tidied),
        cmocka_unit_test(torn_texts_are_refused),
        cmocka_unit_test(names_of_packs),
        cmocka_unit_test(versions_come_and_go),
        cmocka_unit_test(a_killed_command_leaves_a_whole_version),
        cmocka_unit_test(a_damaged_index_is_refused),
        cmocka_unit_test(only_what_was_asked_for_is_fetched),
    };
    int r = role_main(argc, argv, roles);
    if (r >= 0)
        return r;
    if (!mkdtemp(data_dir) || setenv("BELLJAR_DATA", data_dir, 1) < 0)
        return 1;
    r = cmocka_run_group_tests(tests, NULL, NULL);
    file_remove_tree(data_dir, NULL);
    return r;
}
