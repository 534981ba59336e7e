/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of sigma-run: which of our events is which line of which log, and where its fields come from. */
#ifndef BELLJAR_DETECT_SIGMA_SIGMA_VIEWS_H
#define BELLJAR_DETECT_SIGMA_SIGMA_VIEWS_H

#include "event/event.h"

enum view_from {
    VIEW_SLOT,    /* field `slot` of the event, as text */
    VIEW_HEX,     /* field `slot` as hexadecimal digits */
    VIEW_TEXT,    /* always `text` */
    VIEW_IMAGE,   /* of the process: path, ... */
    VIEW_COMMAND, /* command line */
    VIEW_CWD,
    VIEW_USER,
    VIEW_PID,
    VIEW_PPID,
    VIEW_UID,
    VIEW_EUID,
    VIEW_COMM,         /* name without folders, at most 15 bytes as in the kernel */
    VIEW_PARENT_IMAGE, /* of its parent */
    VIEW_PARENT_COMMAND,
    VIEW_TARGET_IMAGE, /* of the process whose pid is in `slot` */
    VIEW_HASHES,       /* "SHA256=..." of the program, when a copy was taken before */
    VIEW_HOSTNAME,     /* name that DNS answered with the address in `slot` */
    VIEW_ARGS,         /* a0, a1, ... of the command line, and argc */
    VIEW_URL_PATH,     /* of the URL in `slot` */
    VIEW_URL_QUERY,
    VIEW_URL_EXTENSION,
    VIEW_URL_TAIL, /* path and query */
    VIEW_HEADER,   /* value of the header `text` in the headers in `slot` */
};

struct view_field {
    const char *name; /* NULL ends a list */
    uint8_t from;     /* enum view_from */
    uint8_t slot;
    const char *text;
};

#define VIEW_SOURCES_MAX 2
struct view {
    uint16_t kind;
    bool actor; /* Image, CommandLine, ... of the process too */
    struct {
        const char *product, *category, *service;
    } sources[VIEW_SOURCES_MAX];
    const struct view_field *fields;
};

/* NULL at the end. */
const struct view *view_at(unsigned index);
/* What every view with `actor` has. */
extern const struct view_field view_actor[];

#endif
