/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of struct report: what the collectors fill and the writers read.
 * Private to src/report. Every list has a cap; what is beyond it is counted in
 * the `more` beside it and said in the report. Times are ns since the sample's
 * start; `n` is a process number of the process table; text is an id in
 * `strings` (0 = none).
 */
#ifndef BELLJAR_REPORT_MODEL_H
#define BELLJAR_REPORT_MODEL_H

#include "base/intern.h"
#include "base/jsonw.h"
#include "report/report.h"

#define REPORT_STRINGS_MAX (96u << 20) /* bytes of text kept over all sections */
#define REPORT_TEXT_MAX (16u << 10)    /* bytes of one text; the rest is cut and counted */
#define REPORT_PROCS_MAX 5000          /* rows in the report */
#define REPORT_TRACK_MAX 70000         /* processes with counters of their own */
#define REPORT_FILES_MAX 5000
#define REPORT_FILES_SYSTEM_MAX 500 /* of these, touched only by the guest itself */
#define REPORT_FLOWS_MAX 5000
#define REPORT_DNS_MAX 5000
#define REPORT_DNS_SLOTS 16384 /* of the hash table over them: a power of two */
#define REPORT_HTTP_MAX 1000
#define REPORT_LISTENS_MAX 500
#define REPORT_SCANS_MAX 100
#define REPORT_MEMORY_MAX 2000
#define REPORT_CAPTURES_MAX 5000
#define REPORT_NOTES_MAX 500
#define REPORT_INDICATORS_MAX 2000
#define REPORT_INDICATOR_SLOTS 8192 /* of the hash table over them */
#define REPORT_SAMPLES_MAX 720      /* rows of the system's load, and of each process; thinned out by half when full */
#define REPORT_STAT_PROCS_MAX 64
#define REPORT_BUCKETS 240       /* of the time line; they get twice as wide when they run out */
#define REPORT_EVENTS_MAX 20000  /* embedded in report.html */
#define REPORT_EVENTS_HELD 60000 /* candidates kept while streaming */
#define REPORT_FILE_PROCS 8      /* at most 8: struct file_row has a bit for each */
#define REPORT_SYSCALLS_TOP 12

/* A list with a cap. */
struct report_list {
    void *items;
    size_t count, cap;
    uint64_t more; /* not kept: over the cap, or no memory */
};
/* Zeroed place for one more item, or NULL (then counted in `more`). */
void *report_list_add(struct report_list *l, size_t item_size, size_t max);

struct syscall_count {
    uint32_t number;
    bool i386;
    uint64_t count;
};

/* Per process, besides struct proc. */
struct proc_extra {
    uint32_t *kinds; /* by dense kind index */
    struct syscall_count top[REPORT_SYSCALLS_TOP];
    unsigned ntop;
    uint64_t syscalls; /* sum */
    uint32_t shown;    /* row in the report + 1, 0 not shown */
    uint32_t stat;     /* index in stat_procs + 1 */
    bool wrote_executed, connected, wrote_remote;
    uint32_t kept; /* candidate events of it */
};

/* Index is the bit number; names in collect-file.c. */
enum file_op {
    FOP_CREATE,
    FOP_OPEN,
    FOP_READ,
    FOP_WRITE,
    FOP_RENAME,
    FOP_RENAMED_AWAY,
    FOP_DELETE,
    FOP_MKDIR,
    FOP_RMDIR,
    FOP_CHMOD,
    FOP_CHOWN,
    FOP_LINK,
    FOP_TRUNCATE,
    FOP_MAP,
    FOP_UTIME,
    FOP_LIST,
    FOP_XATTR,
    FOP_CAPTURE,
    FOP_WATCH,
    FOP_EXECUTE,
    FOP_COUNT
};
extern const char *const report_file_op_names[FOP_COUNT];

