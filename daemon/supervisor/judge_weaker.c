/*
 * judge_weaker.c - where the container asks to be held less than others, and its
 * sandbox names just that.
 *
 * Nothing here is given because the sandbox allows it: the container file has to
 * ask too, so one that does not is held as ever beside one that does.
 */
#include <stdio.h>

#include "../base/caps.h"
#include "../base/weak.h"
#include "filter.h"
#include "judge_in.h"

enum { CALL_CAP = 64, CALLS_MAX = 256 };

static bool
lists(const struct flat *f, const char *list, const char *name)
{
	struct flat_rec rec;
	char key[16], item[64], text[64];
	size_t off = 0;

	while (flat_next(f, &off, &rec)) {
		if (!flat_child(&rec, list, key, sizeof key))
			continue;
		snprintf(item, sizeof item, "%s/%s", list, key);
		if (flat_str(f, item, text, sizeof text) && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

static int
capability(const struct judge *j, const struct flat_rec *at, const char *name, bool userns,
    uint64_t *set, struct err *err)
{
	int cap = caps_find(name);
	enum caps_kind kind = caps_kind(cap);

	if (cap < 0)
		return judge_fail(j, at, err, "capabilities: there is no '%s'", name);
	if (kind == CAPS_NEVER && HOLDS("caps-never"))
		return judge_fail(j, at, err,
		    "capabilities: %s leads out of a container, so no sandbox can allow it", name);
	if (!lists(j->sandbox, "capabilities", name) && HOLDS("caps-named"))
		return judge_fail(j, at, err,
		    "capabilities: sandbox '%s' does not allow %s: it has to be in capabilities: of %s",
		    j->req->sandbox, name, j->sandbox_file);
	if (kind == CAPS_MAPPED && !userns && HOLDS("caps-reach"))
		return judge_fail(j, at, err,
		    "capabilities: %s would reach the host, as sandbox '%s' says `userns: off` (%s)", name,
		    j->req->sandbox, j->sandbox_file);
	if (kind == CAPS_HOST && userns)
		return judge_fail(j, at, err,
		    "capabilities: %s does nothing in a user namespace: sandbox '%s' needs `userns: off` (%s)",
		    name, j->req->sandbox, j->sandbox_file);
	*set |= UINT64_C(1) << cap;
	return 0;
}

static int
capabilities(const struct judge *j, struct spec *s, struct err *err)
{
	const uint64_t becomes = UINT64_C(1) << caps_find("SETUID"), kill = UINT64_C(1) << caps_find("KILL");
	struct flat_rec rec, all = {0};
	char key[16], item[64], name[32];
	size_t off = 0;
	int rc = 0;

	while (rc == 0 && flat_next(j->container, &off, &rec)) {
		if (!flat_child(&rec, "capabilities", key, sizeof key))
			continue;
		snprintf(item, sizeof item, "capabilities/%s", key);
		if (!flat_str(j->container, item, name, sizeof name))
			return judge_fail(j, &rec, err, "capabilities: names are needed");
		all = rec;
		rc = capability(j, &rec, name, s->uid_maps_count > 0, &s->capabilities, err);
	}
	/* Its pid 1 is of the user that it began as, and hands TERM on. */
	if (rc == 0 && (s->capabilities & becomes) && !(s->capabilities & kill))
		return judge_fail(j, &all, err,
		    "capabilities: SETUID needs KILL beside it, or nothing could tell it to stop once it is another user");
	return rc;
}

/* The system calls of the sandbox's profile. */
static int
profile(const struct judge *j, const struct flat_rec *at, struct spec *s, struct err *err)
{
	char path[NAME_CAP + 32], key[16], item[NAME_CAP + 48], call[CALL_CAP], near[FILTER_NAME_CAP];
	struct flat_rec rec;
	size_t off = 0;

	snprintf(path, sizeof path, "seccomp/profiles/%s", s->seccomp);
	if (!flat_find(j->sandbox, path, &rec) || rec.type != FLAT_LIST)
		return judge_fail(j, at, err,
		    "seccomp: sandbox '%s' has no profile '%s': seccomp: profiles: of %s names them", j->req->sandbox,
		    s->seccomp, j->sandbox_file);
	while (flat_next(j->sandbox, &off, &rec)) {
		if (!flat_child(&rec, path, key, sizeof key))
			continue;
		snprintf(item, sizeof item, "%s/%s", path, key);
		if (!flat_str(j->sandbox, item, call, sizeof call) || !filter_knows(call)) {
			filter_near(call, near);
			return err_set(err, EXIT_CONFIG,
			    "%s: %s:%u:%u: seccomp: profile '%s': '%s' is no system call of this machine%s%s%s",
			    j->req->instance, j->sandbox_file, rec.line, rec.col, s->seccomp, call,
			    near[0] != '\0' ? "; did you mean '" : "", near, near[0] != '\0' ? "'?" : "");
		}
		if (s->calls.count >= CALLS_MAX || strs_add(&s->calls, call, strlen(call), err) < 0)
			return err_set(err, EXIT_CONFIG, "%s: %s:%u:%u: seccomp: profile '%s' has more than %d",
			    j->req->instance, j->sandbox_file, rec.line, rec.col, s->seccomp, CALLS_MAX);
	}
	return 0;
}

static int
seccomp(const struct judge *j, struct spec *s, struct err *err)
{
	struct flat_rec rec;
	bool unconfined = false;

	if (!flat_find(j->container, "seccomp", &rec))
		return 0;
	if (!flat_str(j->container, "seccomp", s->seccomp, sizeof s->seccomp))
		return judge_fail(j, &rec, err, "seccomp: default, unconfined or the name of a profile is needed");
	if (strcmp(s->seccomp, "default") == 0) {
		s->seccomp[0] = '\0';
		return 0;
	}
	if (strcmp(s->seccomp, SPEC_UNCONFINED) != 0)
		return profile(j, &rec, s, err);
	if ((!flat_bool(j->sandbox, "seccomp/allow-unconfined", &unconfined) || !unconfined) &&
	    HOLDS("seccomp-named"))
		return judge_fail(j, &rec, err,
		    "seccomp: sandbox '%s' does not allow unconfined: `seccomp: {allow-unconfined: yes}` in %s does",
		    j->req->sandbox, j->sandbox_file);
	return 0;
}

int
judge_weaker(const struct judge *j, struct spec *s, struct err *err)
{
	int rc = capabilities(j, s, err);

	return rc < 0 ? rc : seccomp(j, s, err);
}
