/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/yara/cache.h"

#include "base/reader.h"
#include "detect/yara/yara.h"
#include "os/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAGIC 0x43594a42u /* "BJYC" */
#define FORM 1
#define HEADER_SIZE (4 + 4 + SHA256_SIZE + SHA256_SIZE + 4)
#define BLOCK 64 /* of SHA-256 */

int yara_memory_file(const void *p, size_t n, int *ret_fd, struct err *e)
{
    int fd = memfd_create("yara", MFD_CLOEXEC | MFD_ALLOW_SEALING), x;
    if (fd < 0)
        return err_errno(e, "cannot make a memory file");
    if ((x = file_write_all(fd, p, n)) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
        fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        close(fd);
        return err_set(e, x < 0 ? x : -EIO, "cannot fill a memory file");
    }
    *ret_fd = fd;
    return 0;
}

/* RFC 2104 with SHA-256 over the concatenation of up to four parts. */
static int hmac(const uint8_t secret[SHA256_SIZE], const struct str *parts, size_t n, uint8_t ret[SHA256_SIZE])
{
    uint8_t pad[BLOCK], inner[SHA256_SIZE];
    struct sha256 *h = NULL;
    int x;

    for (unsigned i = 0; i < BLOCK; i++)
        pad[i] = (i < SHA256_SIZE ? secret[i] : 0) ^ 0x36;
    if ((x = sha256_new(&h)) < 0 || (x = sha256_add(h, pad, BLOCK)) < 0)
        goto out;
    for (size_t i = 0; i < n; i++)
        if ((x = sha256_add(h, parts[i].p ? parts[i].p : "", parts[i].n)) < 0)
            goto out;
    if ((x = sha256_end(&h, inner)) < 0)
        goto out;
    for (unsigned i = 0; i < BLOCK; i++)
        pad[i] ^= 0x36 ^ 0x5c;
    if ((x = sha256_new(&h)) < 0 || (x = sha256_add(h, pad, BLOCK)) < 0 || (x = sha256_add(h, inner, SHA256_SIZE)) < 0)
        goto out;
    x = sha256_end(&h, ret);
out:
    sha256_free(&h);
    return x;
}

static int sum(const uint8_t secret[SHA256_SIZE], const uint8_t key[SHA256_SIZE], struct str problems,
               struct str compiled, uint8_t ret[SHA256_SIZE])
{
    uint8_t length[8];
    for (unsigned i = 0; i < 8; i++) /* so that bytes cannot move from one part to the other */
        length[i] = (uint8_t)((uint64_t)problems.n >> (8 * i));
    const struct str parts[] = {
        {(const char *)key, SHA256_SIZE}, {(const char *)length, sizeof(length)}, problems, compiled};
    return hmac(secret, parts, 4, ret);
}

static bool same(const uint8_t *a, const uint8_t *b)
{
    unsigned differ = 0;
    for (unsigned i = 0; i < SHA256_SIZE; i++)
        differ |= a[i] ^ b[i];
    return differ == 0;
}

/* malloc'ed path of the folder, which is there and ours alone. */
static int folder(const char *dir, char **ret, struct err *e)
{
    char *cache = dir ? NULL : path_cache_dir();
    char *path = dir ? str_dup(str_from(dir)) : cache ? path_join(cache, "yara") : NULL;
    struct stat st;
    int x;

    free(cache);
    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    if ((x = file_mkdirs(path, 0700, e)) == 0) {
        if (lstat(path, &st) < 0)
            x = err_errno(e, "cannot look at %s", path);
        else if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 077))
            x = err_set(e, ERR_CONFLICT, "%s is not a folder that only we can use (owner, mode 0700)", path);
    }
    if (x < 0)
        free(path);
    else
        *ret = path;
    return x;
}

static int secret_get(const char *dir, uint8_t ret[SHA256_SIZE], struct err *e)
{
    char *path = path_join(dir, "secret");
    struct buf b = {0};
    int x = path ? 0 : err_set(e, -ENOMEM, "out of memory");

    if (x == 0 && !file_exists(path)) {
        random_bytes(ret, SHA256_SIZE);
        x = file_write_atomic(path, ret, SHA256_SIZE, 0600, e);
    }
    /* Read again: another process may have made one at the same moment. */
    if (x == 0 && (x = file_read(path, 4096, &b, e)) >= 0) {
        x = b.len == SHA256_SIZE ? 0 : err_set(e, ERR_FORMAT, "%s is damaged; remove it", path);
        if (x == 0)
            memcpy(ret, b.data, SHA256_SIZE);
    }
    buf_free(&b);
    free(path);
    return x;
}

