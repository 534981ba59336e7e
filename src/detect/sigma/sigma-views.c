/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "detect/sigma/sigma-views.h"

/* clang-format off: tables */
#define SLOT(name, kind, field) {name, VIEW_SLOT, EVF_##kind##_##field, NULL}
#define FROM(name, from) {name, from, 0, NULL}
#define OF(name, from, kind, field) {name, from, EVF_##kind##_##field, NULL}
#define TEXT(name, text) {name, VIEW_TEXT, 0, text}
#define END {NULL, 0, 0, NULL}

const struct view_field view_actor[] = {FROM("Image", VIEW_IMAGE),
                                        FROM("CommandLine", VIEW_COMMAND),
                                        FROM("ParentImage", VIEW_PARENT_IMAGE),
                                        FROM("ParentCommandLine", VIEW_PARENT_COMMAND),
                                        FROM("User", VIEW_USER),
                                        FROM("ProcessId", VIEW_PID),
                                        END};

/* ---- as Sysmon for Linux and its kin ---- */

static const struct view_field exec_fields[] = {
    FROM("CurrentDirectory", VIEW_CWD), FROM("ParentProcessId", VIEW_PPID),   FROM("Hashes", VIEW_HASHES),
    FROM("UserId", VIEW_UID),           SLOT("Script", PROCESS_EXEC, Script), END};
static const struct view_field create_fields[] = {SLOT("TargetFilename", FILE_CREATE, TargetFilename), END};
static const struct view_field truncate_fields[] = {SLOT("TargetFilename", FILE_TRUNCATE, TargetFilename), END};
static const struct view_field link_fields[] = {SLOT("TargetFilename", FILE_LINK, TargetFilename),
                                                SLOT("SourceFilename", FILE_LINK, SourceFilename), END};
static const struct view_field write_fields[] = {SLOT("TargetFilename", FILE_WRITE, TargetFilename), END};
static const struct view_field utime_fields[] = {SLOT("TargetFilename", FILE_UTIME, TargetFilename), END};
static const struct view_field chmod_fields[] = {SLOT("TargetFilename", FILE_CHMOD, TargetFilename), END};
static const struct view_field rename_fields[] = {SLOT("SourceFilename", FILE_RENAME, SourceFilename),
                                                  SLOT("TargetFilename", FILE_RENAME, TargetFilename), END};
static const struct view_field delete_fields[] = {SLOT("TargetFilename", FILE_DELETE, TargetFilename), END};
static const struct view_field read_fields[] = {SLOT("TargetFilename", FILE_READ, TargetFilename),
                                                SLOT("FileName", FILE_READ, TargetFilename), END};
static const struct view_field connect_fields[] = {SLOT("DestinationIp", NET_CONNECT, DestinationIp),
                                                   SLOT("DestinationPort", NET_CONNECT, DestinationPort),
                                                   SLOT("SourceIp", NET_CONNECT, SourceIp),
                                                   SLOT("SourcePort", NET_CONNECT, SourcePort),
                                                   SLOT("Protocol", NET_CONNECT, Protocol),
                                                   TEXT("Initiated", "true"),
                                                   OF("DestinationHostname", VIEW_HOSTNAME, NET_CONNECT, DestinationIp),
                                                   END};
static const struct view_field accept_fields[] = {SLOT("DestinationIp", NET_ACCEPT, SourceIp),
                                                  SLOT("DestinationPort", NET_ACCEPT, SourcePort),
                                                  SLOT("SourceIp", NET_ACCEPT, DestinationIp),
                                                  SLOT("SourcePort", NET_ACCEPT, DestinationPort),
                                                  SLOT("Protocol", NET_ACCEPT, Protocol),
                                                  TEXT("Initiated", "false"),
                                                  END};
static const struct view_field image_load_fields[] = {SLOT("ImageLoaded", FILE_MAP_EXEC, ImageLoaded), END};
static const struct view_field module_fields[] = {SLOT("ImageLoaded", KERNEL_MODULE, ImageLoaded), END};
static const struct view_field ptrace_fields[] = {FROM("SourceImage", VIEW_IMAGE),
                                                  FROM("SourceCommandLine", VIEW_COMMAND),
                                                  FROM("SourceProcessId", VIEW_PID),
                                                  OF("TargetImage", VIEW_TARGET_IMAGE, PROCESS_PTRACE, TargetProcessId),
                                                  SLOT("TargetProcessId", PROCESS_PTRACE, TargetProcessId),
                                                  SLOT("CallTrace", PROCESS_PTRACE, Request),
                                                  END};
