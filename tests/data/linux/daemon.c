/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A daemon by the book: fork, setsid, fork, close everything, then a listening socket and a file. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

int main(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(31337)};
    int s, f;

    if (fork())
        _exit(0);
    setsid();
    if (fork())
        _exit(0);
    for (int i = 0; i < 3; i++)
        close(i);
    s = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(s, (struct sockaddr *)&a, sizeof(a)) == 0)
        listen(s, 5);
    f = open("/tmp/daemon-was-here", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(f, "daemon\n", 7) != 7)
        return 1;
    close(f);
    sleep(3);
    return 0;
}
