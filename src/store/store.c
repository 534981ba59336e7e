/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/private.h"

#include "base/hash.h"
#include "os/file.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BUSY_MS 10000

int64_t store_now(void)
{
    return (int64_t)time(NULL);
}

int store_open(const char *data_dir, struct store **ret, struct err *e)
{
    struct store *s = calloc(1, sizeof(*s));
    char *path = NULL;
    int r;

    if (!s || !(s->dir = strdup(data_dir)) || !(path = path_join(data_dir, "belljar.db"))) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if (sodium_init() < 0) {
        r = err_set(e, -EIO, "libsodium does not start");
        goto out;
    }
    if ((r = file_mkdirs(data_dir, 0700, e)) < 0 || (r = db_open(path, BUSY_MS, &s->db, e)) < 0)
        goto out;
    r = db_migrate(s->db, e);
out:
    free(path);
    if (r < 0)
        store_close(&s);
    else
        *ret = s;
    return r;
}

void store_close(struct store **s)
{
    if (!s || !*s)
        return;
    db_close(&(*s)->db);
    free((*s)->dir);
    free(*s);
    *s = NULL;
}

struct db *store_db(struct store *s)
{
    return s->db;
}

const char *store_dir(const struct store *s)
{
    return s->dir;
}

int store_id_next(struct store *s, int64_t *ret, struct err *e)
{
    return db_number(s->db, ret, e, "UPDATE counter SET value = value + 1 WHERE name = 'id' RETURNING value", "");
}

void store_secret_new(char ret[STORE_SECRET_HEX], char ret_hash[STORE_SECRET_HEX])
{
    uint8_t secret[32];

    random_bytes(secret, sizeof(secret));
    hex_encode(secret, sizeof(secret), ret);
    sodium_memzero(secret, sizeof(secret));
    store_secret_hash(str_from(ret), ret_hash);
}

void store_secret_hash(struct str secret, char ret[STORE_SECRET_HEX])
{
    uint8_t sum[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(sum, (const unsigned char *)(secret.p ? secret.p : ""), secret.n);
    hex_encode(sum, sizeof(sum), ret);
}

int audit_add(struct store *s, int64_t account, const char *address, const char *action, const char *object,
              const char *detail, struct err *e)
{
    int r = db_run(
        s->db, e, "INSERT INTO audit (time, account, address, action, object, detail) VALUES ($1,$2,$3,$4,$5,$6)",
        "iissss", store_now(), account, address ? address : "", action, object ? object : "", detail ? detail : "");
    return r < 0 ? r : 0;
}
