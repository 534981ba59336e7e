/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Readable strings of a file (ASCII and UTF-16LE, 5 characters or more) and the
 * indicators among them: URLs, addresses, domains, paths, e-mail addresses.
 * Kept: the first STRINGS_MAX different ones, the interesting ones before the
 * others; how many there were is told.
 */
#ifndef BELLJAR_TRIAGE_STRINGS_H
#define BELLJAR_TRIAGE_STRINGS_H

#include "base/intern.h"
#include "base/jsonw.h"
#include "base/reader.h"
#include "triage/indicators.h"

#define STRINGS_MIN 5
#define STRINGS_MAX 4000
#define STRING_LENGTH_MAX 512
#define INDICATORS_MAX 500

struct strings {
    struct intern *seen; /* ids 1..n are the strings */
    uint64_t offsets[STRINGS_MAX];
    uint8_t wide[STRINGS_MAX];
    uint32_t kept;
    uint64_t total; /* found, repeats included */
    struct intern *found[INDICATOR_KINDS];
};

int strings_collect(const struct reader *in, struct strings *ret);
void strings_free(struct strings *s);
/* {"total", "kept", "items":[{"offset","text"}...]} as a value */
void strings_json(struct jsonw *w, const struct strings *s);
/* {"urls":[],"ips":[],"domains":[],"emails":[],"paths":[]} as a value */
void indicators_json(struct jsonw *w, const struct strings *s);

#endif
