/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A hostile guest that even has the key: the input is a list of frames
 * (u8 type, u16 length, payload), sealed here and read by a session.
 */
#include "machine/session.h"
#include "proto/wire.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned long long sum;

static void on_event(void *context, const struct event *ev)
{
    (void)context;
    for (unsigned i = 0; i < ev->count; i++)
        for (size_t k = 0; k < ev->f[i].s.n; k++)
            sum += (unsigned char)ev->f[i].s.p[k];
}

static void on_text(void *context, struct str text)
{
    (void)context;
    for (size_t k = 0; k < text.n; k++)
        sum += (unsigned char)text.p[k];
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct session_handlers h = {.event = on_event, .log = on_text};
    struct session *s;
    int pair[2];
    uint32_t sequence = 1;

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 0;
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (session_new(pair[0], "/tmp", &h, &s, NULL) == 0) {
        for (size_t at = 0; size - at >= 3;) {
            uint8_t frame[WIRE_HEADER + 65536];
            size_t n = data[at + 1] | (size_t)data[at + 2] << 8, type = data[at];
            at += 3;
            if (n > size - at)
                n = size - at;
            wire_header_write(frame, (uint8_t)type, sequence++, 0, data + at, (uint32_t)n, WIRE_BOOT_KEY);
            memcpy(frame + WIRE_HEADER, data + at, n);
            if (write(pair[1], frame, WIRE_HEADER + n) < 0)
                break;
            at += n;
            session_turn(s, 0, NULL);
        }
        session_free(&s);
    }
    close(pair[0]);
    close(pair[1]);
    return 0;
}
