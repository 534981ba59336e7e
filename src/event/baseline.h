/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The idle baseline: what a guest does on its own.
 *
 * A set of keys (kind, image, target) of events by PROC_SYSTEM processes,
 * recorded from a run without a sample. The target is the kind's most telling
 * text (TargetFilename, CommandLine, QueryName, ...), normalised so that two
 * idle runs give the same key: UUIDs, runs of 8 or more hex digits, runs of
 * decimal digits and mktemp-like suffixes become '#'. Keys are cut at
 * BASELINE_TEXT_MAX bytes per text.
 *
 * Rule for users: an event counts iff its process is PROC_SAMPLE or
 * PROC_ADOPTED; one of a PROC_SYSTEM process that is not in the baseline is
 * shown as "system" but never scored; one that is in it is noise.
 *
 * File: "belljar-baseline 1", then one key per line, sorted: kind, image and
 * target separated by tabs, other bytes than printable ASCII as \xNN.
 */
#ifndef BELLJAR_EVENT_BASELINE_H
#define BELLJAR_EVENT_BASELINE_H

#include "base/err.h"
#include "event/proctab.h"

#define BASELINE_TEXT_MAX 512
#define BASELINE_KEYS_MAX 200000
#define BASELINE_FILE_MAX ((size_t)64 << 20)

struct baseline;

int baseline_new(struct baseline **ret); /* 0 or -ENOMEM */
void baseline_free(struct baseline **b);
/* 1: a new key; 0: known, or not an event of a system process; ERR_LIMIT when full. */
int baseline_add_event(struct baseline *b, const struct event *ev, const struct proc *p);
/* Is this event of this process noise? Looks at kind, image and target only, not at lineage. */
bool baseline_has(const struct baseline *b, const struct event *ev, const struct proc *p);
uint32_t baseline_count(const struct baseline *b);
/* Writes the whole file to a borrowed descriptor. */
int baseline_save(const struct baseline *b, int fd, struct err *e);
/* Reads a file from a borrowed descriptor, from its current offset. Errors name the line. */
int baseline_load(int fd, struct baseline **ret, struct err *e);
/* As baseline_load, from memory. */
int baseline_parse(struct str text, struct baseline **ret, struct err *e);

#endif
