/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/store.h"

#include "os/file.h"
#include "store/migrations.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct fixture {
    char dir[64];
    struct store *s;
    int64_t admin, ann, bob, guest;
};

static struct viewer as(int64_t account, enum account_role role)
{
    return (struct viewer){.account = account, .role = role, .write = true, .sees_public = true};
}

static int64_t person(struct store *s, const char *name, enum account_role role)
{
    int64_t id = 0;
    struct err e = {0};
    assert_int_equal(account_create(s, name, "", role, &id, &e), 0);
    return id;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e = {0};

    snprintf(f->dir, sizeof(f->dir), "/tmp/belljar-store-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    if (store_open(f->dir, &f->s, &e) < 0)
        fail_msg("%s", e.text);
    f->admin = person(f->s, "Admin", ROLE_ADMIN);
    f->ann = person(f->s, "ann", ROLE_ANALYST);
    f->bob = person(f->s, "bob", ROLE_ANALYST);
    f->guest = person(f->s, "guest", ROLE_VIEWER);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    store_close(&f->s);
    file_remove_tree(f->dir, NULL);
    free(f);
    return 0;
}

static struct submission_new simple(int64_t account, const char *visibility, const char *name)
{
    static const struct str systems[] = {{"debian13", 8}};
    return (struct submission_new){
        .account = account,
        .visibility = visibility,
        .kind = "file",
        .name = str_from(name),
        .target = STR_LIT(""),
        .comments = STR_LIT(""),
        .options = STR_LIT("{}"),
        .systems = systems,
        .nsystems = 1,
        .priority = 5,
        .md5 = "d41d8cd98f00b204e9800998ecf8427e",
        .folder = "cases/x",
    };
}

static int64_t submit(struct fixture *f, const struct submission_new *n, int64_t *ret_analysis)
{
    int64_t id = 0, analysis = 0;
    struct err e = {0};
    if (submission_create(f->s, n, &id, &analysis, &e) < 0)
        fail_msg("%s", e.text);
    if (ret_analysis)
        *ret_analysis = analysis;
    return id;
}

static void test_account(void **state)
{
    struct fixture *f = *state;
    struct account a;
    int64_t id;
    static const char *const bad[] = {"", "a b", "<script>", "x/y", "\xff", "'; DROP TABLE account; --"};

    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
        assert_int_equal(account_create(f->s, bad[i], "", ROLE_VIEWER, &id, NULL), ERR_USAGE);
    assert_int_equal(account_create(f->s, "ANN", "", ROLE_VIEWER, &id, NULL), ERR_CONFLICT);
    assert_int_equal(account_find(f->s, "aDmin", &a, NULL), 0);
    assert_int_equal(a.id, f->admin);
    assert_false(a.has_password);
    /* The last administrator stays. */
    a.role = ROLE_VIEWER;
    assert_int_equal(account_update(f->s, &a, NULL), ERR_CONFLICT);
    a.role = ROLE_ADMIN;
    a.active = false;
    assert_int_equal(account_update(f->s, &a, NULL), ERR_CONFLICT);
}

static void test_password(void **state)
{
    struct fixture *f = *state;
    struct account a;

    assert_int_equal(account_password_set(f->s, f->ann, "short", NULL), ERR_USAGE);
    assert_int_equal(account_login(f->s, "ann", "", &a, NULL), ERR_MISSING);
    assert_int_equal(account_password_set(f->s, f->ann, "correct horse", NULL), 0);
    assert_int_equal(account_login(f->s, "ann", "correct horse", &a, NULL), 0);
    assert_int_equal(a.id, f->ann);
    assert_int_equal(account_login(f->s, "nosuch", "correct horse", &a, NULL), ERR_MISSING);
    for (int i = 0; i < ACCOUNT_FAILURES_MAX; i++)
        assert_int_equal(account_login(f->s, "ann", "wrong horse", &a, NULL), ERR_MISSING);
    assert_int_equal(account_login(f->s, "ann", "correct horse", &a, NULL), ERR_LIMIT);
}

static int count_key(void *context, const struct account_key *k)
{
    int *n = context;
    assert_int_equal(k->hash.n, 64);
    ++*n;
    return 0;
}

static void test_key(void **state)
{
    struct fixture *f = *state;
    char key[STORE_SECRET_HEX], other[STORE_SECRET_HEX];
    struct viewer v;
    struct account a;
    int n = 0;

    assert_int_equal(account_key_create(f->s, f->ann, "one", "write", key, NULL), 0);
    assert_int_equal(account_key_create(f->s, f->ann, "two", "read", other, NULL), 0);
    assert_int_equal(account_key_create(f->s, f->ann, "bad", "all", other, NULL), ERR_USAGE);
    assert_int_equal(strlen(key), 64);
    assert_int_equal(account_key_check(f->s, str_from(key), &v, NULL), 0);
    assert_int_equal(v.account, f->ann);
    assert_true(v.write);
    assert_int_equal(account_key_check(f->s, str_from(other), &v, NULL), 0);
    assert_false(v.write);
    key[0] = key[0] == 'a' ? 'b' : 'a';
    assert_int_equal(account_key_check(f->s, str_from(key), &v, NULL), ERR_MISSING);
    assert_int_equal(account_key_check(f->s, STR_LIT(""), &v, NULL), ERR_MISSING);
    assert_int_equal(account_keys(f->s, f->ann, count_key, &n, NULL), 0);
    assert_int_equal(n, 2);
    /* A key of a viewer's account never writes; keys of a closed account are none. */
    assert_int_equal(account_key_create(f->s, f->guest, "g", "write", key, NULL), 0);
    assert_int_equal(account_key_check(f->s, str_from(key), &v, NULL), 0);
    assert_false(v.write);
    assert_int_equal(account_get(f->s, f->guest, &a, NULL), 0);
    a.active = false;
    assert_int_equal(account_update(f->s, &a, NULL), 0);
    assert_int_equal(account_key_check(f->s, str_from(key), &v, NULL), ERR_MISSING);
    assert_int_equal(account_key_revoke(f->s, f->ann, "%", NULL), ERR_USAGE);
    assert_int_equal(account_key_revoke(f->s, f->ann, "0123456789", NULL), ERR_MISSING);
}

static void test_session(void **state)
{
    struct fixture *f = *state;
    char token[STORE_SECRET_HEX], ticket[STORE_SECRET_HEX];
    struct session x;
    int64_t account = 0;

    assert_int_equal(session_create(f->s, f->ann, "127.0.0.1", 60, token, NULL), 0);
    assert_int_equal(session_check(f->s, str_from(token), &x, NULL), 0);
    assert_int_equal(x.viewer.account, f->ann);
    assert_int_equal(strlen(x.csrf), 64);
    assert_int_equal(account_password_set(f->s, f->ann, "a new password", NULL), 0);
    assert_int_equal(session_check(f->s, str_from(token), &x, NULL), ERR_MISSING);
    assert_int_equal(session_create(f->s, f->ann, "127.0.0.1", -1, token, NULL), 0);
    assert_int_equal(session_check(f->s, str_from(token), &x, NULL), ERR_MISSING);

    assert_int_equal(account_ticket_create(f->s, f->bob, "password", 60, ticket, NULL), 0);
    assert_int_equal(account_ticket_use(f->s, str_from(ticket), "mail", &account, NULL), ERR_MISSING);
    assert_int_equal(account_ticket_use(f->s, str_from(ticket), "password", &account, NULL), 0);
    assert_int_equal(account, f->bob);
    assert_int_equal(account_ticket_use(f->s, str_from(ticket), "password", &account, NULL), ERR_MISSING);
}

static int no_submission(void *context, const struct submission *x)
{
    (void)context;
    (void)x;
    return 0;
}

static int count_submission(void *context, const struct submission *x)
{
    (void)x;
    ++*(int *)context;
    return 0;
}

static int no_folder(void *context, struct str folder)
{
    (void)folder;
    ++*(int *)context;
    return 0;
}

/* Who sees what: rows of visibility, columns of people. */
static void test_visibility(void **state)
{
    struct fixture *f = *state;
    struct viewer ann = as(f->ann, ROLE_ANALYST), bob = as(f->bob, ROLE_ANALYST), admin = as(f->admin, ROLE_ADMIN);
    struct viewer nobody = {0}, reader = {.sees_public = true};
    int64_t team = 0;
    int folders = 0, n = 0;

    assert_int_equal(db_number(store_db(f->s), &team, NULL, "INSERT INTO team (name) VALUES ('soc') RETURNING id", ""),
                     0);
    assert_int_equal(
        db_run(store_db(f->s), NULL, "INSERT INTO team_member (team, account) VALUES ($1, $2)", "ii", team, f->bob), 1);
    static const struct {
        const char *visibility;
        bool bob, nobody, reader;
    } rows[] = {{"private", false, false, false}, {"team", true, false, false}, {"public", true, false, true}};
    for (size_t i = 0; i < 3; i++) {
        struct submission_new x = simple(f->ann, rows[i].visibility, "a.sh");
        x.team = team;
        int64_t id = submit(f, &x, NULL);
        assert_int_equal(submission_get(f->s, &ann, id, no_submission, NULL, NULL), 0);
        assert_int_equal(submission_get(f->s, &admin, id, no_submission, NULL, NULL), 0);
        assert_int_equal(submission_get(f->s, &bob, id, no_submission, NULL, NULL), rows[i].bob ? 0 : ERR_MISSING);
        assert_int_equal(submission_get(f->s, &nobody, id, no_submission, NULL, NULL),
                         rows[i].nobody ? 0 : ERR_MISSING);
        assert_int_equal(submission_get(f->s, &reader, id, no_submission, NULL, NULL),
                         rows[i].reader ? 0 : ERR_MISSING);
        /* To see is not to own. */
        assert_int_equal(submission_delete(f->s, &bob, id, no_folder, &folders, NULL), ERR_MISSING);
        assert_int_equal(submission_delete(f->s, &nobody, id, no_folder, &folders, NULL), ERR_MISSING);
    }
    assert_int_equal(folders, 0);
    assert_int_equal(submission_list(f->s, &bob, true, 0, 100, count_submission, &n, NULL), 0);
    assert_int_equal(n, 2);
    n = 0;
    assert_int_equal(submission_list(f->s, &bob, false, 0, 100, count_submission, &n, NULL), 0);
    assert_int_equal(n, 0);
    n = 0;
    assert_int_equal(submission_list(f->s, &ann, false, 0, 2, count_submission, &n, NULL), 0);
    assert_int_equal(n, 2);
}

static void test_quota(void **state)
{
    struct fixture *f = *state;
    struct submission_new x = simple(f->ann, "private", "a");
    struct viewer ann = as(f->ann, ROLE_ANALYST);
    struct account a;
    struct quota q;
    struct err e = {0};
    int64_t id, analysis;
    int folders = 0;

    assert_int_equal(account_get(f->s, f->ann, &a, NULL), 0);
    a.daily_limit = 2;
    assert_int_equal(account_update(f->s, &a, NULL), 0);
    id = submit(f, &x, NULL);
    submit(f, &x, NULL);
    assert_int_equal(submission_create(f->s, &x, &id, &analysis, &e), ERR_LIMIT);
    assert_non_null(strstr(e.text, "number of allowed submissions"));
    assert_non_null(strstr(e.text, "per day have been reached"));
    /* Deleting gives nothing back. */
    assert_int_equal(submission_delete(f->s, &ann, id, no_folder, &folders, NULL), 0);
    assert_int_equal(folders, 1);
    assert_int_equal(submission_create(f->s, &x, &id, &analysis, &e), ERR_LIMIT);
    assert_int_equal(account_quota(f->s, f->ann, &q, NULL), 0);
    assert_int_equal(q.daily_used, 2);
    assert_int_equal(q.monthly_used, 2);
}

static int check_analysis(void *context, const struct analysis *a)
{
    *(int64_t *)context = a->id;
    return 0;
}

static int count_analysis(void *context, const struct analysis *a)
{
    (void)a;
    ++*(int *)context;
    return 0;
}

static void test_job(void **state)
{
    struct fixture *f = *state;
    struct viewer ann = as(f->ann, ROLE_ANALYST);
    struct submission_new low = simple(f->ann, "private", "low"), high = simple(f->bob, "private", "high");
    struct job_result good = {.detection = "malicious", .score = 90, .yara = true};
    struct job j, k;
    int64_t a_low, a_high, found = 0;
    bool cancel = true;

    high.priority = 9;
    int64_t s_low = submit(f, &low, &a_low);
    submit(f, &high, &a_high);
    assert_int_equal(a_low, s_low + 1); /* one counter */
    assert_int_equal(job_waiting(f->s), 2);
    assert_int_equal(job_take(f->s, "w1", 60, &j, NULL), 1);
    assert_int_equal(j.analysis, a_high);
    assert_string_equal(j.system, "debian13");
    assert_int_equal(job_take(f->s, "w2", 60, &k, NULL), 1);
    assert_int_equal(k.analysis, a_low);
    assert_int_equal(job_take(f->s, "w2", 60, &k, NULL), 0);
    assert_int_equal(job_renew(f->s, j.id, "w1", 60, &cancel, NULL), 0);
    assert_false(cancel);
    assert_int_equal(job_renew(f->s, j.id, "w9", 60, &cancel, NULL), ERR_CONFLICT);
    assert_int_equal(job_done(f->s, j.id, "w9", &good, NULL), ERR_CONFLICT);
    assert_int_equal(job_done(f->s, j.id, "w1", &good, NULL), 0);
    assert_int_equal(job_done(f->s, j.id, "w1", &good, NULL), ERR_CONFLICT);
    /* w2 died: once more, then it is given up with a reason. */
    assert_int_equal(job_recover(f->s, "w2", NULL), 1);
    assert_int_equal(job_take(f->s, "w3", -1, &k, NULL), 1);
    assert_int_equal(k.tries, 2);
    assert_int_equal(job_recover(f->s, NULL, NULL), 0);
    assert_int_equal(job_take(f->s, "w3", 60, &k, NULL), 0);
    assert_int_equal(analysis_get(f->s, &ann, s_low, check_analysis, &found, NULL), 0);
    assert_int_equal(found, a_low);
    assert_int_equal(analysis_get(f->s, &ann, a_high, check_analysis, &found, NULL), ERR_MISSING);
}

static void test_fair(void **state)
{
    struct fixture *f = *state;
    struct submission_new x = simple(f->ann, "private", "x"), y = simple(f->bob, "private", "y");
    int64_t first, a, b;
    struct job j;

    submit(f, &x, &first);
    for (int i = 0; i < 5; i++)
        submit(f, &x, &a);
    submit(f, &y, &b);
    assert_int_equal(job_take(f->s, "w", 60, &j, NULL), 1);
    assert_int_equal(j.analysis, first);
    /* Ann has one under way, Bob none: his comes before her second. */
    assert_int_equal(job_take(f->s, "w", 60, &j, NULL), 1);
    assert_int_equal(j.analysis, b);
    assert_int_equal(job_cancel(f->s, a, NULL), 0);
    assert_int_equal(job_waiting(f->s), 4);
}

static void test_search(void **state)
{
    struct fixture *f = *state;
    struct viewer ann = as(f->ann, ROLE_ANALYST), bob = as(f->bob, ROLE_ANALYST);
    static const struct str tags[] = {{"Invoice", 7}};
    static const struct job_indicator seen[] = {{"domain", {"c2.example", 10}}, {"url", {"http://c2.example/X", 19}}};
    struct submission_new x = simple(f->ann, "private", "100%_of <script>.sh");
    struct job_result good = {.detection = "malicious", .threat = "Demo", .indicators = seen, .nindicators = 2};
    struct job j;

    x.tags = tags;
    x.ntags = 1;
    x.comments = STR_LIT("from the Mail gateway");
    submit(f, &x, NULL);
    assert_int_equal(job_take(f->s, "w", 60, &j, NULL), 1);
    assert_int_equal(job_done(f->s, j.id, "w", &good, NULL), 0);
    static const struct {
        enum search_field field;
        const char *value;
        int hits;
    } rows[] = {
        {SEARCH_MD5, "D41D8CD98F00B204E9800998ECF8427E", 1},
        {SEARCH_MD5, "d41d8", 0},
        {SEARCH_NAME, "100%_OF", 1},
        {SEARCH_NAME, "100__of", 0},
        {SEARCH_NAME, "100%%of", 0},
        {SEARCH_TAG, "voic", 1},
        {SEARCH_COMMENTS, "mail GATE", 1},
        {SEARCH_IOC_DOMAIN, "C2.example", 1},
        {SEARCH_IOC_DOMAIN, "2.example", 0},
        {SEARCH_IOC_URL, "example/x", 1},
        {SEARCH_DETECTION, "malicious", 1},
        {SEARCH_DETECTION, "clean", 0},
        {SEARCH_THREAT, "demo", 1},
        {SEARCH_AFTER, "1", 1},
        {SEARCH_BEFORE, "1", 0},
        {SEARCH_ANY, "gateway", 1},
        {SEARCH_ANY, "d41d8cd98f00b204e9800998ecf8427e", 1},
        {SEARCH_ANY, "' OR 1=1 --", 0},
        {SEARCH_ANY, "<script>", 1},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct search_term t = {rows[i].field, str_from(rows[i].value)};
        struct err e = {0};
        int n = 0;
        if (analysis_search(f->s, &ann, &t, 1, 0, 100, count_analysis, &n, &e) < 0 || n != rows[i].hits)
            fail_msg("row %zu (%s): %d hits, %s", i, rows[i].value, n, e.text);
        n = 0;
        assert_int_equal(analysis_search(f->s, &bob, &t, 1, 0, 100, count_analysis, &n, NULL), 0);
        assert_int_equal(n, 0);
    }
}

static void test_upload(void **state)
{
    struct fixture *f = *state;
    struct submission_new x = simple(f->ann, "private", "big");
    int64_t id, analysis = 0;

    x.waits_for_upload = true;
    id = submit(f, &x, &analysis);
    assert_int_equal(analysis, 0);
    assert_int_equal(job_waiting(f->s), 0);
    assert_int_equal(submission_ready(f->s, id, &x, &analysis, NULL), 0);
    assert_int_equal(analysis, id + 1);
    assert_int_equal(submission_ready(f->s, id, &x, &analysis, NULL), ERR_CONFLICT);
    assert_int_equal(job_waiting(f->s), 1);
    id = submit(f, &x, &analysis);
    assert_int_equal(submission_abandon(f->s, id, NULL), 0);
    assert_int_equal(submission_ready(f->s, id, &x, &analysis, NULL), ERR_CONFLICT);
}

static int keep_number(void *context, int64_t id)
{
    *(int64_t *)context = id;
    return 0;
}

/* Who never sends what he announced, and what was to be kept for some days only. */
static void test_housekeeping(void **state)
{
    struct fixture *f = *state;
    struct submission_new x = simple(f->ann, "private", "big");
    struct viewer ann = as(f->ann, ROLE_ANALYST);
    struct job_result good = {.detection = "clean"};
    int64_t id, late, seen = 0;
    struct job j;
    int folders = 0;

    x.waits_for_upload = true;
    id = submit(f, &x, NULL);
    assert_int_equal(submission_abandon_old(f->s, 60, 60, keep_number, &seen, NULL), 0);
    assert_int_equal(
        db_run(store_db(f->s), NULL, "UPDATE submission SET created = created - 61 WHERE id = $1", "i", id), 1);
    assert_int_equal(submission_abandon_old(f->s, 60, 60, keep_number, &seen, NULL), 1);
    assert_int_equal(seen, id);
    assert_int_equal(submission_abandon_old(f->s, 60, 60, keep_number, &seen, NULL), 0);

    x.waits_for_upload = false;
    x.delete_at = store_now() - 1;
    late = submit(f, &x, NULL);
    x.delete_at = store_now() + 1000;
    id = submit(f, &x, NULL);
    assert_int_equal(submission_expire(f->s, 100, no_folder, &folders, NULL), 0); /* still waits to be analysed */
    assert_int_equal(job_take(f->s, "w", 60, &j, NULL), 1);
    assert_int_equal(job_done(f->s, j.id, "w", &good, NULL), 0);
    assert_int_equal(submission_expire(f->s, 100, no_folder, &folders, NULL), 1);
    assert_int_equal(folders, 1);
    assert_int_equal(submission_get(f->s, &ann, late, no_submission, NULL, NULL), ERR_MISSING);
    assert_int_equal(submission_get(f->s, &ann, id, no_submission, NULL, NULL), 0);
}

static void test_newer(void **state)
{
    struct fixture *f = *state;
    struct err e = {0};

    assert_int_equal(db_script(store_db(f->s), "PRAGMA user_version = 1000", NULL), 0);
    store_close(&f->s);
    assert_int_equal(store_open(f->dir, &f->s, &e), ERR_UNSUPPORTED);
    assert_non_null(strstr(e.text, "newer"));
    assert_null(f->s);
}

/* Each version that was ever released comes up to the newest with what it held. */
static void test_migrations(void **state)
{
    char path[96], mark[64];
    (void)state;

    for (unsigned v = 0; v <= store_nmigrations; v++) {
        char dir[] = "/tmp/belljar-migrate-XXXXXX";
        struct db *d = NULL;
        struct store *s = NULL;
        struct err e = {0};
        assert_non_null(mkdtemp(dir));
        snprintf(path, sizeof(path), "%s/belljar.db", dir);
        mode_t old = umask(0);
        assert_int_equal(db_open(path, 1000, &d, NULL), 0);
        umask(old);
        struct stat st;
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600); /* the folder may be open to others */
        for (unsigned i = 0; i < v; i++)
            assert_int_equal(db_script(d, store_migrations[i], NULL), 0);
        snprintf(mark, sizeof(mark), "PRAGMA user_version=%u", v);
        assert_int_equal(db_script(d, mark, NULL), 0);
        if (v)
            assert_int_equal(db_run(d, NULL, "UPDATE counter SET value = 41", ""), 1);
        db_close(&d);
        if (store_open(dir, &s, &e) < 0)
            fail_msg("from version %u: %s", v, e.text);
        int64_t n = 0;
        assert_int_equal(db_number(store_db(s), &n, NULL, "SELECT value FROM counter", ""), 0);
        assert_int_equal(n, v ? 41 : 0);
        store_close(&s);
        file_remove_tree(dir, NULL);
    }
}

