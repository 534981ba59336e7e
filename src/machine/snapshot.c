/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The template machine: booted once, warmed up, frozen, saved. Its folder:
 *
 *   ram         guest memory, mapped by every run copy-on-write
 *   state       the migration stream without memory
 *   disk.qcow2  what the boot wrote, on top of the image's disk
 *   blank.qcow2 an empty overlay, copied for each run
 *   options     key = value: what a run must start QEMU with
 *   lock        shared by running machines, exclusive for who removes the folder
 *
 * The first four fit together only as they are: they are made read-only.
 */
#include "machine/image-private.h"
#include "machine/machine-private.h"
#include "machine/session.h"

#include "base/reader.h"
#include "conf/conf.h"
#include "machine/recipe.h"
#include "os/file.h"
#include "os/spawn.h"
#include "os/time.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define SNAPSHOT_FORMAT "1"
#define KEY_IN_NAME 16
#define KEEP_SNAPSHOTS 3
#define BOOT_MS 600000
#define SETTLE_MS 600000
#define WARM_MS 600000
#define FREEZE_MS 60000
#define MIGRATE_MS 60000
#define IDLE_MS 3000
#define NS_PER_MS 1000000ull

/*
 * Run once before the snapshot: their code is then in the guest's page cache and in QEMU's translated blocks' working
 * set, so that a sample's first commands take milliseconds. Nothing here may leave a trace that a user would not.
 */
static const char *const warm[] = {
    "bash -lc 'true; ls -la /home/jonas /tmp /etc >/dev/null; id; uname -a; ps aux | tail -n 1; date'",
    "cd /tmp; d=$(mktemp -d); cp /etc/passwd $d/a; mv $d/a $d/b; chmod 755 $d/b; touch $d/c; ln -s b $d/l; cat $d/b | "
    "head -n 2 | tail -n 1 | tr a b "
    "| cut -d: -f1 | sort | uniq | wc; base64 $d/b | sed -n 1p; grep -c . $d/b; awk 'NR==1' $d/b; sha256sum $d/b; dd "
    "if=/dev/zero of=$d/z "
    "bs=1k count=4; find $d -type f | xargs stat -c %n; tar czf $d/t.gz -C $d b; tar tzf $d/t.gz; xxd -l 16 /bin/ls; "
    "rm -rf $d; env; nohup true; sleep 0.01",
    "python3 -c 'import os, sys, socket, subprocess, base64, json, ssl, ctypes, hashlib, urllib.request; print(1)'",
    "perl -MSocket -MIO::Socket -e 'print 1'",
    "curl -s -m 1 http://127.0.0.1:9/; wget -q -T 1 -t 1 -O /dev/null http://127.0.0.1:9/; openssl rand -hex 8; "
    "busybox true; ip address; ip route; "
    "ss -tn; ping -c 1 -W 1 127.0.0.1; getent hosts localhost; nc -w 1 127.0.0.1 9",
    "su -s /bin/sh jonas -c 'id; crontab -l'; sudo -n -l >/dev/null; systemctl list-units --no-pager | tail -n 1; "
    "iptables -nL >/dev/null; nft list ruleset",
    "chattr -V 2>&1 | head -n 1; lsattr /etc/passwd; pgrep -l cron; file /bin/ls; mount >/dev/null; df; uptime; who; "
    "hostname; dmesg | tail -n 1; lscpu | head -n 1",
    "/lib/ld-linux.so.2 --version | head -n 1",
    "for a in aarch64 arm mips mipsel ppc riscv64; do for l in /usr/gnemul/qemu-$a/lib/ld*.so.*; do qemu-$a $l "
    "--version | head -n 1; done; done",
    "sync",
};

void snapshot_clear(struct snapshot *s)
{
    if (!s)
        return;
    free(s->dir);
    free(s->ram);
    free(s->state);
    free(s->disk);
    free(s->accel);
    free(s->blank);
    free(s->command_line);
    *s = (struct snapshot){0};
}

/* ---- which snapshot ---- */

struct plan {
    const char *accel;
    unsigned memory_mib, cpus;
    char *target;
};

