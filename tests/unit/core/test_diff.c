/*
 * Desired against actual: what is asked of the supervisor, and in which order.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../../daemon/core/diff.h"

static struct diff_want
want(const char *instance)
{
	struct diff_want w;

	memset(&w, 0, sizeof w);
	strcpy(w.instance, instance);
	strcpy(w.role, "web");
	strcpy(w.sandbox, "web");
	strcpy(w.image, "web-v1");
	strcpy(w.config, "/web.yaml");
	w.policy = SUP_REPLACE;
	w.vars = (struct slice){(const uint8_t *)"PORT=80", 8};
	return w;
}

/* The state that w has once it runs. */
static struct diff_have
have(const struct diff_want *w, enum sup_state state)
{
	struct diff_have h;

	memset(&h, 0, sizeof h);
	strcpy(h.instance, w->instance);
	strcpy(h.role, w->role);
	strcpy(h.sandbox, w->sandbox);
	h.state = state;
	h.policy = w->policy;
	h.spec_hash = diff_spec_hash(w);
	return h;
}

/* "stop:web.1 start:web.2" */
static void
expect(const struct diff_want *w, size_t nw, const struct diff_have *h, size_t nh,
    const char *text)
{
	static const char *const ops[] = {"stop", "start", "retry"};
	struct diff_action *a = NULL;
	size_t n = 0;
	char got[512] = "";

	assert_int_equal(diff_make(w, nw, h, nh, &a, &n), 0);
	for (size_t i = 0; i < n; i++) {
		size_t len = strlen(got);

		snprintf(got + len, sizeof got - len, "%s%s:%s", i ? " " : "", ops[a[i].op],
		    a[i].op == DIFF_STOP ? h[a[i].index].instance : w[a[i].index].instance);
	}
	free(a);
	assert_string_equal(got, text);
}

static void
nothing_for_nothing(void **state)
{
	(void)state;
	struct diff_want w[] = {want("web.2"), want("web.1")};
	struct diff_have h[] = {have(&w[1], SUP_ST_RUNNING), have(&w[0], SUP_ST_BACKOFF)};

	expect(NULL, 0, NULL, 0, "");
	expect(w, 2, h, 2, "");
	h[0].state = SUP_ST_EXITED;
	h[1].state = SUP_ST_STARTING;
	expect(w, 2, h, 2, "");
}

static void
new_and_gone(void **state)
{
	(void)state;
	struct diff_want w[] = {want("web.3"), want("web.2"), want("web.1")};
	struct diff_want old = want("web.0"), old9 = want("web.9");
	struct diff_have h[] = {have(&old9, SUP_ST_RUNNING), have(&w[1], SUP_ST_RUNNING),
	    have(&old, SUP_ST_RUNNING)};

	expect(w, 3, h, 3, "stop:web.0 stop:web.9 start:web.1 start:web.3");
	h[1].state = SUP_ST_GONE;
	expect(w, 3, h, 3, "stop:web.0 stop:web.9 start:web.1 start:web.2 start:web.3");
}

static void
every_field_of_the_spec_counts(void **state)
{
	(void)state;
	struct diff_want w = want("web.1");
	struct diff_have h = have(&w, SUP_ST_RUNNING);

	strcpy(w.image, "web-v2");
	expect(&w, 1, &h, 1, "start:web.1");
	w = want("web.1");
	strcpy(w.config, "/other.yaml");
	expect(&w, 1, &h, 1, "start:web.1");
	w = want("web.1");
	w.vars = (struct slice){(const uint8_t *)"PORT=81", 8};
	expect(&w, 1, &h, 1, "start:web.1");
	w = want("web.1");
	w.policy = SUP_KEEP;
	expect(&w, 1, &h, 1, "start:web.1");
}

static void
moved_stops_before_anything_starts(void **state)
{
	(void)state;
	struct diff_want w[] = {want("web.1"), want("a.1")};
	struct diff_have h[] = {have(&w[0], SUP_ST_RUNNING)};

	strcpy(w[0].sandbox, "other");
	expect(w, 2, h, 1, "stop:web.1 start:a.1 start:web.1");
	w[0] = want("web.1");
	strcpy(w[0].role, "other");
	expect(w, 2, h, 1, "stop:web.1 start:a.1 start:web.1");
}

static void
stopping(void **state)
{
	(void)state;
	struct diff_want w = want("web.1");
	struct diff_have h = have(&w, SUP_ST_STOPPING);

	expect(NULL, 0, &h, 1, "");
	expect(&w, 1, &h, 1, "start:web.1");
}

static void
failed_is_retried_only_if_nothing_changed(void **state)
{
	(void)state;
	struct diff_want w[] = {want("web.1"), want("a.1")};
	struct diff_have h = have(&w[0], SUP_ST_FAILED);

	expect(w, 2, &h, 1, "start:a.1 retry:web.1");
	strcpy(w[0].image, "web-v2");
	expect(w, 2, &h, 1, "start:a.1 start:web.1");
	expect(NULL, 0, &h, 1, "stop:web.1");
}

static void
wanted_twice_is_refused(void **state)
{
	(void)state;
	struct diff_want w[] = {want("web.1"), want("web.2"), want("web.1")};
	struct diff_action *a = (void *)1;
	size_t n = 7;

	assert_int_equal(diff_make(w, 3, NULL, 0, &a, &n), -ERR_MALFORMED);
	assert_null(a);
	assert_int_equal(n, 0);
}

static void
the_hash_is_the_supervisors(void **state)
{
	(void)state;
	struct diff_want w = want("web.1");
	struct sup_req r;

	memset(&r, 0, sizeof r);
	strcpy(r.sandbox, "web");
	strcpy(r.role, "web");
	strcpy(r.instance, "web.1");
	strcpy(r.image, "web-v1");
	strcpy(r.config, "/web.yaml");
	assert_true(diff_spec_hash(&w) == sup_spec_hash(&r, "PORT=80", 8));
	w.address = 0x0a000001;
	assert_true(diff_spec_hash(&w) != sup_spec_hash(&r, "PORT=80", 8));
	r.address = 0x0a000001;
	assert_true(diff_spec_hash(&w) == sup_spec_hash(&r, "PORT=80", 8));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(nothing_for_nothing),
	    cmocka_unit_test(new_and_gone),
	    cmocka_unit_test(every_field_of_the_spec_counts),
	    cmocka_unit_test(moved_stops_before_anything_starts),
	    cmocka_unit_test(stopping),
	    cmocka_unit_test(failed_is_retried_only_if_nothing_changed),
	    cmocka_unit_test(wanted_twice_is_refused),
	    cmocka_unit_test(the_hash_is_the_supervisors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
