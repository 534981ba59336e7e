/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Settings: one table (conf.def), read from a file and the environment.
 *
 * A file has lines `name = value`. '#' starts a comment at the beginning of a
 * line or behind white space. A value may stand in double quotes (then '#' and
 * outer white space belong to it; no escapes). Unknown names, names given
 * twice and values out of range are errors that name file and line. The
 * environment (BELLJAR_MEMORY_MIB for memory-mib, ...) goes over the file; an
 * empty variable counts as unset.
 */
#ifndef BELLJAR_CONF_CONF_H
#define BELLJAR_CONF_CONF_H

#include "base/err.h"
#include "base/str.h"

#include <stdio.h>

#define CONF_FILE_MAX (1u << 20)

/* CONF_MACHINES, CONF_MEMORY_MIB, ... */
enum conf_id {
#define CONF(sym, name, type, value, min, max, choices, doc) CONF_##sym,
#include "conf/conf.def"
#undef CONF
    CONF_COUNT
};

struct conf;

/*
 * Defaults, then the file (NULL: none; a missing file is an error), then the
 * environment. 0, or a negative code and a sentence such as
 * "belljar.conf:3: unknown setting "memory-mb"; did you mean "memory-mib"?".
 */
int conf_load(const char *path, struct conf **ret, struct err *e);
/* As conf_load from text; `name` stands for the file in errors. `environment` is a NULL-ended list like environ, or
 * NULL. */
int conf_parse(const char *name, struct str text, char *const *environment, struct conf **ret, struct err *e);
void conf_free(struct conf **c);
/* Sets one by name (command line). Same checks, same errors, without a line. */
int conf_set(struct conf *c, struct str name, struct str value, struct err *e);

/* NUMBER and SIZE. */
uint64_t conf_number(const struct conf *c, enum conf_id id);
/* CHOICE and PATH: never NULL; "" for a path that was not set. "~/" is replaced by $HOME. */
const char *conf_text(const struct conf *c, enum conf_id id);
/* Folders: as set, else path_data_dir() and its sisters of os/file.h. Never empty. Borrowed. */
const char *conf_data_dir(const struct conf *c);
const char *conf_cache_dir(const struct conf *c);
const char *conf_share_dir(const struct conf *c);

const char *conf_name(enum conf_id id); /* "memory-mib" */
/* Writes all settings as a file that conf_load reads, with where each came from as comment. */
int conf_write(const struct conf *c, FILE *out);
/*
 * Puts all values into our environment, so that the processes we start, and
 * conf_load(NULL, ...) anywhere in this one, see the same settings. At start-up,
 * before there are threads. 0 or -errno.
 */
int conf_export(const struct conf *c);
/* Writes docs/reference/settings.md. 0 or -EIO. */
int conf_docs_write(FILE *out);

#endif