static int make_key(const struct plan *plan, char ret[SHA256_HEX], struct err *e)
{
    char *agent = NULL, agent_hash[SHA256_HEX], machine_hash[SHA256_HEX], version[32];
    uint8_t sum[SHA256_SIZE];
    struct buf all;
    int r;

    buf_init(&all, 1 << 20);
    if ((r = image_agent_find(&agent, agent_hash, e)) < 0 ||
        (r = machine_qemu_version(version, sizeof(version), e)) < 0)
        goto out;
    if ((r = qemu_machine_hash(plan->accel, plan->memory_mib, plan->cpus, machine_hash)) < 0) {
        err_set(e, r, "out of memory");
        goto out;
    }
    buf_addf(&all, "%s %s %s %s %s\n", SNAPSHOT_FORMAT, agent_hash, version, machine_hash, IMAGE_COMMAND_LINE);
    for (size_t i = 0; i < sizeof(warm) / sizeof(warm[0]); i++)
        buf_addf(&all, "%s\n", warm[i]);
    r = all.failed ? all.failed : sha256_bytes(all.data, all.len, sum);
    if (r == 0)
        hex_encode(sum, sizeof(sum), ret);
    else
        err_set(e, r, "cannot name the snapshot");
out:
    free(agent);
    buf_free(&all);
    return r;
}

static int choose_accel(const struct image *i, const char *wish, const char **ret, struct err *e)
{
    struct accel_probe probe;
    int r;

    *ret = "tcg";
    if (!strcmp(wish, "tcg"))
        return 0;
    if ((r = machine_probe_kvm(i, &probe, e)) < 0)
        return r;
    if (probe.usable)
        *ret = "kvm";
    else if (!strcmp(wish, "kvm"))
        return err_set(e, ERR_UNSUPPORTED, "the setting accel asks for KVM, but %s", probe.reason);
    return 0;
}

static int make_plan(const struct image *i, struct plan *ret, struct err *e)
{
    struct recipe recipe = {0};
    struct plan plan = {0};
    struct conf *conf = NULL;
    char key[SHA256_HEX];
    int r = recipe_load(i->name, &recipe, e);

    if (r == 0)
        r = conf_load(NULL, &conf, e);
    if (r == 0)
        r = choose_accel(i, conf_text(conf, CONF_ACCEL), &plan.accel, e);
    if (r == 0) {
        unsigned memory_mib = (unsigned)conf_number(conf, CONF_MEMORY_MIB),
                 cpus = (unsigned)conf_number(conf, CONF_CPUS);
        plan.memory_mib = memory_mib ? memory_mib : recipe.memory_mib;
        plan.cpus = cpus ? cpus : recipe.cpus;
        r = make_key(&plan, key, e);
    }
    if (r == 0 && !(plan.target = path_format("%s/snap-%.*s", i->dir, KEY_IN_NAME, key)))
        r = err_set(e, -ENOMEM, "out of memory");
    if (r == 0)
        *ret = plan;
    recipe_clear(&recipe);
    conf_free(&conf);
    return r;
}

static int fill(const struct plan *plan, struct snapshot *ret, struct err *e)
{
    struct snapshot s = {.dir = strdup(plan->target),
                         .ram = path_join(plan->target, "ram"),
                         .state = path_join(plan->target, "state"),
                         .disk = path_join(plan->target, "disk.qcow2"),
                         .blank = path_join(plan->target, "blank.qcow2"),
                         .accel = strdup(plan->accel),
                         .command_line = strdup(IMAGE_COMMAND_LINE),
                         .cpus = plan->cpus,
                         .ram_bytes = (uint64_t)plan->memory_mib << 20};

    if (!s.dir || !s.ram || !s.state || !s.disk || !s.blank || !s.accel || !s.command_line) {
        snapshot_clear(&s);
        return err_set(e, -ENOMEM, "out of memory");
    }
    *ret = s;
    return 0;
}

int snapshot_current(const struct image *i, char **ret_dir)
{
    struct plan plan = {0};
    int r = i->built ? make_plan(i, &plan, NULL) : ERR_MISSING;

    if (r == 0 && !file_exists(plan.target))
        r = ERR_MISSING;
    if (r == 0) {
        *ret_dir = plan.target;
        plan.target = NULL;
    }
    free(plan.target);
    return r;
}