static const struct view_field remote_fields[] = {FROM("SourceImage", VIEW_IMAGE),
                                                  FROM("SourceCommandLine", VIEW_COMMAND),
                                                  FROM("SourceProcessId", VIEW_PID),
                                                  OF("TargetImage", VIEW_TARGET_IMAGE, MEMORY_REMOTE, TargetProcessId),
                                                  SLOT("TargetProcessId", MEMORY_REMOTE, TargetProcessId),
                                                  SLOT("CallTrace", MEMORY_REMOTE, Call),
                                                  END};

/* ---- the network as the simulated internet saw it ---- */

static const struct view_field flow_fields[] = {SLOT("dst_ip", NET_FLOW, DestinationIp),
                                                SLOT("dst_port", NET_FLOW, DestinationPort),
                                                SLOT("src_ip", NET_FLOW, SourceIp),
                                                SLOT("src_port", NET_FLOW, SourcePort),
                                                SLOT("protocol", NET_FLOW, Protocol),
                                                SLOT("dst_host", NET_FLOW, DestinationHostname),
                                                TEXT("action", "allow"),
                                                END};
static const struct view_field dns_fields[] = {
    SLOT("QueryName", DNS_QUERY, QueryName), SLOT("QueryResults", DNS_QUERY, QueryResults),
    SLOT("query", DNS_QUERY, QueryName),     SLOT("record_type", DNS_QUERY, QueryType),
    SLOT("answer", DNS_QUERY, QueryResults), END};
static const struct view_field http_fields[] = {
    SLOT("c-uri", HTTP_REQUEST, Url),
    OF("cs-uri", VIEW_URL_TAIL, HTTP_REQUEST, Url),
    OF("c-uri-stem", VIEW_URL_PATH, HTTP_REQUEST, Url),
    OF("cs-uri-stem", VIEW_URL_PATH, HTTP_REQUEST, Url),
    OF("c-uri-query", VIEW_URL_QUERY, HTTP_REQUEST, Url),
    /* Many rules look for parts of the path here. */
    OF("cs-uri-query", VIEW_URL_QUERY, HTTP_REQUEST, Url),
    OF("cs-uri-query", VIEW_URL_TAIL, HTTP_REQUEST, Url),
    OF("c-uri-extension", VIEW_URL_EXTENSION, HTTP_REQUEST, Url),
    SLOT("cs-host", HTTP_REQUEST, Host),
    SLOT("r-dns", HTTP_REQUEST, Host),
    SLOT("cs-method", HTTP_REQUEST, Method),
    SLOT("c-useragent", HTTP_REQUEST, UserAgent),
    SLOT("cs-user-agent", HTTP_REQUEST, UserAgent),
    SLOT("sc-status", HTTP_REQUEST, Status),
    SLOT("dst_ip", HTTP_REQUEST, DestinationIp),
    SLOT("dst_port", HTTP_REQUEST, DestinationPort),
    SLOT("src_port", HTTP_REQUEST, SourcePort),
    {"cs-cookie", VIEW_HEADER, EVF_HTTP_REQUEST_Headers, "cookie"},
    {"cs-referer", VIEW_HEADER, EVF_HTTP_REQUEST_Headers, "referer"},
    {"cs-referrer", VIEW_HEADER, EVF_HTTP_REQUEST_Headers, "referer"},
    {"cs-content-type", VIEW_HEADER, EVF_HTTP_REQUEST_Headers, "content-type"},
    END};

/* ---- as auditd ---- */

#define AUDIT_ACTOR                                                                                                    \
    FROM("exe", VIEW_IMAGE), FROM("comm", VIEW_COMM), FROM("pid", VIEW_PID), FROM("ppid", VIEW_PPID),                  \
        FROM("uid", VIEW_UID), FROM("euid", VIEW_EUID), FROM("cwd", VIEW_CWD)
#define CALL(name)                                                                                                     \
    TEXT("type", "SYSCALL"), TEXT("success", "yes"), TEXT("SYSCALL", name), TEXT("syscall", name), AUDIT_ACTOR
#define CALL_SLOT(kind, field)                                                                                         \
    TEXT("type", "SYSCALL"), TEXT("success", "yes"), SLOT("SYSCALL", kind, field), SLOT("syscall", kind, field),       \
        AUDIT_ACTOR
