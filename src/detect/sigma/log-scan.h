/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rules over a log: each record becomes an event with its sources, and matches
 * come back with the record's number. Correlations begin anew with each log.
 */
#ifndef BELLJAR_DETECT_SIGMA_LOG_SCAN_H
#define BELLJAR_DETECT_SIGMA_LOG_SCAN_H

#include "detect/sigma/log.h"

struct sigma_log_scan_stats {
    struct sigma_log_stats log;
    struct sigma_stats engine;
    uint64_t idle; /* records whose sources no rule asks for: they were not evaluated */
};

/* Matches go to fn: m->event->index is the record's, m->events of a correlation are records, too. */
int sigma_log_scan(const struct sigma_rules *rules, const struct sigma_options *options,
                   const struct sigma_log_options *log, sigma_match_fn *fn, void *context,
                   struct sigma_log_scan_stats *ret, struct err *e);

#endif
