/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What kind of file is it? Our own table decides on the way a sample takes;
 * libmagic's sentence is only for people.
 */
#ifndef BELLJAR_TRIAGE_IDENTIFY_H
#define BELLJAR_TRIAGE_IDENTIFY_H

#include "base/reader.h"

struct identity {
    const char *
        type; /* static: "elf", "script", "shell", "python", "perl", "pe", "pdf", "zip", "text", "data", "empty", ... */
    const char *title;      /* static: "an ELF program", "a PDF document" */
    struct str interpreter; /* of the "#!" line, borrowed from the input */
    bool text;              /* printable, or UTF-8/UTF-16 text */
};

void identify(const struct reader *in, struct str name, struct identity *ret);

#endif
