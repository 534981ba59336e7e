/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A machine is restored, never booted: guest memory is the snapshot's RAM file
 * mapped copy-on-write, the rest of the state comes from the migration stream
 * (which leaves out memory, capability x-ignore-shared), and the disk is a
 * fresh overlay on the snapshot's. So machines of one snapshot share all
 * memory that they do not change.
 */
#include "machine/machine-private.h"

#include "os/file.h"
#include "os/proc.h"
#include "os/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define RESTORE_TIMEOUT_MS 30000
#define CONSOLE_BYTES 65536
#define LOG_TAIL 2048
#define NS_PER_MS 1000000ull
#define QEMU_OWN_BYTES (768ull << 20) /* beside the guest's memory: translated code, buffers */

static void end_with(struct machine *m, enum machine_state state, const char *reason)
{
    if (m->state != MACHINE_RUNNING)
        return; /* the first cause counts */
    m->state = state;
    snprintf(m->reason, sizeof(m->reason), "%s", reason);
}

static void on_event(void *context, const char *name, const json_t *data)
{
    struct machine *m = context;
    const char *reason = json_string_value(json_object_get(data, "reason"));

    if (!strcmp(name, "RESUME")) {
        m->resumed = true;
    } else if (!strcmp(name, "STOP")) {
        m->stopped = true;
    } else if (!strcmp(name, "GUEST_PANICKED")) {
        end_with(m, MACHINE_PANICKED, "the guest's kernel panicked");
    } else if (!strcmp(name, "SHUTDOWN")) {
        if (reason && !strcmp(reason, "guest-reset"))
            end_with(m, MACHINE_RESET, "the guest rebooted");
        else if (reason && !strcmp(reason, "guest-panic"))
            end_with(m, MACHINE_PANICKED, "the guest's kernel panicked");
        else if (reason && !strcmp(reason, "guest-shutdown"))
            end_with(m, MACHINE_SHUT_DOWN, "the guest powered off");
        else
            end_with(m, MACHINE_BROKEN, "QEMU was told to end");
    }
}

int machine_open(const char *path, int flags, int *ret_fd, struct err *e)
{
    int fd = path ? open(path, flags | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;

    if (!path)
        return err_set(e, -ENOMEM, "out of memory");
    if (fd < 0 && errno == ENOENT)
        return err_set(e, ERR_MISSING, "%s is not there", path);
    if (fd < 0)
        return err_errno(e, "cannot open %s", path);
    *ret_fd = fd;
    return 0;
}

/* ---- starting ---- */

static int socket_pair(int ret[2], struct err *e)
{
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ret) < 0)
        return err_errno(e, "cannot make a socket pair");
    return 0;
}

static int open_channels(struct machine *m, struct qemu_options *o, bool want_agent, int theirs[3], int *ret_qmp,
                         struct err *e)
{
    int pair[2], r = socket_pair(pair, e);

    if (r < 0)
        return r;
    *ret_qmp = pair[0];
    o->qmp_fd = theirs[0] = pair[1];
    if (want_agent) {
        if ((r = socket_pair(pair, e)) < 0)
            return r;
        m->agent_fd = pair[0];
        o->agent_fd = theirs[1] = pair[1];
        if (fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0)
            return err_errno(e, "cannot set up the agent's channel");
    }
    if (o->net_fd < 0) {
        if ((r = socket_pair(pair, e)) < 0)
            return r;
        m->net_hold = pair[0];
        o->net_fd = theirs[2] = pair[1];
    }
    return 0;
}

/* What a failed start was about is in QEMU's log, not in the broken connection. */
static int explain(struct machine *m, int r, struct err *e)
{
    char words[300];

    machine_last_words(m, words, sizeof(words));
    if (*words && e) {
        char before[ERR_TEXT_MAX];
        snprintf(before, sizeof(before), "%s", e->text);
        err_set(e, r, "%.180s; QEMU says: %s", before, words);
    }
    return r;
}

