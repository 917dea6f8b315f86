/*
 * schedules.h - small schedules, really signed: a header, a part for each role
 * named, and the private part.  What a role's vars hold decides its part's
 * bytes, so two schedules share exactly the parts a test wants shared.
 */
#ifndef TEST_IO_SCHEDULES_H
#define TEST_IO_SCHEDULES_H

#include <msgpack.h>
#include <sodium.h>

#include "../../../daemon/core/schedule.h"
#include "../../../daemon/io/crypto.h"
#include "../../../daemon/io/pack.h"
#include "world.h"

static struct keyring signer;
static struct crypto crypto;

WORLD_UNUSED static int
schedules_setup(void **state)
{
	struct err err;

	(void)state;
	if (crypto_init(&err) < 0)
		return -1;
	crypto_random(signer.key, sizeof signer.key);
	signer.has_key = true;
	crypto_fill(&crypto, &signer);
	return crypto_sign_keypair(signer.pk, signer.sk);
}

/* One role; its vars are {"x": text repeated}. */
struct role_of {
	const char *name, *text;
	size_t times;
};

static inline struct blob
schedules_vars_(const struct role_of *r)
{
	size_t n = strlen(r->text), times = r->times > 0 ? r->times : 1;
	msgpack_sbuffer buf;
	msgpack_packer pk;
	struct blob out;

	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	msgpack_pack_map(&pk, 1);
	pk_str(&pk, "x");
	msgpack_pack_str(&pk, n * times);
	for (size_t i = 0; i < times; i++)
		msgpack_pack_str_body(&pk, r->text, n);
	assert_int_equal(blob_copy(&out, (struct slice){(uint8_t *)buf.data, buf.size}), 0);
	msgpack_sbuffer_destroy(&buf);
	return out;
}

/* roles sorted by name. */
WORLD_UNUSED static struct schedule
schedule_at(uint64_t term, uint64_t seq, const struct role_of *roles, size_t count)
{
	struct schedule_meta m;
	struct schedule s;
	struct plan p;
	struct hash h;
	struct err err;

	memset(&m, 0, sizeof m);
	memset(&p, 0, sizeof p);
	crypto_hash256(&h, signer.pk, KEY_BYTES);
	memcpy(m.stamp.leader.b, h.b, ID_BYTES);
	memcpy(m.pk, signer.pk, KEY_BYTES);
	m.stamp.term = term;
	m.stamp.seq = seq;
	m.grade = MESH_GRADE_FULL;
	m.at_ms = 1700000000000;
	p.roles = calloc(count + 1, sizeof *p.roles);
	p.roles_count = count;
	for (size_t i = 0; i < count; i++) {
		snprintf(p.roles[i].name, NAME_CAP, "%s", roles[i].name);
		p.roles[i].vars = schedules_vars_(&roles[i]);
	}
	if (schedule_build(&s, &p, &m, &crypto, &err) != 0)
		fail_msg("%s", err.text);
	plan_free(&p);
	return s;
}

WORLD_UNUSED static struct schedule
schedule_of(uint64_t seq, const struct role_of *roles, size_t count)
{
	return schedule_at(3, seq, roles, count);
}

#endif
