/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * CRC-32C (Castagnoli, RFC 3720 appendix B.4): the check sum of our own file
 * blocks. Uses the SSE4.2 instruction when the processor has it.
 */
#ifndef BELLJAR_BASE_CRC32C_H
#define BELLJAR_BASE_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; chain by passing the last result. */
uint32_t crc32c(uint32_t crc, const void *p, size_t n);
/* The portable form; crc32c falls back to it. Public so that tests can compare. */
uint32_t crc32c_portable(uint32_t crc, const void *p, size_t n);

#endif
