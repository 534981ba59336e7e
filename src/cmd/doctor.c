/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "cmd/cmd.h"

#include "jail/jail.h"
#include "machine/machine.h"
#include "os/file.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define GUEST_IMAGE "debian13"
#define DISK_WANTED (6ull << 30)
#define MEMORY_WANTED (2ull << 30)

enum state { GOOD, NOTE, BAD };

struct answer {
    enum state state;
    char text[300];
    char mend[300]; /* what to do; empty when nothing */
};

static void set(struct answer *a, enum state state, const char *format, ...) __attribute__((format(printf, 3, 4)));

static void set(struct answer *a, enum state state, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    a->state = state;
    vsnprintf(a->text, sizeof(a->text), format, ap);
    va_end(ap);
}

static void mend(struct answer *a, const char *text)
{
    snprintf(a->mend, sizeof(a->mend), "%s", text);
}

static void check_qemu(struct answer *a)
{
    char version[32];
    struct err e;

    if (machine_qemu_version(version, sizeof(version), &e) < 0) {
        set(a, BAD, "%s", e.text);
        mend(a, "./run analyze installs QEMU 10 or newer; on Debian 12 it is in bookworm-backports");
    } else {
        set(a, GOOD, "version %s", version);
    }
}

static void check_image(struct answer *a)
{
    struct image i = {0};
    struct err e;

    if (image_find(GUEST_IMAGE, &i, &e) < 0) {
        set(a, BAD, "%s", e.text);
        mend(a, "the recipes are in images/: is the installation whole? BELLJAR_SHARE names its folder");
    } else if (!i.built) {
        set(a, NOTE, "%s is not made yet", i.name);
        mend(a, "belljar image build makes it (the first analysis does, too)");
    } else {
        set(a, GOOD, "%s, %s, %" PRIu64 " MiB in %s", i.name, i.title, i.bytes >> 20, i.dir);
    }
    image_clear(&i);
}

static void check_snapshot(struct answer *a)
{
    struct image i = {0};
    char *dir = NULL;

    if (image_find(GUEST_IMAGE, &i, NULL) == 0 && i.built && snapshot_current(&i, &dir) == 0) {
        set(a, GOOD, "ready in %s", dir);
    } else {
        set(a, NOTE, "no booted snapshot that fits this agent, QEMU and settings");
        mend(a, "the next analysis makes it (about a minute)");
    }
    free(dir);
    image_clear(&i);
}

static void check_kvm(struct answer *a)
{
    struct image i = {0};
    struct accel_probe p = {0};
    struct err e;

    if (access("/dev/kvm", F_OK) < 0) {
        set(a, NOTE, "there is no /dev/kvm; guests run by emulation (TCG), some ten times slower");
        mend(a, "switch on virtualisation in the firmware; in a virtual machine: nested virtualisation on its host");
    } else if (access("/dev/kvm", R_OK | W_OK) < 0) {
        set(a, NOTE, "/dev/kvm may not be used by this user; guests run by emulation (TCG), some ten times slower");
        mend(a, "put the user into the group kvm (usermod -aG kvm NAME), and log in anew");
    } else if (image_find(GUEST_IMAGE, &i, NULL) < 0 || !i.built) {
        set(a, NOTE, "can only be proved by booting a guest with it: make the image first");
        mend(a, "belljar image build makes it; then ask again");
    } else if (machine_probe_kvm(&i, &p, &e) < 0) {
        set(a, NOTE, "could not be tried: %s", e.text);
        mend(a, "belljar image check tells more; until it works, guests run by emulation (TCG)");
    } else if (!p.usable) {
        set(a, NOTE, "%s; guests run by emulation (TCG), some ten times slower", p.reason);
        mend(a, "the processor's virtualisation does not work here: in a virtual machine, its host must offer nested "
                "virtualisation (kvm_intel or kvm_amd with nested=1); accel = tcg stops trying");
    } else {
        set(a, GOOD, "%s", p.reason);
    }
    image_clear(&i);
}

