/* SPDX-License-Identifier: GPL-3.0-or-later */
/* All topics in one object, so that they share maps and one skeleton. docs/dev/tracer.md has the table of hooks. */
#include "common.bpf.h"

char LICENSE[] SEC("license") = "GPL";

/* clang-format off */
#include "sys.bpf.c"
#include "process.bpf.c"
#include "file.bpf.c"
#include "net.bpf.c"
#include "memory.bpf.c"
#include "cred.bpf.c"
#include "kernel.bpf.c"
#include "signal.bpf.c"
#include "hide.bpf.c"
/* clang-format on */