int machine_launch(struct qemu_options *o, const char *log_path, bool want_agent, struct machine **ret, struct err *e)
{
    struct machine *m = calloc(1, sizeof(*m));
    int theirs[3] = {-1, -1, -1}, log_fd = -1, qmp_fd = -1, r;
    int given_net = o->net_fd;

    if (!m)
        return err_set(e, -ENOMEM, "out of memory");
    m->agent_fd = m->net_hold = m->lock_fd = -1;
    if (log_path) {
        m->log = strdup(log_path);
        if ((r = machine_open(m->log, O_WRONLY | O_CREAT | O_TRUNC, &log_fd, e)) < 0)
            goto out;
    }
    o->log_fd = log_fd;
    if ((r = open_channels(m, o, want_agent, theirs, &qmp_fd, e)) < 0)
        goto out;
    if ((r = qemu_start(o, &m->pid, e)) < 0)
        goto out;
    for (int i = 0; i < 3; i++) { /* only QEMU holds its ends now: when it dies we see the end */
        if (theirs[i] >= 0)
            close(theirs[i]);
        theirs[i] = -1;
    }
    if ((r = qmp_new(qmp_fd, on_event, m, &m->qmp)) < 0) {
        err_set(e, r, "out of memory");
        qmp_fd = -1;
        goto out;
    }
    qmp_fd = -1;
    r = qmp_handshake(m->qmp, QMP_TIMEOUT_MS, e);
    if (r < 0)
        r = explain(m, r, e);
out:
    for (int i = 0; i < 3; i++)
        if (theirs[i] >= 0)
            close(theirs[i]);
    if (qmp_fd >= 0)
        close(qmp_fd);
    if (log_fd >= 0)
        close(log_fd);
    o->net_fd = given_net;
    o->log_fd = o->qmp_fd = o->agent_fd = -1;
    if (r < 0)
        machine_stop(&m);
    else
        *ret = m;
    return r;
}

struct opened {
    int fd[8];
    unsigned n;
};

static int open_into(struct opened *all, const char *path, int flags, int *ret_fd, struct err *e)
{
    int r = machine_open(path, flags, ret_fd, e);

    if (r == 0)
        all->fd[all->n++] = *ret_fd;
    return r;
}

/* A second machine must not see its snapshot vanish: those who clean up ask for the exclusive lock first. */
static int lock_snapshot(const struct snapshot *s, int *ret_fd, struct err *e)
{
    char *path = path_join(s->dir, "lock");
    int r = machine_open(path, O_RDONLY, ret_fd, e);

    free(path);
    if (r == 0 && flock(*ret_fd, LOCK_SH | LOCK_NB) < 0) {
        close(*ret_fd);
        *ret_fd = -1;
        return err_set(e, ERR_CONFLICT, "the snapshot %s is being removed", s->dir);
    }
    return r;
}

static int restore_files(const struct machine_options *m, const char *overlay, struct qemu_options *o,
                         struct opened *all, struct err *e)
{
    const struct snapshot *s = m->snapshot;
    int r;

    if ((r = file_copy(s->blank, overlay, 0600, e)) < 0 ||
        (r = open_into(all, m->image->disk, O_RDONLY, &o->disk_fd[0], e)) < 0 ||
        (r = open_into(all, s->disk, O_RDONLY, &o->disk_fd[1], e)) < 0 ||
        (r = open_into(all, overlay, O_RDWR, &o->disk_fd[2], e)) < 0 ||
        (r = open_into(all, m->image->kernel, O_RDONLY, &o->kernel_fd, e)) < 0 ||
        (r = open_into(all, m->image->initrd, O_RDONLY, &o->initrd_fd, e)) < 0 ||
        (r = open_into(all, s->ram, O_RDONLY, &o->ram_fd, e)) < 0 ||
        (r = open_into(all, s->state, O_RDONLY, &o->state_fd, e)) < 0)
        return r;
    o->disks = 3;
    return 0;
}

static int wait_resumed(struct machine *m, struct err *e)
{
    uint64_t deadline = time_monotonic_ns() + RESTORE_TIMEOUT_MS * NS_PER_MS;

    while (!m->resumed) {
        uint64_t now = time_monotonic_ns();
        if (now >= deadline)
            return err_set(e, ERR_TIMEOUT, "the machine was not restored within %d s", RESTORE_TIMEOUT_MS / 1000);
        int r = qmp_turn(m->qmp, (int)((deadline - now) / NS_PER_MS) + 1, e);
        if (r < 0)
            return explain(m, r, e);
    }
    m->stopped = false;
    return 0;
}

