/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Signals and sleeps. */

#define SI_USER 0
#define SI_TKILL -6
#define SLEEP_MIN 100000000ll
#define CLOCK_REALTIME_ID 0
#define HRTIMER_REL 1

/* kill(): one event with the target as given, also for groups and everybody. */
SEC("fentry/kill_something_info")
int BPF_PROG(on_kill, int sig, struct kernel_siginfo *info, int pid)
{
    if (sig == 0 || pid == (int)(bpf_get_current_pid_tgid() >> 32))
        return 0;
    struct record *r = record_begin(EVENT_SIGNAL_SEND);
    if (!r)
        return 0;
    put_u64(r, sig);
    put_u64(r, (s64)pid);
    return record_end(r);
}

/* tkill, tgkill, sigqueue, pidfd_send_signal: what does not come through kill(). */
SEC("fentry/security_task_kill")
int BPF_PROG(on_task_kill, struct task_struct *target, struct kernel_siginfo *info, int sig)
{
    if ((u64)info <= 1 || sig == 0)
        return 0;                                         /* from the kernel */
    if (info->si_code == SI_USER && call_number() != 424) /* pidfd_send_signal says SI_USER too */
        return 0;
    u32 tgid = target->tgid;
    if (tgid == (u32)(bpf_get_current_pid_tgid() >> 32))
        return 0;
    struct record *r = record_begin(EVENT_SIGNAL_SEND);
    if (!r)
        return 0;
    put_u64(r, sig);
    put_u64(r, tgid);
    return record_end(r);
}

static __noinline int sleeping(s64 ns, u32 word)
{
    if (ns < SLEEP_MIN)
        return 0;
    struct record *r = record_begin(EVENT_TIME_SLEEP);
    if (!r)
        return 0;
    put_u64(r, ns);
    put_name(r, NAME_WORD, word);
    return record_end(r);
}

SEC("fentry/hrtimer_nanosleep")
int BPF_PROG(on_nanosleep, s64 time, u32 mode, int clock)
{
    u64 nr = call_number();
    bool plain = nr == 35 || nr == (0x8000 | 162);

    if (mode != HRTIMER_REL)
        time -= clock == CLOCK_REALTIME_ID ? bpf_ktime_get_tai_ns() : bpf_ktime_get_ns();
    return sleeping(time, plain ? WORD_NANOSLEEP : WORD_CLOCK_NANOSLEEP);
}

/* The end time is absolute, monotonic; 0 and NULL mean "do not wait" and "for ever". */
static __noinline int waiting(const struct timespec64 *end, u32 word)
{
    struct timespec64 t = {};

    if (!end || bpf_probe_read_kernel(&t, sizeof(t), end) || (t.tv_sec == 0 && t.tv_nsec == 0))
        return 0;
    return sleeping(t.tv_sec * 1000000000ll + t.tv_nsec - (s64)bpf_ktime_get_ns(), word);
}

SEC("fentry/do_sys_poll")
int BPF_PROG(on_poll, void *fds, u32 n, struct timespec64 *end)
{
    return n == 0 ? waiting(end, WORD_POLL) : 0;
}
SEC("fentry/core_sys_select")
int BPF_PROG(on_select, int n, void *in, void *out, void *except, struct timespec64 *end)
{
    bool watches = in;
    barrier_var(watches);
    watches = watches || out;
    barrier_var(watches);
    watches = watches || except;
    return n <= 0 || !watches ? waiting(end, WORD_SELECT) : 0;
}
