/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the server remembers: accounts, submissions, analyses, jobs. Everything
 * is in one database (store/db.h); samples and results are case folders below
 * the data folder.
 *
 * Who asks is a struct viewer, and every query that shows something to people
 * takes one: what a viewer may not see does not exist for him (ERR_MISSING).
 * Texts in rows are borrowed and end with the callback. A negative result of a
 * callback ends the query and is returned.
 */
#ifndef BELLJAR_STORE_STORE_H
#define BELLJAR_STORE_STORE_H

#include "base/buf.h"
#include "base/err.h"
#include "store/db.h"

#define STORE_NAME_MAX 4096 /* bytes of a file name or address that are kept */
#define STORE_COMMENT_MAX 65536
#define STORE_SECRET_HEX 65 /* 64 hex digits and NUL: keys, sessions, tickets */

enum account_role { ROLE_VIEWER, ROLE_ANALYST, ROLE_ADMIN };
const char *account_role_name(enum account_role r); /* "viewer", "analyst", "admin" */
int account_role_find(struct str name);             /* or ERR_MISSING */

struct viewer {
    int64_t account; /* 0: nobody is logged in */
    enum account_role role;
    bool write;       /* the key or session may change things */
    bool sees_public; /* accounts do; nobody does only where reading without an account is switched on */
};

struct store;
/* Opens data_dir/belljar.db, makes or migrates it. */
int store_open(const char *data_dir, struct store **ret, struct err *e);
void store_close(struct store **s);
struct db *store_db(struct store *s);
const char *store_dir(const struct store *s);
int64_t store_now(void);

/* ---- accounts (store-account.c) -------------------------------------------------------------------------------- */

struct account {
    int64_t id;
    char name[128], mail[256];
    enum account_role role;
    bool active, has_password;
    int64_t created, locked_until, terms, daily_limit, monthly_limit; /* limits: 0 = none */
};

/* Names: 1-64 characters of [a-z0-9._@+-]; capitals are folded. ERR_CONFLICT when taken. */
int account_create(struct store *s, const char *name, const char *mail, enum account_role role, int64_t *ret,
                   struct err *e);
int account_get(struct store *s, int64_t id, struct account *ret, struct err *e);
int account_find(struct store *s, const char *name, struct account *ret, struct err *e);
int64_t account_count(struct store *s);
/* Changes role, mail, state and limits to those of `a`. The last active administrator cannot lose that. */
int account_update(struct store *s, const struct account *a, struct err *e);
int account_password_set(struct store *s, int64_t id, const char *password, struct err *e);
/*
 * 0 and the account, or ERR_MISSING for a wrong name or password (which of both is not told, and takes the same time),
 * ERR_LIMIT while it is locked after ACCOUNT_FAILURES_MAX wrong ones.
 */
#define ACCOUNT_FAILURES_MAX 8
#define ACCOUNT_LOCK_SECONDS 900
#define ACCOUNT_PASSWORD_MIN 10
#define ACCOUNT_PASSWORD_MAX 1024
int account_login(struct store *s, const char *name, const char *password, struct account *ret, struct err *e);

/* Keys of the API: 64 hex digits, shown once, kept as hash. scope: "read" or "write". */
int account_key_create(struct store *s, int64_t account, const char *name, const char *scope,
                       char ret[STORE_SECRET_HEX], struct err *e);
int account_key_revoke(struct store *s, int64_t account, const char *hash_prefix, struct err *e);
/* ERR_MISSING for an unknown one and for keys of accounts that are not active. */
int account_key_check(struct store *s, struct str key, struct viewer *ret, struct err *e);
struct account_key {
    struct str hash, name, scope;
    int64_t created, used;
};
typedef int account_key_fn(void *context, const struct account_key *k);
int account_keys(struct store *s, int64_t account, account_key_fn *fn, void *context, struct err *e);

