/*
 * script.c - see script.h.  The answer is hostile: it is walked with the
 * bounded reader, and only slices of it go on.
 */
#include "script.h"

#include <stdio.h>
#include <stdlib.h>

#include "../../gossip/mp.h"
#include "../base/scriptio.h"
#include "crypto.h"
#include "pack.h"

struct script_run {
	struct spawn *spawn;
	const char *what;
	int64_t wall_ms;
	script_done *done;
	void *arg;
};

void
script_head(msgpack_packer *pk, uint32_t count, const char *mode, const struct config *c,
    uint64_t seed)
{
	msgpack_pack_map(pk, count);
	pk_kstr(pk, "mode", mode);
	pk_str(pk, "limits");
	msgpack_pack_map(pk, 3);
	pk_kint(pk, "heap", c->script_heap_bytes);
	pk_kint(pk, "cpu_ms", c->script_cpu_ms);
	pk_kint(pk, "output",
	    strcmp(mode, "schedule") == 0 ? SCRIPT_SCHEDULE_BYTES_MAX : SCRIPT_OUT_BYTES_MAX);
	pk_kuint(pk, "seed", seed >> 1);
}

int
script_pack_files(const struct tree *t, struct blob *out)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	pk_begin_map(&buf, &pk, t->count);
	for (size_t i = 0; i < t->count; i++) {
		pk_str(&pk, t->files[i].path);
		pk_strn(&pk, (const char *)t->files[i].data, t->files[i].len);
	}
	rc = blob_copy(out, (struct slice){(uint8_t *)buf.data, buf.size});
	msgpack_sbuffer_destroy(&buf);
	return rc;
}

void
script_question(const struct config *c, struct slice files, struct slice input,
    msgpack_sbuffer *buf)
{
	struct hash seed;
	uint64_t seed64;
	msgpack_packer pk;

	crypto_hash256(&seed, input.b, input.len);
	memcpy(&seed64, seed.b, sizeof seed64);
	msgpack_packer_init(&pk, buf, msgpack_sbuffer_write);
	script_head(&pk, 6, "schedule", c, seed64);
	pk_str(&pk, "files");
	pk_raw(&pk, files.b, files.len);
	pk_kstr(&pk, "entry", "main.lua");
	pk_str(&pk, "input");
	pk_raw(&pk, input.b, input.len);
}

static void
copy_text(struct mp *mp, char *out, size_t cap)
{
	const char *s;
	size_t n;

	if (mp_peek(mp) == MP_STR && mp_str(mp, &s, &n) == 0)
		err_escape(out, cap, s, n);
}

/* As copy_text, but the lines of an excerpt stay lines. */
static void
copy_lines(struct mp *mp, char *out, size_t cap)
{
	const char *s;
	size_t n, len = 0;

	if (mp_peek(mp) != MP_STR || mp_str(mp, &s, &n) < 0)
		return;
	for (size_t at = 0; at < n && len + 2 < cap;) {
		const char *nl = memchr(s + at, '\n', n - at);
		size_t k = nl != NULL ? (size_t)(nl - (s + at)) : n - at;

		err_escape(out + len, cap - len - 1, s + at, k);
		len += strlen(out + len);
		if (nl != NULL)
			out[len++] = '\n';
		at += k + 1;
	}
	out[len] = '\0';
}

/* The lines of another text of the answer, as far as there is room, under a title. */
static void
add_lines(struct mp *mp, const char *title, struct script_answer *a)
{
	size_t len = strlen(a->excerpt), room = sizeof a->excerpt - len, head;

	if (mp_peek(mp) != MP_STR || len == 0 || room < 64)
		return;
	head = (size_t)snprintf(a->excerpt + len, room, "%s%s", a->excerpt[len - 1] == '\n' ? "" : "\n", title);
	a->excerpt[len + head] = '\0';
	copy_lines(mp, a->excerpt + len + head, room - head);
	if (a->excerpt[len + head] == '\0')
		a->excerpt[len] = '\0'; /* nothing to tell */
}

static void
take_log(struct mp *mp, struct slice *out)
{
	const char *s;
	size_t n;

	if (mp_peek(mp) == MP_STR && mp_str(mp, &s, &n) == 0)
		*out = (struct slice){(const uint8_t *)s, n};
}

