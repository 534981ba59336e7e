/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes docs/reference/events.md, made from the schema.
 */
#ifndef BELLJAR_EVENT_DOCS_H
#define BELLJAR_EVENT_DOCS_H

#include <stdio.h>

/* 0, or -EIO when the stream failed. */
int event_docs_write(FILE *out);

#endif
