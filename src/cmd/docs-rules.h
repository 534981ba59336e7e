/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes docs/reference/rules.md: how many rules came with Belljar, of which file, and one line for each. */
#ifndef BELLJAR_CMD_DOCS_RULES_H
#define BELLJAR_CMD_DOCS_RULES_H

#include <stdio.h>

/* 0, or negative when the rules cannot be read or the stream failed. Loads only our own rules, in this process. */
int docs_rules_write(FILE *f);

#endif