static bool
parse(const uint8_t *buf, size_t len, struct script_answer *a)
{
	struct mp mp;
	uint32_t n;
	bool has_ok = false;

	mp_init(&mp, buf, len, SCRIPT_DEPTH_MAX + 4);
	if (mp_map(&mp, &n) < 0)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		const char *key;
		size_t k, from;

		if (mp_str(&mp, &key, &k) < 0)
			return false;
		from = mp.off;
		if (k == 2 && memcmp(key, "ok", 2) == 0) {
			if (mp_bool(&mp, &a->ok) < 0)
				return false;
			has_ok = true;
			continue;
		}
		struct mp value = mp;
		if (mp_skip(&mp) < 0)
			return false;
		if (k == 6 && memcmp(key, "result", 6) == 0)
			a->result = (struct slice){buf + from, mp.off - from};
		else if (k == 5 && memcmp(key, "error", 5) == 0)
			copy_text(&value, a->error, sizeof a->error);
		else if (k == 7 && memcmp(key, "excerpt", 7) == 0)
			copy_lines(&value, a->excerpt, sizeof a->excerpt);
		else if (k == 9 && memcmp(key, "traceback", 9) == 0)
			add_lines(&value, "\n", a);
		else if (k == 6 && memcmp(key, "locals", 6) == 0)
			add_lines(&value, "variables there:\n", a);
		else if (k == 3 && memcmp(key, "log", 3) == 0)
			take_log(&value, &a->log);
	}
	return has_ok && mp_end(&mp) == 0 && (!a->ok || a->result.len > 0);
}

static void
on_done(void *arg, struct spawn_result *res)
{
	struct script_run *r = arg;
	struct script_answer a = {.ms = res->ms};
	char *e = a.error, said[201];

	err_escape(said, sizeof said, res->errtext, strcspn(res->errtext, "\n"));

	if (res->killed_by_deadline)
		snprintf(e, sizeof a.error, "%s killed after %lld ms (limit limits: script-wall)",
		    r->what, (long long)r->wall_ms);
	else if (res->killed_by_output)
		snprintf(e, sizeof a.error, "%s output larger than %d MiB", r->what,
		    SCRIPT_OUT_BYTES_MAX >> 20);
	else if (res->exit_status == -24) /* SIGXCPU */
		snprintf(e, sizeof a.error, "%s killed: over its CPU limit (limits: script-cpu)",
		    r->what);
	else if (res->exit_status != 0)
		snprintf(e, sizeof a.error, "%s process ended with %s %d%s%s", r->what,
		    res->exit_status < 0 ? "signal" : "code",
		    res->exit_status < 0 ? -res->exit_status : res->exit_status,
		    said[0] != '\0' ? ": " : "", said);
	else if (!parse(res->out, res->out_len, &a)) {
		a.ok = false;
		snprintf(e, sizeof a.error, "%s process gave a malformed answer", r->what);
	}
	if (!a.ok && e[0] == '\0')
		snprintf(e, sizeof a.error, "%s failed and did not say why", r->what);
	if (e[0] != '\0')
		a.ok = false;
	a.crashed = res->killed_by_deadline || res->killed_by_output || res->exit_status != 0 ||
	    (!a.ok && strstr(e, "(limit limits: script-cpu)") != NULL);
	r->done(r->arg, &a);
	free(r);
}

struct script_run *
script_start(uv_loop_t *loop, int prog_fd, const struct config *c, const char *what,
    struct slice question, script_done *done, void *arg, struct err *err)
{
	static const char *const argv[] = {"meshd-script", NULL};
	struct spawn_conf conf = {.prog_fd = prog_fd,
	    .argv = argv,
	    .input = question.b,
	    .input_len = question.len,
	    .out_cap = SCRIPT_OUT_BYTES_MAX,
	    .deadline_ms = (uint32_t)c->script_wall_ms};
	struct script_run *r = calloc(1, sizeof *r);

	if (r == NULL) {
		err_set(err, 1, "out of memory");
		return NULL;
	}
	r->what = what;
	r->wall_ms = c->script_wall_ms;
	r->done = done;
	r->arg = arg;
	if (spawn_run(loop, &conf, on_done, r, &r->spawn, err) < 0) {
		free(r);
		return NULL;
	}
	return r;
}

void
script_cancel(struct script_run *r)
{
	spawn_cancel(r->spawn);
	free(r);
}