/* ---- files ---- */

/* qcow2 specification, header: magic, version, backing file offset and size, cluster bits, size (big endian). */
static int disk_size(const char *path, uint64_t *ret, struct err *e)
{
    uint8_t head[32];
    struct reader r;
    int fd, x = machine_open(path, O_RDONLY, &fd, e);

    if (x < 0)
        return x;
    ssize_t n = pread(fd, head, sizeof(head), 0);
    close(fd);
    reader_init(&r, head, n > 0 ? (size_t)n : 0);
    uint32_t magic = reader_u32be(&r);
    reader_seek(&r, 24);
    uint64_t size = reader_u64be(&r);
    if (!reader_ok(&r) || magic != 0x514649fbu)
        return err_set(e, ERR_FORMAT, "%s is no qcow2 disk", path);
    *ret = size;
    return 0;
}

static int make_files(const struct image *i, const char *dir, struct err *e)
{
    char *blank = path_join(dir, "blank.qcow2"), *disk = path_join(dir, "disk.qcow2"), size[32];
    const char *const argv[] = {"qemu-img", "create", "-q", "-f", "qcow2", blank, size, NULL};
    uint64_t bytes = 0;
    int r;

    if (!blank || !disk)
        r = err_set(e, -ENOMEM, "out of memory");
    else
        r = disk_size(i->disk, &bytes, e);
    snprintf(size, sizeof(size), "%llu", (unsigned long long)bytes);
    if (r == 0)
        r = spawn_run(argv, NULL, 60000, e);
    if (r == 0)
        r = file_copy(blank, disk, 0600, e);
    free(blank);
    free(disk);
    return r;
}

struct template
{
    const struct image *image;
    const struct plan *plan;
    const char *dir;
    const struct image_work *work;
    struct qemu_options o;
    struct machine *m;
    struct session *s;
    struct buf log; /* what the agent and the commands said */
};

static int open_in(const char *dir, const char *name, int flags, uid_t owner, int *ret_fd, struct err *e)
{
    char *path = path_join(dir, name);
    int r = machine_open(path, flags, ret_fd, e);

    if (r == 0 && owner && fchown(*ret_fd, owner, owner) < 0)
        r = err_errno(e, "cannot hand %s to QEMU's user", path);
    free(path);
    return r;
}

static int open_files(struct template *t, struct err *e)
{
    struct qemu_options *o = &t->o;
    int r;

    o->uid = qemu_uid();
    if ((r = machine_open(t->image->disk, O_RDONLY, &o->disk_fd[0], e)) < 0 ||
        (r = open_in(t->dir, "disk.qcow2", O_RDWR, o->uid, &o->disk_fd[1], e)) < 0 ||
        (r = open_in(t->dir, "ram", O_RDWR | O_CREAT | O_EXCL, o->uid, &o->ram_fd, e)) < 0 ||
        (r = open_in(t->dir, "state", O_WRONLY | O_CREAT | O_EXCL, o->uid, &o->state_fd, e)) < 0 ||
        (r = machine_open(t->image->kernel, O_RDONLY, &o->kernel_fd, e)) < 0 ||
        (r = machine_open(t->image->initrd, O_RDONLY, &o->initrd_fd, e)) < 0)
        return r;
    if (!strcmp(t->plan->accel, "kvm") && (r = machine_open("/dev/kvm", O_RDWR, &o->kvm_fd, e)) < 0)
        return r;
    if (ftruncate(o->ram_fd, (off_t)t->plan->memory_mib << 20) < 0)
        return err_errno(e, "cannot make the memory file in %s", t->dir);
    o->disks = 2;
    o->accel = t->plan->accel;
    o->memory_mib = t->plan->memory_mib;
    o->cpus = t->plan->cpus;
    o->command_line = IMAGE_COMMAND_LINE;
    return 0;
}

static void close_files(struct template *t)
{
    int all[] = {t->o.disk_fd[0], t->o.disk_fd[1], t->o.ram_fd, t->o.state_fd,
                 t->o.kernel_fd,  t->o.initrd_fd,  t->o.kvm_fd};

    for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i] >= 0)
            close(all[i]);
}

/* ---- inside the guest ---- */

