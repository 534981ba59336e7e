/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/qmp.h"

#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_event(void *context, const char *name, const json_t *data)
{
    (void)context;
    (void)json_string_value(json_object_get(data, "reason"));
    (void)name;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct qmp *q;
    struct err e;
    int pair[2];

    if (size > 60000 || socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
        return 0;
    if (write(pair[1], data, size) == (ssize_t)size && shutdown(pair[1], SHUT_WR) == 0 &&
        qmp_new(pair[0], on_event, NULL, &q) == 0) {
        json_t *result = NULL;
        if (qmp_handshake(q, 1000, &e) == 0)
            qmp_command(q, "query-status", NULL, 1000, &result, &e);
        json_decref(result);
        qmp_free(&q);
    }
    close(pair[1]);
    return 0;
}
