/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the supervisor and its workers. */
#ifndef BELLJAR_QUEUE_PRIVATE_H
#define BELLJAR_QUEUE_PRIVATE_H

#define WORKER_NAME_MAX 48

enum worker_message {
    WORKER_BEGIN = 1, /* the worker's name */
};

#endif
