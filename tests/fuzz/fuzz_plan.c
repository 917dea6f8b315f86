/*
 * fuzz_plan.c - any bytes as a scheduler's answer and as layers of variables.
 *
 * The first byte chooses.  A plan that was taken must make a schedule that
 * reads back as the same plan, and rails that compare it with itself must hold
 * nothing; what it asks, every node can answer; a refused one leaves a line that a
 * terminal can bear.
 */
#include "../../daemon/core/query.h"
#include "../../daemon/core/rail.h"
#include "../../daemon/core/schedule.h"
#include "../../daemon/core/vars.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static struct view_node nodes[2] = {{.name = "a", .reported = true}, {.name = "b"}};
static const struct plan_template templates[1] = {{.name = "web"}};

static struct schedule
sign(const struct plan *p, uint64_t seq)
{
	struct schedule_meta m = {.stamp = {.term = 1, .seq = seq}, .grade = 2};
	struct schedule s;
	struct hash h;
	struct err err;

	toy_hash(NULL, &h, m.pk, KEY_BYTES);
	memcpy(m.stamp.leader.b, h.b, ID_BYTES);
	must(schedule_build(&s, p, &m, &toy_crypto, &err) == 0);
	return s;
}

static void
carry(const struct plan *p)
{
	struct schedule s = sign(p, 1), t, u;
	struct blob parent;
	struct plan back;

	must(schedule_open(&t, s.header.b, s.header.len, &toy_crypto) == 0);
	for (size_t i = 0; i < s.parts_count; i++)
		must(schedule_put(&t, i, s.data[i].b, s.data[i].len, &toy_crypto) == 0);
	must(schedule_complete(&t, false));
	must(schedule_plan(&t, &back) == 0);
	u = sign(&back, 2);
	must(schedule_compare(&s, &u) == SCHEDULE_SAME);
	must(schedule_to_parent(&t, &parent) == 0);
	blob_free(&parent);
	plan_free(&back);
	schedule_free(&s);
	schedule_free(&t);
	schedule_free(&u);
}

static void
ask(const struct plan *p)
{
	struct metrics_question question;
	struct query_set q;

	must(query_read(blob_slice(&p->query), &q) == 0);
	for (size_t i = 0; i < q.count; i++)
		must(query_question(&q.entries[i], 1000000, &question));
	query_free(&q);
}

static void
fuzz_answer(const uint8_t *data, size_t len)
{
	const struct plan_world w = {nodes, 2, templates, 1};
	struct vars_render render = {.node = "a", .role = "web", .address = "", .zone = "", .stamp = "1"};
	struct err err = {0};
	struct plan p, last;
	struct blob vars;
	struct rail rail;

	if (plan_check(data, len, &w, &p, &err) != 0) {
		must(err.text[0] != '\0' && p.roles == NULL && p.nodes_count == 0);
		for (const char *s = err.text; *s != '\0'; s++)
			must((unsigned char)*s >= 0x20 && *s != 0x7f);
		return;
	}
	must(plan_check(data, len, &w, &last, &err) == 0);
	struct rail_in in = {.last = &last, .nodes = nodes, .nodes_count = 2, .stamp = "1"};

	must(rail_apply(&p, &in, &rail) == 0);
	must(rail.held_count == 0 && !rail.blocked);
	rail_free(&rail);
	carry(&p);
	ask(&p);
	render.plan = &p;
	if (vars_render(&render, &vars) == 0)
		blob_free(&vars);
	/* Against nothing at all, and nothing at all against it. */
	struct plan none = {0};

	must(rail_apply(&none, &in, &rail) == 0);
	rail_free(&rail);
	carry(&none);
	plan_free(&none);
	plan_free(&p);
	plan_free(&last);
}

static void
fuzz_layers(const uint8_t *data, size_t len)
{
	size_t cut = len > 0 ? data[0] % len : 0;
	struct slice layers[3] = {{data, cut}, {data + cut, len - cut}, {data, len}};
	struct blob once, twice;

	for (size_t n = 1; n <= 3; n++) {
		if (vars_merge(layers, n, &once) != 0)
			continue;
		struct slice merged = blob_slice(&once);

		must(vars_merge(&merged, 1, &twice) == 0);
		must(slice_eq(merged, blob_slice(&twice)));
		blob_free(&once);
		blob_free(&twice);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] % 3 == 0)
		fuzz_answer(data + 1, len - 1);
	else
		fuzz_layers(data + 1, len - 1);
	return 0;
}
