/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * From records of the BPF programs (bpf/record.h) to events. Pure: bytes in,
 * events out, so that it is tested and fuzzed on the host.
 */
#ifndef BELLJAR_GUEST_TRACER_DECODE_H
#define BELLJAR_GUEST_TRACER_DECODE_H

#include "tracer.h"

struct tracer_decoder;

struct tracer_decoder *tracer_decoder_new(void); /* NULL: no memory */
void tracer_decoder_free(struct tracer_decoder **d);

/* One record. 0, or -1 for bytes that are no record (counted by the caller as lost). fn is called 0 or 1 times. */
int tracer_decode(struct tracer_decoder *d, const void *record, size_t n, tracer_fn *fn, void *ctx);

/* Events that had to be forgotten because too many calls were pending at once. */
uint64_t tracer_decoder_lost(const struct tracer_decoder *d);

/* Arguments joined by spaces, quoted where a shell would need it. Returns the length, cut at cap - 1; always
 * terminated. */
size_t tracer_join_args(char *to, size_t cap, const char *args, size_t n);
/* The variables worth keeping of a NUL-separated environment, separated by newlines. */
size_t tracer_pick_env(char *to, size_t cap, const char *env, size_t n);
/* Does a path match sensitive.def? */
bool tracer_path_is_sensitive(const char *path);
/* Text for a number of enum name_table; falls back to the number. Returns the length. */
size_t tracer_name(unsigned table, uint64_t v, char *to, size_t cap);
/* Turns a relative path into an absolute one and removes "." and empty names. */
size_t tracer_path_join(char *to, size_t cap, const char *cwd, const char *path);

#endif
