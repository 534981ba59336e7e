/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Oddities of an input: named, with the place; parsing goes on. */
#ifndef BELLJAR_FORMAT_ANOMALY_H
#define BELLJAR_FORMAT_ANOMALY_H

#include "base/jsonw.h"

#include <stdint.h>

#define ANOMALIES_MAX 64

struct anomaly {
    const char *what; /* static, machine-readable: "section-outside-file" */
    const char *text; /* static sentence */
    uint64_t offset;  /* in the input */
};
struct anomalies {
    struct anomaly items[ANOMALIES_MAX];
    unsigned count;
    uint64_t more; /* beyond the cap */
};

void anomaly_add(struct anomalies *a, const char *what, uint64_t offset, const char *text);
/* An array of {"what","offset","text"} as a value. */
void anomalies_json(struct jsonw *w, const struct anomalies *a);

#endif
