/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executable memory, other processes' memory, ptrace, dumps. */
#include "report/model.h"

static void memory_remote(struct report *r, const struct event *ev, struct memory_row *m)
{
    m->detail = report_text(r, event_s(ev, EVF_MEMORY_REMOTE_Call));
    m->access = report_text(r, event_s(ev, EVF_MEMORY_REMOTE_Access));
    m->target_pid = event_u(ev, EVF_MEMORY_REMOTE_TargetProcessId);
    m->length = event_u(ev, EVF_MEMORY_REMOTE_Length);
}

static void memory_dumped(struct report *r, const struct event *ev, struct memory_row *m)
{
    m->address = event_u(ev, EVF_MEMORY_DUMPED_Address);
    m->length = event_u(ev, EVF_MEMORY_DUMPED_Length);
    m->protection = report_text(r, event_s(ev, EVF_MEMORY_DUMPED_Protection));
    m->sha256 = report_text(r, event_s(ev, EVF_MEMORY_DUMPED_Sha256));
    m->reason = report_text(r, event_s(ev, EVF_MEMORY_DUMPED_Reason));
    m->truncated = event_u(ev, EVF_MEMORY_DUMPED_Truncated) != 0;
}

int collect_memory(struct report *r, const struct event *ev, const struct proc *p)
{
    if (p && p->lineage == PROC_SYSTEM && ev->kind != EVENT_MEMORY_DUMPED && ev->kind != EVENT_MEMORY_REMOTE)
        return 0; /* the guest's own just-in-time compilers */
    struct memory_row *m = report_list_add(&r->memory, sizeof(*m), REPORT_MEMORY_MAX);
    if (!m)
        return 0;
    m->kind = ev->kind;
    m->time = ev->time_ns;
    m->source = ev->source;
    m->seq = ev->seq;
    m->n = p ? p->n : 0;
    switch (ev->kind) {
    case EVENT_MEMORY_MAP:
    case EVENT_MEMORY_PROTECT:
        m->address = event_u(ev, EVF_MEMORY_MAP_Address);
        m->length = event_u(ev, EVF_MEMORY_MAP_Length);
        m->protection = report_text(r, event_s(ev, EVF_MEMORY_MAP_Protection));
        break;
    case EVENT_MEMORY_MEMFD:
        m->detail = report_text(r, event_s(ev, EVF_MEMORY_MEMFD_Name));
        break;
    case EVENT_MEMORY_REMOTE:
        memory_remote(r, ev, m);
        break;
    case EVENT_PROCESS_PTRACE:
        m->detail = report_text(r, event_s(ev, EVF_PROCESS_PTRACE_Request));
        m->target_pid = event_u(ev, EVF_PROCESS_PTRACE_TargetProcessId);
        break;
    case EVENT_MEMORY_DUMPED:
        memory_dumped(r, ev, m);
        break;
    default:
        break;
    }
    if (m->target_pid && m->target_pid <= UINT32_MAX) {
        const struct proc *t = proctab_by_pid(r->procs, (uint32_t)m->target_pid);
        m->target_n = t ? t->n : 0;
    }
    return 0;
}
