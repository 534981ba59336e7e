/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The framing of os/ipc from a hostile peer: the bytes come through a real socket, in pieces of changing size. */
#include "os/ipc.h"

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile uint8_t sink;

static void look_at(struct ipc_message *m)
{
    uint8_t x = 0;

    if (m->length > IPC_PAYLOAD_MAX || m->nfds > IPC_FDS_MAX)
        abort();
    for (uint32_t i = 0; i < m->length; i++) /* all of it is readable */
        x ^= m->payload[i];
    sink = x;
    ipc_message_close(m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ipc_message m;
    struct ipc *c;
    int fds[2], r = 0;
    size_t at = 0, step = size ? (size_t)data[0] * 17 + 1 : 1;

    if (size > (1u << 20) || ipc_pair(fds, NULL) < 0)
        return 0;
    if (ipc_new(fds[0], &c) < 0)
        abort();
    while (at < size && r >= 0) {
        size_t n = size - at < step ? size - at : step;
        if (write(fds[1], data + at, n) != (ssize_t)n)
            abort();
        at += n;
        while ((r = ipc_poll(c, &m, NULL)) == 1)
            look_at(&m);
    }
    close(fds[1]);
    while (r >= 0 && (r = ipc_receive(c, 0, &m, NULL)) == 1)
        look_at(&m);
    ipc_free(&c);
    return 0;
}
