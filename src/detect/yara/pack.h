/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The texts of YARA rules from folders and files. Each rule file gets a
 * namespace: its path below the folder, without its ending ("linux/miners").
 *
 * Of a folder: *.yar and *.yara, sorted, to PACK_DEPTH_MAX, links not followed.
 * Files that hold nothing but includes and imports (an index) are not compiled
 * by themselves: their rules would count twice. *.inc files, and for a single
 * file the other rule files of its folder, may only be included.
 */
#ifndef BELLJAR_DETECT_YARA_PACK_H
#define BELLJAR_DETECT_YARA_PACK_H

#include "detect/yara/yara.h"

#define PACK_DEPTH_MAX 8
#define PACK_FILES_MAX 20000
#define PACK_FILE_MAX (16u << 20)
#define PACK_BYTES_MAX (128u << 20)

struct yara_pack {
    struct yara_text *texts;
    size_t count, cap, bytes;
    struct str *off; /* ids of rules that are switched off: "yara:miners/Miner_Pool" */
    size_t noff, off_cap;
    struct arena arena;
};

void yara_pack_init(struct yara_pack *p);
void yara_pack_free(struct yara_pack *p);
/* A folder or one file. Files that cannot be read go to `h->problem`; the rest is taken. */
int yara_pack_add(struct yara_pack *p, const char *path, const struct yara_handlers *h, struct err *e);
/* What came with Belljar and the packs that are on (detect/rulepack.h), and what is switched off. */
int yara_pack_add_own(struct yara_pack *p, struct err *e);
bool yara_pack_is_off(const struct yara_pack *p, struct str ns, struct str rule);
/* What the points of a namespace's rules count, in percent. */
unsigned yara_pack_weight(const struct yara_pack *p, struct str ns);
/* A text that was read elsewhere; its namespace: yara_pack_namespace. */
int yara_pack_add_text(struct yara_pack *p, const char *name, struct str text, struct err *e);
/*
 * "yara/miners.yar" (what came with Belljar) and "/x/content/yara/miners.yar" are "miners"; "PACK/a/b.yar" is
 * "PACK/a/b"; any other absolute path is its last part. Borrowed from the name.
 */
struct str yara_pack_namespace(struct str name);
/* Files that are compiled. */
size_t yara_pack_files(const struct yara_pack *p);
/* Is there a rule file at or below this path? */
bool yara_pack_is_here(const char *path);

/* As one text for the jailed scanner, and back (borrows from *in; texts is an array in the arena). */
void yara_pack_encode(const struct yara_pack *p, struct buf *out);
int yara_pack_decode(struct reader *in, struct arena *a, struct yara_text **ret, size_t *ret_n, struct err *e);

#endif
