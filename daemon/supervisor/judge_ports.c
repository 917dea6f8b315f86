/*
 * judge_ports.c - which TCP ports a container has.
 *
 * What it may bind itself is what its sandbox lists.  A rule of the kernel is of
 * one port, and is copied at each start: of a long list a container gets what its
 * own file names, its variables of type !TcpPort.
 */
#include <stdio.h>
#include <stdlib.h>

#include "judge_in.h"

static bool
range_of(const struct judge *j, int64_t i, uint64_t *first, uint64_t *last)
{
	char path[48], text[48], *end;

	snprintf(path, sizeof path, "allow-tcp-ports/%d", (int)i);
	if (!flat_str(j->sandbox, path, text, sizeof text))
		return false;
	*first = strtoull(text, &end, 10);
	*last = *end == '-' ? strtoull(end + 1, NULL, 10) : *first;
	if (*last > 65535)
		*last = 65535;
	return *first <= *last;
}

static int64_t
ranges_count(const struct judge *j)
{
	struct flat_rec rec;

	return flat_find(j->sandbox, "allow-tcp-ports", &rec) &&
		rec.type == FLAT_LIST ?
	    rec.num :
	    0;
}

bool
judge_port_ok(const struct judge *j, uint64_t port)
{
	return ranges_count(j) == 0 ||
	    ranges_hold(j->sandbox, "allow-tcp-ports", port);
}

uint64_t
judge_ports_listed(const struct judge *j)
{
	uint64_t first, last, n = 0;

	for (int64_t i = 0, count = ranges_count(j); i < count; i++)
		if (range_of(j, i, &first, &last))
			n += last - first + 1;
	return ranges_count(j) > 0 && n == 0 ? 1 : n;
}

static int
add_bind(struct spec *s, uint64_t first, uint64_t last, struct err *err)
{
	char text[48];
	int n = snprintf(text, sizeof text, "%llu-%llu",
	    (unsigned long long)first, (unsigned long long)last);

	return strs_add(&s->bind, text, (size_t)n, err);
}

static int
bind_listed(const struct judge *j, struct spec *s, struct err *err)
{
	uint64_t first, last;
	int rc = 0;

	for (int64_t i = 0, n = ranges_count(j); i < n && rc == 0; i++)
		if (range_of(j, i, &first, &last))
			rc = add_bind(s, first, last, err);
	return rc;
}

/* They were checked: each is a port that the sandbox lists. */
static int
bind_variables(const struct judge *j, struct spec *s, struct err *err)
{
	char name[256], tag[32];
	struct flat_rec rec;
	const char *value;
	size_t off = 0;
	int rc = 0;

	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "variables", name, sizeof name))
			continue;
		judge_tag(j, &rec, tag, sizeof tag);
		value = vars_given(j, name, strlen(name));
		if (strcmp(tag, "TcpPort") == 0 && value != NULL)
			rc = add_bind(s, strtoull(value, NULL, 10),
			    strtoull(value, NULL, 10), err);
	}
	return rc;
}

int
judge_ports(const struct judge *j, struct spec *s, struct err *err)
{
	uint64_t listed = judge_ports_listed(j);
	int rc;

	if (listed == 0)
		return 0;
	/* 0 is any that is free, by the kernel's choice: listen() without a bind
	 * gets that too. */
	rc = add_bind(s, 0, 0, err);
	if (rc == 0)
		rc = listed <= JUDGE_BIND_MAX ? bind_listed(j, s, err) :
						bind_variables(j, s, err);
	return rc;
}