struct file_row {
    uint32_t path, ops; /* bits of enum file_op */
    uint32_t procs[REPORT_FILE_PROCS], nprocs, procs_more;
    uint8_t writers; /* bits over procs: who created, wrote or renamed it */
    int64_t first, last;
    uint64_t events, size, written;
    uint32_t sha256, reason, other; /* other: where it was renamed to or from, or linked to */
    uint32_t mode;
    bool size_known, mode_known, truncated, executed, system;
};

struct flow_row {
    uint32_t protocol, source_ip, ip, host, application, first_bytes;
    uint16_t source_port, port;
    uint32_t n; /* 0: nobody known */
    int64_t time, duration;
    uint64_t sent, received;
    bool by_tracer, by_net, accepted, bytes_known;
    uint32_t next; /* in its hash chain, index + 1 */
};
struct dns_row {
    int64_t time;
    uint32_t name, type, results, n;
    uint64_t count;
    uint16_t source_port;
};
struct http_row {
    int64_t time;
    uint64_t seq, body_size;
    uint32_t method, host, url, agent, headers, body, content_type, ip, n;
    uint16_t source_port, port, status;
};
struct listen_row {
    int64_t time;
    uint32_t protocol, ip, n;
    uint16_t port;
};
struct scan_row {
    int64_t time;
    uint64_t hosts, ports;
    uint32_t example, n;
};
struct memory_row {
    int64_t time;
    uint64_t seq, address, length, target_pid;
    uint32_t n, target_n, protection, detail, access, sha256, reason;
    uint16_t kind;
    uint8_t source;
    bool truncated;
};
struct capture_row {
    int64_t time;
    uint64_t size;
    uint32_t path, sha256, reason, n;
    bool truncated, system; /* system: written by the guest itself, no file of the sample */
};
struct note_row {
    int64_t time;
    uint64_t seq, bytes;
    uint32_t code, text;
    uint8_t source;
};
enum indicator_origin {
    ORIGIN_FILE,
    ORIGIN_SUBMISSION,
    ORIGIN_COMMAND,
    ORIGIN_DNS,
    ORIGIN_HTTP,
    ORIGIN_CONNECTION,
    ORIGIN_COUNT
};
extern const char *const report_origin_names[ORIGIN_COUNT];
extern const char *const report_indicator_kinds[]; /* by enum indicator_kind, without paths */
struct indicator_row {
    uint32_t value, n; /* n: the first process that had it; 0: none */
    uint8_t kind, origins;
};
struct load_row {
    int64_t time;
    uint64_t cpu, used, total, processes, disk_free;
};
struct proc_load {
    int64_t time;
    uint64_t cpu_ms, rss, threads;
};
struct stat_proc {
    uint32_t n, count, skip, phase;
    struct proc_load *rows;
};
enum { GROUP_PROCESS, GROUP_FILE, GROUP_NETWORK, GROUP_MEMORY, GROUP_SYSTEM, GROUP_COUNT };
extern const char *const report_group_names[GROUP_COUNT];

/* One event kept for the HTML page; its fields follow in held_fields. */
struct held_event {
    uint64_t seq, ordinal;
    int64_t time;
    uint32_t n, pid, tid;
    uint32_t fields; /* first in held_fields */
    uint16_t kind;
    uint8_t source, count;
    uint8_t rank; /* 0 keep first ... 3 keep last */
};
struct held_field {
    uint64_t u;
    uint32_t s;
    uint32_t cut; /* bytes that were cut off */
};

struct report {
    const struct proctab *procs; /* borrowed */
    struct report_facts facts;
    bool finished;
    struct intern *strings;
    uint64_t texts_cut, texts_lost;
    uint8_t dense[EVENT_KIND_MAX]; /* kind -> index, 0xff unknown */
    unsigned nkinds;
    uint64_t kind_total[EVENT_KIND_MAX];
    uint64_t events, unknown_kinds;
    int64_t last_time;

    struct proc_extra *extra; /* [n] */
    size_t nextra;
    uint32_t *shown; /* n of each row, in order */
    size_t nshown;
    uint64_t procs_more;

