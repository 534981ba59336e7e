/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/hash.h"

#include "base/entropy.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define CHUNK (256 * 1024)

enum { HASH_MD5, HASH_SHA1, HASH_SHA256, HASH_SHA512, HASH_COUNT };

struct hash_all {
    EVP_MD_CTX *context[HASH_COUNT];
    uint64_t bytes[256]; /* how often each byte value came */
    uint64_t size;
};

static void all_free(struct hash_all *h)
{
    for (int i = 0; i < HASH_COUNT; i++)
        EVP_MD_CTX_free(h->context[i]);
}

static int all_init(struct hash_all *h, struct err *e)
{
    const EVP_MD *kinds[HASH_COUNT] = {EVP_md5(), EVP_sha1(), EVP_sha256(), EVP_sha512()};

    memset(h, 0, sizeof(*h));
    for (int i = 0; i < HASH_COUNT; i++) {
        h->context[i] = EVP_MD_CTX_new();
        if (!h->context[i])
            return err_set(e, -ENOMEM, "cannot hash: no memory");
        if (EVP_DigestInit_ex(h->context[i], kinds[i], NULL) != 1)
            return err_set(e, ERR_UNSUPPORTED, "the cryptographic library refuses %s", EVP_MD_get0_name(kinds[i]));
    }
    return 0;
}

static int all_add(struct hash_all *h, const uint8_t *p, size_t n, struct err *e)
{
    for (int i = 0; i < HASH_COUNT; i++) {
        if (EVP_DigestUpdate(h->context[i], p, n) != 1)
            return err_set(e, -EIO, "the cryptographic library failed");
    }
    for (size_t i = 0; i < n; i++)
        h->bytes[p[i]]++;
    h->size += n;
    return 0;
}

static int all_end(struct hash_all *h, struct hash_set *ret, struct err *e)
{
    char *texts[HASH_COUNT] = {ret->md5, ret->sha1, ret->sha256, ret->sha512};

    for (int i = 0; i < HASH_COUNT; i++) {
        uint8_t digest[EVP_MAX_MD_SIZE];
        unsigned n = 0;
        if (EVP_DigestFinal_ex(h->context[i], digest, &n) != 1)
            return err_set(e, -EIO, "the cryptographic library failed");
        hex_encode(digest, n, texts[i]);
    }
    ret->size = h->size;
    ret->entropy = entropy_from_counts(h->bytes, h->size);
    return 0;
}

static int fd_add(struct hash_all *h, int fd, uint64_t max, uint8_t *space, struct err *e)
{
    for (;;) {
        ssize_t n = read(fd, space, CHUNK);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return err_errno(e, "cannot read the file to hash");
        if (n == 0)
            return 0;
        if ((uint64_t)n > max - h->size)
            return err_set(e, ERR_LIMIT, "the file is larger than %llu bytes", (unsigned long long)max);
        int r = all_add(h, space, (size_t)n, e);
        if (r < 0)
            return r;
    }
}

int hash_fd(int fd, uint64_t max, struct hash_set *ret, struct err *e)
{
    struct hash_all h;
    struct hash_set set;
    uint8_t *space = malloc(CHUNK);
    int r = all_init(&h, e);

    if (r == 0 && !space)
        r = err_set(e, -ENOMEM, "cannot hash: no memory");
    if (r == 0)
        r = fd_add(&h, fd, max, space, e);
    if (r == 0)
        r = all_end(&h, &set, e);
    if (r == 0)
        *ret = set;
    all_free(&h);
    free(space);
    return r;
}

int hash_bytes(const void *p, size_t n, struct hash_set *ret, struct err *e)
{
    struct hash_all h;
    struct hash_set set;
    int r = all_init(&h, e);

    if (r == 0)
        r = all_add(&h, p, n, e);
    if (r == 0)
        r = all_end(&h, &set, e);
    if (r == 0)
        *ret = set;
    all_free(&h);
    return r;
}

struct sha256 {
    EVP_MD_CTX *context;
};

int sha256_new(struct sha256 **ret)
{
    struct sha256 *h = calloc(1, sizeof(*h));

    if (!h)
        return -ENOMEM;
    h->context = EVP_MD_CTX_new();
    if (!h->context || EVP_DigestInit_ex(h->context, EVP_sha256(), NULL) != 1) {
        sha256_free(&h);
        return -ENOMEM;
    }
    *ret = h;
    return 0;
}

int sha256_add(struct sha256 *h, const void *p, size_t n)
{
    return EVP_DigestUpdate(h->context, p, n) == 1 ? 0 : -EIO;
}

int sha256_end(struct sha256 **h, uint8_t ret[SHA256_SIZE])
{
    uint8_t digest[EVP_MAX_MD_SIZE];
    int r = EVP_DigestFinal_ex((*h)->context, digest, NULL) == 1 ? 0 : -EIO;

    if (r == 0)
        memcpy(ret, digest, SHA256_SIZE);
    sha256_free(h);
    return r;
}

void sha256_free(struct sha256 **h)
{
    if (!h || !*h)
        return;
    EVP_MD_CTX_free((*h)->context);
    free(*h);
    *h = NULL;
}

int sha256_bytes(const void *p, size_t n, uint8_t ret[SHA256_SIZE])
{
    uint8_t digest[SHA256_SIZE];

    if (EVP_Digest(p, n, digest, NULL, EVP_sha256(), NULL) != 1)
        return -EIO;
    memcpy(ret, digest, SHA256_SIZE);
    return 0;
}

void hex_encode(const void *bytes, size_t n, char *ret)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *p = bytes;

    for (size_t i = 0; i < n; i++) {
        ret[2 * i] = digits[p[i] >> 4];
        ret[2 * i + 1] = digits[p[i] & 15];
    }
    ret[2 * n] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

int hex_decode(const char *hex, size_t hex_len, void *ret, size_t n)
{
    uint8_t *out = ret;

    if (n > SIZE_MAX / 2 || hex_len != 2 * n)
        return ERR_FORMAT;
    for (size_t i = 0; i < hex_len; i++) {
        if (hex_value(hex[i]) < 0)
            return ERR_FORMAT;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = (uint8_t)(hex_value(hex[2 * i]) << 4 | hex_value(hex[2 * i + 1]));
    return 0;
}

void random_bytes(void *p, size_t n)
{
    uint8_t *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            abort();
        at += got;
        n -= (size_t)got;
    }
}
