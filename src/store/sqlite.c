/* SPDX-License-Identifier: GPL-3.0-or-later */
/* db.h over SQLite: the only file that knows it. */
#include "store/db.h"

#include "store/migrations.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CACHE_SLOTS 256u /* more than there are statements */

struct cached {
    const char *sql;
    sqlite3_stmt *stmt;
    bool busy;
};

struct db {
    sqlite3 *handle;
    bool in_transaction;
    struct cached cache[CACHE_SLOTS];
};

static int fail(struct db *d, int code, struct err *e)
{
    int extended = sqlite3_extended_errcode(d->handle);
    int r = -EIO;

    if (code == SQLITE_CONSTRAINT)
        r = extended == SQLITE_CONSTRAINT_UNIQUE || extended == SQLITE_CONSTRAINT_PRIMARYKEY ? ERR_CONFLICT
                                                                                             : ERR_FORMAT;
    else if (code == SQLITE_FULL)
        r = -ENOSPC;
    else if (code == SQLITE_NOMEM)
        r = -ENOMEM;
    else if (code == SQLITE_BUSY)
        r = ERR_TIMEOUT;
    return err_set(e, r, "database: %s", sqlite3_errmsg(d->handle));
}

int db_open(const char *path, int busy_ms, struct db **ret, struct err *e)
{
    struct db *d = calloc(1, sizeof(*d));
    int r;

    if (!d)
        return err_set(e, -ENOMEM, "out of memory");
    /* Readable by nobody else, whatever the folder permits; SQLite gives its journals the mode of the file. */
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd >= 0)
        close(fd);
    if (sqlite3_open_v2(path, &d->handle,
                        SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW |
                            SQLITE_OPEN_PRIVATECACHE,
                        NULL) != SQLITE_OK) {
        r = err_set(e, -EIO, "cannot open the database %s: %s", path,
                    d->handle ? sqlite3_errmsg(d->handle) : "out of memory");
        goto out;
    }
    sqlite3_busy_timeout(d->handle, busy_ms);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    sqlite3_db_config(d->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    /* FULL: what was acknowledged to a client survives a power cut. */
    r = db_script(d,
                  "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY;"
                  "PRAGMA case_sensitive_like=ON; PRAGMA journal_size_limit=67108864;",
                  e);
out:
    if (r < 0) {
        db_close(&d);
        return r;
    }
    *ret = d;
    return 0;
}

void db_close(struct db **d)
{
    if (!d || !*d)
        return;
    for (unsigned i = 0; i < CACHE_SLOTS; i++)
        sqlite3_finalize((*d)->cache[i].stmt);
    sqlite3_close((*d)->handle);
    free(*d);
    *d = NULL;
}

int db_script(struct db *d, const char *sql, struct err *e)
{
    int r = sqlite3_exec(d->handle, sql, NULL, NULL, NULL);
    return r == SQLITE_OK ? 0 : fail(d, r, e);
}

/* A statement from the cache, or a new one; who finds it busy (a query inside its own rows) gets a copy. */
static int statement(struct db *d, const char *sql, bool keep, struct db_cursor *ret, struct err *e)
{
    unsigned slot = (unsigned)(((uintptr_t)sql >> 3) * 2654435761u) % CACHE_SLOTS;
    struct cached *c = NULL;
    int r;

    for (unsigned i = 0; keep && i < 8; i++) {
        struct cached *at = &d->cache[(slot + i) % CACHE_SLOTS];
        if (at->sql == sql && strcmp(sqlite3_sql(at->stmt), sql) == 0) {
            if (at->busy)
                break;
            at->busy = true;
            *ret = (struct db_cursor){d, at->stmt, (int)((slot + i) % CACHE_SLOTS)};
            return 0;
        }
        if (!at->sql && !c)
            c = at;
    }
    sqlite3_stmt *stmt = NULL;
    if ((r = sqlite3_prepare_v3(d->handle, sql, -1, c ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL)) != SQLITE_OK)
        return fail(d, r, e);
    if (c)
        *c = (struct cached){sql, stmt, true};
    *ret = (struct db_cursor){d, stmt, c ? (int)(c - d->cache) : -1};
    return 0;
}

void db_end(struct db_cursor *c)
{
    if (!c->stmt)
        return;
    if (c->slot >= 0) {
        sqlite3_reset(c->stmt);
        sqlite3_clear_bindings(c->stmt);
        c->db->cache[c->slot].busy = false;
    } else {
        sqlite3_finalize(c->stmt);
    }
    c->stmt = NULL;
}

static int bind_str(sqlite3_stmt *s, int at, struct str v, bool bytes)
{
    if (bytes)
        return sqlite3_bind_blob64(s, at, v.n ? v.p : "", v.n, SQLITE_TRANSIENT);
    return sqlite3_bind_text64(s, at, v.n ? v.p : "", v.n, SQLITE_TRANSIENT, SQLITE_UTF8);
}

