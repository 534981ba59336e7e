/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Load of the system and of the sample's processes, once per second; trouble that the kernel tells of. */
#ifndef BELLJAR_AGENT_STATS_H
#define BELLJAR_AGENT_STATS_H

#include "agent.h"

int stats_open(struct agent *a);
void stats_begin(struct agent *a); /* at START: what the kernel said before is skipped */
void stats_second(struct agent *a);
void stats_status(struct agent *a); /* WIRE_STATUS */
/* The counters as STATUS and DONE carry them. */
void stats_put(struct agent *a, struct wire_put *w);

#endif