static int restore(struct machine *m, struct err *e)
{
    int r = qmp_command(m->qmp, "migrate-set-capabilities",
                        json_pack("{s:[{s:s,s:b}]}", "capabilities", "capability", "x-ignore-shared", "state", 1),
                        QMP_TIMEOUT_MS, NULL, e);

    if (r == 0)
        r = qmp_command(m->qmp, "migrate-incoming", json_pack("{s:s}", "uri", QEMU_STATE_URI), QMP_TIMEOUT_MS, NULL, e);
    if (r < 0)
        return explain(m, r, e);
    return wait_resumed(m, e);
}

/* A limit around all of QEMU, where the system lets us; else QEMU's own limits have to do. */
static void put_into_cgroup(struct machine *m, uint64_t ram_bytes)
{
    struct cgroup_limits limits = {.memory_max = ram_bytes + QEMU_OWN_BYTES, .pids_max = 128};
    char name[64];

    snprintf(name, sizeof(name), "machine-%d", (int)m->pid);
    if (cgroup_new(name, &limits, &m->cgroup, NULL) == 0 && cgroup_add(m->cgroup, m->pid, NULL) < 0)
        cgroup_free(&m->cgroup);
}

int machine_start(const struct machine_options *mo, struct machine **ret, struct err *e)
{
    const struct snapshot *s = mo->snapshot;
    char *overlay = path_join(mo->run_dir, "disk.qcow2"), *log = path_join(mo->run_dir, MACHINE_LOG);
    struct opened all = {.n = 0};
    struct machine *m = NULL;
    struct qemu_options o;
    int lock = -1, r;

    qemu_options_init(&o);
    if (!overlay || !log) {
        r = err_set(e, -ENOMEM, "out of memory");
        goto out;
    }
    if ((r = lock_snapshot(s, &lock, e)) < 0 || (r = restore_files(mo, overlay, &o, &all, e)) < 0)
        goto out;
    o.accel = s->accel;
    o.memory_mib = (unsigned)(s->ram_bytes >> 20);
    o.cpus = s->cpus;
    o.command_line = s->command_line;
    o.ram_private = o.incoming = true;
    o.net_fd = mo->net_fd;
    o.file_max = mo->disk_max;
    o.uid = qemu_uid();
    if (!strcmp(s->accel, "kvm") && (r = open_into(&all, "/dev/kvm", O_RDWR, &o.kvm_fd, e)) < 0)
        goto out;
    if ((r = machine_launch(&o, log, true, &m, e)) < 0)
        goto out;
    m->overlay = overlay;
    overlay = NULL;
    m->lock_fd = lock;
    lock = -1;
    put_into_cgroup(m, s->ram_bytes);
    r = restore(m, e);
out:
    for (unsigned i = 0; i < all.n; i++)
        close(all.fd[i]);
    if (lock >= 0)
        close(lock);
    if (r < 0 && overlay)
        unlink(overlay);
    free(overlay);
    free(log);
    if (r < 0)
        machine_stop(&m);
    else
        *ret = m;
    return r;
}

/* ---- while it runs ---- */

int machine_agent_fd(const struct machine *m)
{
    return m->agent_fd;
}

int machine_event_fd(const struct machine *m)
{
    return qmp_fd(m->qmp);
}

pid_t machine_pid(const struct machine *m)
{
    return m->pid;
}

uint64_t machine_private_bytes(const struct machine *m)
{
    struct proc_memory memory;

    return m->pid && proc_memory_read(m->pid, &memory, NULL) == 0 ? memory.private_dirty : 0;
}

/* Texts of the guest and of QEMU go into reports: one line, printable. */
static void keep_line(char *ret, size_t n, const uint8_t *p, size_t len)
{
    size_t used = 0;

    for (size_t i = 0; i < len && used + 1 < n && p[i] != '\n' && p[i] != '\r'; i++)
        ret[used++] = p[i] < ' ' || p[i] > '~' ? '?' : (char)p[i];
    ret[used] = 0;
}

void machine_last_words(const struct machine *m, char *ret, size_t n)
{
    uint8_t tail[LOG_TAIL];
    struct stat st;
    int fd = m->log ? open(m->log, O_RDONLY | O_CLOEXEC) : -1;

    ret[0] = 0;
    if (fd < 0)
        return;
    if (fstat(fd, &st) == 0) {
        off_t from = st.st_size > LOG_TAIL ? st.st_size - LOG_TAIL : 0;
        ssize_t got = pread(fd, tail, sizeof(tail), from);
        while (got > 0 && tail[got - 1] <= ' ')
            got--;
        ssize_t start = got;
        while (start > 0 && tail[start - 1] != '\n')
            start--;
        if (got > 0)
            keep_line(ret, n, tail + start, (size_t)(got - start));
    }
    close(fd);
}

