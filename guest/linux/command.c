/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which frame is allowed in which state, and who does it. */
#include "agent.h"
#include "parts.h"

#include <errno.h>
#include <unistd.h>

static void freeze(struct agent *a)
{
    if (run_busy(a)) {
        agent_log(a, "freeze refused: a command is running");
        return;
    }
    parts_prepare(a);
    planners_stop(a);
    /* Caches stay: the snapshot's RAM is a file that is mapped, so a warm cache costs nothing and saves much. */
    sync();
    a->state = AGENT_FROZEN;
    channel_send(a->channel, LANE_CONTROL, WIRE_FROZEN, NULL, 0);
    channel_expect_hello(a->channel);
}

typedef void command_fn(struct agent *a, const uint8_t *p, size_t n);

static void on_ping(struct agent *a, const uint8_t *p, size_t n)
{
    channel_send(a->channel, LANE_CONTROL, WIRE_PONG, p, n);
}

static void on_freeze(struct agent *a, const uint8_t *p, size_t n)
{
    (void)p;
    (void)n;
    freeze(a);
}

#define IN(s) (1u << AGENT_##s)

static const struct {
    uint8_t type;
    uint8_t answers; /* a refusal is a RESULT */
    unsigned states;
    command_fn *fn;
} commands[] = {
    {WIRE_HELLO, 0, IN(BOOTED) | IN(FROZEN), identity_hello},
    {WIRE_FREEZE, 0, IN(BOOTED), on_freeze},
    {WIRE_PING, 0, IN(BOOTED) | IN(READY) | IN(STARTED) | IN(FINISHING) | IN(DONE), on_ping},
    {WIRE_RUN, 1, IN(BOOTED) | IN(READY), run_command},
    {WIRE_FILE_BEGIN, 0, IN(BOOTED) | IN(READY) | IN(STARTED), upload_begin},
    {WIRE_FILE_DATA, 0, IN(BOOTED) | IN(READY) | IN(STARTED), upload_data},
    {WIRE_FILE_END, 1, IN(BOOTED) | IN(READY) | IN(STARTED), upload_end},
    {WIRE_START, 1, IN(READY), parts_start},
    {WIRE_FINISH, 0, IN(READY) | IN(STARTED), parts_finish},
};

void agent_frame(void *agent, const struct wire_header *h, const uint8_t *payload)
{
    struct agent *a = agent;

    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (commands[i].type != h->type)
            continue;
        if (commands[i].states & 1u << a->state)
            commands[i].fn(a, payload, h->length);
        else if (commands[i].answers)
            agent_result(a, h->type, -EBUSY, "not in this state");
        else
            agent_log(a, "frame %u refused in state %d", h->type, (int)a->state);
        return;
    }
    agent_log(a, "frame of unknown type %u", h->type);
}
