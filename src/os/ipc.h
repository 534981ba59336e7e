/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Framed messages with descriptors between our own processes (unix stream
 * socket pair). A message has a type, up to IPC_PAYLOAD_MAX bytes and up to
 * IPC_FDS_MAX descriptors. What a jailed child sends is checked like a file
 * from a stranger: the receiver names the types it expects; payloads are read
 * with base/reader.
 *
 * On the wire: 16 bytes of header (u32 LE magic, type, payload length, number
 * of descriptors), then the payload. The descriptors travel with the header.
 * A peer that breaks this makes the channel broken for good: every later call
 * fails with the same code.
 */
#ifndef BELLJAR_OS_IPC_H
#define BELLJAR_OS_IPC_H

#include "base/buf.h"
#include "base/err.h"

#define IPC_PAYLOAD_MAX (4u << 20)
#define IPC_FDS_MAX 8

struct ipc;

struct ipc_message {
    uint32_t type;
    uint32_t length;
    const uint8_t *payload; /* borrowed until the next receive */
    int fds[IPC_FDS_MAX];   /* owned by the receiver; unused are -1 */
    unsigned nfds;
};

int ipc_pair(int ret[2], struct err *e); /* CLOEXEC stream pair */
int ipc_new(int fd, struct ipc **ret);   /* owns fd */
void ipc_free(struct ipc **c);
int ipc_fd(const struct ipc *c); /* for the loop */
/* Blocking send of the whole message; descriptors are duplicated to the peer, the caller keeps its own. */
int ipc_send(struct ipc *c, uint32_t type, const void *payload, size_t n, const int *fds, unsigned nfds, struct err *e);
/* 1 message, 0 peer closed in order, ERR_TIMEOUT after timeout_ms (-1: never), other negative: broken. */
int ipc_receive(struct ipc *c, int timeout_ms, struct ipc_message *ret, struct err *e);
/* Non-blocking: 1 message, 0 nothing whole yet, ERR_PEER closed, negative broken. */
int ipc_poll(struct ipc *c, struct ipc_message *ret, struct err *e);
/*
 * Limits how long one ipc_send waits for a peer that does not read (-1: for ever, as after ipc_new; role_start sets 30
 * s). After ERR_TIMEOUT the message is torn and the channel broken.
 */
void ipc_set_send_timeout(struct ipc *c, int timeout_ms);
/* Closes the descriptors of a message that the receiver did not take (those that are not -1). */
void ipc_message_close(struct ipc_message *m);

#endif
