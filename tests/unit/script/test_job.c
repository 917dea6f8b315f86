/*
 * test_job.c - the request's frame, the bounded texts, the embedded files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <lauxlib.h>

#include "../../../daemon/base/scriptio.h"
#include "../../../daemon/script/job.h"
#include "../../../daemon/script/stdlib.h"
#include "../../../daemon/script/text.h"
#include "../../../gossip/mpw.h"

static void
put_render(struct mpw *w)
{
	mpw_map(w, 6);
	mpw_cstr(w, "mode");
	mpw_cstr(w, "render");
	mpw_cstr(w, "seed");
	mpw_int(w, -2);
	mpw_cstr(w, "limits");
	mpw_map(w, 2);
	mpw_cstr(w, "heap");
	mpw_uint(w, 8 << 20);
	mpw_cstr(w, "cpu_ms");
	mpw_uint(w, 250);
	mpw_cstr(w, "files");
	mpw_map(w, 2);
	mpw_cstr(w, "a.tmpl");
	mpw_cstr(w, "text");
	mpw_cstr(w, "b.tmpl");
	mpw_str(w, "\0\xff", 2);
	mpw_cstr(w, "render");
	mpw_array(w, 1);
	mpw_map(w, 2);
	mpw_cstr(w, "name");
	mpw_cstr(w, "a");
	mpw_cstr(w, "template");
	mpw_cstr(w, "a.tmpl");
	mpw_cstr(w, "vars");
	mpw_map(w, 0);
}

static void
test_whole(void **state)
{
	uint8_t buf[512];
	struct mpw w;
	struct job job;
	struct err err;

	(void)state;
	mpw_init(&w, buf, sizeof buf);
	put_render(&w);
	assert_false(w.full);
	assert_int_equal(job_read(&job, buf, w.len, &err), 0);
	assert_int_equal(job.mode, JOB_RENDER);
	assert_int_equal(job.seed, (uint64_t)-2);
	assert_int_equal(job.heap_bytes, 8 << 20);
	assert_int_equal(job.cpu_ms, 250);
	assert_int_equal(job.output_bytes, SCRIPT_OUT_BYTES_MAX);
	assert_int_equal(job.files_count, 2);
	assert_int_equal(job.wants_count, 1);
	assert_true(slice_eq(job.wants[0].name, "a"));
	assert_true(slice_eq(job.wants[0].text, "a.tmpl"));
	assert_int_equal(job.value.len, 1);
	assert_non_null(job_file_find(&job, "b.tmpl", 6));
	assert_int_equal(job_file_find(&job, "b.tmpl", 6)->text.len, 2);
	assert_null(job_file_find(&job, "b.tmp", 5));
	job_free(&job);
}

/* Cut anywhere, or with any one byte changed: an answer, never a crash. */
static void
test_broken(void **state)
{
	uint8_t buf[512], copy[512];
	struct mpw w;
	struct job job;
	struct err err;
	int refused = 0;

	(void)state;
	mpw_init(&w, buf, sizeof buf);
	put_render(&w);
	for (size_t n = 0; n < w.len; n++) {
		/* A copy of just these bytes: a read past them is seen. */
		void *exact = malloc(n > 0 ? n : 1);

		assert_non_null(exact);
		memcpy(exact, buf, n);
		assert_int_equal(job_read(&job, exact, n, &err), -EXIT_USAGE_);
		assert_true(strncmp(err.text, "request", 7) == 0);
		job_free(&job);
		free(exact);
	}
	for (size_t i = 0; i < w.len; i++)
		for (int v = 0; v < 256; v += 5) {
			memcpy(copy, buf, w.len);
			copy[i] = (uint8_t)v;
			refused += job_read(&job, copy, w.len, &err) != 0;
			job_free(&job);
		}
	assert_true(refused > 1000);
}

static void
test_text(void **state)
{
	struct log_text t = {.max = 10};

	(void)state;
	text_put(&t, "12345678", 8);
	text_put(&t, "abc", 3);
	assert_true(t.cut);
	assert_int_equal(t.len, 8);
	/* Once cut, no later piece slips in behind the gap. */
	text_put(&t, "x", 1);
	assert_int_equal(t.len, 8);
	text_free(&t);

	t = (struct log_text){.max = 1 << 20};
	text_put_clean(&t, "a\x1b[2J\n\tb\xff\xc3\xa9", 11);
	text_put(&t, "", 1);
	assert_string_equal(t.buf, "a\\x1b[2J\n\tb\\xff\xc3\xa9");
	text_free(&t);

	/* A cut between the bytes of a character would make it look broken. */
	t = (struct log_text){.max = 1 << 20};
	for (int shift = 0; shift < 4; shift++) {
		char in[3000];

		memset(in, 'a', (size_t)shift);
		for (size_t i = (size_t)shift; i + 3 <= sizeof in; i += 3)
			memcpy(in + i, "\xe2\x82\xac", 3);
		t.len = 0;
		text_put_clean(&t, in, (size_t)shift + 2997 - 3);
		assert_int_equal(t.len, (size_t)shift + 2997 - 3);
		assert_memory_equal(t.buf, in, t.len);
	}
	text_free(&t);
}

static void
test_stdlib(void **state)
{
	const struct stdlib_file *f = stdlib_find("mesh/place.lua", 14);

	(void)state;
	assert_non_null(f);
	assert_true(f->end - f->text > 1000);
	assert_int_equal(*f->end, 0);
	assert_memory_equal(f->text, "---@meta mesh.place", 19);
	assert_null(stdlib_find("mesh/place", 10));
	for (size_t i = 0; i < stdlib_count; i++)
		assert_ptr_equal(stdlib_find(stdlib_files[i].name, strlen(stdlib_files[i].name)),
		    &stdlib_files[i]);
}

static int
append(lua_State *L, const void *p, size_t len, void *arg)
{
	(void)L;
	text_put(arg, p, len);
	return 0;
}

/* What was compiled while this was built is what the text says today. */
static void
test_baked(void **state)
{
	lua_State *L = luaL_newstate();
	size_t count = 0;

	(void)state;
	for (size_t i = 0; i < stdlib_count; i++) {
		const struct stdlib_file *f = &stdlib_files[i];
		struct slice baked = stdlib_chunk(f);
		struct log_text made = {.max = 1 << 20};
		char chunk[64];

		if (strstr(f->name, ".lua") == NULL) {
			assert_int_equal(baked.len, 0);
			continue;
		}
		snprintf(chunk, sizeof chunk, "@%s", f->name);
		assert_int_equal(luaL_loadbufferx(L, baked.p, baked.len, chunk, "b"), LUA_OK);
		assert_int_equal(luaL_loadbufferx(L, f->text, (size_t)(f->end - f->text), chunk, "t"),
		    LUA_OK);
		assert_int_equal(lua_dump(L, append, &made, 0), 0);
		assert_int_equal(made.len, baked.len);
		assert_memory_equal(made.buf, baked.p, baked.len);
		text_free(&made);
		lua_settop(L, 0);
		count++;
	}
	assert_true(count > 30);
	lua_close(L);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_whole),
	    cmocka_unit_test(test_broken),
	    cmocka_unit_test(test_text),
	    cmocka_unit_test(test_stdlib),
	    cmocka_unit_test(test_baked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
