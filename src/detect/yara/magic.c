/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * libyara's module "magic" calls magic_load(cookie, NULL), which opens files;
 * in a jail there are none. The program's own magic_load stands before
 * libmagic's and takes the table from memory (yara_magic_table).
 */
#include "detect/yara/yara.h"

#include <fcntl.h>
#include <magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define TABLE "/usr/lib/file/magic.mgc"

static void *table;
static size_t table_size;

void yara_magic_table(void *p, size_t n)
{
    table = p;
    table_size = n;
}

/* Outside of a jail. */
static void table_open(void)
{
    struct stat st;
    int fd = open(TABLE, O_RDONLY | O_CLOEXEC);
    void *p = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0
                  ? mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0)
                  : MAP_FAILED;
    if (p != MAP_FAILED)
        yara_magic_table(p, (size_t)st.st_size);
    if (fd >= 0)
        close(fd);
}

int magic_load(magic_t cookie, const char *name)
{
    (void)name;
    if (!table)
        table_open();
    return table ? magic_load_buffers(cookie, &table, &table_size, 1) : -1;
}
