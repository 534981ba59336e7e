/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory that deserves a look: writable and executable, or executable without a file behind it. */
#include "capture-parts.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAPS_MAX (1u << 20)
#define REGIONS_MAX 64 /* of one process */

/* NULL: not of interest. Otherwise the reason for the event. */
static const char *why_region(const char *prot, unsigned long inode, const char *name)
{
    if (prot[2] != 'x' || strcmp(name, "[vdso]") == 0 || strcmp(name, "[vsyscall]") == 0)
        return NULL;
    if (prot[1] == 'w')
        return "wx";
    if (inode == 0)
        return "anonymous-exec";
    size_t n = strlen(name);
    if (text_starts(name, "/memfd:") || text_starts(name, "/dev/shm/") || text_starts(name, "/dev/zero") ||
        (n > 10 && strcmp(name + n - 10, " (deleted)") == 0))
        return "anonymous-exec";
    return NULL;
}

void dump_process(struct capture *c, uint32_t pid)
{
    char path[64], *text = malloc(MAPS_MAX), *save = NULL;
    unsigned taken = 0;
    int mem;

    snprintf(path, sizeof(path), "/proc/%u/mem", pid);
    mem = open(path, O_RDONLY | O_CLOEXEC);
    snprintf(path, sizeof(path), "/proc/%u/maps", pid);
    if (text && mem >= 0 && file_get(path, text, MAPS_MAX) > 0)
        for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
            unsigned long from, to, inode = 0;
            char prot[5] = "", name[PATH_MAX] = "";
            if (sscanf(line, "%lx-%lx %4s %*x %*s %lu %4095[^\n]", &from, &to, prot, &inode, name) < 3 || to <= from)
                continue;
            const char *why = why_region(prot, inode, name);
            if (!why)
                continue;
            if (++taken > REGIONS_MAX) {
                c->skipped++;
                continue;
            }
            prot[3] = 0;
            capture_region(c, mem, NULL, pid, from, to - from, prot, why);
        }
    free(text);
    if (mem >= 0)
        close(mem);
}
