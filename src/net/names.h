/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Names and their made-up addresses. A name's address comes from a keyed hash
 * (SipHash-2-4 with the installation's salt), so that it is the same in every
 * run of an installation and cannot be guessed by a sample. The way back,
 * address to name, is remembered for what was answered: the newest
 * NAMES_MAX pairs.
 */
#ifndef BELLJAR_NET_NAMES_H
#define BELLJAR_NET_NAMES_H

#include "base/str.h"

#define NAMES_MAX 65536
#define NAMES_TEXT_MAX 255
#define NAMES_SALT 16

struct names;

int names_new(const uint8_t salt[NAMES_SALT], struct names **ret); /* 0 or -ENOMEM */
void names_free(struct names **n);
/* The stable, public-looking address of a name (letters fold). Never a reserved range of RFC 6890. */
uint32_t names_address(const struct names *n, struct str name);
/* A stable 64-bit number for a name and a purpose: serials, times to live. */
uint64_t names_number(const struct names *n, struct str name, uint8_t purpose);
/* The address the world would see the guest come from. */
uint32_t names_own_address(const struct names *n);
void names_remember(struct names *n, uint32_t address, struct str name);
/* STR_NONE when no name was answered with this address. Borrowed until the next names_remember. */
struct str names_of(const struct names *n, uint32_t address);
uint64_t names_forgotten(const struct names *n); /* pairs pushed out by newer ones */
bool names_is_reserved(uint32_t address);

#endif
