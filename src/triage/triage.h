/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Triage: what can be said of a file without running it. Runs in a jail; the
 * sample comes as a descriptor, static.json goes out as one.
 *
 * static.json: {"type": short word for routing ("elf", "script", "shell", "python", "perl", "pe", "pdf", ..., "empty",
 * "data"), "description": libmagic's sentence, "hashes": {...}, "size", "entropy", "ssdeep", "not_runnable": sentence
 * or null, "interpreter", "elf": {...} or null, "strings": [...], "indicators": {...}, "anomalies": [...]}; see
 * docs/reference/static.md.
 */
#ifndef BELLJAR_TRIAGE_TRIAGE_H
#define BELLJAR_TRIAGE_TRIAGE_H

#include "base/buf.h"
#include "base/err.h"
#include "os/role.h"

extern const struct role triage_role;

/* Runs the role on the file and gives the JSON text (NUL-terminated, owned by *ret). A crash of the role is an error
 * that says so. */
int triage_file(int fd, const char *name, struct buf *ret, struct err *e);

/* The work itself, on bytes: for the role, tests and the fuzzer. */
int triage_bytes(const void *p, size_t n, const char *name, struct buf *ret, struct err *e);
/* As triage_bytes, with libmagic's sentence put in (or NULL). */
int triage_describe(const void *p, size_t n, const char *name, const char *description, struct buf *ret, struct err *e);

#endif