#define PATH(kind, field, nametype)                                                                                    \
    TEXT("type", "PATH"), SLOT("name", kind, field), TEXT("nametype", nametype), AUDIT_ACTOR

static const struct view_field audit_execve[] = {TEXT("type", "EXECVE"), FROM("a", VIEW_ARGS), AUDIT_ACTOR, END};
static const struct view_field audit_exec_call[] = {CALL("execve"), END};
static const struct view_field audit_create[] = {PATH(FILE_CREATE, TargetFilename, "CREATE"), END};
static const struct view_field audit_mkdir[] = {PATH(FILE_MKDIR, TargetFilename, "CREATE"), END};
static const struct view_field audit_link[] = {PATH(FILE_LINK, TargetFilename, "CREATE"), END};
static const struct view_field audit_delete[] = {PATH(FILE_DELETE, TargetFilename, "DELETE"), END};
static const struct view_field audit_rmdir[] = {PATH(FILE_RMDIR, TargetFilename, "DELETE"), END};
static const struct view_field audit_rename_from[] = {PATH(FILE_RENAME, SourceFilename, "DELETE"), END};
static const struct view_field audit_rename_to[] = {PATH(FILE_RENAME, TargetFilename, "CREATE"), END};
static const struct view_field audit_open[] = {PATH(FILE_OPEN, TargetFilename, "NORMAL"), END};
static const struct view_field audit_read[] = {PATH(FILE_READ, TargetFilename, "NORMAL"), END};
static const struct view_field audit_chmod[] = {PATH(FILE_CHMOD, TargetFilename, "NORMAL"), END};
static const struct view_field audit_chmod_call[] = {CALL("chmod"), SLOT("name", FILE_CHMOD, TargetFilename), END};
static const struct view_field audit_chown_call[] = {CALL("chown"), SLOT("name", FILE_CHOWN, TargetFilename), END};
static const struct view_field audit_unlink_call[] = {CALL("unlink"), SLOT("name", FILE_DELETE, TargetFilename), END};
static const struct view_field audit_utime_call[] = {CALL("utimensat"), SLOT("name", FILE_UTIME, TargetFilename), END};
static const struct view_field audit_xattr_call[] = {CALL("setxattr"), SLOT("name", FILE_XATTR, TargetFilename), END};
static const struct view_field audit_connect_call[] = {CALL("connect"), END};
static const struct view_field audit_bind_call[] = {CALL("bind"), END};
static const struct view_field audit_listen_call[] = {CALL("listen"), END};
static const struct view_field audit_socket_call[] = {CALL("socket"), END};
static const struct view_field audit_ptrace_call[] = {CALL("ptrace"), END};
static const struct view_field audit_prctl_call[] = {CALL("prctl"), END};
static const struct view_field audit_personality_call[] = {CALL("personality"),
                                                           OF("a0", VIEW_HEX, PROCESS_PERSONALITY, Value), END};
static const struct view_field audit_kill_call[] = {CALL("kill"), OF("a1", VIEW_HEX, SIGNAL_SEND, Signal), END};
static const struct view_field audit_memfd_call[] = {CALL("memfd_create"), SLOT("name", MEMORY_MEMFD, Name), END};
static const struct view_field audit_remote_call[] = {CALL_SLOT(MEMORY_REMOTE, Call), END};
static const struct view_field audit_setid_call[] = {CALL_SLOT(CRED_SETID, Call), END};
static const struct view_field audit_capset_call[] = {CALL("capset"), END};
static const struct view_field audit_module_call[] = {CALL_SLOT(KERNEL_MODULE, Operation),
                                                      SLOT("name", KERNEL_MODULE, ImageLoaded), END};
static const struct view_field audit_bpf_call[] = {CALL("bpf"), END};
static const struct view_field audit_mount_call[] = {CALL_SLOT(KERNEL_MOUNT, Operation),
                                                     SLOT("name", KERNEL_MOUNT, TargetFilename), END};
static const struct view_field audit_namespace_call[] = {CALL_SLOT(KERNEL_NAMESPACE, Call), END};
static const struct view_field audit_kexec_call[] = {CALL_SLOT(KERNEL_KEXEC, Call), END};
static const struct view_field audit_reboot_call[] = {CALL("reboot"), END};
static const struct view_field audit_time_call[] = {CALL_SLOT(KERNEL_TIME, Call), END};
static const struct view_field audit_swap_call[] = {CALL_SLOT(KERNEL_SWAP, Call), END};
static const struct view_field audit_sleep_call[] = {CALL_SLOT(TIME_SLEEP, Call), END};

