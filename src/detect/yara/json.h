/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hits as JSON: the same members in `belljar yara scan --json`, yara.json and the report. */
#ifndef BELLJAR_DETECT_YARA_JSON_H
#define BELLJAR_DETECT_YARA_JSON_H

#include "base/jsonw.h"
#include "detect/yara/hits.h"

/*
 * Members of an open object: "namespace", "rule", "part" (text or null), "tags", "meta": {name: text, number or
 * boolean}, "strings": [{"id", "offset", "length", "data", "xor_key"}], "strings_more". "data" as jsonw_bytes writes
 * it.
 */
void yara_hit_json(struct jsonw *w, const struct yara_hit *h);
/* A sentence about a note: "the string $a of miners/Pool matched too often ...". */
void yara_note_text(const struct yara_note *n, char *ret, size_t size);

#endif