static void check_jail(struct answer *a)
{
    struct jail_support s;

    jail_probe(&s);
    if (!s.seccomp || !(s.own_uid || s.user_namespace) || !s.network_namespace) {
        set(a, BAD, "seccomp %s, own user ids %s, user namespaces %s, network namespaces %s", s.seccomp ? "yes" : "no",
            s.own_uid ? "yes" : "no", s.user_namespace ? "yes" : "no", s.network_namespace ? "yes" : "no");
        mend(a, "run as root, or allow user namespaces: sysctl kernel.unprivileged_userns_clone=1");
    } else {
        set(a, s.landlock_abi ? GOOD : NOTE, "seccomp, namespaces, %s, Landlock %s%d",
            s.own_uid ? "own user ids" : "user namespaces", s.landlock_abi ? "ABI " : "not in this kernel: ABI ",
            s.landlock_abi);
    }
}

static void check_disk(struct answer *a)
{
    char *cache = path_cache_dir(), *data = path_data_dir();
    char *dirs[] = {cache, data};
    struct err e;

    set(a, GOOD, "guests in %s, analyses in %s", cache ? cache : "?", data ? data : "?");
    for (int i = 0; i < 2; i++) {
        if (!dirs[i] || file_mkdirs(dirs[i], 0700, &e) < 0) {
            set(a, BAD, "%s cannot be written: %s", dirs[i] ? dirs[i] : "the folder",
                dirs[i] ? e.text : "out of memory");
            mend(a, "BELLJAR_CACHE and BELLJAR_DATA name other folders");
        } else if (file_free_bytes(dirs[i]) < DISK_WANTED) {
            set(a, BAD, "%s has only %" PRIu64 " MiB free", dirs[i], file_free_bytes(dirs[i]) >> 20);
            mend(a, "a guest image and a run want some 6 GiB; make room, or name another folder in BELLJAR_CACHE and "
                    "BELLJAR_DATA");
        }
    }
    free(cache);
    free(data);
}

static void check_memory(struct answer *a)
{
    struct sysinfo s;

    if (sysinfo(&s) < 0) {
        set(a, NOTE, "unknown");
        return;
    }
    uint64_t total = (uint64_t)s.totalram * s.mem_unit;
    set(a, total < MEMORY_WANTED ? BAD : GOOD, "%" PRIu64 " MiB, %ld processors", total >> 20,
        sysconf(_SC_NPROCESSORS_ONLN));
    if (total < MEMORY_WANTED)
        mend(a, "one machine wants 1 GiB beside what the host needs");
}

static void check_content(struct answer *a)
{
    char *share = path_share_dir(), *rules = share ? path_join(share, "content/behavior") : NULL;

    if (rules && file_exists(rules)) {
        set(a, GOOD, "rules and recipes in %s", share);
    } else {
        set(a, BAD, "the folder with rules and recipes is not found");
        mend(a, "BELLJAR_SHARE names it");
    }
    free(share);
    free(rules);
}

static const struct check {
    const char *name;
    void (*run)(struct answer *a);
} checks[] = {
    {"content", check_content}, {"disk", check_disk},   {"memory", check_memory},     {"jail", check_jail},
    {"qemu", check_qemu},       {"image", check_image}, {"snapshot", check_snapshot}, {"kvm", check_kvm},
};

static int run(int argc, char **argv)
{
    static const char *const words[] = {"ok", "note", "BAD"};
    unsigned bad = 0;

    if (argc > 1)
        return cmd_wrong(&cmd_doctor, "\"%s\" is too much", argv[1]);
    for (size_t i = 0; i < sizeof(checks) / sizeof(*checks); i++) {
        struct answer a = {0};
        checks[i].run(&a);
        printf("%-5s %-9s %s\n", words[a.state], checks[i].name, a.text);
        if (*a.mend)
            printf("%-15s -> %s\n", "", a.mend);
        fflush(stdout);
        bad += a.state == BAD;
    }
    printf("\n%s\n", bad ? "Something must be mended before analyses can run." : "Analyses can run here.");
    return bad ? EXIT_FAILED : EXIT_FINE;
}

const struct cmd cmd_doctor = {"doctor", "", "Check this machine and say how to mend what is missing", NULL, run};
