/*
 * job.h - the one request on stdin (daemon/base/scriptio.h), decoded.
 *
 * Strings are slices of the request and stay valid as long as it does.
 */
#ifndef SCRIPT_JOB_H
#define SCRIPT_JOB_H

#include "../base/err.h"

struct slice {
	const char *p; /* not NUL-terminated */
	size_t len;
};

struct job_file {
	struct slice name, text;
};

enum job_mode { JOB_SCHEDULE, JOB_RENDER, JOB_TEST, JOB_LINT, JOB_CHECK };

struct job {
	enum job_mode mode;
	size_t heap_bytes, output_bytes; /* limits; defaults filled in */
	uint32_t cpu_ms;
	uint64_t seed;
	struct slice entry;	/* "main.lua" */
	struct job_file *files; /* owned */
	uint32_t files_count;
	struct job_file *wants; /* owned; render: name, and template in text */
	uint32_t wants_count;
	bool check_input;   /* schedule: hold the input against the contract first */
	struct slice value; /* msgpack of "input", or of "vars" of a render */
};

/* 0, or -EXIT_USAGE_ with one line in *err: the engine made a bad request. */
MUST_CHECK int job_read(struct job *job, const void *buf, size_t len, struct err *err);
void job_free(struct job *job);
/* What runs, for messages: "scheduler", "template", "test", "lint", "check". */
const char *job_what(const struct job *job);
/* The file of this name, or NULL. */
const struct job_file *job_file_find(const struct job *job, const char *name, size_t len);
bool slice_eq(struct slice s, const char *text);

#endif