static int open_all(const char *dir, const uint8_t key[SHA256_SIZE], char **ret_dir, char **ret_path,
                    uint8_t secret[SHA256_SIZE], struct err *e)
{
    char hex[2 * SHA256_SIZE + 1];
    int x = folder(dir, ret_dir, e);
    if (x == 0 && (x = secret_get(*ret_dir, secret, e)) == 0) {
        hex_encode(key, SHA256_SIZE, hex);
        *ret_path = path_format("%s/%s.bjy", *ret_dir, hex);
        x = *ret_path ? 0 : err_set(e, -ENOMEM, "out of memory");
    }
    return x;
}

static int parse(const struct buf *file, const uint8_t key[SHA256_SIZE], const uint8_t secret[SHA256_SIZE],
                 struct str *ret_problems, struct str *ret_compiled)
{
    uint8_t wanted[SHA256_SIZE];
    struct reader in;
    reader_init(&in, file->data, file->len);
    uint32_t magic = reader_u32le(&in), form = reader_u32le(&in);
    const uint8_t *mac = reader_bytes(&in, SHA256_SIZE), *own = reader_bytes(&in, SHA256_SIZE);
    *ret_problems = reader_str(&in, reader_u32le(&in));
    *ret_compiled = reader_str(&in, reader_left(&in));
    if (!reader_ok(&in) || magic != MAGIC || form != FORM || ret_problems->n > YARA_CACHE_PROBLEMS_MAX)
        return ERR_FORMAT;
    int x = sum(secret, key, *ret_problems, *ret_compiled, wanted);
    return x < 0 ? x : same(own, key) && same(mac, wanted) ? 0 : ERR_FORMAT;
}

int yara_cache_get(const char *dir, const uint8_t key[SHA256_SIZE], int *ret_fd, struct buf *ret_problems,
                   struct err *e)
{
    char *own = NULL, *path = NULL;
    uint8_t secret[SHA256_SIZE];
    struct str problems, compiled;
    struct buf b = {0};
    int x = open_all(dir, key, &own, &path, secret, e);

    if (x == 0 && file_exists(path)) {
        x = file_read(path, HEADER_SIZE + YARA_CACHE_PROBLEMS_MAX + (size_t)YARA_COMPILED_MAX, &b, e);
        if (x >= 0 && (x = parse(&b, key, secret, &problems, &compiled)) < 0)
            err_set(e, x, "%s is not what was kept there: refused", path);
        if (x >= 0 && (x = yara_memory_file(compiled.p, compiled.n, ret_fd, e)) == 0) {
            buf_init(ret_problems, YARA_CACHE_PROBLEMS_MAX);
            if ((x = buf_add_str(ret_problems, problems)) < 0)
                close(*ret_fd);
            x = x < 0 ? err_set(e, x, "out of memory") : 1;
        }
        buf_free(&b);
    }
    free(own);
    free(path);
    return x;
}

static int only_ours(const struct dirent *d)
{
    return str_ends(str_from(d->d_name), STR_LIT(".bjy"));
}

/* One file more than wanted: the one that was used longest ago goes. */
static void prune(const char *dir)
{
    struct dirent **list = NULL;
    struct timespec oldest = {0};
    char *victim = NULL;
    int n = scandir(dir, &list, only_ours, NULL);

    for (int i = 0; i < n; i++) {
        struct stat st;
        char *path = path_join(dir, list[i]->d_name);
        if (n > YARA_CACHE_FILES_MAX && path && lstat(path, &st) == 0 &&
            (!victim || st.st_mtim.tv_sec < oldest.tv_sec)) {
            free(victim);
            victim = path;
            path = NULL;
            oldest = st.st_mtim;
        }
        free(path);
        free(list[i]);
    }
    free(list);
    if (victim)
        unlink(victim);
    free(victim);
}

int yara_cache_put(const char *dir, const uint8_t key[SHA256_SIZE], struct str problems, struct str compiled,
                   struct err *e)
{
    char *own = NULL, *path = NULL;
    uint8_t secret[SHA256_SIZE], mac[SHA256_SIZE];
    struct buf b;
    int x = open_all(dir, key, &own, &path, secret, e);

    buf_init(&b, HEADER_SIZE + YARA_CACHE_PROBLEMS_MAX + (size_t)YARA_COMPILED_MAX);
    if (x == 0 && (x = sum(secret, key, problems, compiled, mac)) < 0)
        err_set(e, x, "cannot make a sum of the compiled rules");
    if (x == 0) {
        buf_u32le(&b, MAGIC);
        buf_u32le(&b, FORM);
        buf_add(&b, mac, sizeof(mac));
        buf_add(&b, key, SHA256_SIZE);
        buf_u32le(&b, (uint32_t)problems.n);
        buf_add_str(&b, problems);
        buf_add_str(&b, compiled);
        x = b.failed ? err_set(e, b.failed, "the compiled rules are too large to be kept")
                     : file_write_atomic(path, b.data, b.len, 0600, e);
        if (x == 0)
            prune(own);
    }
    buf_free(&b);
    free(own);
    free(path);
    return x;
}
