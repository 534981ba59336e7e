/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A client of QEMU's machine protocol (QEMU manual, "QEMU Machine Protocol
 * Specification"): lines of JSON over a stream socket. QEMU runs hostile
 * guests, so what it says is checked like a stranger's words: a line has at
 * most QMP_LINE_MAX bytes, answers must carry our id, every wait has an end.
 */
#ifndef BELLJAR_MACHINE_QMP_H
#define BELLJAR_MACHINE_QMP_H

#include "base/err.h"

#include <jansson.h>

#define QMP_LINE_MAX (1u << 20)

struct qmp;

/* data: borrowed, NULL when the event has none. Must not call back into the client. */
typedef void qmp_event(void *context, const char *name, const json_t *data);

int qmp_new(int fd /* owned, also on failure */, qmp_event *fn, void *context, struct qmp **ret);
void qmp_free(struct qmp **q);
int qmp_fd(const struct qmp *q); /* readable: call qmp_turn */
/* Waits for the greeting and leaves the capabilities' negotiation. */
int qmp_handshake(struct qmp *q, int timeout_ms, struct err *e);
/*
 * arguments: stolen, may be NULL. *ret_result (may be NULL): the new reference of "return". ERR_PEER: the connection
 * ended or broke the protocol (then it stays broken), ERR_TIMEOUT (a late answer is thrown away later),
 * -EPROTO: QEMU refused; the text has its description.
 */
int qmp_command(struct qmp *q, const char *name, json_t *arguments, int timeout_ms, json_t **ret_result, struct err *e);
/* Handles what is there, waiting up to timeout_ms for the first byte. 0 or ERR_PEER. */
int qmp_turn(struct qmp *q, int timeout_ms, struct err *e);

#endif
