/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CRC-32 as in RFC 1952 section 8 (zip, gzip, EVTX): reflected polynomial 0xedb88320. */
#ifndef BELLJAR_BASE_CRC32_H
#define BELLJAR_BASE_CRC32_H

#include <stddef.h>
#include <stdint.h>

/* Start with crc = 0; chain by passing the last result. */
uint32_t crc32_add(uint32_t crc, const void *p, size_t n);

#endif
