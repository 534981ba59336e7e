/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Small helpers of the agent. No allocation unless said. */
#ifndef BELLJAR_AGENT_UTIL_H
#define BELLJAR_AGENT_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

uint64_t now_boot(void); /* CLOCK_BOOTTIME, ns: the run's time base; a sample that sets the clock does not move it */
/* Whole small file, NUL-terminated, cut at cap - 1. Bytes read or -errno. */
ssize_t file_get(const char *path, char *ret, size_t cap);
/* Replaces the content in place (keeps owner and mode). 0 or -errno. */
int file_put(const char *path, const void *p, size_t n);
int write_whole(int fd, const void *p, size_t n); /* blocking descriptors: 0 or -errno */
/* Makes the folders above path, owned by uid and gid where they are new. */
int make_parents(const char *path, uid_t uid, gid_t gid);
void set_cloexec_nonblock(int fd);
bool text_starts(const char *s, const char *prefix);

/* What login would know of a user. */
struct account {
    char name[64], home[256], shell[128];
    uid_t uid;
    gid_t gid;
    gid_t groups[64];
    int group_count;
};
/* From /etc/passwd and /etc/group (a static program has no NSS). "" means root. 0 or -ENOENT. */
int account_find(const char *name, struct account *ret);

#endif
