/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which processes belong to the sample, and which of them live. Fed by the tracer's events; thread-safe. */
#ifndef BELLJAR_AGENT_FOLLOW_H
#define BELLJAR_AGENT_FOLLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct follow;

struct follow *follow_new(void); /* NULL without memory */
void follow_root(struct follow *f, uint32_t pid);
void follow_started(struct follow *f, uint32_t pid, bool from_sample); /* a fork; a reused number loses its past */
void follow_joined(struct follow *f, uint32_t pid);                    /* seen acting as part of the sample */
void follow_ended(struct follow *f, uint32_t pid, int code, uint32_t signal);
bool follow_member(struct follow *f, uint32_t pid); /* belongs or belonged to the sample */
uint32_t follow_alive(struct follow *f);
/* Living processes, at most n; returns how many were written. `from` goes on behind a former call's last one. */
size_t follow_list(struct follow *f, uint32_t from, uint32_t *ret, size_t n);
/* Forgets living ones that are gone (an exit event was lost); without a tracer also finds new children in /proc. */
void follow_verify(struct follow *f, bool tracer_works);
void follow_root_status(struct follow *f, int *ret_code, uint32_t *ret_signal);

#endif