/* One-time links ("password", "mail"); using one removes it. */
int account_ticket_create(struct store *s, int64_t account, const char *purpose, int64_t seconds,
                          char ret[STORE_SECRET_HEX], struct err *e);
int account_ticket_use(struct store *s, struct str ticket, const char *purpose, int64_t *ret_account, struct err *e);

struct session {
    struct viewer viewer;
    char csrf[STORE_SECRET_HEX];
};
int session_create(struct store *s, int64_t account, const char *address, int64_t seconds, char ret[STORE_SECRET_HEX],
                   struct err *e);
int session_check(struct store *s, struct str token, struct session *ret, struct err *e);
int session_end(struct store *s, struct str token, struct err *e);

struct quota {
    int64_t daily_limit, daily_used, monthly_limit, monthly_used; /* limit 0: none */
};
int account_quota(struct store *s, int64_t account, struct quota *ret, struct err *e);

/* Never fails the caller: what cannot be written is lost, and returned as an error to log. */
int audit_add(struct store *s, int64_t account, const char *address, const char *action, const char *object,
              const char *detail, struct err *e);

/* ---- submissions and analyses (store-submission.c, store-analysis.c) ------------------------------------------- */

struct submission_new {
    int64_t account, team;  /* team 0: none */
    const char *visibility; /* "private", "team", "public" */
    const char *kind;       /* "file", "url", "sample-url", "command", "cookbook" */
    struct str name, target, comments;
    struct str options; /* JSON */
    const struct str *tags;
    size_t ntags;
    const struct str *systems;
    size_t nsystems;
    int priority;          /* 1-10 */
    int64_t delete_at;     /* 0: never */
    bool waits_for_upload; /* chunked: status "accepted", analyses and jobs come with submission_ready */
    bool encrypted;
    const char *md5, *sha1, *sha256; /* of a file that is there */
    int64_t size;
    const char *folder;    /* case folder, relative; NULL when it waits */
    const char *cache_key; /* hash of sample and options; NULL */
};
/* One transaction: submission, analysis, job; checks the quota (ERR_LIMIT with the sentence for people). */
int submission_create(struct store *s, const struct submission_new *n, int64_t *ret_id, int64_t *ret_analysis,
                      struct err *e);
/* An upload is whole: the analysis and its job. */
int submission_ready(struct store *s, int64_t id, const struct submission_new *n, int64_t *ret_analysis, struct err *e);
/* An upload that never came: finished, without analyses. */
int submission_abandon(struct store *s, int64_t id, struct err *e);

/* Submissions that accepted an upload but heard nothing: no chunk for `empty` seconds, or none more for `cut`. Each is
 * abandoned and given to fn. Number of them. */
typedef int number_fn(void *context, int64_t id);
int submission_abandon_old(struct store *s, int64_t empty, int64_t cut, number_fn *fn, void *context, struct err *e);
struct submission {
    int64_t id, account, created, changed;
    struct str visibility, kind, name, target, status, options, comments;
};
typedef int submission_fn(void *context, const struct submission *s);
int submission_get(struct store *s, const struct viewer *v, int64_t id, submission_fn *fn, void *context,
                   struct err *e);
/* Newest first, below `before` (0: from the newest), at most `max`. shared: those of others too that v may see. */
int submission_list(struct store *s, const struct viewer *v, bool shared, int64_t before, unsigned max,
                    submission_fn *fn, void *context, struct err *e);
/* Only its owner and administrators may. The folders to remove come by fn. */
typedef int folder_fn(void *context, struct str folder);
int submission_delete(struct store *s, const struct viewer *v, int64_t id, folder_fn *fn, void *context, struct err *e);

/* Those whose delete_at has passed, at most `max`; the folders to remove come by fn. Number of them. */
int submission_expire(struct store *s, unsigned max, folder_fn *fn, void *context, struct err *e);

