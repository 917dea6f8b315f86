/*
 * judging.h - a request, a sandbox and a container file in the making, and what
 * the judge says of them.  One test program includes it once.
 */
#ifndef TEST_JUDGING_H
#define TEST_JUDGING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../../daemon/supervisor/judge.h"

/* A document under construction. */
struct doc {
	struct flat_out out;
	struct flat flat;
	uint8_t buf[64 << 10];
};

static struct doc sandbox, container;
static struct sup_req req;
static struct judge judge;
static char vars[256];

static inline void
begin(struct doc *d)
{
	flat_begin(&d->out, d->buf, sizeof d->buf);
}

static inline void
map(struct doc *d, const char *path, enum flat_type type, uint32_t count)
{
	flat_put(&d->out, path, type, 1, 1, &count, 4);
}

static inline void
item(struct doc *d, const char *path, const char *value)
{
	flat_put_str(&d->out, path, value);
}

/* A node with a tag: its record, then the node's own by the caller. */
static inline void
tag(struct doc *d, const char *path, const char *name)
{
	char full[300];

	snprintf(full, sizeof full, "%s!", path);
	flat_put_str(&d->out, full, name);
}

static inline void
put_var(const char *name_value)
{
	judge.vars_bytes += (size_t)sprintf(vars + judge.vars_bytes, "%s",
	    name_value) + 1;
}

/* The smallest that is accepted: sandbox web, image img, /bin/app. */
static inline int
setup(void **state)
{
	(void)state;
	memset(&req, 0, sizeof req);
	req.version = SUP_VERSION;
	req.op = SUP_START;
	strcpy(req.instance, "web.1");
	strcpy(req.role, "web");
	strcpy(req.sandbox, "web");
	strcpy(req.image, "img");
	strcpy(req.config, "/config/web.yaml");
	memset(&judge, 0, sizeof judge);
	judge.req = &req;
	judge.vars = vars;
	judge.sandbox = &sandbox.flat;
	judge.container = &container.flat;
	judge.sandbox_file = "/etc/web.yaml";
	judge.images_dir = "/srv/images";
	judge.range_first = 700000000;
	begin(&sandbox);
	map(&sandbox, "", FLAT_MAP, 0);
	begin(&container);
	map(&container, "", FLAT_MAP, 0);
	item(&container, "kind", "Daemon");
	item(&container, "executable", "/bin/app");
	return 0;
}

static inline int
decide(struct spec *s, struct err *err)
{
	size_t a = flat_end(&sandbox.out), b = flat_end(&container.out);

	assert_int_equal(flat_open(&sandbox.flat, sandbox.buf, a), 0);
	assert_int_equal(flat_open(&container.flat, container.buf, b), 0);
	err->text[0] = '\0';
	return judge_container(&judge, s, err);
}

static inline void
accepted(struct spec *s)
{
	struct err err;
	int rc = decide(s, &err);

	if (rc < 0)
		print_message("%s\n", err.text);
	assert_int_equal(rc, 0);
}

static inline void
refused(const char *text)
{
	struct spec s;
	struct err err;

	assert_int_equal(decide(&s, &err), -EXIT_CONFIG);
	if (strstr(err.text, text) == NULL)
		print_message("got: %s\nwant: %s\n", err.text, text);
	assert_non_null(strstr(err.text, text));
	assert_null(s.args.buf);
	assert_null(s.env.buf);
}

#endif
