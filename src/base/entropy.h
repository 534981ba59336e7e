/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shannon entropy in bits per byte, 0..8; 0 for no bytes. */
#ifndef BELLJAR_BASE_ENTROPY_H
#define BELLJAR_BASE_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

double entropy_of(const void *p, size_t n);
/* From counts per byte value. */
double entropy_from_counts(const uint64_t counts[256], uint64_t total);

#endif
