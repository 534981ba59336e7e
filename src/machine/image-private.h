/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What image.c and snapshot.c share: the cache's places and locks. */
#ifndef BELLJAR_MACHINE_IMAGE_PRIVATE_H
#define BELLJAR_MACHINE_IMAGE_PRIVATE_H

#include "base/hash.h"
#include "machine/image.h"

#define IMAGE_AGENT_MAX (32u << 20)

/* The agent's program: BELLJAR_AGENT, guest/linux/agent of the build folder that we run from, or
 * ../lib/belljar/agent. malloc'ed path and the SHA-256 of its content. */
int image_agent_find(char **ret_path, char ret_hash[SHA256_HEX], struct err *e);
/* Writes image->initrd when it is not there yet. */
int image_initrd_ensure(const struct image *i, struct err *e);
/* Waits for the exclusive lock (a file that stays); the descriptor holds it. Says "wait" to `w` when somebody has it.
 */
int image_lock(const char *path, const struct image_work *w, int *ret_fd, struct err *e);
void image_tell(const struct image_work *w, const char *step, uint64_t done, uint64_t total);
/* -ECANCELED once we were asked to stop, else 0. */
int image_stopped(const struct image_work *w, struct err *e);
/* mkdtemp beside `target`, mode 0755, after removing what killed builders left there. Call with the lock held.
 * malloc'ed. */
int image_temporary(const char *target, char **ret_dir, struct err *e);
/* fsyncs the folder's files, renames it, fsyncs the parent. */
int image_commit(const char *temporary, const char *target, struct err *e);
/* Kernel command line for this image. */
#define IMAGE_COMMAND_LINE                                                                                             \
    "root=/dev/vda rootfstype=ext4 rw quiet loglevel=3 console=ttyS0 panic=-1 mitigations=off "                        \
    "systemd.show_status=false audit=0"

#endif
