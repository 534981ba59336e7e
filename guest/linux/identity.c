/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * WIRE_HELLO: the first thing after a restore. The clock, then names and the
 * network card's address, so that no two runs show the same machine.
 */
#include "agent.h"
#include "parts.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <net/route.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define HOSTS_MAX 16384

static bool name_ok(const char *s, size_t n)
{
    if (n == 0 || n > 63)
        return false;
    for (size_t i = 0; i < n; i++)
        if (!isalnum((unsigned char)s[i]) && s[i] != '-')
            return false;
    return true;
}

/* The old name as a whole word in /etc/hosts becomes the new one. */
static void rewrite_hosts(const char *old, const char *name)
{
    char *text = malloc(2 * HOSTS_MAX), *out;
    size_t used = 0, old_len = strlen(old);

    if (!text)
        return;
    out = text + HOSTS_MAX;
    ssize_t n = file_get("/etc/hosts", text, HOSTS_MAX);
    for (ssize_t i = 0; old_len && i < n;) {
        size_t word = strcspn(text + i, " \t\n.");
        bool hit = word == old_len && memcmp(text + i, old, word) == 0;
        const char *from = hit ? name : text + i;
        size_t len = hit ? strlen(name) : word;
        if (used + len + 1 >= HOSTS_MAX)
            goto out;
        memcpy(out + used, from, len);
        used += len;
        i += (ssize_t)word;
        if (i < n)
            out[used++] = text[i++];
    }
    if (n > 0 && used)
        file_put("/etc/hosts", out, used);
out:
    free(text);
}

static void set_hostname(const char *name, size_t n)
{
    char old[HOST_NAME_MAX + 1] = "", line[80];

    gethostname(old, sizeof(old) - 1);
    if (sethostname(name, n) < 0)
        return;
    int len = snprintf(line, sizeof(line), "%.*s\n", (int)n, name);
    if (access("/etc/hostname", F_OK) == 0)
        file_put("/etc/hostname", line, (size_t)len);
    line[len - 1] = 0;
    rewrite_hosts(old, line);
}

static void set_machine_id(const char *id, size_t n)
{
    static const char *const files[] = {"/etc/machine-id", "/var/lib/dbus/machine-id"};
    char line[40], old[40], from[128], to[128];
    struct stat st;

    if (n != 32)
        return;
    int len = snprintf(line, sizeof(line), "%.32s\n", id);
    ssize_t had = file_get(files[0], old, sizeof(old));
    for (size_t i = 0; i < 2; i++)
        if (lstat(files[i], &st) == 0 && S_ISREG(st.st_mode))
            file_put(files[i], line, (size_t)len);
    if (had >= 32) { /* the journal's folder carries the id; open files follow the rename */
        snprintf(from, sizeof(from), "/var/log/journal/%.32s", old);
        snprintf(to, sizeof(to), "/var/log/journal/%.32s", id);
        rename(from, to);
        snprintf(from, sizeof(from), "/run/log/journal/%.32s", old);
        snprintf(to, sizeof(to), "/run/log/journal/%.32s", id);
        rename(from, to);
    }
}

/* The first network card on the virtio bus (or any Ethernet card without one). */
static bool first_card(char ret[IFNAMSIZ])
{
    DIR *d = opendir("/sys/class/net");
    bool found = false;

    if (!d)
        return false;
    for (struct dirent *e; !found && (e = readdir(d));) {
        char path[512], type[16];
        if (e->d_name[0] == '.' || strcmp(e->d_name, "lo") == 0 || strlen(e->d_name) >= IFNAMSIZ)
            continue;
        snprintf(path, sizeof(path), "/sys/class/net/%s/type", e->d_name);
        if (file_get(path, type, sizeof(type)) <= 0 || atoi(type) != ARPHRD_ETHER)
            continue;
        snprintf(path, sizeof(path), "/sys/class/net/%s/device", e->d_name);
        if (access(path, F_OK) != 0)
            continue;
        snprintf(ret, IFNAMSIZ, "%.15s", e->d_name);
        found = true;
    }
    closedir(d);
    return found;
}

static int default_gateway(const char *card, struct sockaddr_in *ret)
{
    char text[4096], name[32];
    unsigned destination, gateway, used = 0;

    if (file_get("/proc/net/route", text, sizeof(text)) <= 0)
        return -ENOENT;
    for (char *line = strchr(text, '\n'); line && line[1]; line = strchr(line + 1, '\n'))
        if (sscanf(line + 1, "%31s %x %x", name, &destination, &gateway) == 3 && strcmp(name, card) == 0 &&
            destination == 0) {
            *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = gateway};
            used = 1;
        }
    return used ? 0 : -ENOENT;
}

