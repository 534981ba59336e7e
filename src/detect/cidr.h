/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ranges of addresses in rules: "10.0.0.0/8", "fe80::/10", one address alone. */
#ifndef BELLJAR_DETECT_CIDR_H
#define BELLJAR_DETECT_CIDR_H

#include "base/str.h"

struct cidr {
    uint8_t bytes[16];
    uint8_t bits;
    bool v6;
};

int cidr_parse(struct str text, struct cidr *ret);       /* 0 or ERR_FORMAT */
bool cidr_has(const struct cidr *c, struct str address); /* false when it is no address */

#endif
