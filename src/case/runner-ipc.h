/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Messages between the supervisor and the runner role. */
#ifndef BELLJAR_CASE_RUNNER_IPC_H
#define BELLJAR_CASE_RUNNER_IPC_H

enum runner_message {
    RUNNER_BEGIN = 1,     /* JSON: {"case","run","system"} or {"run","system","idle": seconds} */
    RUNNER_STOP = 2,      /* end the run now, keep the evidence */
    RUNNER_PROGRESS = 10, /* struct runner_progress */
    RUNNER_DONE = 11,
    RUNNER_FAILED = 12, /* sentence */
};

#endif