static void on_log(void *context, struct str text)
{
    struct template *t = context;

    buf_addf(&t->log, "agent: %.*s\n", STR_ARG(text));
}

/* Guest text that goes into an error sentence. */
static void printable(char *text)
{
    for (; *text; text++)
        if (*text < ' ' || *text > '~')
            *text = ' ';
}

/* Why the template failed is usually on its console. */
static int explain(struct template *t, int r, struct err *e)
{
    struct buf console = {0};
    char before[ERR_TEXT_MAX], tail[161], why[160];

    if (!e || !t->m || r == -ECANCELED)
        return r;
    snprintf(before, sizeof(before), "%s", e->text);
    if (machine_poll(t->m, why, sizeof(why)) != MACHINE_RUNNING)
        err_set(e, r, "%.200s: %s", before, why);
    else if (machine_console(t->m, &console, NULL) == 0 && console.len) {
        struct str end = str_trim(buf_str(&console));
        end = str_sub(end, end.n > 160 ? end.n - 160 : 0, 160);
        snprintf(tail, sizeof(tail), "%.*s", STR_ARG(end));
        printable(tail);
        err_set(e, r, "%.200s; the guest's console ends: %s", before, tail);
    }
    buf_free(&console);
    return r;
}

static int run(struct template *t, const char *command, int timeout_ms, int *ret_code, struct err *e)
{
    struct buf output;
    int code = 0;

    uint64_t start = time_monotonic_ns();
    buf_init(&output, 65536);
    int r = session_run(t->s, command, &output, &code, timeout_ms, e);
    unsigned long long ms = (time_monotonic_ns() - start) / NS_PER_MS;
    buf_addf(&t->log, "$ %s\n%.*s[%d, %llu ms]\n", command, STR_ARG(str_sub(buf_str(&output), 0, 2000)),
             r < 0 ? r : code, ms);
    if (ret_code)
        *ret_code = code;
    buf_free(&output);
    return r;
}

static int settle(struct template *t, struct err *e)
{
    int code, r = run(t,
                      "for i in $(seq 600); do [ -S /run/systemd/private ] && break; sleep 0.2; done; systemctl "
                      "is-system-running --wait; systemctl --failed --no-legend --plain; systemctl list-jobs "
                      "--no-legend",
                      SETTLE_MS, &code, e);

    uint64_t until = time_monotonic_ns() + IDLE_MS * NS_PER_MS;
    while (r == 0 && time_monotonic_ns() < until)
        r = session_turn(t->s, 200, e);
    return r;
}

static int warm_up(struct template *t, struct err *e)
{
    size_t n = sizeof(warm) / sizeof(warm[0]);
    int r = 0;

    for (size_t i = 0; r == 0 && i < n; i++) {
        image_tell(t->work, "warm up the guest's programs", i, n);
        r = run(t, warm[i], WARM_MS, NULL, e);
        if (r == ERR_TIMEOUT)
            r = 0; /* warming is a convenience */
    }
    return r;
}

static int prepare_guest(struct template *t, struct err *e)
{
    struct session_handlers h = {.context = t, .log = on_log};
    int r;

    if ((r = session_new(machine_agent_fd(t->m), t->dir, &h, &t->s, e)) < 0)
        return r;
    if (t->work)
        session_stop_on(t->s, t->work->stop);
    image_tell(t->work, "boot the guest", 0, 0);
    if ((r = session_wait_boot(t->s, BOOT_MS, e)) < 0)
        return explain(t, r, e);
    image_tell(t->work, "wait until the guest has settled", 0, 0);
    if ((r = settle(t, e)) < 0 || (r = warm_up(t, e)) < 0)
        return explain(t, r, e);
    image_tell(t->work, "freeze the guest", 0, 0);
    if ((r = session_freeze(t->s, FREEZE_MS, e)) < 0)
        return explain(t, r, e);
    return 0;
}

/* ---- saving ---- */

