/*
 * check_sandbox.c - a sandbox file by itself: what of it would only be said at the START
 * of a container that needs it, or of any.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/caps.h"
#include "../base/own.h"
#include "check.h"
#include "filter.h"
#include "judge.h"
#include "sys.h"

enum { ACCOUNTS = 1000, RANGE_ANY = 700000000 };

/* Names that some container may ask for, and none can be given. */
static void
capabilities(struct check *c, const struct check_sandbox *s)
{
	const struct flat *f = &s->doc.flat;
	bool userns = true;
	char key[16], item[32], name[32];
	struct flat_rec rec;
	size_t off = 0;

	(void)flat_bool(f, "userns", &userns);
	while (flat_next(f, &off, &rec)) {
		if (!flat_child(&rec, "capabilities", key, sizeof key))
			continue;
		snprintf(item, sizeof item, "capabilities/%s", key);
		if (!flat_str(f, item, name, sizeof name) || caps_find(name) < 0)
			continue; /* meshd-conf has its word */
		switch (caps_kind(caps_find(name))) {
		case CAPS_NEVER:
			check_say(c, "error",
			    "%s:%u:%u: capabilities: %s leads out of a container, so no sandbox can allow it",
			    s->doc.file, rec.line, rec.col, name);
			break;
		case CAPS_MAPPED:
			if (!userns)
				check_say(c, "error",
				    "%s:%u:%u: capabilities: %s would reach the host with `userns: off`: remove one of the two",
				    s->doc.file, rec.line, rec.col, name);
			break;
		case CAPS_HOST:
			if (userns)
				check_say(c, "error",
				    "%s:%u:%u: capabilities: %s does nothing in a user namespace: it needs `userns: off`",
				    s->doc.file, rec.line, rec.col, name);
			break;
		case CAPS_ANY:
			break;
		}
	}
}

static void
one_call(struct check *c, const struct check_sandbox *s, const char *profile, const struct flat_rec *at,
    const char *call)
{
	char near[FILTER_NAME_CAP];

	if (filter_knows(call))
		return;
	if (filter_knows_elsewhere(call)) {
		check_say(c, "note",
		    "%s:%u:%u: seccomp: profile '%s': this machine has no system call '%s', other kinds have",
		    s->doc.file, at->line, at->col, profile, call);
		return;
	}
	filter_near(call, near);
	check_say(c, "error", "%s:%u:%u: seccomp: profile '%s': '%s' is no system call%s%s%s", s->doc.file,
	    at->line, at->col, profile, call, near[0] != '\0' ? "; did you mean '" : "", near,
	    near[0] != '\0' ? "'?" : "");
}

static void
profiles(struct check *c, const struct check_sandbox *s)
{
	const struct flat *f = &s->doc.flat;
	char name[NAME_CAP], list[NAME_CAP + 32], key[16], item[NAME_CAP + 48], call[64];
	struct flat_rec profile, rec;
	size_t off = 0;

	while (flat_next(f, &off, &profile)) {
		if (!flat_child(&profile, "seccomp/profiles", name, sizeof name))
			continue;
		snprintf(list, sizeof list, "seccomp/profiles/%s", name);
		for (size_t i = 0; flat_next(f, &i, &rec);) {
			if (!flat_child(&rec, list, key, sizeof key))
				continue;
			snprintf(item, sizeof item, "%s/%s", list, key);
			if (flat_str(f, item, call, sizeof call))
				one_call(c, s, name, &rec, call);
		}
	}
}

/* Lithos takes them, and so do we: it is the administrator's word. */
static void
host_ids(struct check *c, const struct check_sandbox *s, const char *key)
{
	const struct flat *f = &s->doc.flat;
	char item[32], path[48];
	struct flat_rec rec;
	int64_t outside;

	for (unsigned i = 0; i < SPEC_MAPS_MAX; i++) {
		snprintf(item, sizeof item, "%s/%u", key, i);
		snprintf(path, sizeof path, "%s/outside", item);
		if (!flat_find(f, item, &rec) || !flat_int(f, path, &outside) || outside >= ACCOUNTS)
			continue;
		check_say(c, "note",
		    "%s:%u:%u: %s[%u]: outside ids from %lld on are the host's own%s: let it begin at 100000 or higher",
		    s->doc.file, rec.line, rec.col, key, i, (long long)outside,
		    outside == 0 ? ", its root among them" : " accounts");
	}
}

/* A user that the sandbox has: "1000" or "1000-2000" is the first that it allows.
 * False: none. */
static bool
any_user(const struct flat *f, char out[24])
{
	int64_t id;

	if (!flat_int(f, "default-user", &id) && !flat_int(f, "allow-users/0", &id)) {
		if (!flat_str(f, "allow-users/0", out, 24))
			return false;
		out[strcspn(out, "-")] = '\0';
		return true;
	}
	snprintf(out, 24, "%lld", (long long)id);
	return true;
}

/* The smallest container that there can be: what is said of the sandbox then, it is said
 * to all. */
static void
smallest(struct check *c, struct check_sandbox *s)
{
	struct sup_req req = {.version = SUP_VERSION, .op = SUP_START, .instance = "check.0", .config = "/x"};
	char yaml[128], user[24], role[NAME_CAP], vars[1] = "";
	struct check_doc d = {.file = "container"};
	struct judge j = {.req = &req, .vars = vars, .sandbox = &s->doc.flat, .container = &d.flat,
	    .sandbox_file = s->doc.file, .images_dir = c->config.images_dir, .range_first = RANGE_ANY};
	struct judge_image image;
	struct spec spec;
	struct err err;
	int64_t levels = 1;
	size_t n = strlen(s->doc.file);
	int rc;

	if (!any_user(&s->doc.flat, user)) {
		check_say(c, "note",
		    "%s: neither default-user nor allow-users: no container can have a user here", s->doc.file);
		return;
	}
	(void)flat_int(&s->doc.flat, "image-dir-levels", &levels);
	snprintf(req.image, sizeof req.image, "%.*s", (int)(2 * levels - 1), "x/x/x/x/x/x/x/x/x/x/x/x/x/x/x/x");
	snprintf(req.sandbox, sizeof req.sandbox, "%s", s->name);
	snprintf(req.role, sizeof req.role, "%s",
	    flat_str(&s->doc.flat, "roles/0", role, sizeof role) ? role : s->name);
	snprintf(yaml, sizeof yaml, "executable: /x\nuser-id: %s\n", user);
	int fd = sys_memfd("container", yaml, strlen(yaml));
	if (fd < 0 || !check_read(c, &d, "container", fd))
		return;
	req.address = judge_any_address(&j);
	rc = judge_sandbox(&j, &image, &err);
	if (rc == 0 && (rc = judge_container(&j, &spec, &err)) == 0)
		spec_free(&spec);
	if (rc < 0 && strncmp(err.text, "check.0: ", 9) == 0 && strncmp(err.text + 9, s->doc.file, n) == 0) {
		check_say(c, "error", "%s", err.text + 9);
		s->takes_none = true;
	}
	free(d.raw);
}

bool
check_sandbox(struct check *c, struct check_sandbox *s)
{
	uint32_t before = c->errors;

	capabilities(c, s);
	profiles(c, s);
	host_ids(c, s, "uid-map");
	host_ids(c, s, "gid-map");
	smallest(c, s);
	return c->errors == before;
}
