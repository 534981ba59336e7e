/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Starts the sample the way a login shell would: a real bash as its parent
 * (itself a child of init), the user's ids, groups, environment and folder,
 * default signals and limits. Its output is read here and sent, capped.
 */
#ifndef BELLJAR_AGENT_START_H
#define BELLJAR_AGENT_START_H

#include "agent.h"

#define START_ARGS_MAX 4096
#define START_OUTPUT_MAX (4u << 20)

struct launch {
    struct account user;
    char cwd[4096], path[4096];
    char **argv, **envp;
    uint64_t file_max, total_max, dump_max;
    char *text;         /* what argv and envp point into */
    char *command_line; /* joined, for the event */
};

/* Decodes WIRE_START and fills the defaults. 0 or -errno with a sentence. */
int launch_parse(struct launch *l, const uint8_t *p, size_t n, const char **ret_why);
void launch_free(struct launch *l);

struct sample_process {
    uint32_t pid, parent;
    int release;     /* write a byte: it executes */
    int status;      /* read: nothing = it runs, an int = errno of exec */
    int out, err;    /* its output */
    int keep_parent; /* open = the shell above it lives */
};

/* Forks everything; the sample waits for start_release. 0 or -errno. */
int start_fork(const struct launch *l, struct sample_process *ret);
/* Lets it execute and waits for the result: 0 or -errno of exec. */
int start_release(struct sample_process *s);
void start_close(struct sample_process *s);
/* Watches the output from the main loop. */
void start_watch_output(struct agent *a, const struct sample_process *s);

#endif
