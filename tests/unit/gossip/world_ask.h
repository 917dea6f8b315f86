/*
 * world_ask.h - the last part of world.h: what a test asks of the world.
 * Included by it alone.
 */
#ifndef TEST_WORLD_ASK_H
#define TEST_WORLD_ASK_H

static inline struct mesh_side
world_side(const struct world *w, uint32_t i)
{
	struct mesh_side side;

	mesh_side(w->node[i], w->now, &side);
	return side;
}

/* The one leader everybody up follows; fails the test when there is none. */
static inline uint32_t
world_leader(struct world *w)
{
	uint32_t leader = UINT32_MAX;
	struct mesh_side side, first = {0};

	for (uint32_t i = 0; i < w->count; i++) {
		if (w->node[i] == NULL)
			continue;
		mesh_side(w->node[i], w->now, &side);
		assert_true(side.has_leader);
		if (!first.has_leader)
			first = side;
		assert_true(id_eq(&first.leader, &side.leader));
		assert_true(first.term == side.term);
		if (side.role == MESH_LEADER)
			leader = i;
	}
	assert_true(leader != UINT32_MAX);
	return leader;
}

/* count nodes under majority, six seconds on: who leads, and who is next in number. */
static inline struct world *
world_settled(uint32_t count, uint32_t *leader, uint32_t *other)
{
	struct world *w = world_new(count, MESH_QUORUM_MAJORITY);

	world_run(w, 6000);
	*leader = world_leader(w);
	*other = (*leader + 1) % count;
	return w;
}

static inline struct mesh_member
world_seen(struct world *w, uint32_t observer, uint32_t subject)
{
	struct node_id id = world_id(subject);
	struct mesh_member x;

	assert_true(mesh_find(w->node[observer], &id, &x));
	return x;
}

static inline enum mesh_state
world_state(struct world *w, uint32_t observer, uint32_t subject)
{
	return (enum mesh_state)world_seen(w, observer, subject).state;
}

/* From here on the transcript is empty. */
static inline void
world_mark(struct world *w)
{
	w->text_len = 0;
	w->text[0] = '\0';
}

/* How often the traced lines have that in them. */
static inline uint32_t
world_told(const struct world *w, const char *what)
{
	uint32_t n = 0;

	for (const char *at = w->text; (at = strstr(at, what)) != NULL; at++)
		n++;
	return n;
}

#endif
