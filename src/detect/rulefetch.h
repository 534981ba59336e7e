/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Fetches rules from the address that the administrator typed, by http or https
 * (libcurl; certificates are checked). A server that sends us elsewhere is not
 * followed: the error names where to, so that the administrator can decide.
 */
#ifndef BELLJAR_DETECT_RULEFETCH_H
#define BELLJAR_DETECT_RULEFETCH_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

#define RULEFETCH_SECONDS_MAX 600

bool rulefetch_is_url(const char *source); /* begins with a word and "://" */
/* At most `max` bytes into the open file, which is at its beginning afterwards. */
int rulefetch_to_fd(const char *url, uint64_t max, int fd, struct err *e);

#endif
