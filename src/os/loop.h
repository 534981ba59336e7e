/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An epoll event loop: descriptors, timers, child exits, signals. One thread.
 * Callbacks may add and remove anything, also themselves.
 */
#ifndef BELLJAR_OS_LOOP_H
#define BELLJAR_OS_LOOP_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct loop;
struct loop_fd;
struct loop_timer;

enum { LOOP_READ = 1, LOOP_WRITE = 2, LOOP_HANGUP = 4 /* reported only; always watched */ };

int loop_new(struct loop **ret, struct err *e);
void loop_free(struct loop **l);
/* Watches fd (borrowed). */
int loop_add_fd(struct loop *l, int fd, unsigned events, void (*fn)(void *context, unsigned events), void *context,
                struct loop_fd **ret);
int loop_set_fd(struct loop_fd *w, unsigned events);
void loop_remove_fd(struct loop_fd **w);
/* Fires once after ms, then every `repeat_ms` when that is not 0. */
int loop_add_timer(struct loop *l, uint64_t ms, uint64_t repeat_ms, void (*fn)(void *context), void *context,
                   struct loop_timer **ret);
void loop_remove_timer(struct loop_timer **t);
/* fn gets the wait status once the child ended (pidfd). */
int loop_add_child(struct loop *l, pid_t pid, void (*fn)(void *context, int status), void *context);
void loop_remove_child(struct loop *l, pid_t pid);
/* Blocks the signal and delivers it here (signalfd). */
int loop_add_signal(struct loop *l, int signo, void (*fn)(void *context, int signo), void *context);
int loop_run(struct loop *l); /* until loop_stop; returns the value given there */
void loop_stop(struct loop *l, int result);
/* One turn, waiting at most ms (-1 = for ever). */
int loop_turn(struct loop *l, int ms);
uint64_t loop_now_ms(void); /* CLOCK_MONOTONIC */

#endif
