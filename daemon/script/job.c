/*
 * job.c - decode the request.  The engine wrote the frame around it, but the
 * files and the input inside come from anybody, so everything is bounded and
 * nothing inside is looked into here.
 */
#include "job.h"
#include "../base/scriptio.h"
#include "../../gossip/mp.h"

#include <stdlib.h>

enum {
	FILES_MAX = 4096,
	/* Ours: answers of a schedule stay well below what a message may be. */
	DEPTH_MAX = SCRIPT_DEPTH_MAX + 8,
};

bool
slice_eq(struct slice s, const char *text)
{
	return s.len == strlen(text) && memcmp(s.p, text, s.len) == 0;
}

static int
str(struct mp *r, struct slice *out)
{
	return mp_str(r, &out->p, &out->len);
}

static const char *const modes[] = {[JOB_SCHEDULE] = "schedule",
    [JOB_RENDER] = "render",
    [JOB_TEST] = "test",
    [JOB_LINT] = "lint",
    [JOB_CHECK] = "check"};

const char *
job_what(const struct job *job)
{
	if (job->mode == JOB_SCHEDULE)
		return "scheduler";
	return job->mode == JOB_RENDER ? "template" : modes[job->mode];
}

static int
read_mode(struct job *job, struct slice word)
{
	for (size_t i = 0; i < ARRAY_LEN(modes); i++)
		if (slice_eq(word, modes[i])) {
			job->mode = (enum job_mode)i;
			return 0;
		}
	return -ERR_UNKNOWN;
}

static int
read_limits(struct mp *r, struct job *job)
{
	uint32_t n;
	uint64_t v;
	struct slice key;
	int rc = mp_map(r, &n);

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		if ((rc = str(r, &key)) != 0 || (rc = mp_uint(r, &v)) != 0)
			break;
		if (slice_eq(key, "heap") && v >= 1 << 20 && v <= 1 << 30)
			job->heap_bytes = v;
		else if (slice_eq(key, "cpu_ms") && v >= 1 && v <= 600000)
			job->cpu_ms = (uint32_t)v;
		else if (slice_eq(key, "output") && v >= 1 && v <= SCRIPT_OUT_BYTES_MAX)
			job->output_bytes = v;
		else
			rc = -ERR_RANGE;
	}
	return rc;
}

/* A map of strings to strings, or a list of {name, template} maps. */
static int
read_files(struct mp *r, struct job *job)
{
	uint32_t n;
	int rc = mp_map(r, &n);

	if (rc != 0 || job->files != NULL || n > FILES_MAX)
		return rc != 0 ? rc : -ERR_RANGE;
	job->files = calloc(n + 1, sizeof *job->files);
	if (job->files == NULL)
		return -ERR_FULL;
	for (; job->files_count < n; job->files_count++) {
		struct job_file *f = &job->files[job->files_count];

		if ((rc = str(r, &f->name)) != 0 || (rc = str(r, &f->text)) != 0)
			return rc;
	}
	return 0;
}

static int
read_want(struct mp *r, struct job_file *want)
{
	uint32_t n;
	struct slice key, value;
	int rc = mp_map(r, &n);

	for (uint32_t i = 0; rc == 0 && i < n; i++) {
		if ((rc = str(r, &key)) != 0 || (rc = str(r, &value)) != 0)
			break;
		if (slice_eq(key, "name"))
			want->name = value;
		else if (slice_eq(key, "template"))
			want->text = value;
		else
			rc = -ERR_UNKNOWN;
	}
	if (rc == 0 && (want->name.p == NULL || want->text.p == NULL))
		rc = -ERR_MALFORMED;
	return rc;
}

static int
read_wants(struct mp *r, struct job *job)
{
	uint32_t n;
	int rc = mp_array(r, &n);

	if (rc != 0 || job->wants != NULL || n > FILES_MAX)
		return rc != 0 ? rc : -ERR_RANGE;
	job->wants = calloc(n + 1, sizeof *job->wants);
	if (job->wants == NULL)
		return -ERR_FULL;
	for (; rc == 0 && job->wants_count < n; job->wants_count++)
		rc = read_want(r, &job->wants[job->wants_count]);
	return rc;
}

static int
read_value(struct mp *r, struct job *job)
{
	size_t start = r->off;
	int rc = mp_skip(r);

	job->value = (struct slice){(const char *)r->buf + start, r->off - start};
	return rc;
}

static int
read_key(struct mp *r, struct job *job, struct slice key)
{
	struct slice mode;
	int64_t seed;
	int rc;

	if (slice_eq(key, "mode")) {
		return (rc = str(r, &mode)) != 0 ? rc : read_mode(job, mode);
	}
	if (slice_eq(key, "seed")) {
		/* Any 64 bits, signed or not. */
		if (mp_uint(r, &job->seed) == 0)
			return 0;
		rc = mp_int(r, &seed);
		job->seed = (uint64_t)seed;
		return rc;
	}
	if (slice_eq(key, "limits"))
		return read_limits(r, job);
	if (slice_eq(key, "files"))
		return read_files(r, job);
	if (slice_eq(key, "entry"))
		return str(r, &job->entry);
	if (slice_eq(key, "render"))
		return read_wants(r, job);
	if (slice_eq(key, "check_input"))
		return mp_bool(r, &job->check_input);
	if (slice_eq(key, "input") || slice_eq(key, "vars"))
		return read_value(r, job);
	return -ERR_UNKNOWN;
}

static int
read_all(struct job *job, const void *buf, size_t len, struct err *err)
{
	struct mp r;
	uint32_t n;
	int rc;

	*job = (struct job){
	    .heap_bytes = SCRIPT_HEAP_BYTES, .cpu_ms = SCRIPT_CPU_MS, .entry = {"main.lua", 8}};
	mp_init(&r, buf, len, DEPTH_MAX);
	rc = mp_map(&r, &n);
	if (rc != 0)
		return err_set(err, EXIT_USAGE_, "request: not a msgpack map");
	for (uint32_t i = 0; i < n; i++) {
		struct slice key = {"?", 1};
		size_t at = r.off;

		if ((rc = str(&r, &key)) == 0)
			rc = read_key(&r, job, key);
		if (rc != 0) {
			char name[64];

			err_escape(name, sizeof name, key.p, key.len < 40 ? key.len : 40);
			return err_set(err, EXIT_USAGE_,
			    "request: key '%s' at byte %zu: malformed, unknown or out of range",
			    name, at);
		}
	}
	if (mp_end(&r) != 0)
		return err_set(err, EXIT_USAGE_, "request: bytes after its end");
	if (job->value.p == NULL)
		return err_set(
		    err, EXIT_USAGE_, "request: no '%s'", job->mode == JOB_RENDER ? "vars" : "input");
	if (job->output_bytes == 0)
		job->output_bytes =
		    job->mode == JOB_SCHEDULE ? SCRIPT_SCHEDULE_BYTES_MAX : SCRIPT_OUT_BYTES_MAX;
	return 0;
}

int
job_read(struct job *job, const void *buf, size_t len, struct err *err)
{
	int rc = read_all(job, buf, len, err);

	if (rc != 0)
		job_free(job);
	return rc;
}

void
job_free(struct job *job)
{
	free(job->files);
	free(job->wants);
	memset(job, 0, sizeof *job);
}

const struct job_file *
job_file_find(const struct job *job, const char *name, size_t len)
{
	for (uint32_t i = 0; i < job->files_count; i++)
		if (job->files[i].name.len == len && memcmp(job->files[i].name.p, name, len) == 0)
			return &job->files[i];
	return NULL;
}
