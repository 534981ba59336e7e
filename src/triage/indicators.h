/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * URLs, addresses, host names, e-mail addresses and paths in a text that anybody may have written: strings of a file,
 * command lines, scripts. The host of a URL (RFC 3986, section 3.2) is told as an address or a name as well, and so is
 * what stands before the first slash or colon of HOST/PATH and HOST:PORT, and bash's /dev/tcp/HOST/PORT.
 */
#ifndef BELLJAR_TRIAGE_INDICATORS_H
#define BELLJAR_TRIAGE_INDICATORS_H

#include "base/str.h"

enum indicator_kind { INDICATOR_URL, INDICATOR_IP, INDICATOR_DOMAIN, INDICATOR_EMAIL, INDICATOR_PATH, INDICATOR_KINDS };

/* Calls fn for each, in order and with repeats; `value` is a part of text. */
void indicators_find(struct str text, void (*fn)(void *context, enum indicator_kind kind, struct str value),
                     void *context);
/* Four decimal parts of at most 255. */
bool indicator_is_ip(struct str s);
/* Nowhere in particular: this host, loopback, link-local, multicast, broadcast (RFC 6890). */
bool indicator_ip_is_local(struct str s);

#endif
