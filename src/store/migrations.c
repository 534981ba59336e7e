/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "store/migrations.h"

/* Times are seconds since 1970, UTC. Booleans are 0 and 1. */
static const char first[] =
    /* One counter for submissions and analyses: a number names one thing only (joe-api: id spaces). */
    "CREATE TABLE counter (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "INSERT INTO counter VALUES ('id', 0);"

    /* name and mail in lower case are unique. password: an argon2id string, NULL until set. */
    "CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, mail TEXT NOT NULL DEFAULT '',"
    "  role TEXT NOT NULL, password TEXT, state TEXT NOT NULL DEFAULT 'active', created INTEGER NOT NULL,"
    "  failures INTEGER NOT NULL DEFAULT 0, locked_until INTEGER NOT NULL DEFAULT 0, terms INTEGER NOT NULL DEFAULT 0,"
    "  daily_limit INTEGER NOT NULL DEFAULT 0, monthly_limit INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE TABLE team (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE team_member (team INTEGER NOT NULL REFERENCES team ON DELETE CASCADE,"
    "  account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE, PRIMARY KEY (account, team)) STRICT;"

    /* Submissions per account and day (days since 1970): deleting one gives no quota back. */
    "CREATE TABLE usage (account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE, day INTEGER NOT NULL,"
    "  n INTEGER NOT NULL, PRIMARY KEY (account, day)) STRICT;"

    /* Secrets are kept as SHA-256 of their text: they are 256 random bits, so no salt is needed. */
    "CREATE TABLE api_key (hash TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
    "  name TEXT NOT NULL, scope TEXT NOT NULL, created INTEGER NOT NULL, used INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX api_key_account ON api_key (account);"
    "CREATE TABLE session (hash TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
    "  csrf TEXT NOT NULL, created INTEGER NOT NULL, expires INTEGER NOT NULL, address TEXT NOT NULL) STRICT;"
    "CREATE INDEX session_account ON session (account);"
    /* One-time links: set a password, confirm a mail address. */
    "CREATE TABLE ticket (hash TEXT PRIMARY KEY, account INTEGER NOT NULL REFERENCES account ON DELETE CASCADE,"
    "  purpose TEXT NOT NULL, expires INTEGER NOT NULL) STRICT;"

    /* What was asked for. options: the accepted form fields as JSON. */
    "CREATE TABLE submission (id INTEGER PRIMARY KEY, account INTEGER NOT NULL REFERENCES account,"
    "  team INTEGER REFERENCES team, visibility TEXT NOT NULL, kind TEXT NOT NULL, name TEXT NOT NULL,"
    "  target TEXT NOT NULL DEFAULT '', status TEXT NOT NULL, created INTEGER NOT NULL, changed INTEGER NOT NULL,"
    "  options TEXT NOT NULL, comments TEXT NOT NULL DEFAULT '', delete_at INTEGER NOT NULL DEFAULT 0) STRICT;"
    "CREATE INDEX submission_account ON submission (account, id);"
    "CREATE INDEX submission_delete ON submission (delete_at) WHERE delete_at > 0;"
    /* A chunked upload under way: which chunks are there, one letter each ('.' missing, 'x' there). */
    "CREATE TABLE upload (submission INTEGER PRIMARY KEY REFERENCES submission ON DELETE CASCADE,"
    "  size INTEGER NOT NULL, chunk_size INTEGER NOT NULL, chunks TEXT NOT NULL, changed INTEGER NOT NULL) STRICT;"

    /* One analysed thing; folder: the case folder below the data folder. */
    "CREATE TABLE analysis (id INTEGER PRIMARY KEY, submission INTEGER NOT NULL REFERENCES submission ON DELETE "
    "CASCADE,"
    "  name TEXT NOT NULL, status TEXT NOT NULL, detection TEXT NOT NULL DEFAULT 'unknown',"
    "  score INTEGER NOT NULL DEFAULT 0, confidence INTEGER NOT NULL DEFAULT 0, threat TEXT NOT NULL DEFAULT '',"
    "  class TEXT NOT NULL DEFAULT '', error TEXT, md5 TEXT NOT NULL DEFAULT '', sha1 TEXT NOT NULL DEFAULT '',"
    "  sha256 TEXT NOT NULL DEFAULT '', size INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL,"
    "  started INTEGER NOT NULL DEFAULT 0, finished INTEGER NOT NULL DEFAULT 0, cookbook TEXT NOT NULL DEFAULT '',"
    "  encrypted INTEGER NOT NULL DEFAULT 0, config INTEGER NOT NULL DEFAULT 0, folder TEXT NOT NULL DEFAULT '',"
    "  cache_key TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE INDEX analysis_submission ON analysis (submission);"
    "CREATE INDEX analysis_sha256 ON analysis (sha256);"
    "CREATE INDEX analysis_sha1 ON analysis (sha1);"
    "CREATE INDEX analysis_md5 ON analysis (md5);"
    "CREATE INDEX analysis_cache ON analysis (cache_key) WHERE cache_key <> '';"
    "CREATE TABLE run (analysis INTEGER NOT NULL REFERENCES analysis ON DELETE CASCADE, n INTEGER NOT NULL,"
    "  system TEXT NOT NULL, detection TEXT NOT NULL DEFAULT 'unknown', score INTEGER NOT NULL DEFAULT 0, error TEXT,"
    "  yara INTEGER NOT NULL DEFAULT 0, sigma INTEGER NOT NULL DEFAULT 0, network INTEGER NOT NULL DEFAULT 0,"
    "  PRIMARY KEY (analysis, n)) STRICT;"
    "CREATE TABLE tag (analysis INTEGER NOT NULL REFERENCES analysis ON DELETE CASCADE, tag TEXT NOT NULL,"
    "  PRIMARY KEY (tag, analysis)) STRICT;"
    "CREATE INDEX tag_analysis ON tag (analysis);"
    /* What searches look for: kind is domain, ip, url, dropped, rule. */
    "CREATE TABLE indicator (analysis INTEGER NOT NULL REFERENCES analysis ON DELETE CASCADE, kind TEXT NOT NULL,"
    "  value TEXT NOT NULL, PRIMARY KEY (kind, value, analysis)) STRICT;"
    "CREATE INDEX indicator_analysis ON indicator (analysis);"

    /* Work to do. lease: until when the worker has it; tries counts starts. */
    "CREATE TABLE job (id INTEGER PRIMARY KEY, analysis INTEGER NOT NULL REFERENCES analysis ON DELETE CASCADE,"
    "  account INTEGER NOT NULL, system TEXT NOT NULL, priority INTEGER NOT NULL, state TEXT NOT NULL,"
    "  worker TEXT NOT NULL DEFAULT '', lease INTEGER NOT NULL DEFAULT 0, tries INTEGER NOT NULL DEFAULT 0,"
    "  cancel INTEGER NOT NULL DEFAULT 0, created INTEGER NOT NULL) STRICT;"
    "CREATE INDEX job_waiting ON job (priority DESC, id) WHERE state = 'waiting';"
    "CREATE INDEX job_leased ON job (lease) WHERE state = 'leased';"
    "CREATE INDEX job_analysis ON job (analysis);"

    "CREATE TABLE audit (id INTEGER PRIMARY KEY, time INTEGER NOT NULL, account INTEGER, address TEXT NOT NULL,"
    "  action TEXT NOT NULL, object TEXT NOT NULL DEFAULT '', detail TEXT NOT NULL DEFAULT '') STRICT;"
    "CREATE TABLE setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;";

const char *const store_migrations[] = {first};
const unsigned store_nmigrations = sizeof(store_migrations) / sizeof(*store_migrations);