    struct report_list files, flows, dns, http, listens, scans, memory, captures, notes, indicators;
    uint32_t indicator_slots[REPORT_INDICATOR_SLOTS]; /* row + 1 */
    uint32_t *file_index;                             /* [string id] -> row + 1 */
    size_t nfile_index;
    uint64_t files_more_distinct;
    size_t files_system;
    uint32_t flow_chain[4096];
    uint32_t *dns_index; /* open hash over dns rows by (name, type): row + 1 */

    struct load_row *load;
    uint32_t nload, load_skip, load_phase;
    struct stat_proc *stat_procs;
    uint32_t nstat_procs;
    uint64_t stat_procs_more;
    int64_t bucket_ns;
    uint32_t buckets[REPORT_BUCKETS][GROUP_COUNT];
    unsigned nbuckets;

    struct report_list held, held_fields;
    uint32_t kind_kept[EVENT_KIND_MAX][2]; /* [kind][sample] */
    uint64_t held_over;                    /* candidates beyond REPORT_EVENTS_HELD */

    char sentence[512]; /* of completeness */
    char not_proved[12][256];
    unsigned nnot_proved;
    char problems[8][256]; /* of the facts themselves: JSON that does not parse ... */
    unsigned nproblems;
    const char *static_json, *run_json, *submission_json, *yara_json; /* checked, or NULL */
    bool clock_known;             /* network events were brought to the guest's clock */
    uint64_t clock_error_us;      /* to within this */
    uint64_t copies_failed;       /* captures that this computer could not store */
    char machine[16];             /* "tcg", "kvm" or "" */
    struct str ended, ended_text; /* of run.json, still escaped; into run_json */
};

/* collectors; 0 or negative */
int collect_init(struct report *r);
void collect_free(struct report *r);
int collect_process(struct report *r, const struct event *ev, const struct proc *p);
int collect_file(struct report *r, const struct event *ev, const struct proc *p);
int collect_net(struct report *r, const struct event *ev, const struct proc *p);
int collect_memory(struct report *r, const struct event *ev, const struct proc *p);
int collect_stats(struct report *r, const struct event *ev, const struct proc *p);
int collect_held(struct report *r, const struct event *ev, const struct proc *p);
/* Makes the final choice of embedded events; reads the log again for evidence that was not kept. */
int held_choose(struct report *r, struct err *e);
void process_choose(struct report *r);
int net_join(struct report *r); /* gives flows, questions and requests to processes */
void file_executed(struct report *r, struct str path, const struct proc *p, int64_t time);
void indicators_command(struct report *r, struct str line, const struct proc *p);
void indicators_finish(struct report *r); /* from the facts and the network */
void completeness_make(struct report *r);

struct proc_extra *report_extra(struct report *r, uint32_t n); /* NULL beyond REPORT_TRACK_MAX or without memory */
uint32_t report_text(struct report *r, struct str s);          /* id; 0 for none */
uint32_t report_text_max(struct report *r, struct str s, size_t max, uint32_t *ret_cut);
struct str report_get(const struct report *r, uint32_t id);
/* The word of a finding's badge: "persists", "hides", ..., "other". */
const char *report_effect(const struct finding *f);

/* 0 when text is exactly one JSON object (RFC 8259, depth <= 64), else ERR_FORMAT. */
int json_object_check(struct str text);
/* Value of a member of this very object, as it stands there; of a string what is between the quotes. STR_NONE when
 * absent. */
struct str json_member(struct str object, const char *key);

/* writers */
int report_json_write(const struct report *r, int fd, struct err *e);
int report_html_write(const struct report *r, int fd, struct err *e);
void report_json(struct jsonw *w, const struct report *r); /* the whole model as one object */
void report_json_head(struct jsonw *w, const struct report *r);
void report_json_processes(struct jsonw *w, const struct report *r);
void report_json_sections(struct jsonw *w, const struct report *r);
void report_json_text(struct jsonw *w, const struct report *r, const char *key, uint32_t id); /* null for 0 */
void report_json_time(struct jsonw *w, const char *key, int64_t ns);
void report_json_events(struct jsonw *w, const struct report *r);

#endif