/* 1 completed, 0 going on. */
static int migration_state(struct machine *m, struct err *e)
{
    json_t *info = NULL;
    int r = qmp_command(m->qmp, "query-migrate", NULL, QMP_TIMEOUT_MS, &info, e);

    if (r == 0) {
        const char *status = json_string_value(json_object_get(info, "status"));
        const char *why = json_string_value(json_object_get(info, "error-desc"));
        if (status && !strcmp(status, "completed"))
            r = 1;
        else if (status && (!strcmp(status, "failed") || !strcmp(status, "cancelled")))
            r = err_set(e, -EPROTO, "QEMU could not save the machine: %.200s", why ? why : "no reason given");
    }
    json_decref(info);
    return r;
}

static int save(struct machine *m, const struct image_work *w, struct err *e)
{
    uint64_t deadline = time_monotonic_ns() + MIGRATE_MS * NS_PER_MS;
    int r;

    m->ours = true;
    r = qmp_command(m->qmp, "migrate-set-capabilities",
                    json_pack("{s:[{s:s,s:b}]}", "capabilities", "capability", "x-ignore-shared", "state", 1),
                    QMP_TIMEOUT_MS, NULL, e);
    if (r == 0) /* no throttling: the file takes what the disk takes */
        r = qmp_command(m->qmp, "migrate-set-parameters", json_pack("{s:I}", "max-bandwidth", (json_int_t)1 << 40),
                        QMP_TIMEOUT_MS, NULL, e);
    if (r == 0) /* the guest runs until QEMU stops it: a paused state would be stored as paused */
        r = qmp_command(m->qmp, "migrate", json_pack("{s:s}", "uri", QEMU_STATE_URI), QMP_TIMEOUT_MS, NULL, e);
    while (r == 0) {
        r = migration_state(m, e);
        if (r == 0 && time_monotonic_ns() > deadline)
            r = err_set(e, ERR_TIMEOUT, "QEMU did not save the machine within %d s", MIGRATE_MS / 1000);
        if (r == 0 && (r = image_stopped(w, e)) == 0)
            poll(NULL, 0, 20);
    }
    if (r < 0)
        return r;
    r = qmp_command(m->qmp, "quit", NULL, QMP_TIMEOUT_MS, NULL, e);
    /* An orderly end writes the disk's last tables. */
    while (r == 0 && m->pid) {
        pid_t done = waitpid(m->pid, NULL, WNOHANG);
        if (done == m->pid || (done < 0 && errno == ECHILD))
            m->pid = 0;
        else if (time_monotonic_ns() > deadline)
            r = err_set(e, ERR_TIMEOUT, "QEMU did not end after the snapshot");
        else
            poll(NULL, 0, 10);
    }
    return r;
}

static int write_text(const char *dir, const char *name, const void *p, size_t n, struct err *e)
{
    char *path = path_join(dir, name);
    int r = path ? file_write_atomic(path, p, n, 0644, e) : err_set(e, -ENOMEM, "out of memory");

    free(path);
    return r;
}

static int seal(struct template *t, struct err *e)
{
    static const char *const names[] = {"ram", "state", "disk.qcow2", "blank.qcow2"};
    struct buf options;
    int r = 0;

    for (size_t i = 0; r == 0 && i < sizeof(names) / sizeof(names[0]); i++) {
        char *path = path_join(t->dir, names[i]);
        if (!path)
            r = err_set(e, -ENOMEM, "out of memory");
        else if (chmod(path, 0444) < 0 || (geteuid() == 0 && chown(path, 0, 0) < 0))
            r = err_errno(e, "cannot make %s read-only", path);
        free(path);
    }
    buf_init(&options, 65536);
    buf_addf(&options, "accel = %s\nmemory_mib = %u\ncpus = %u\nkernel = %s\n", t->plan->accel, t->plan->memory_mib,
             t->plan->cpus, IMAGE_COMMAND_LINE);
    if (r == 0)
        r = write_text(t->dir, "options", options.data, options.len, e);
    if (r == 0)
        r = write_text(t->dir, "lock", "", 0, e);
    buf_free(&options);
    return r;
}

static int make_snapshot(const struct image *i, const struct plan *plan, const char *dir, const struct image_work *w,
                         struct err *e)
{
    struct template t = {.image = i, .plan = plan, .dir = dir, .work = w};
    char *log = path_join(dir, MACHINE_LOG);
    int r;

