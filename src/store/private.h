/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the store share. */
#ifndef BELLJAR_STORE_PRIVATE_H
#define BELLJAR_STORE_PRIVATE_H

#include "store/store.h"

struct store {
    struct db *db;
    char *dir;
};

/*
 * The one rule of who sees what, over a row `s` of submission: its owner, administrators, the team, and all for
 * public ones. Parameters $1 account, $2 administrator, $3 sees public ones; viewers are bound with STORE_VIEWER.
 */
#define STORE_VISIBLE                                                                                                  \
    "(s.account = $1 OR $2 = 1 OR (s.visibility = 'public' AND $3 = 1) OR (s.visibility = 'team' AND "                 \
    "s.team IN (SELECT m.team FROM team_member m WHERE m.account = $1)))"
#define STORE_VIEWER(v) (v)->account, (int64_t)((v)->account != 0 && (v)->role == ROLE_ADMIN), (int64_t)(v)->sees_public

int store_id_next(struct store *s, int64_t *ret, struct err *e);
/* 256 random bits as hex, and what of it is kept. */
void store_secret_new(char ret[STORE_SECRET_HEX], char ret_hash[STORE_SECRET_HEX]);
void store_secret_hash(struct str secret, char ret[STORE_SECRET_HEX]);
/* Counts one submission; ERR_LIMIT and a sentence when the account has used up its day or month. In a transaction. */
int store_quota_use(struct store *s, int64_t account, struct err *e);

#endif
