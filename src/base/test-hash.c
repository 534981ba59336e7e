/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/crc32c.h"
#include "base/hash.h"
#include "base/siphash.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* RFC 1321 appendix A.5, FIPS 180-4 examples. */
static void test_digests(void **unused)
{
    struct hash_set h;
    struct err e;
    (void)unused;

    assert_int_equal(hash_bytes("abc", 3, &h, &e), 0);
    assert_string_equal(h.md5, "900150983cd24fb0d6963f7d28e17f72");
    assert_string_equal(h.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
    assert_string_equal(h.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    assert_string_equal(h.sha512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
                                  "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
    assert_int_equal(h.size, 3);
    assert_true(h.entropy > 1.5849 && h.entropy < 1.585);
    assert_int_equal(hash_bytes(NULL, 0, &h, &e), 0);
    assert_string_equal(h.md5, "d41d8cd98f00b204e9800998ecf8427e");
    assert_true(h.entropy == 0);
    uint8_t all[1024];
    for (int i = 0; i < 1024; i++)
        all[i] = (uint8_t)i;
    assert_int_equal(hash_bytes(all, sizeof(all), &h, &e), 0);
    assert_true(h.entropy == 8);
    memset(all, 7, sizeof(all));
    assert_int_equal(hash_bytes(all, sizeof(all), &h, &e), 0);
    assert_true(h.entropy == 0);
}

static void test_file(void **unused)
{
    struct hash_set h = {.size = 99}, want;
    struct err e;
    int fd = memfd_create("f", 0);
    char block[70000];
    (void)unused;

    memset(block, 'q', sizeof(block));
    for (int i = 0; i < 10; i++)
        assert_int_equal(write(fd, block, sizeof(block)), sizeof(block));
    lseek(fd, 0, SEEK_SET);
    assert_int_equal(hash_fd(fd, 699999, &h, &e), ERR_LIMIT);
    assert_int_equal(h.size, 99); /* untouched */
    lseek(fd, 630000, SEEK_SET);
    assert_int_equal(hash_fd(fd, 70000, &h, &e), 0);
    assert_int_equal(hash_bytes(block, sizeof(block), &want, &e), 0);
    assert_string_equal(h.sha256, want.sha256);
    assert_int_equal(h.size, 70000);
    close(fd);
    assert_int_equal(hash_fd(fd, 1, &h, &e), -EBADF);
}

static void test_sha256(void **unused)
{
    static const char text[] = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
    struct sha256 *h = NULL;
    uint8_t a[SHA256_SIZE], b[SHA256_SIZE];
    char hex[SHA256_HEX];
    (void)unused;

    assert_int_equal(sha256_new(&h), 0);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        assert_int_equal(sha256_add(h, text + i, 1), 0);
    assert_int_equal(sha256_end(&h, a), 0);
    assert_null(h);
    hex_encode(a, sizeof(a), hex);
    assert_string_equal(hex, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
    assert_int_equal(sha256_bytes(text, sizeof(text) - 1, b), 0);
    assert_memory_equal(a, b, sizeof(a));
    sha256_free(&h);
    sha256_free(NULL);
    assert_int_equal(sha256_new(&h), 0);
    sha256_free(&h);
    assert_null(h);
}

static void test_hex(void **unused)
{
    uint8_t p[4] = {9, 9, 9, 9};
    char text[9];
    (void)unused;

    assert_int_equal(hex_decode("00fFA57e", 8, p, 4), 0);
    assert_memory_equal(p, "\x00\xff\xa5\x7e", 4);
    hex_encode(p, 4, text);
    assert_string_equal(text, "00ffa57e");
    assert_int_equal(hex_decode("00ffa57", 7, p, 4), ERR_FORMAT);
    assert_int_equal(hex_decode("00ffa57e00", 10, p, 4), ERR_FORMAT);
    assert_int_equal(hex_decode("1g", 2, p, 1), ERR_FORMAT);
    assert_int_equal(p[0], 0);
    assert_int_equal(hex_decode("", 0, p, 0), 0);
    hex_encode(p, 0, text);
    assert_string_equal(text, "");
}

/* Vectors of the reference implementation (SipHash-2-4, key 00..0f, message 00..n-1), little endian. */
static void test_siphash(void **unused)
{
    static const uint64_t want[] = {0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
                                    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
                                    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
                                    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5};
    uint8_t key[16], message[64];
    (void)unused;

    for (int i = 0; i < 64; i++)
        message[i] = (uint8_t)i;
    memcpy(key, message, 16);
    for (size_t n = 0; n < 16; n++)
        assert_true(siphash24(message, n, key) == want[n]);
    /* Any split gives the same. */
    for (size_t a = 0; a <= 64; a++) {
        for (size_t b = a; b <= 64; b += 5) {
            struct siphash s;
            siphash_init(&s, key);
            siphash_add(&s, message, a);
            siphash_add(&s, message + a, b - a);
            siphash_add(&s, message + b, 64 - b);
            siphash_add(&s, NULL, 0);
            assert_true(siphash_end(&s) == siphash24(message, 64, key));
        }
    }
    /* SipHash-1-3: as CPython's and Rust's tables use it; empty message, key 00..0f. */
    assert_true(siphash13(message, 0, key) == 0xabac0158050fc4dc);
    assert_true(siphash13(message, 1, key) == 0xc9f49bf37d57ca93);
}

/* RFC 3720 B.4 */
static void test_crc32c(void **unused)
{
    uint8_t p[32];
    uint8_t big[1000];
    (void)unused;

    memset(p, 0, 32);
    assert_int_equal(crc32c(0, p, 32), 0x8a9136aa);
    memset(p, 0xff, 32);
    assert_int_equal(crc32c(0, p, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++)
        p[i] = (uint8_t)i;
    assert_int_equal(crc32c(0, p, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++)
        p[i] = (uint8_t)(31 - i);
    assert_int_equal(crc32c(0, p, 32), 0x113fdb5c);
    assert_int_equal(crc32c(0, "123456789", 9), 0xe3069283);
    assert_int_equal(crc32c(0, NULL, 0), 0);
    random_bytes(big, sizeof(big));
    for (size_t n = 0; n < sizeof(big); n += 13) {
        assert_int_equal(crc32c(0, big, n), crc32c_portable(0, big, n));
        assert_int_equal(crc32c(crc32c(0, big, n), big + n, sizeof(big) - n), crc32c(0, big, sizeof(big)));
    }
}

static void test_random(void **unused)
{
    uint8_t a[64] = {0}, b[64] = {0};
    (void)unused;

    random_bytes(a, sizeof(a));
    random_bytes(b, sizeof(b));
    assert_memory_not_equal(a, b, sizeof(a));
    random_bytes(a, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_digests), cmocka_unit_test(test_file),    cmocka_unit_test(test_sha256),
        cmocka_unit_test(test_hex),     cmocka_unit_test(test_siphash), cmocka_unit_test(test_crc32c),
        cmocka_unit_test(test_random),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
