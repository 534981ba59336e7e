/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes garbage, and frames that look real, to every virtio port it finds. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(void)
{
    char path[300], junk[4096];
    int opened = 0;

    for (unsigned i = 0; i < sizeof(junk); i++)
        junk[i] = (char)(i % 32 < 4 ? "BJF1"[i % 4] : (int)(i * 7));
    DIR *d = opendir("/dev");
    for (struct dirent *e; d && (e = readdir(d));) {
        if (strncmp(e->d_name, "vport", 5) != 0 && strncmp(e->d_name, "hvc", 3) != 0)
            continue;
        snprintf(path, sizeof(path), "/dev/%s", e->d_name);
        int f = open(path, O_WRONLY | O_NONBLOCK);
        printf("%s %s\n", path, f < 0 ? "closed" : "open");
        for (int k = 0; f >= 0 && k < 100; k++)
            if (write(f, junk, sizeof(junk)) < 0)
                break;
        opened += f >= 0;
    }
    printf("%d ports\n", opened);
    return 0;
}
