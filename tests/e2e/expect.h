/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Expectations of a case against report.json. */
#ifndef BELLJAR_E2E_EXPECT_H
#define BELLJAR_E2E_EXPECT_H

#include <jansson.h>

/* Prints each expectation that does not hold; returns their number. */
unsigned expect_check(const json_t *expect, const json_t *report);

#endif