int machine_console(struct machine *m, struct buf *ret, struct err *e)
{
    json_t *text = NULL;

    buf_init(ret, 4 * CONSOLE_BYTES);
    int r = qmp_command(m->qmp, "ringbuf-read", json_pack("{s:s,s:i}", "device", "console", "size", CONSOLE_BYTES),
                        2000, &text, e);
    if (r == 0 && json_is_string(text))
        r = buf_add(ret, json_string_value(text), json_string_length(text));
    json_decref(text);
    return r;
}

/* "Kernel panic - not syncing: ..." of the console, when there is one. */
static bool panic_words(struct machine *m, char *ret, size_t n)
{
    struct buf console;
    bool found = false;

    if (machine_console(m, &console, NULL) == 0) {
        ptrdiff_t at = str_find(buf_str(&console), STR_LIT("Kernel panic - not syncing"));
        if (at >= 0) {
            keep_line(ret, n, console.data + at, console.len - (size_t)at);
            found = true;
        }
    }
    buf_free(&console);
    return found;
}

static void look_at_status(struct machine *m)
{
    json_t *status = NULL;

    m->stopped = false;
    if (m->ours || qmp_command(m->qmp, "query-status", NULL, 2000, &status, NULL) < 0)
        return;
    const char *word = json_string_value(json_object_get(status, "status"));
    char text[128];
    if (m->state == MACHINE_RUNNING && word && strcmp(word, "running")) {
        snprintf(text, sizeof(text), "QEMU stopped the machine: %.80s", word);
        end_with(m, MACHINE_BROKEN, text);
    }
    json_decref(status);
}

static void note_death(struct machine *m)
{
    int status = 0;
    char words[160], text[256];

    /* The socket closes a moment before the process can be reaped. */
    for (int i = 0; i < 100 && m->pid; i++) {
        pid_t r = waitpid(m->pid, &status, WNOHANG);
        if (r == m->pid || (r < 0 && errno == ECHILD))
            m->pid = 0;
        else
            poll(NULL, 0, 10);
    }
    machine_last_words(m, words, sizeof(words));
    if (WIFSIGNALED(status))
        snprintf(text, sizeof(text), "QEMU was killed by signal %d%s%s", WTERMSIG(status), *words ? ": " : "", words);
    else
        snprintf(text, sizeof(text), "QEMU ended with status %d%s%s", WEXITSTATUS(status), *words ? ": " : "", words);
    end_with(m, MACHINE_BROKEN, text);
}

enum machine_state machine_poll(struct machine *m, char *ret_reason, size_t n)
{
    bool before = m->state == MACHINE_RUNNING;

    if (m->pid && qmp_turn(m->qmp, 0, NULL) < 0)
        note_death(m);
    if (m->stopped && m->pid)
        look_at_status(m);
    if (before && m->pid && (m->state == MACHINE_PANICKED || m->state == MACHINE_RESET)) {
        char words[200];
        if (panic_words(m, words, sizeof(words))) {
            /* Without a panic device's driver a panic shows as a reboot. */
            m->state = MACHINE_PANICKED;
            snprintf(m->reason, sizeof(m->reason), "%s", words);
        }
    }
    if (ret_reason && n)
        snprintf(ret_reason, n, "%s", m->reason);
    return m->state;
}

void machine_stop(struct machine **pm)
{
    struct machine *m = *pm;

    if (!m)
        return;
    if (m->pid) {
        kill(-m->pid, SIGKILL);
        kill(m->pid, SIGKILL);
        while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    cgroup_free(&m->cgroup);
    qmp_free(&m->qmp);
    const int all[] = {m->agent_fd, m->net_hold, m->lock_fd};
    for (unsigned i = 0; i < sizeof(all) / sizeof(all[0]); i++)
        if (all[i] >= 0)
            close(all[i]);
    if (m->overlay)
        unlink(m->overlay);
    free(m->overlay);
    free(m->log);
    free(m);
    *pm = NULL;
}