/* $1 may stand anywhere in the text, so positions are asked for by name. */
static int bind(struct db_cursor *c, const char *types, va_list ap, struct err *e)
{
    char name[16];

    for (int i = 0; types[i]; i++) {
        snprintf(name, sizeof(name), "$%d", i + 1);
        int at = sqlite3_bind_parameter_index(c->stmt, name), r = SQLITE_OK;
        struct str s;
        switch (types[i]) {
        case 'i':
            r = sqlite3_bind_int64(c->stmt, at, va_arg(ap, int64_t));
            break;
        case 's':
            s = str_from(va_arg(ap, const char *));
            r = s.p ? bind_str(c->stmt, at, s, false) : sqlite3_bind_null(c->stmt, at);
            break;
        default:
            r = bind_str(c->stmt, at, va_arg(ap, struct str), types[i] == 'b');
            break;
        }
        if (r != SQLITE_OK)
            return fail(c->db, r, e);
    }
    return 0;
}

static int vquery(struct db *d, bool keep, struct db_cursor *ret, struct err *e, const char *sql, const char *types,
                  va_list ap)
{
    struct db_cursor c = {0};
    int r = statement(d, sql, keep, &c, e);

    if (r == 0 && (r = bind(&c, types, ap, e)) < 0)
        db_end(&c);
    if (r == 0)
        *ret = c;
    return r;
}

int db_query(struct db *d, struct db_cursor *ret, struct err *e, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = vquery(d, true, ret, e, sql, types, ap);
    va_end(ap);
    return r;
}

int db_query_once(struct db *d, struct db_cursor *ret, struct err *e, const char *sql, const char *types, ...)
{
    va_list ap;
    va_start(ap, types);
    int r = vquery(d, false, ret, e, sql, types, ap);
    va_end(ap);
    return r;
}

int db_next(struct db_cursor *c, struct err *e)
{
    int r = sqlite3_step(c->stmt);

    if (r == SQLITE_ROW)
        return 1;
    return r == SQLITE_DONE ? 0 : fail(c->db, r, e);
}

int db_run(struct db *d, struct err *e, const char *sql, const char *types, ...)
{
    struct db_cursor c = {0};
    va_list ap;

    va_start(ap, types);
    int r = vquery(d, true, &c, e, sql, types, ap);
    va_end(ap);
    if (r == 0) {
        while ((r = db_next(&c, e)) > 0)
            ;
        if (r == 0)
            r = sqlite3_changes(d->handle);
        db_end(&c);
    }
    return r;
}

int db_number(struct db *d, int64_t *ret, struct err *e, const char *sql, const char *types, ...)
{
    struct db_cursor c = {0};
    va_list ap;

    va_start(ap, types);
    int r = vquery(d, true, &c, e, sql, types, ap);
    va_end(ap);
    if (r < 0)
        return r;
    r = db_next(&c, e);
    if (r > 0) {
        *ret = db_i64(&c, 0);
        /* To its end, so that a RETURNING takes effect. */
        while ((r = db_next(&c, e)) > 0)
            ;
    } else if (r == 0) {
        r = err_set(e, ERR_MISSING, "there is no such entry");
    }
    db_end(&c);
    return r;
}

int64_t db_i64(const struct db_cursor *c, int column)
{
    return sqlite3_column_int64(c->stmt, column);
}

struct str db_text(const struct db_cursor *c, int column)
{
    const void *p = sqlite3_column_blob(c->stmt, column);
    int n = sqlite3_column_bytes(c->stmt, column);
    return p ? (struct str){p, (size_t)n} : STR_LIT("");
}

bool db_is_null(const struct db_cursor *c, int column)
{
    return sqlite3_column_type(c->stmt, column) == SQLITE_NULL;
}

int db_begin(struct db *d, struct err *e)
{
    int r = db_script(d, "BEGIN IMMEDIATE", e);
    d->in_transaction = r == 0;
    return r;
}

int db_commit(struct db *d, struct err *e)
{
    int r = db_script(d, "COMMIT", e);

    if (r < 0)
        db_rollback(d);
    d->in_transaction = false;
    return r;
}

void db_rollback(struct db *d)
{
    if (d->in_transaction)
        db_script(d, "ROLLBACK", NULL);
    d->in_transaction = false;
}

int db_migrate(struct db *d, struct err *e)
{
    struct db_cursor c = {0};
    int64_t version = 0;
    int r = db_query(d, &c, e, "PRAGMA user_version", "");

    if (r == 0 && (r = db_next(&c, e)) == 1)
        version = db_i64(&c, 0);
    db_end(&c);
    if (r < 0)
        return r;
    if (version > (int64_t)store_nmigrations)
        return err_set(e, ERR_UNSUPPORTED,
                       "the database is of version %lld, made by a newer Belljar; this one knows %u",
                       (long long)version, store_nmigrations);
    for (; version < (int64_t)store_nmigrations; version++) {
        char mark[64];
        snprintf(mark, sizeof(mark), "PRAGMA user_version=%lld", (long long)version + 1);
        if ((r = db_begin(d, e)) < 0)
            return r;
        if ((r = db_script(d, store_migrations[version], e)) < 0 || (r = db_script(d, mark, e)) < 0) {
            db_rollback(d);
            return err_prefix(e, "migration to version %lld: ", (long long)version + 1);
        }
        if ((r = db_commit(d, e)) < 0)
            return r;
    }
    return 0;
}
