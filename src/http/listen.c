/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "http/server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 1024

/* "127.0.0.1:8080", "[::1]:8080". Names are not resolved: what is listened on is said in numbers. */
static int address_parse(const char *text, struct sockaddr_storage *ret, socklen_t *ret_n)
{
    struct sockaddr_in *v4 = (void *)ret;
    struct sockaddr_in6 *v6 = (void *)ret;
    struct str s = str_from(text), host;
    const char *colon = strrchr(text, ':');
    char z[64];
    uint64_t port;

    if (!colon || str_u64(str_from(colon + 1), 10, &port) < 0 || port > 65535)
        return ERR_USAGE;
    host = str_sub(s, 0, (size_t)(colon - text));
    bool six = host.n > 2 && host.p[0] == '[' && host.p[host.n - 1] == ']';
    if (six)
        host = str_sub(host, 1, host.n - 2);
    if (host.n >= sizeof(z))
        return ERR_USAGE;
    snprintf(z, sizeof(z), "%.*s", STR_ARG(host));
    *ret = (struct sockaddr_storage){0};
    if (six && inet_pton(AF_INET6, z, &v6->sin6_addr) == 1) {
        v6->sin6_family = AF_INET6;
        v6->sin6_port = htons((uint16_t)port);
        *ret_n = sizeof(*v6);
        return 0;
    }
    if (six || inet_pton(AF_INET, z, &v4->sin_addr) != 1)
        return ERR_USAGE;
    v4->sin_family = AF_INET;
    v4->sin_port = htons((uint16_t)port);
    *ret_n = sizeof(*v4);
    return 0;
}

static void address_text(int fd, char ret[HTTP_ADDRESS_MAX])
{
    struct sockaddr_storage a = {0};
    const struct sockaddr_in *v4 = (void *)&a;
    const struct sockaddr_in6 *v6 = (void *)&a;
    char z[64] = "";
    socklen_t n = sizeof(a);

    getsockname(fd, (struct sockaddr *)&a, &n);
    if (a.ss_family == AF_INET6)
        snprintf(ret, HTTP_ADDRESS_MAX, "[%s]:%u", inet_ntop(AF_INET6, &v6->sin6_addr, z, sizeof(z)),
                 ntohs(v6->sin6_port));
    else
        snprintf(ret, HTTP_ADDRESS_MAX, "%s:%u", inet_ntop(AF_INET, &v4->sin_addr, z, sizeof(z)), ntohs(v4->sin_port));
}

int http_listen(const char *address, int *ret_fd, char ret[HTTP_ADDRESS_MAX], struct err *e)
{
    struct sockaddr_storage a;
    socklen_t n = 0;
    int fd, on = 1, r;

    if (address_parse(address, &a, &n) < 0)
        return err_set(e, ERR_USAGE, "\"%s\" is no address and port, such as 127.0.0.1:8080 or [::1]:8080", address);
    if ((fd = socket(a.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) < 0)
        return err_errno(e, "no socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&a, n) < 0 || listen(fd, BACKLOG) < 0) {
        r = err_errno(e, "cannot listen on %s", address);
        close(fd);
        return r;
    }
    if (ret)
        address_text(fd, ret);
    *ret_fd = fd;
    return 0;
}
