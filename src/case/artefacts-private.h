/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the supervisor's half (artefacts.c) and the process (artefacts-role.c). */
#ifndef BELLJAR_CASE_ARTEFACTS_PRIVATE_H
#define BELLJAR_CASE_ARTEFACTS_PRIVATE_H

#include "base/jsonw.h"
#include "detect/yara/client.h"

#define ARTEFACTS_FILE "yara.json"

enum artefacts_message {
    ARTEFACTS_BEGIN = 1,  /* path of the case folder */
    ARTEFACTS_FINISH = 2, /* nothing: the run is over */
    ARTEFACTS_DONE = 3,   /* nothing: yara.json is there */
    ARTEFACTS_FAILED = 4, /* sentence */
};

/* "schema", "engine", "rules", "error": the first members of yara.json. c: NULL when there was no scanner. */
void artefacts_json_head(struct jsonw *w, const struct yara_client *c, const char *error);

#endif
