/*
 * flatdoc.h - flat documents for tests: written record by record (what no
 * meshd-conf would write), or by the real meshd-conf from YAML.
 */
#ifndef TEST_IO_FLATDOC_H
#define TEST_IO_FLATDOC_H

#include "../../../daemon/base/flat.h"
#include "../../../daemon/io/spawn.h"
#include "programs.h"

#include "loop.h"

struct flatdoc {
	struct flat f;
	uint8_t *bytes;
	struct flat_out out;
	char error[SPAWN_ERRTEXT_BYTES + 1]; /* what meshd-conf said instead */
	bool done;
};

WORLD_UNUSED static void
doc_begin(struct flatdoc *d)
{
	memset(d, 0, sizeof *d);
	d->bytes = malloc(FLAT_BYTES_MAX);
	flat_begin(&d->out, d->bytes, FLAT_BYTES_MAX);
}

/* count is not checked by readers: 1 will do. */
WORLD_UNUSED static void
doc_group(struct flatdoc *d, const char *path, enum flat_type type)
{
	static const uint8_t none[4];

	flat_put(&d->out, path, type, 1, 1, none, sizeof none);
}

WORLD_UNUSED static void
doc_end(struct flatdoc *d)
{
	size_t len = flat_end(&d->out);

	assert_true(len > 0);
	assert_int_equal(flat_open(&d->f, d->bytes, len), 0);
}

static inline void
doc_done_(void *arg, struct spawn_result *r)
{
	struct flatdoc *d = arg;

	d->done = true;
	memcpy(d->error, r->errtext, sizeof d->error);
	d->error[strcspn(d->error, "\n")] = '\0';
	if (r->exit_status == 0 && flat_open(&d->f, r->out, r->out_len) == 0) {
		d->bytes = r->out;
		r->out = NULL;
	}
}

/* False and d->error when meshd-conf refuses it. */
WORLD_UNUSED static bool
doc_yaml(struct flatdoc *d, const char *kind, const char *yaml)
{
	const char *argv[] = { "meshd-conf", kind, "test.yaml", NULL };
	int fd = program_open("meshd-conf");
	struct spawn_conf c = {.prog_fd = fd, .argv = argv, .input = yaml, .input_len = strlen(yaml), .out_cap = FLAT_BYTES_MAX, .deadline_ms = 20000};
	struct err err = { 0 };
	uv_loop_t loop;

	memset(d, 0, sizeof *d);
	assert_int_equal(uv_loop_init(&loop), 0);
	if (spawn_run(&loop, &c, doc_done_, d, NULL, &err) != 0)
		fail_msg("%s", err.text);
	loop_until(&loop, d->done);
	loop_end(&loop);
	close(fd);
	return d->bytes != NULL;
}

WORLD_UNUSED static void
doc_free(struct flatdoc *d)
{
	free(d->bytes);
	d->bytes = NULL;
}

#endif
