/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "machine/guest-clock.h"

/* A stamp beyond this (146 years) is nonsense, and differences of two below it fit. */
#define STAMP_MAX (UINT64_C(1) << 62)

static void roll(struct guest_clock *c, uint64_t host_ns)
{
    if (!c->window_start)
        c->window_start = host_ns;
    if (host_ns - c->window_start < (uint64_t)GUEST_CLOCK_WINDOW_NS || host_ns < c->window_start)
        return;
    c->before = c->now;
    c->now = (struct guest_clock_bounds){0};
    c->window_start = host_ns;
}

/* How far from the first offset the true one may be by now. */
static int64_t allowed(const struct guest_clock *c, uint64_t host_ns)
{
    int64_t gone = host_ns > c->known_at ? (int64_t)(host_ns - c->known_at) : 0;
    return GUEST_CLOCK_JUMP_NS + gone / 1000000 * GUEST_CLOCK_DRIFT_PPM;
}

static bool believable(const struct guest_clock *c, uint64_t guest_ns, int64_t offset, uint64_t host_ns)
{
    int64_t away = offset - c->first;

    if (guest_ns >= STAMP_MAX || host_ns >= STAMP_MAX)
        return false;
    return !c->known || (away < 0 ? -away : away) <= allowed(c, host_ns);
}

/* The narrowest enclosure of both windows. */
static void narrow(struct guest_clock *c, uint64_t host_ns)
{
    const struct guest_clock_bounds *b[2] = {&c->now, &c->before};
    bool has_low = false, has_high = false;
    int64_t low = 0, high = 0;

    for (int i = 0; i < 2; i++) {
        if (b[i]->has_low && (!has_low || b[i]->low > low))
            low = b[i]->low;
        if (b[i]->has_high && (!has_high || b[i]->high < high))
            high = b[i]->high;
        has_low |= b[i]->has_low;
        has_high |= b[i]->has_high;
    }
    if (!has_low || !has_high)
        return;
    if (c->known) {
        int64_t most = c->first + allowed(c, host_ns), least = c->first - allowed(c, host_ns);
        high = high > most ? most : high;
        low = low < least ? least : low;
    }
    c->offset = low + (high - low) / 2;
    /* A drift within the windows can make the bounds cross: the gap is then the uncertainty. */
    c->error_ns = (uint64_t)(high > low ? high - low : low - high) / 2;
    if (!c->known) {
        c->known = true;
        c->known_at = host_ns;
        c->first = c->offset;
    }
}

void guest_clock_heard(struct guest_clock *c, uint64_t guest_ns, uint64_t host_ns)
{
    int64_t offset = (int64_t)(host_ns - guest_ns);

    if (!guest_ns)
        return; /* not stamped */
    roll(c, host_ns);
    /* A late frame says little, but is no lie: only one that came before it was sent would be. */
    if (!believable(c, guest_ns, c->known && offset > c->first ? c->first : offset, host_ns)) {
        c->doubted++;
        return;
    }
    if (!c->now.has_high || offset < c->now.high)
        c->now.high = offset;
    c->now.has_high = true;
    narrow(c, host_ns);
}

void guest_clock_answered(struct guest_clock *c, uint64_t asked_ns, uint64_t guest_ns, uint64_t host_ns)
{
    int64_t offset = (int64_t)(asked_ns - guest_ns);

    if (!guest_ns)
        return;
    roll(c, host_ns);
    if (!believable(c, guest_ns, c->known && offset < c->first ? c->first : offset, host_ns)) {
        c->doubted++;
        return;
    }
    if (!c->now.has_low || offset > c->now.low)
        c->now.low = offset;
    c->now.has_low = true;
    narrow(c, host_ns);
}

bool guest_clock_at(struct guest_clock *c, uint64_t host_ns, int64_t *ret_guest_ns)
{
    int64_t guest;

    if (!c->known || host_ns >= STAMP_MAX)
        return false;
    guest = (int64_t)host_ns - c->offset;
    if (host_ns >= c->last_host) {
        if (c->last_host && guest < c->last_guest)
            guest = c->last_guest;
        c->last_host = host_ns;
        c->last_guest = guest;
    }
    if (c->error_ns > c->worst_ns)
        c->worst_ns = c->error_ns;
    *ret_guest_ns = guest;
    return true;
}
