/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/entropy.h"

#include <math.h>

double entropy_from_counts(const uint64_t counts[256], uint64_t total)
{
    double sum = 0;

    for (int i = 0; i < 256; i++) {
        if (counts[i]) {
            double share = (double)counts[i] / (double)total;
            sum -= share * log2(share);
        }
    }
    return sum > 0 ? sum : 0;
}

double entropy_of(const void *p, size_t n)
{
    const uint8_t *b = p;
    uint64_t counts[256] = {0};

    for (size_t i = 0; i < n; i++)
        counts[b[i]]++;
    return entropy_from_counts(counts, n);
}
