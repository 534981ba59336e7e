/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Clocks in nanoseconds and their text form (RFC 3339, always UTC). */
#ifndef BELLJAR_OS_TIME_H
#define BELLJAR_OS_TIME_H

#include <stddef.h>
#include <stdint.h>

#define TIME_TEXT_MAX 48 /* enough for every int64_t of nanoseconds */

uint64_t time_monotonic_ns(void); /* CLOCK_MONOTONIC */
uint64_t time_boot_ns(void);      /* CLOCK_BOOTTIME: also runs while the host sleeps */
int64_t time_real_ns(void);       /* CLOCK_REALTIME, since 1970-01-01T00:00:00Z */
/* "2024-05-06T07:08:09.123Z"; digits of the fraction: 0, 3, 6 or 9 (others are rounded down to these). Cuts, never
 * rounds. */
void time_format(int64_t real_ns, unsigned digits, char ret[TIME_TEXT_MAX]);
/* "20240506-070809", for names of folders. */
void time_format_compact(int64_t real_ns, char ret[TIME_TEXT_MAX]);
/* Reads "2024-05-06T07:08:09[.fraction](Z|+hh:mm|-hh:mm)"; 0 or ERR_FORMAT. */
int time_parse(const char *text, int64_t *ret_ns);

#endif
