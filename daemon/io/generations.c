/*
 * generations.c - see generations.h.  A hold is a symlink beside the generations
 * (gens.h), made before anything is switched; apply.c sees it at the next rendering,
 * which is asked for at once.
 */
#include "generations.h"

#include "../base/name.h"
#include "../base/own.h"
#include "engine.h"
#include "events.h"
#include "gens.h"
#include "pack.h"

static void
answer(struct ctl_req *r, const char *role, int dir)
{
	struct gens_one list[GENS_KEPT + 1];
	size_t n = gens_list(dir, list);
	msgpack_packer *pk = ctl_begin(r);

	msgpack_pack_map(pk, 3);
	pk_kstr(pk, "role", role);
	pk_kuint(pk, "held", gens_held(dir));
	pk_str(pk, "generations");
	msgpack_pack_array(pk, n);
	for (size_t i = 0; i < n; i++) {
		msgpack_pack_map(pk, 5);
		pk_kuint(pk, "generation", list[i].gen);
		pk_kuint(pk, "made_ms", list[i].made_ms);
		pk_kuint(pk, "files", list[i].files);
		pk_kbool(pk, "current", list[i].current);
		pk_kbool(pk, "held", list[i].held);
	}
	ctl_end(r);
}

/* As asked for; 0, or -1 and the request has failed. */
static int
change(struct engine *e, struct ctl_req *r, const char *role, int dir)
{
	int64_t gen = 0;
	bool release = ctl_arg_bool(r, "cancel");
	struct err err;
	int rc;

	if (!ctl_arg_int(r, "number", &gen) && !release)
		return 0;
	if (!r->may_write) {
		ctl_fail(r, 3, "operators: in mesh.yaml, or root",
		    "generations: uid %u may read, not hold or release", r->uid);
		return -1;
	}
	rc = release ? gens_release(dir, &err) : gens_hold(dir, gen > 0 ? (uint64_t)gen : 0, &err);
	if (rc < 0) {
		ctl_fail(r, 1, "mesh generations ROLE lists them", "role %s: %s", role, err.text);
		return -1;
	}
	if (release)
		events_note(e, "generation", e->conf.name, "role %s: released by uid %u", role, r->uid);
	else
		events_note(e, "generation", e->conf.name, "role %s: %lld held by uid %u", role,
		    (long long)gen, r->uid);
	apply_again(e, role);
	return 0;
}

void
generations_verb(struct engine *e, struct ctl_req *r)
{
	char role[NAME_CAP];
	struct err err;

	if (!ctl_arg_str(r, "role", role, sizeof role) || !name_ok(role, strlen(role))) {
		ctl_fail(r, EXIT_USAGE_, "mesh generations ROLE", "generations: missing ROLE");
		return;
	}
	AUTO_CLOSE int dir = gens_open(e->state_fd, role, &err);
	if (dir < 0) {
		ctl_fail(r, 1, "mesh ps", "role %s: nothing is rendered for it on this host", role);
		return;
	}
	if (change(e, r, role, dir) == 0)
		answer(r, role, dir);
}
