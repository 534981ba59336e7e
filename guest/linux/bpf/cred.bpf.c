/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Identities, capabilities, key rings. Both sets of credentials are kernel objects when commit_creds() swaps them. */

SEC("fentry/commit_creds")
int BPF_PROG(on_commit_creds, struct cred *new)
{
    struct task_struct *task = bpf_get_current_task_btf();
    const struct cred *old = task->cred;
    bool ids = old->uid.val != new->uid.val || old->euid.val != new->euid.val || old->suid.val != new->suid.val ||
               old->gid.val != new->gid.val || old->egid.val != new->egid.val || old->sgid.val != new->sgid.val;
    bool caps = old->cap_effective.val != new->cap_effective.val || old->cap_permitted.val != new->cap_permitted.val;
    u64 nr = call_number();
    struct record *r;

    if (ids) {
        r = record_begin(EVENT_CRED_SETID);
        if (!r)
            return 0;
        put_name(r, NAME_SYSCALL, nr);
        put_u64(r, old->euid.val);
        put_u64(r, new->euid.val);
        put_u64(r, old->egid.val);
        put_u64(r, new->egid.val);
        return record_end(r);
    }
    if (!caps || (nr != 126 && nr != (0x8000 | 185))) /* capset */
        return 0;
    r = record_begin(EVENT_CRED_CAPSET);
    if (!r)
        return 0;
    put_u64(r, new->cap_effective.val);
    put_u64(r, new->cap_permitted.val);
    return record_end(r);
}

static __noinline int key_call(u32 table, u64 value)
{
    struct record *r = record_begin(EVENT_CRED_KEYCTL);
    if (!r)
        return 0;
    put_name(r, table, value);
    return record_end(r);
}
static __always_inline int before_keyctl(u64 *args)
{
    return key_call(NAME_KEYCTL, (u32)args[0]);
}
static __always_inline int before_add_key(u64 *args)
{
    return key_call(NAME_WORD, WORD_ADD_KEY);
}
static __always_inline int before_request_key(u64 *args)
{
    return key_call(NAME_WORD, WORD_REQUEST_KEY);
}
BEFORE_CALL_COMPAT(keyctl, before_keyctl)
BEFORE_CALL(add_key, before_add_key)
BEFORE_CALL(request_key, before_request_key)
