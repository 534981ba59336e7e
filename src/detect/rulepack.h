/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Rule packs: rules that an administrator added, beside those that came with
 * Belljar. All below DATA/rules:
 *
 *   index.json                  every pack, its current version, and the rules that are switched off
 *   packs/NAME/VERSION/...      the files of a version; VERSION is the beginning of the SHA-256 over names and texts
 *   lock                        flock: shared while rules are read, exclusive while something changes
 *
 * A version is made in a folder with a name of its own, renamed, and becomes
 * current when index.json is replaced: whatever is killed when, a reader sees the
 * old version or the new one. What a killed command left behind is removed by the
 * next one that changes something. Readers load the current version at each run.
 */
#ifndef BELLJAR_DETECT_RULEPACK_H
#define BELLJAR_DETECT_RULEPACK_H

#include "detect/rulekind.h"
#include "detect/ruletexts.h"

#include <stdint.h>

#define RULEPACKS_MAX 256
#define RULEPACK_VERSIONS_MAX 64
#define RULEPACK_OFF_MAX 100000
#define RULEPACK_NAME_MAX 64

struct rulepack {
    char *name; /* a-z 0-9 . _ - */
    const struct rulekind *kind;
    char *source;   /* the path or URL that was given */
    char *version;  /* current */
    char *added;    /* when the current version was added: 2026-11-23T10:00:00Z */
    char *licences; /* names, separated by "; "; "" when none was found */
    bool enabled;
    unsigned weight; /* of its points, percent: 0..100 */
    uint64_t files, rules, rejected;
    char **older; /* versions that are kept, newest first */
    size_t nolder;
};

struct rulepacks {
    char *dir; /* DATA/rules */
    struct rulepack *items;
    size_t count;
    char **off; /* ids of rules that are switched off */
    size_t noff;
    int lock_fd; /* -1: none */
};

/* For reading: takes the shared lock (until rulepacks_clear). Without the folder: no packs. */
int rulepacks_open(struct rulepacks *ret, struct err *e);
/* For changes: waits for the exclusive lock, removes what killed commands left. */
int rulepacks_change(struct rulepacks *ret, struct err *e);
int rulepacks_save(struct rulepacks *p, struct err *e);
void rulepacks_clear(struct rulepacks *p);

struct rulepack *rulepacks_find(const struct rulepacks *p, const char *name);
/* A pack's name from a path or URL ("https://x/sigma-2.1.tar.gz" is "sigma-2.1"); malloc'ed; NULL: give one. */
char *rulepack_name_from(const char *source);
bool rulepack_name_ok(const char *name);

/* What is known of a version besides its texts. */
struct rulepack_new {
    const char *name, *source;
    const struct rulekind *kind;
    unsigned weight;
    uint64_t rules, rejected;
};
/*
 * Stores texts as the current version of a pack (a new one, or the next version of
 * an old one) and saves the index. Texts of the kind and licences are kept; names
 * are checked again. Gives the version; *ret_same: it was the current one already.
 */
int rulepacks_store(struct rulepacks *p, const struct rulepack_new *n, const struct ruletexts *texts,
                    struct rulepack **ret, bool *ret_same, struct err *e);
/* version NULL: the whole pack; else one that is not current. Saves the index, then removes the files. */
int rulepacks_remove(struct rulepacks *p, const char *name, const char *version, struct err *e);
/* Folder of a version that is there; malloc'ed. ERR_MISSING. Storing its texts again makes it the current one. */
int rulepacks_version_dir(const struct rulepacks *p, const char *name, const char *version, char **ret, struct err *e);

bool rulepacks_is_off(const struct rulepacks *p, struct str id);
/* ERR_CONFLICT when it is so already. Does not save. */
int rulepacks_set_off(struct rulepacks *p, const char *id, bool off, struct err *e);

/*
 * What an engine reads: all files of the kind that came with Belljar and those of
 * the packs that are switched on, as name ("behavior/linux/c2.yml",
 * "PACK/x/y.yml"), text and weight; then the ids of rules that are switched off.
 * Texts end with the callback. A negative result ends it and is returned.
 */
struct rulepacks_reader {
    int (*file)(void *context, const struct ruletext *t);
    int (*off)(void *context, const char *id); /* NULL: not wanted */
    void *context;
};
int rulepacks_collect(const struct rulekind *k, const struct rulepacks_reader *r, struct err *e);
/* The same as ruletexts.h has it: what is handed to a jailed engine. kinds: bits over rulekind_at. */
int rulepacks_pack(unsigned kinds, struct buf *ret, struct err *e);
/* Index of a kind in rulekind_at. */
uint32_t rulekind_index(const struct rulekind *k);

/*
 * Adds the texts of a folder (rules and licences) or of one file to an initialised
 * buffer, as ruletexts.h has them, kind RULETEXT_NONE. Names are as seen from the
 * folder, or whole paths.
 */
int rulepack_read_path(const char *path, bool whole_paths, struct buf *to, struct err *e);
/* Sets the kind of each text (RULETEXT_NONE: not that kind and no licence either). Returns how many are of the kind. */
size_t rulepack_sort_out(struct ruletexts *t, const struct rulekind *k);

#endif
