/*
 * confine.h - give up, for good, everything a pure function does not need.
 * Called once, before any byte that somebody else wrote is looked at.
 */
#ifndef SCRIPT_CONFINE_H
#define SCRIPT_CONFINE_H

#include "../base/err.h"
#include "../base/sanitized.h"

/* rlimits (address space of memory_bytes, no new files, no processes, no
 * core), no_new_privs and a seccomp filter that kills the process on any
 * system call but reading, writing, memory, time and exit.
 * 0, or -EXIT_ENVIRONMENT with one line in *err. */
MUST_CHECK int confine(uint64_t memory_bytes, struct err *err);
/* Then, when the request is known: lower the address space and set the CPU
 * limit, to cpu_ms and 1 to 2 s more. */
MUST_CHECK int confine_more(uint64_t memory_bytes, uint32_t cpu_ms, struct err *err);

#endif
