/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Accounts: names, passwords, keys, sessions, one-time links, quotas. */
#include "store/private.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define NAME_MAX_LEN 64
#define SECRET_LEN 64
#define USED_EVERY 60 /* seconds between two writes of a key's last use */

static const char *const role_names[] = {"viewer", "analyst", "admin"};

const char *account_role_name(enum account_role r)
{
    return role_names[r];
}

int account_role_find(struct str name)
{
    for (int i = 0; i <= ROLE_ADMIN; i++)
        if (str_eqz(name, role_names[i]))
            return i;
    return ERR_MISSING;
}

static int name_fold(const char *name, char ret[NAME_MAX_LEN + 1], struct err *e)
{
    size_t n = strlen(name);

    if (n == 0 || n > NAME_MAX_LEN)
        return err_set(e, ERR_USAGE, "a name has 1 to %d characters", NAME_MAX_LEN);
    for (size_t i = 0; i <= n; i++) {
        char c = name[i];
        if (c >= 'A' && c <= 'Z')
            c = (char)(c - 'A' + 'a');
        if (c && !(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && !strchr("._@+-", c))
            return err_set(e, ERR_USAGE, "a name consists of letters, digits and . _ @ + -");
        ret[i] = c;
    }
    return 0;
}

int account_create(struct store *s, const char *name, const char *mail, enum account_role role, int64_t *ret,
                   struct err *e)
{
    char folded[NAME_MAX_LEN + 1];
    int r = name_fold(name, folded, e);

    if (r == 0)
        r = db_number(s->db, ret, e,
                      "INSERT INTO account (name, mail, role, created) VALUES ($1, $2, $3, $4) RETURNING id", "sssi",
                      folded, mail ? mail : "", role_names[role], store_now());
    if (r == ERR_CONFLICT)
        return err_set(e, r, "there is an account \"%s\" already", folded);
    return r;
}

#define ACCOUNT_COLUMNS                                                                                                \
    "id, name, mail, role, state, password IS NOT NULL, created, locked_until, terms, daily_limit, monthly_limit"

static void copy_text(char *ret, size_t n, struct str s)
{
    snprintf(ret, n, "%.*s", STR_ARG(s));
}

static void account_read(const struct db_cursor *c, struct account *ret)
{
    int role = account_role_find(db_text(c, 3));

    *ret = (struct account){
        .id = db_i64(c, 0),
        .role = role < 0 ? ROLE_VIEWER : (enum account_role)role,
        .active = str_eqz(db_text(c, 4), "active"),
        .has_password = db_i64(c, 5) != 0,
        .created = db_i64(c, 6),
        .locked_until = db_i64(c, 7),
        .terms = db_i64(c, 8),
        .daily_limit = db_i64(c, 9),
        .monthly_limit = db_i64(c, 10),
    };
    copy_text(ret->name, sizeof(ret->name), db_text(c, 1));
    copy_text(ret->mail, sizeof(ret->mail), db_text(c, 2));
}

static int account_one(struct db_cursor *c, struct account *ret, struct err *e)
{
    int r = db_next(c, e);

    if (r == 1)
        account_read(c, ret);
    db_end(c);
    return r == 1 ? 0 : r == 0 ? err_set(e, ERR_MISSING, "there is no such account") : r;
}

int account_get(struct store *s, int64_t id, struct account *ret, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE id = $1", "i", id);
    return r < 0 ? r : account_one(&c, ret, e);
}

int account_find(struct store *s, const char *name, struct account *ret, struct err *e)
{
    char folded[NAME_MAX_LEN + 1];
    struct db_cursor c = {0};

    if (name_fold(name, folded, NULL) < 0)
        return err_set(e, ERR_MISSING, "there is no such account");
    int r = db_query(s->db, &c, e, "SELECT " ACCOUNT_COLUMNS " FROM account WHERE name = $1", "s", folded);
    return r < 0 ? r : account_one(&c, ret, e);
}

int64_t account_count(struct store *s)
{
    int64_t n = 0;
    return db_number(s->db, &n, NULL, "SELECT count(*) FROM account", "") < 0 ? -1 : n;
}

int account_update(struct store *s, const struct account *a, struct err *e)
{
    int64_t others = 0;
    int r;

    if ((r = db_begin(s->db, e)) < 0)
        return r;
    if (a->role != ROLE_ADMIN || !a->active) {
        r = db_number(s->db, &others, e,
                      "SELECT count(*) FROM account WHERE role = 'admin' AND state = 'active' AND id <> $1", "i",
                      a->id);
        if (r == 0 && others == 0)
            r = err_set(e, ERR_CONFLICT, "the last administrator must stay one");
        if (r < 0)
            goto out;
    }
    r = db_run(s->db, e,
               "UPDATE account SET mail = $2, role = $3, state = $4, daily_limit = $5, monthly_limit = $6, terms = $7 "
               "WHERE id = $1",
               "isssiii", a->id, a->mail, role_names[a->role], a->active ? "active" : "off", a->daily_limit,
               a->monthly_limit, a->terms);
    if (r == 0)
        r = err_set(e, ERR_MISSING, "there is no such account");
    /* Who is shut out is out at once. */
    if (r > 0 && !a->active)
        r = db_run(s->db, e, "DELETE FROM session WHERE account = $1", "i", a->id);
out:
    if (r < 0)
        db_rollback(s->db);
    return r < 0 ? r : db_commit(s->db, e);
}

int account_password_set(struct store *s, int64_t id, const char *password, struct err *e)
{
    char hash[crypto_pwhash_STRBYTES];
    size_t n = strlen(password);
    int r;

    if (n < ACCOUNT_PASSWORD_MIN || n > ACCOUNT_PASSWORD_MAX)
        return err_set(e, ERR_USAGE, "a password has at least %d characters", ACCOUNT_PASSWORD_MIN);
    if (crypto_pwhash_str(hash, password, n, crypto_pwhash_OPSLIMIT_INTERACTIVE, crypto_pwhash_MEMLIMIT_INTERACTIVE) <
        0)
        return err_set(e, -ENOMEM, "out of memory");
    if ((r = db_begin(s->db, e)) < 0)
        return r;
    r = db_run(s->db, e, "UPDATE account SET password = $2, failures = 0, locked_until = 0 WHERE id = $1", "is", id,
               hash);
    if (r == 0)
        r = err_set(e, ERR_MISSING, "there is no such account");
    /* A new password ends what was open with the old one. */
    if (r > 0)
        r = db_run(s->db, e, "DELETE FROM session WHERE account = $1", "i", id);
    if (r < 0) {
        db_rollback(s->db);
        return r;
    }
    return db_commit(s->db, e);
}

/* The same work for a name that does not exist: a hash of no password. */
static const char *hash_of_nobody(void)
{
    static char hash[crypto_pwhash_STRBYTES];
    if (!hash[0] && crypto_pwhash_str(hash, "nobody", 6, crypto_pwhash_OPSLIMIT_INTERACTIVE,
                                      crypto_pwhash_MEMLIMIT_INTERACTIVE) < 0)
        return "";
    return hash;
}

static int login_failed(struct store *s, int64_t id, struct err *e)
{
    int r = id ? db_run(s->db, e,
                        "UPDATE account SET failures = failures + 1, locked_until = CASE WHEN failures + 1 >= $2 "
                        "THEN $3 ELSE locked_until END WHERE id = $1",
                        "iii", id, (int64_t)ACCOUNT_FAILURES_MAX, store_now() + ACCOUNT_LOCK_SECONDS)
               : 0;
    return r < 0 ? r : err_set(e, ERR_MISSING, "name or password is wrong");
}

int account_login(struct store *s, const char *name, const char *password, struct account *ret, struct err *e)
{
    char hash[crypto_pwhash_STRBYTES] = "";
    struct db_cursor c = {0};
    struct account a = {0};
    int r = account_find(s, name, &a, NULL), ok;

    if (r < 0 && r != ERR_MISSING)
        return err_set(e, r, "accounts cannot be read");
    if (a.id && a.locked_until > store_now())
        return err_set(e, ERR_LIMIT, "too many wrong passwords; try again in %lld minutes",
                       (long long)(a.locked_until - store_now()) / 60 + 1);
    if (a.id && (r = db_query(s->db, &c, e, "SELECT password FROM account WHERE id = $1", "i", a.id)) < 0)
        return r;
    if (a.id && db_next(&c, NULL) == 1)
        copy_text(hash, sizeof(hash), db_text(&c, 0));
    db_end(&c);
    ok = crypto_pwhash_str_verify(hash[0] ? hash : hash_of_nobody(), password, strlen(password)) == 0 && hash[0];
    if (!ok || !a.active)
        return login_failed(s, a.id, e);
    if ((r = db_run(s->db, e, "UPDATE account SET failures = 0, locked_until = 0 WHERE id = $1 AND failures <> 0", "i",
                    a.id)) < 0)
        return r;
    *ret = a;
    return 0;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

int account_key_create(struct store *s, int64_t account, const char *name, const char *scope,
                       char ret[STORE_SECRET_HEX], struct err *e)
{
    char key[STORE_SECRET_HEX], hash[STORE_SECRET_HEX];

    if (strcmp(scope, "read") != 0 && strcmp(scope, "write") != 0)
        return err_set(e, ERR_USAGE, "a key's scope is read or write");
    store_secret_new(key, hash);
    int r = db_run(s->db, e, "INSERT INTO api_key (hash, account, name, scope, created) VALUES ($1,$2,$3,$4,$5)",
                   "sissi", hash, account, name, scope, store_now());
    if (r < 0)
        return r;
    memcpy(ret, key, STORE_SECRET_HEX);
    return 0;
}

int account_key_revoke(struct store *s, int64_t account, const char *hash_prefix, struct err *e)
{
    int r;

    if (strlen(hash_prefix) < 8 || strspn(hash_prefix, "0123456789abcdef") != strlen(hash_prefix))
        return err_set(e, ERR_USAGE, "a key is named by at least 8 of its hex digits");
    r = db_run(s->db, e, "DELETE FROM api_key WHERE account = $1 AND substr(hash, 1, length($2)) = $2", "is", account,
               hash_prefix);
    return r < 0 ? r : r == 0 ? err_set(e, ERR_MISSING, "there is no such key") : 0;
}

static void viewer_fill(struct viewer *ret, int64_t account, struct str role, bool write)
{
    int found = account_role_find(role);

    *ret = (struct viewer){.account = account,
                           .role = found < 0 ? ROLE_VIEWER : (enum account_role)found,
                           .write = write && found >= ROLE_ANALYST,
                           .sees_public = true};
}

int account_key_check(struct store *s, struct str key, struct viewer *ret, struct err *e)
{
    char hash[STORE_SECRET_HEX];
    struct db_cursor c = {0};
    int64_t used = 0;
    int r;

    if (key.n != SECRET_LEN)
        return err_set(e, ERR_MISSING, "the key is not valid");
    store_secret_hash(key, hash);
    r = db_query(s->db, &c, e,
                 "SELECT a.id, a.role, k.scope, k.used FROM api_key k JOIN account a ON a.id = k.account "
                 "WHERE k.hash = $1 AND a.state = 'active'",
                 "s", hash);
    if (r < 0)
        return r;
    if ((r = db_next(&c, e)) == 1) {
        viewer_fill(ret, db_i64(&c, 0), db_text(&c, 1), str_eqz(db_text(&c, 2), "write"));
        used = db_i64(&c, 3);
    }
    db_end(&c);
    if (r == 0)
        return err_set(e, ERR_MISSING, "the key is not valid");
    /* When a key was used last is a comfort, not a reason to write at each request or to refuse one. */
    if (r == 1 && store_now() - used > USED_EVERY)
        db_run(s->db, NULL, "UPDATE api_key SET used = $2 WHERE hash = $1", "si", hash, store_now());
    return r < 0 ? r : 0;
}

int account_keys(struct store *s, int64_t account, account_key_fn *fn, void *context, struct err *e)
{
    struct db_cursor c = {0};
    int r = db_query(s->db, &c, e,
                     "SELECT hash, name, scope, created, used FROM api_key WHERE account = $1 ORDER BY created, hash",
                     "i", account);

    while (r >= 0 && (r = db_next(&c, e)) == 1) {
        struct account_key k = {db_text(&c, 0), db_text(&c, 1), db_text(&c, 2), db_i64(&c, 3), db_i64(&c, 4)};
        r = fn(context, &k);
    }
    db_end(&c);
    return r < 0 ? r : 0;
}

/* ---- one-time links and sessions -------------------------------------------------------------------------------- */

int account_ticket_create(struct store *s, int64_t account, const char *purpose, int64_t seconds,
                          char ret[STORE_SECRET_HEX], struct err *e)
{
    char secret[STORE_SECRET_HEX], hash[STORE_SECRET_HEX];

    store_secret_new(secret, hash);
    int r = db_run(s->db, e, "DELETE FROM ticket WHERE (account = $1 AND purpose = $2) OR expires < $3", "isi", account,
                   purpose, store_now());
    if (r >= 0)
        r = db_run(s->db, e, "INSERT INTO ticket (hash, account, purpose, expires) VALUES ($1, $2, $3, $4)", "sisi",
                   hash, account, purpose, store_now() + seconds);
    if (r < 0)
        return r;
    memcpy(ret, secret, STORE_SECRET_HEX);
    return 0;
}

int account_ticket_use(struct store *s, struct str ticket, const char *purpose, int64_t *ret_account, struct err *e)
{
    char hash[STORE_SECRET_HEX];

    store_secret_hash(ticket, hash);
    int r = db_number(s->db, ret_account, e,
                      "DELETE FROM ticket WHERE hash = $1 AND purpose = $2 AND expires >= $3 RETURNING account", "ssi",
                      hash, purpose, store_now());
    return r == ERR_MISSING ? err_set(e, r, "this link was used already or is too old") : r;
}

int session_create(struct store *s, int64_t account, const char *address, int64_t seconds, char ret[STORE_SECRET_HEX],
                   struct err *e)
{
    char secret[STORE_SECRET_HEX], hash[STORE_SECRET_HEX], csrf[STORE_SECRET_HEX], unused[STORE_SECRET_HEX];

    store_secret_new(secret, hash);
    store_secret_new(csrf, unused);
    int r = db_run(s->db, e, "DELETE FROM session WHERE expires < $1", "i", store_now());
    if (r >= 0)
        r = db_run(s->db, e,
                   "INSERT INTO session (hash, account, csrf, created, expires, address) VALUES ($1,$2,$3,$4,$5,$6)",
                   "sisiis", hash, account, csrf, store_now(), store_now() + seconds, address);
    if (r < 0)
        return r;
    memcpy(ret, secret, STORE_SECRET_HEX);
    return 0;
}

int session_check(struct store *s, struct str token, struct session *ret, struct err *e)
{
    char hash[STORE_SECRET_HEX];
    struct db_cursor c = {0};
    int r;

    if (token.n != SECRET_LEN)
        return err_set(e, ERR_MISSING, "not logged in");
    store_secret_hash(token, hash);
    r = db_query(s->db, &c, e,
                 "SELECT a.id, a.role, x.csrf FROM session x JOIN account a ON a.id = x.account "
                 "WHERE x.hash = $1 AND x.expires >= $2 AND a.state = 'active'",
                 "si", hash, store_now());
    if (r < 0)
        return r;
    if ((r = db_next(&c, e)) == 1) {
        viewer_fill(&ret->viewer, db_i64(&c, 0), db_text(&c, 1), true);
        copy_text(ret->csrf, sizeof(ret->csrf), db_text(&c, 2));
    }
    db_end(&c);
    return r == 1 ? 0 : r == 0 ? err_set(e, ERR_MISSING, "not logged in") : r;
}

int session_end(struct store *s, struct str token, struct err *e)
{
    char hash[STORE_SECRET_HEX];

    store_secret_hash(token, hash);
    int r = db_run(s->db, e, "DELETE FROM session WHERE hash = $1", "s", hash);
    return r < 0 ? r : 0;
}

/* ---- quotas ------------------------------------------------------------------------------------------------------ */

#define DAY_SECONDS 86400

/* Days since 1970 of now and of the first of this month, UTC. */
static void today(int64_t *ret_day, int64_t *ret_month)
{
    time_t now = time(NULL);
    struct tm tm;

    gmtime_r(&now, &tm);
    *ret_day = (int64_t)now / DAY_SECONDS;
    *ret_month = *ret_day - (tm.tm_mday - 1);
}

int account_quota(struct store *s, int64_t account, struct quota *ret, struct err *e)
{
    struct db_cursor c = {0};
    int64_t day, month;
    int r;

    today(&day, &month);
    r = db_query(s->db, &c, e,
                 "SELECT a.daily_limit, a.monthly_limit,"
                 " (SELECT coalesce(sum(n), 0) FROM usage u WHERE u.account = a.id AND u.day = $2),"
                 " (SELECT coalesce(sum(n), 0) FROM usage u WHERE u.account = a.id AND u.day >= $3)"
                 " FROM account a WHERE a.id = $1",
                 "iii", account, day, month);
    if (r < 0)
        return r;
    if ((r = db_next(&c, e)) == 1)
        *ret = (struct quota){db_i64(&c, 0), db_i64(&c, 2), db_i64(&c, 1), db_i64(&c, 3)};
    db_end(&c);
    return r == 1 ? 0 : r == 0 ? err_set(e, ERR_MISSING, "there is no such account") : r;
}

static int quota_check(struct store *s, int64_t account, struct err *e)
{
    struct quota q = {0};
    int r = account_quota(s, account, &q, e);

    if (r < 0)
        return r;
    /* Clients look for this sentence (joe-api, section 1.2). */
    if (q.daily_limit && q.daily_used >= q.daily_limit)
        return err_set(e, ERR_LIMIT, "The number of allowed submissions (%lld) per day have been reached.",
                       (long long)q.daily_limit);
    if (q.monthly_limit && q.monthly_used >= q.monthly_limit)
        return err_set(e, ERR_LIMIT, "The number of allowed submissions (%lld) per month have been reached.",
                       (long long)q.monthly_limit);
    return 0;
}

int store_quota_use(struct store *s, int64_t account, struct err *e)
{
    int64_t day, month;
    int r = quota_check(s, account, e);

    today(&day, &month);
    if (r == 0)
        r = db_run(s->db, e,
                   "INSERT INTO usage (account, day, n) VALUES ($1, $2, 1) "
                   "ON CONFLICT (account, day) DO UPDATE SET n = usage.n + 1",
                   "ii", account, day);
    return r < 0 ? r : 0;
}