static void test_disk_full(void **state)
{
    struct fixture *f = *state;
    char *big = malloc(STORE_COMMENT_MAX);
    struct submission_new x = simple(f->ann, "private", "x");
    struct err e = {0};
    int64_t id, analysis, before, after;
    int r = 0;

    memset(big, 'x', STORE_COMMENT_MAX);
    x.comments = (struct str){big, STORE_COMMENT_MAX};
    assert_int_equal(db_number(store_db(f->s), &before, NULL, "PRAGMA max_page_count = 120", ""), 0);
    for (int i = 0; i < 100 && r == 0; i++)
        r = submission_create(f->s, &x, &id, &analysis, &e);
    assert_int_equal(r, -ENOSPC);
    /* What failed left nothing behind, and there is work again when there is room. */
    assert_int_equal(db_number(store_db(f->s), &before, NULL, "SELECT count(*) FROM submission", ""), 0);
    assert_int_equal(db_number(store_db(f->s), &after, NULL, "SELECT count(*) FROM analysis", ""), 0);
    assert_int_equal(before, after);
    assert_int_equal(db_number(store_db(f->s), &before, NULL, "PRAGMA max_page_count = 100000", ""), 0);
    assert_int_equal(submission_create(f->s, &x, &id, &analysis, &e), 0);
    free(big);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_account),      T(test_password),
        T(test_key),          T(test_session),
        T(test_visibility),   T(test_quota),
        T(test_job),          T(test_fair),
        T(test_search),       T(test_upload),
        T(test_housekeeping), T(test_newer),
        T(test_disk_full),    cmocka_unit_test(test_migrations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
