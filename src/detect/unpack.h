/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Archives of rules (.zip, .tar, .tar.gz, .tar.xz, .tar.bz2, .tar.zst) unpacked
 * by libarchive in a jail that has neither files nor network. What comes back are
 * names and texts, checked by the caller like a stranger's; nothing is ever
 * written by the one who unpacks.
 *
 * Only files whose names are wanted are kept. Links, devices and the like are
 * left out and counted. A name that is absolute or leads upwards makes the whole
 * archive refused: no honest tool writes one.
 */
#ifndef BELLJAR_DETECT_UNPACK_H
#define BELLJAR_DETECT_UNPACK_H

#include "detect/ruletexts.h"
#include "os/role.h"

#define UNPACK_ARCHIVE_MAX (128u << 20)
#define UNPACK_FILE_MAX (8u << 20)
#define UNPACK_TOTAL_MAX (192u << 20)
#define UNPACK_FILES_MAX 50000u
#define UNPACK_ENTRIES_MAX 500000u
#define UNPACK_DEPTH_MAX 24u
#define UNPACK_NAME_MAX 1024u

extern const struct role unpack_role;

struct unpack_stats {
    uint32_t kept, left_out; /* left_out: not wanted, links, ... */
    uint32_t links;          /* of these: neither files nor folders */
};

/* In the role. wanted: by the name without its folders. */
int unpack_archive(const void *p, size_t n, bool (*wanted)(const char *name), struct buf *ret,
                   struct unpack_stats *ret_stats, struct err *e);
/* Runs the role on an open file; *ret gets texts as ruletexts.h has them (kind RULETEXT_NONE). */
int unpack_fd(int fd, struct buf *ret, struct unpack_stats *ret_stats, struct err *e);

/*
 * The name of a file inside a pack, tidied ("./a//b" is "a/b") into ret, which has
 * UNPACK_NAME_MAX + 1 bytes. ERR_FORMAT: absolute, leads upwards, control bytes
 * or a backslash, a part that begins with '.', too long or too deep.
 */
int unpack_name(struct str name, char *ret);
/* Names like LICENSE, LICENCE.txt, COPYING, NOTICE. */
bool unpack_is_licence(struct str name);

#endif
