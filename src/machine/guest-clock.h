/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the guest's clock shows when the host's shows something. The guest's events are stamped in the guest
 * (CLOCK_BOOTTIME), those of the simulated internet on the host (CLOCK_MONOTONIC); this brings both to one line.
 *
 * offset = host - guest is enclosed from both sides, as in NTP (RFC 5905, section 8): a frame stamped g that arrives at
 * h says offset <= h - g; an answer stamped g to what we asked at a says offset >= a - g. The narrowest enclosure of
 * the last GUEST_CLOCK_WINDOW_NS counts, so that a drifting guest is followed; half its width is the error. Times come
 * from the guest and may be anything: whatever would move the offset by more than GUEST_CLOCK_JUMP_NS and
 * GUEST_CLOCK_DRIFT_PPM of the time gone since the first enclosure is not believed, and counted.
 */
#ifndef BELLJAR_MACHINE_GUEST_CLOCK_H
#define BELLJAR_MACHINE_GUEST_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

#define GUEST_CLOCK_WINDOW_NS 10000000000ll
#define GUEST_CLOCK_JUMP_NS 500000000ll
#define GUEST_CLOCK_DRIFT_PPM 2000

struct guest_clock_bounds {
    bool has_low, has_high;
    int64_t low, high;
};

struct guest_clock {                       /* zeroed: nothing known */
    struct guest_clock_bounds now, before; /* this window's and the one before */
    uint64_t window_start;
    bool known;
    uint64_t known_at; /* host time of the first enclosure */
    int64_t first, offset;
    uint64_t error_ns, worst_ns; /* of `offset`, and the largest so far */
    uint64_t doubted;            /* stamps that were not believed */
    uint64_t last_host;
    int64_t last_guest;
};

/* A frame that the guest stamped came at host_ns. */
void guest_clock_heard(struct guest_clock *c, uint64_t guest_ns, uint64_t host_ns);
/* The guest stamped its answer to what we sent at asked_ns. Call guest_clock_heard for the same frame, too. */
void guest_clock_answered(struct guest_clock *c, uint64_t asked_ns, uint64_t guest_ns, uint64_t host_ns);
/*
 * The guest's time at host_ns; false while nothing is known. Later host times never get earlier guest times, though the
 * offset is corrected between them.
 */
bool guest_clock_at(struct guest_clock *c, uint64_t host_ns, int64_t *ret_guest_ns);

#endif
