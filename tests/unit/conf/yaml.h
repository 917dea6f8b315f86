/*
 * yaml.h - what the tests of this room share: run one document, look at the
 * one line it gives or at the records.
 */
#ifndef TEST_CONF_YAML_H
#define TEST_CONF_YAML_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "../../../daemon/conf/conf.h"

static uint8_t yaml_records[FLAT_BYTES_MAX];

/* Convert; *f is open when it succeeds. */
static inline int
yaml_run_bytes(const char *kind, const char *text, size_t len, struct flat *f, struct err *err)
{
	struct flat_out out;
	size_t bytes;
	/* Exactly as large as promised, so that ASan sees a read beyond. */
	char *copy = malloc(len + 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, len);
	copy[len] = '\0';
	memset(err, 0, sizeof *err);
	flat_begin(&out, yaml_records, sizeof yaml_records);
	rc = conf_run(kind, "f.yaml", copy, len, &out, &bytes, NULL, err);
	free(copy);
	if (rc == 0)
		assert_int_equal(flat_open(f, yaml_records, bytes), 0);
	else
		assert_int_equal(bytes, 0);
	return rc;
}

static inline void
yaml_ok(const char *kind, const char *text, struct flat *f)
{
	struct err err;

	if (yaml_run_bytes(kind, text, strlen(text), f, &err) != 0)
		fail_msg("%s: refused: %s", text, err.text);
}

static inline void
yaml_bad_bytes(const char *kind, const char *text, size_t len, const char *line)
{
	struct flat f;
	struct err err;

	if (yaml_run_bytes(kind, text, len, &f, &err) == 0)
		fail_msg("accepted, expected: %s", line);
	assert_int_equal(err.code, EXIT_CONFIG);
	assert_string_equal(err.text, line);
}

static inline void
yaml_bad(const char *kind, const char *text, const char *line)
{
	yaml_bad_bytes(kind, text, strlen(text), line);
}

#endif
