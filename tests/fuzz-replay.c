/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Runs a fuzzer's function over its seed folder without libFuzzer: each seed
 * whole, cut at many lengths, and with single bytes changed. A fixed generator
 * makes every run the same.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SEED_MAX (4u << 20)
#define CUTS 64
#define FLIPS 256

static uint64_t state = 0x9e3779b97f4a7c15u;

static uint32_t next_random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)(state >> 16);
}

/* An exact-size heap copy, so that AddressSanitizer sees the first byte read too far. */
static void run_copy(const uint8_t *p, size_t n)
{
    uint8_t *copy = malloc(n ? n : 1);
    if (!copy)
        abort();
    memcpy(copy, p, n);
    LLVMFuzzerTestOneInput(copy, n);
    free(copy);
}

static int replay(const char *path)
{
    FILE *f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    uint8_t *p = malloc(SEED_MAX);
    size_t n = p ? fread(p, 1, SEED_MAX, f) : 0;
    fclose(f);
    if (!p)
        return -1;
    run_copy(p, n);
    for (unsigned i = 0; i < CUTS && n; i++)
        run_copy(p, n <= CUTS ? i % n : next_random() % n);
    for (unsigned i = 0; i < FLIPS && n; i++) {
        size_t at = next_random() % n;
        uint8_t old = p[at];
        p[at] = (uint8_t)(i % 4 == 0 ? 0xff : i % 4 == 1 ? 0 : next_random());
        run_copy(p, n);
        p[at] = old;
    }
    free(p);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned seeds = 0, bad = 0;

    for (int i = 1; i < argc; i++) {
        DIR *d = opendir(argv[i]);
        if (!d) {
            perror(argv[i]);
            return 1;
        }
        for (struct dirent *e; (e = readdir(d));) {
            char path[4096];
            if (e->d_name[0] == '.')
                continue;
            snprintf(path, sizeof(path), "%s/%s", argv[i], e->d_name);
            bad += replay(path) < 0;
            seeds++;
        }
        closedir(d);
    }
    run_copy((const uint8_t *)"", 0);
    printf("%u seeds replayed\n", seeds);
    return bad || !seeds;
}