struct analysis_run {
    struct str system, detection, error;
    int64_t score;
    bool yara, sigma, network, failed; /* failed: `error` is set */
};
struct analysis {
    int64_t id, submission, score, confidence, created, started, finished, size;
    struct str name, status, detection, threat, class, error, md5, sha1, sha256, cookbook, folder, comments, kind,
        visibility;
    int64_t account;
    bool encrypted, config, failed;
};
typedef int analysis_fn(void *context, const struct analysis *a);
/* `id` may be a submission's: then its most relevant analysis (joe-api: id spaces). */
int analysis_get(struct store *s, const struct viewer *v, int64_t id, analysis_fn *fn, void *context, struct err *e);
/* Most relevant first: worst verdict, highest score. */
int analysis_of_submission(struct store *s, const struct viewer *v, int64_t submission, analysis_fn *fn, void *context,
                           struct err *e);
int analysis_list(struct store *s, const struct viewer *v, int64_t before, unsigned max, analysis_fn *fn, void *context,
                  struct err *e);
typedef int analysis_run_fn(void *context, unsigned n, const struct analysis_run *r);
int analysis_runs(struct store *s, int64_t id, analysis_run_fn *fn, void *context, struct err *e);
typedef int text_fn(void *context, struct str text);
int analysis_tags(struct store *s, int64_t id, text_fn *fn, void *context, struct err *e);
int analysis_delete(struct store *s, const struct viewer *v, int64_t id, folder_fn *fn, void *context, struct err *e);

enum search_field {
    SEARCH_ANY, /* hashes, name, cookbook, comment, address, id */
    SEARCH_MD5,
    SEARCH_SHA1,
    SEARCH_SHA256,
    SEARCH_NAME,
    SEARCH_URL,
    SEARCH_TAG,
    SEARCH_COMMENTS,
    SEARCH_IOC_URL,
    SEARCH_IOC_DROPPED,
    SEARCH_IOC_DOMAIN,
    SEARCH_IOC_IP,
    SEARCH_DETECTION,
    SEARCH_THREAT,
    SEARCH_BEFORE, /* seconds as decimal text, exclusive */
    SEARCH_AFTER,
    SEARCH_RULE,
    SEARCH_FIELDS
};
struct search_term {
    enum search_field field;
    struct str value;
};
#define SEARCH_TERMS_MAX 16
int analysis_search(struct store *s, const struct viewer *v, const struct search_term *terms, size_t n, int64_t before,
                    unsigned max, analysis_fn *fn, void *context, struct err *e);

/* ---- work (store-job.c; src/queue drives it) -------------------------------------------------------------------- */

struct job {
    int64_t id, analysis, tries;
    char system[64], folder[256];
};
/* The next job that a worker may have: highest priority, then the account with fewest running, then the oldest.
 * 1 and *ret, 0 when there is none. systems_full: names that have no free machine. */
int job_take(struct store *s, const char *worker, int64_t lease_seconds, struct job *ret, struct err *e);
int job_renew(struct store *s, int64_t id, const char *worker, int64_t lease_seconds, bool *ret_cancel, struct err *e);
struct job_result {
    const char *detection, *threat, *class_name, *error, *system; /* error NULL: it went well */
    int64_t score, confidence;
    bool yara, sigma, network, config;
    const struct job_indicator {
        const char *kind;
        struct str value;
    } *indicators;
    size_t nindicators;
};
int job_done(struct store *s, int64_t id, const char *worker, const struct job_result *r, struct err *e);
/* Gives jobs back whose lease ended (or all of `worker` when not NULL: it just started); those with JOB_TRIES_MAX
 * starts fail. Number of jobs that wait again. */
#define JOB_TRIES_MAX 2
int job_recover(struct store *s, const char *worker, struct err *e);
/* At the start of the only supervisor: whoever had jobs is gone. */
int job_recover_all(struct store *s, struct err *e);
bool job_of_worker(struct store *s, const char *worker); /* it has taken one */
bool analysis_exists(struct store *s, int64_t analysis);
int job_cancel(struct store *s, int64_t analysis, struct err *e);
int64_t job_waiting(struct store *s);

#endif