    qemu_options_init(&t.o);
    buf_init(&t.log, 1 << 20);
    if (!log)
        r = err_set(e, -ENOMEM, "out of memory");
    else
        r = make_files(i, dir, e);
    if (r == 0)
        r = open_files(&t, e);
    if (r == 0)
        r = machine_launch(&t.o, log, true, &t.m, e);
    if (r == 0)
        r = prepare_guest(&t, e);
    image_tell(w, "save the snapshot", 0, 0);
    if (r == 0)
        r = save(t.m, w, e);
    session_free(&t.s);
    machine_stop(&t.m);
    close_files(&t);
    if (r == 0)
        r = image_stopped(w, e);
    if (r == 0)
        r = seal(&t, e);
    if (t.log.len && r != -ECANCELED) /* of a failed one it stays beside the image; the latest is enough */
        write_text(r == 0 ? dir : i->dir, r == 0 ? "boot.log" : "snapshot.failed.log", t.log.data, t.log.len, NULL);
    buf_free(&t.log);
    free(log);
    return r;
}

/* ---- old ones ---- */

struct old {
    char *path;
    struct timespec used;
};

static int newest_first(const void *a, const void *b)
{
    const struct timespec *x = &((const struct old *)a)->used, *y = &((const struct old *)b)->used;

    if (x->tv_sec != y->tv_sec)
        return x->tv_sec < y->tv_sec ? 1 : -1;
    return (x->tv_nsec < y->tv_nsec) - (x->tv_nsec > y->tv_nsec);
}

static void remove_unused(const char *dir)
{
    char *lock = path_join(dir, "lock");
    int fd = lock ? open(lock, O_RDONLY | O_CLOEXEC) : -1;

    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        file_remove_tree(dir, NULL);
    if (fd >= 0)
        close(fd);
    free(lock);
}

/* Every new agent makes another snapshot of some hundred MB: only the latest few stay. Called under the lock. */
static void prune(const struct image *i)
{
    struct old all[64];
    unsigned n = 0;
    DIR *d = opendir(i->dir);

    for (struct dirent *entry; d && n < 64 && (entry = readdir(d));) {
        struct stat st;
        if (strncmp(entry->d_name, "snap-", 5) || strlen(entry->d_name) != 5 + KEY_IN_NAME)
            continue;
        char *path = path_join(i->dir, entry->d_name);
        if (path && stat(path, &st) == 0)
            all[n++] = (struct old){path, st.st_mtim};
        else
            free(path);
    }
    if (d)
        closedir(d);
    qsort(all, n, sizeof(all[0]), newest_first);
    for (unsigned k = 0; k < n; k++) {
        if (k >= KEEP_SNAPSHOTS)
            remove_unused(all[k].path);
        free(all[k].path);
    }
}

static int ensure_locked(const struct image *i, const struct plan *plan, const struct image_work *w, struct err *e)
{
    char *dir = NULL;

    if (file_exists(plan->target))
        return 0;
    int r = image_initrd_ensure(i, e);
    if (r == 0)
        r = image_temporary(plan->target, &dir, e);
    if (r < 0)
        return r;
    r = make_snapshot(i, plan, dir, w, e);
    if (r == 0)
        r = image_commit(dir, plan->target, e);
    if (r < 0)
        file_remove_tree(dir, NULL);
    else
        prune(i);
    free(dir);
    return r;
}

int snapshot_ensure(const struct image *i, const struct image_work *w, struct snapshot *ret, struct err *e)
{
    struct plan plan = {0};
    char *lock = NULL;
    int lock_fd = -1, r;

    if (!i->built)
        return err_set(e, ERR_MISSING, "the image %s is not built yet (belljar image build %s)", i->name, i->name);
    r = make_plan(i, &plan, e);
    if (r == 0 && !file_exists(plan.target)) {
        lock = path_join(i->dir, "snapshot.lock");
        r = lock ? image_lock(lock, w, &lock_fd, e) : err_set(e, -ENOMEM, "out of memory");
        if (r == 0 && (r = ensure_locked(i, &plan, w, e)) < 0)
            err_prefix(e, "making the snapshot of %s: ", i->name);
    }
    if (r == 0)
        r = fill(&plan, ret, e);
    if (lock_fd >= 0)
        close(lock_fd);
    free(lock);
    free(plan.target);
    return r;
}