#define LINUX(kind, category, fields) {EVENT_##kind, true, {{"linux", category, NULL}}, fields}
#define AUDIT(kind, fields) {EVENT_##kind, false, {{"linux", NULL, "auditd"}}, fields}

static const struct view views[] = {
    LINUX(PROCESS_EXEC, "process_creation", exec_fields),
    LINUX(FILE_CREATE, "file_event", create_fields),
    LINUX(FILE_TRUNCATE, "file_event", truncate_fields),
    LINUX(FILE_LINK, "file_event", link_fields),
    LINUX(FILE_WRITE, "file_change", write_fields),
    LINUX(FILE_UTIME, "file_change", utime_fields),
    LINUX(FILE_CHMOD, "file_change", chmod_fields),
    LINUX(FILE_RENAME, "file_rename", rename_fields),
    LINUX(FILE_DELETE, "file_delete", delete_fields),
    LINUX(FILE_READ, "file_access", read_fields),
    LINUX(NET_CONNECT, "network_connection", connect_fields),
    LINUX(NET_ACCEPT, "network_connection", accept_fields),
    LINUX(FILE_MAP_EXEC, "image_load", image_load_fields),
    LINUX(KERNEL_MODULE, "driver_load", module_fields),
    LINUX(PROCESS_PTRACE, "process_access", ptrace_fields),
    LINUX(MEMORY_REMOTE, "process_access", remote_fields),
    {EVENT_NET_FLOW, true, {{NULL, "firewall", NULL}}, flow_fields},
    {EVENT_DNS_QUERY, true, {{"linux", "dns_query", NULL}, {NULL, "dns", NULL}}, dns_fields},
    {EVENT_HTTP_REQUEST, true, {{NULL, "proxy", NULL}, {NULL, "webserver", NULL}}, http_fields},
    AUDIT(PROCESS_EXEC, audit_execve),
    AUDIT(PROCESS_EXEC, audit_exec_call),
    AUDIT(FILE_CREATE, audit_create),
    AUDIT(FILE_MKDIR, audit_mkdir),
    AUDIT(FILE_LINK, audit_link),
    AUDIT(FILE_DELETE, audit_delete),
    AUDIT(FILE_DELETE, audit_unlink_call),
    AUDIT(FILE_RMDIR, audit_rmdir),
    AUDIT(FILE_RENAME, audit_rename_from),
    AUDIT(FILE_RENAME, audit_rename_to),
    AUDIT(FILE_OPEN, audit_open),
    AUDIT(FILE_READ, audit_read),
    AUDIT(FILE_CHMOD, audit_chmod),
    AUDIT(FILE_CHMOD, audit_chmod_call),
    AUDIT(FILE_CHOWN, audit_chown_call),
    AUDIT(FILE_UTIME, audit_utime_call),
    AUDIT(FILE_XATTR, audit_xattr_call),
    AUDIT(NET_CONNECT, audit_connect_call),
    AUDIT(NET_BIND, audit_bind_call),
    AUDIT(NET_LISTEN, audit_listen_call),
    AUDIT(NET_SOCKET, audit_socket_call),
    AUDIT(PROCESS_PTRACE, audit_ptrace_call),
    AUDIT(PROCESS_PRCTL, audit_prctl_call),
    AUDIT(PROCESS_PERSONALITY, audit_personality_call),
    AUDIT(SIGNAL_SEND, audit_kill_call),
    AUDIT(MEMORY_MEMFD, audit_memfd_call),
    AUDIT(MEMORY_REMOTE, audit_remote_call),
    AUDIT(CRED_SETID, audit_setid_call),
    AUDIT(CRED_CAPSET, audit_capset_call),
    AUDIT(KERNEL_MODULE, audit_module_call),
    AUDIT(KERNEL_BPF, audit_bpf_call),
    AUDIT(KERNEL_MOUNT, audit_mount_call),
    AUDIT(KERNEL_NAMESPACE, audit_namespace_call),
    AUDIT(KERNEL_KEXEC, audit_kexec_call),
    AUDIT(KERNEL_REBOOT, audit_reboot_call),
    AUDIT(KERNEL_TIME, audit_time_call),
    AUDIT(KERNEL_SWAP, audit_swap_call),
    AUDIT(TIME_SLEEP, audit_sleep_call),
};
/* clang-format on */

const struct view *view_at(unsigned index)
{
    return index < sizeof(views) / sizeof(views[0]) ? &views[index] : NULL;
}
