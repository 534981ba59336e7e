/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The web process: HTTP and the API in a jail that sees the data folder and
 * nothing else, and can open no connection. The supervisor gives it the
 * listening socket and starts it again when it dies.
 *
 *   supervisor -> web   WEB_PLACE  path of the data folder
 *   web -> supervisor   WEB_JAILED
 *   supervisor -> web   WEB_BEGIN  settings as JSON; the listening socket
 *   web -> supervisor   WEB_SERVING, then WEB_SUBMITTED each time there is work, WEB_LOG a sentence
 */
#ifndef BELLJAR_API_WEB_H
#define BELLJAR_API_WEB_H

#include "os/role.h"

enum web_message { WEB_PLACE = 1, WEB_JAILED, WEB_BEGIN, WEB_SERVING, WEB_SUBMITTED, WEB_LOG };

extern const struct role web_role;

struct web_settings {
    const char *data_dir;
    const char *public_url;
    unsigned default_seconds, threads, machines;
};
/* Starts the process and waits until it serves. fd is the listening socket; the caller keeps his. */
int web_start(const struct web_settings *s, int fd, struct role_process *ret, struct err *e);

#endif
