/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net/scan.h"

#include "base/siphash.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS (SCAN_HOSTS_MAX * 2)

struct scan {
    uint8_t key[16];
    uint64_t last_new_ns;
    struct net_scan_report count;
    uint32_t hosts_next, ports_next; /* told when reached */
    bool zero_seen;                  /* address 0 marks an empty slot */
    uint8_t port_seen[65536 / 8];
    uint32_t *slot; /* SLOTS addresses, open addressing; made when the first target comes */
};

int net_scan_new(const uint8_t key[16], struct scan **ret)
{
    struct scan *s = calloc(1, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->slot = calloc(SLOTS, sizeof(*s->slot));
    if (!s->slot) {
        free(s);
        return -ENOMEM;
    }
    memcpy(s->key, key, 16);
    s->hosts_next = s->ports_next = SCAN_FIRST;
    *ret = s;
    return 0;
}

void net_scan_free(struct scan **s)
{
    if (!*s)
        return;
    free((*s)->slot);
    free(*s);
    *s = NULL;
}

static void start_again(struct scan *s)
{
    memset(s->port_seen, 0, sizeof(s->port_seen));
    if (s->count.hosts)
        memset(s->slot, 0, SLOTS * sizeof(*s->slot));
    s->count = (struct net_scan_report){0};
    s->hosts_next = s->ports_next = SCAN_FIRST;
    s->zero_seen = false;
}

static bool add_host(struct scan *s, uint32_t address)
{
    if (s->count.hosts >= SCAN_HOSTS_MAX)
        return false;
    if (!address) {
        if (s->zero_seen)
            return false;
        s->zero_seen = true;
        s->count.hosts++;
        return true;
    }
    size_t i = siphash13(&address, sizeof(address), s->key) % SLOTS;
    while (s->slot[i] && s->slot[i] != address)
        i = (i + 1) % SLOTS;
    if (s->slot[i])
        return false;
    s->slot[i] = address;
    s->count.hosts++;
    return true;
}

static bool add_port(struct scan *s, uint16_t port)
{
    uint8_t bit = (uint8_t)(1u << (port & 7));

    if (s->port_seen[port >> 3] & bit)
        return false;
    s->port_seen[port >> 3] |= bit;
    s->count.ports++;
    return true;
}

static bool reached(uint32_t count, uint32_t *next)
{
    if (count < *next)
        return false;
    while (*next <= count)
        *next *= 10;
    return true;
}

bool net_scan_target(struct scan *s, uint32_t address, uint16_t port, bool named, uint64_t now_ns,
                     struct net_scan_report *ret)
{
    if (now_ns - s->last_new_ns > SCAN_QUIET_NS)
        start_again(s);
    bool fresh = !named && add_host(s, address);
    fresh = add_port(s, port) || fresh;
    if (!fresh)
        return false;
    s->last_new_ns = now_ns;
    bool hosts = reached(s->count.hosts, &s->hosts_next), ports = reached(s->count.ports, &s->ports_next);
    if (!hosts && !ports)
        return false;
    *ret = s->count;
    return true;
}