/* A card that refuses a new address while it is up goes down for a moment; address and route come back. */
static int change_down(int s, struct ifreq *mac, const char *card)
{
    struct ifreq flags = {0}, address = {0}, mask = {0};
    struct rtentry route = {.rt_flags = RTF_UP | RTF_GATEWAY, .rt_dev = (char *)card};
    struct sockaddr_in gateway;

    snprintf(flags.ifr_name, IFNAMSIZ, "%s", card);
    snprintf(address.ifr_name, IFNAMSIZ, "%s", card);
    snprintf(mask.ifr_name, IFNAMSIZ, "%s", card);
    bool routed = default_gateway(card, &gateway) == 0;
    bool addressed = ioctl(s, SIOCGIFADDR, &address) == 0 && ioctl(s, SIOCGIFNETMASK, &mask) == 0;
    if (ioctl(s, SIOCGIFFLAGS, &flags) < 0)
        return -errno;
    short up = flags.ifr_flags;
    flags.ifr_flags &= (short)~IFF_UP;
    if (ioctl(s, SIOCSIFFLAGS, &flags) < 0)
        return -errno;
    int r = ioctl(s, SIOCSIFHWADDR, mac) < 0 ? -errno : 0;
    flags.ifr_flags = (short)(up | IFF_UP);
    ioctl(s, SIOCSIFFLAGS, &flags);
    if (addressed) {
        ioctl(s, SIOCSIFADDR, &address);
        ioctl(s, SIOCSIFNETMASK, &mask);
    }
    if (routed) {
        struct sockaddr_in any = {.sin_family = AF_INET};
        memcpy(&route.rt_gateway, &gateway, sizeof(gateway));
        memcpy(&route.rt_dst, &any, sizeof(any));
        memcpy(&route.rt_genmask, &any, sizeof(any));
        ioctl(s, SIOCADDRT, &route);
    }
    return r;
}

/* The link-local IPv6 address is made from the hardware address: made anew. */
static void renew_ipv6(const char *card)
{
    char path[128], value[8];

    snprintf(path, sizeof(path), "/proc/sys/net/ipv6/conf/%s/disable_ipv6", card);
    if (file_get(path, value, sizeof(value)) <= 0 || value[0] != '0')
        return;
    file_put(path, "1", 1);
    file_put(path, "0", 1);
}

static void set_mac(struct agent *a, const uint8_t mac[6])
{
    static const uint8_t none[6];
    struct ifreq r = {0};
    char card[IFNAMSIZ];

    if (memcmp(mac, none, 6) == 0 || !first_card(card))
        return;
    int s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (s < 0)
        return;
    snprintf(r.ifr_name, IFNAMSIZ, "%s", card);
    r.ifr_hwaddr.sa_family = ARPHRD_ETHER;
    memcpy(r.ifr_hwaddr.sa_data, mac, 6);
    int code = ioctl(s, SIOCSIFHWADDR, &r) < 0 ? -errno : 0;
    if (code == -EBUSY)
        code = change_down(s, &r, card);
    if (code < 0)
        agent_log(a, "the card %s keeps its address: %s", card, strerror(-code));
    else
        renew_ipv6(card);
    close(s);
}

void identity_hello(struct agent *a, const uint8_t *p, size_t n)
{
    struct wire_get r = {.p = p, .n = n};
    uint8_t space[1024];
    struct wire_put w = {.p = space, .cap = sizeof(space)};
    size_t name_len, id_len;

    uint32_t version = wire_get_u32(&r);
    const uint8_t *key = wire_get_bytes(&r, 16);
    uint64_t realtime = wire_get_u64(&r);
    const char *name = wire_get_str(&r, &name_len), *id = wire_get_str(&r, &id_len);
    const uint8_t *mac = wire_get_bytes(&r, 6);
    if (r.failed || version != WIRE_VERSION) {
        agent_log(a, "hello of version %u refused", version);
        return;
    }
    struct timespec t = {.tv_sec = (time_t)(realtime / 1000000000u), .tv_nsec = (long)(realtime % 1000000000u)};
    clock_settime(CLOCK_REALTIME, &t);
    planners_start(); /* at work while the rest is done here */
    if (name_ok(name, name_len))
        set_hostname(name, name_len);
    set_machine_id(id, id_len);
    set_mac(a, mac);
    channel_rekey(a->channel, key);
    a->state = AGENT_READY;
    parts_prepare(a); /* only without a FREEZE before */
    const char *state = parts_tracer_state(a);
    wire_put_u64(&w, now_boot());
    wire_put_str(&w, state, strnlen(state, 900));
    channel_send(a->channel, LANE_CONTROL, WIRE_READY, w.p, w.len);
}
