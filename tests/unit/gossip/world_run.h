/*
 * world_run.h - the second half of world.h: the wire and time.  Included by it
 * alone.
 */
#ifndef TEST_WORLD_RUN_H
#define TEST_WORLD_RUN_H

static inline void
world_save(struct world *w, uint32_t i)
{
	struct mesh_saved f;

	if (w->slow_disk[i] || !mesh_must_save(w->node[i], &f))
		return;
	assert_true(f.roster_bytes <= sizeof w->roster[i]);
	if (f.roster_bytes > 0)
		memcpy(w->roster[i], f.roster, f.roster_bytes);
	assert_true(f.evicted_bytes <= sizeof w->evicted[i]);
	memcpy(w->evicted[i], f.evicted, f.evicted_bytes);
	w->saves[i]++;
	w->disk[i] = f;
	w->disk[i].roster = w->roster[i];
	w->disk[i].evicted = w->evicted[i];
	mesh_saved(w->node[i]);
}

static inline void
world_drain(struct world *w, uint32_t i)
{
	uint8_t buf[DGRAM_BYTES_MAX];
	struct addr to;
	size_t len;

	while ((len = mesh_poll(w->node[i], w->now, &to, buf, sizeof buf)) > 0) {
		uint32_t j = to.ip[15] - 1u;
		struct packet p;

		assert_true(len <= DGRAM_BYTES_MAX);
		world_decode(buf, len, &p);
		w->sent_kind[p.kind]++;
		if (j >= w->count || w->deaf[i][j])
			continue;
		assert_true(w->flights < FLIGHT_MAX);
		struct flight *f = &w->flight[w->flights++];
		f->from = i;
		f->to = j;
		f->len = len;
		memcpy(f->b, buf, len);
	}
}

/* One millisecond: what was sent in the last arrives, then time passes. */
static inline void
world_step(struct world *w)
{
	size_t n = w->flights;

	memcpy(w->landing, w->flight, n * sizeof *w->flight);
	w->flights = 0;
	w->now++;
	for (size_t k = 0; k < n; k++) {
		struct flight *f = &w->landing[k];
		struct addr from = toy_addr(f->from);

		if (w->node[f->to] != NULL)
			(void)!mesh_recv(w->node[f->to], w->now, &from, f->b, f->len);
	}
	for (uint32_t i = 0; i < w->count; i++) {
		if (w->node[i] == NULL)
			continue;
		mesh_tick(w->node[i], w->now);
		assert_true(mesh_deadline(w->node[i]) > w->now);
		world_save(w, i);
		world_drain(w, i);
	}
}

static inline void
world_run(struct world *w, msec ms)
{
	for (msec end = w->now + ms; w->now < end;)
		world_step(w);
}

/* As member `by` signs that roster, made of what it holds. */
static inline void
world_sign_roster(struct mesh *by, const struct roster_id *id, uint64_t hash, uint8_t *out)
{
	struct roster was = by->roster;

	by->roster.id = *id;
	by->roster.hash = hash;
	roster_sign(by, &was.id, was.hash);
	memcpy(out, by->roster.sign, ROSTER_SIGN_BYTES);
	by->roster = was;
}

/* The machine of m's member i. */
static inline struct mesh *
world_of(const struct world *w, const struct mesh *m, uint32_t i)
{
	uint32_t k = 0;

	while (w->node[k] == NULL || !id_eq(&w->node[k]->ms.m[0].id, &m->ms.m[i].id))
		assert_true(++k < w->count);
	return w->node[k];
}

static const uint8_t world_cluster[ID_BYTES] = {1, 2, 3};

/* count nodes, the first of which makes the cluster; policy says who may lead. */
static inline struct world *
world_new_policy(uint32_t count, const struct mesh_policy *policy)
{
	struct world *w = calloc(1, sizeof *w);

	assert_non_null(w);
	memset(world_held, 0, sizeof world_held);
	w->count = count;
	w->policy = *policy;
	w->now = 1000;
	for (uint32_t i = 0; i < count; i++)
		world_start(w, i);
	assert_int_equal(mesh_init(w->node[0], w->now, world_cluster), 0);
	return w;
}

static inline struct world *
world_new(uint32_t count, enum mesh_quorum quorum)
{
	return world_new_policy(count, &(struct mesh_policy){.quorum = quorum});
}

static inline void
world_free(struct world *w)
{
	for (uint32_t i = 0; i < w->count; i++)
		mesh_free(w->node[i]);
	free(w);
}

#endif
