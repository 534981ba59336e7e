/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The seam below the store: SQL with positional parameters. One file implements
 * it per engine (sqlite.c). Whoever writes SQL above it keeps to what SQLite 3.40
 * and PostgreSQL 15 both take: $1..$n, RETURNING, ON CONFLICT, LIKE on lower().
 *
 * Parameters are given with a word of types: 'i' int64_t, 's' const char * (NULL
 * is null), 't' struct str, 'b' struct str as bytes. A connection belongs to one
 * thread. Statements are cached by the address of their text: give literals.
 */
#ifndef BELLJAR_STORE_DB_H
#define BELLJAR_STORE_DB_H

#include "base/err.h"
#include "base/str.h"

struct db;

struct db_cursor { /* one running query; private */
    struct db *db;
    void *stmt;
    int slot;
};

/* Opens or makes the database file; waits up to busy_ms for other writers. */
int db_open(const char *path, int busy_ms, struct db **ret, struct err *e);
void db_close(struct db **d);
/* Brings an older database to the newest form, each step whole or not at all; ERR_UNSUPPORTED for a newer one. */
int db_migrate(struct db *d, struct err *e);

/* Several statements without parameters, as migrations are. */
int db_script(struct db *d, const char *sql, struct err *e);
/* One statement without rows; ERR_CONFLICT when a unique key exists, -ENOSPC when the disk is full. Number of rows
 * changed. */
int db_run(struct db *d, struct err *e, const char *sql, const char *types, ...);
/* A query; afterwards db_next until it is not 1, then db_end. */
int db_query(struct db *d, struct db_cursor *ret, struct err *e, const char *sql, const char *types, ...);
/* For a text that was put together: not cached. */
int db_query_once(struct db *d, struct db_cursor *ret, struct err *e, const char *sql, const char *types, ...);
/* 1 row, 0 end, negative error. */
int db_next(struct db_cursor *c, struct err *e);
void db_end(struct db_cursor *c);                          /* safe on a zeroed cursor */
int64_t db_i64(const struct db_cursor *c, int column);     /* 0 when null */
struct str db_text(const struct db_cursor *c, int column); /* valid until db_next or db_end; "" when null */
bool db_is_null(const struct db_cursor *c, int column);
/* The first column of the first row; ERR_MISSING without a row. */
int db_number(struct db *d, int64_t *ret, struct err *e, const char *sql, const char *types, ...);

/* A transaction that writes. They do not nest. db_rollback is safe when none is open. */
int db_begin(struct db *d, struct err *e);
int db_commit(struct db *d, struct err *e);
void db_rollback(struct db *d);

#endif
