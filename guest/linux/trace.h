/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The tracer's place in the agent: a thread that drains it for ever and passes everything on. */
#ifndef BELLJAR_AGENT_TRACE_H
#define BELLJAR_AGENT_TRACE_H

#include "agent.h"

/* Starts the thread, which loads, attaches, hides the agent and drains. The agent works without a tracer. */
int trace_open(struct agent *a);
/* Until the tracer is attached or known not to work; then trace_works and trace_state tell. */
void trace_wait(struct agent *a);
bool trace_works(const struct agent *a);
const char *trace_state(const struct agent *a); /* "ok", or what is missing */
void trace_sample(struct agent *a, uint32_t pid);
void trace_scan(struct agent *a);           /* running processes as events */
void trace_syscalls(struct agent *a);       /* counters of living processes as events */
void trace_drain(struct agent *a);          /* takes what is in the ring now */
uint64_t trace_seen(const struct agent *a); /* events since boot */

#endif
