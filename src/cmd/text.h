/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Text of samples on a terminal: whatever a terminal would obey, or the eye would misread, is shown as its code. */
#ifndef BELLJAR_CMD_TEXT_H
#define BELLJAR_CMD_TEXT_H

#include "base/str.h"

#include <stdbool.h>
#include <stdio.h>

/*
 * Control characters and bytes that are not UTF-8 as \xNN; U+0080-U+009F and U+2000-U+207F (bidirectional controls
 * among them) as \uNNNN.
 */
void text_print(FILE *to, struct str s);

/* The reader of this pipe went away (head had enough): what it did not want is no failure. */
bool text_reader_gone(int fd);

#endif
