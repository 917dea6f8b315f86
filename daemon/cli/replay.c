/*
 * replay.c - mesh replay: recorded rounds are run again, each with the scripts, the input and
 * the limits that it had, and must give the same bytes.  With other scripts it shows what
 * these would have decided.
 *
 * Nothing is asked of a daemon but where its rounds lie; a directory that was copied from
 * another host does as well.  What is in it is as hostile as any file: rounds.h reads it,
 * and its scripts run where all scripts do.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../gossip/mp.h"
#include "../base/own.h"
#include "../io/crypto.h"
#include "../io/rounds.h"
#include "answer.h"
#include "args.h"
#include "authors.h"
#include "decide.h"
#include "inforce.h"
#include "raw.h"
#include "show.h"
#include "value.h"

enum { FAILED = 2, WHEN_CAP = 32, DIR_CAP = 4200 };

struct replay {
	const struct show *s;
	const struct tree *other; /* --scheduler, or NULL */
	struct tree code;	  /* of the round before, unpacked; its texts borrow from code_bytes */
	struct blob code_bytes;
	struct hash code_hash;
	bool has_code;
	json_t *rows, *told; /* told: the changes shown last */
	size_t again;	     /* rounds with the same ones since */
	size_t rounds, same, differ, unknown; /* unknown: its scripts are gone */
	struct err err; /* that ended it */
};

/* --- the scripts of a round --------------------------------------------------------------- */

/* {path: text} -> a tree that borrows; false: it is none. */
static bool
unpack_tree(struct slice packed, struct tree *out)
{
	uint32_t n;
	struct mp mp;

	*out = (struct tree){0};
	mp_init(&mp, packed.b, packed.len, 1);
	if (mp_map(&mp, &n) < 0 || n > TREE_FILES_MAX ||
	    (out->files = calloc(n + 1, sizeof *out->files)) == NULL)
		return false;
	for (uint32_t i = 0; i < n; i++) {
		struct tree_file *f = &out->files[i];
		const char *path, *text;
		size_t len;

		if (mp_str(&mp, &path, &len) < 0 || len >= TREE_PATH_CAP ||
		    memchr(path, 0, len) != NULL || mp_str(&mp, &text, &f->len) < 0 ||
		    (f->path = strndup(path, len)) == NULL)
			return false;
		f->data = (uint8_t *)(uintptr_t)text;
		out->count++;
	}
	return mp_end(&mp) == 0;
}

/* Its paths are ours, its texts are not. */
static void
forget_tree(struct replay *r)
{
	for (size_t i = 0; i < r->code.count; i++)
		free(r->code.files[i].path);
	free(r->code.files);
	r->code = (struct tree){0};
	blob_free(&r->code_bytes);
	r->has_code = false;
}

static const struct tree *
code_of(struct replay *r, const struct rounds_one *one)
{
	if (r->other != NULL)
		return r->other;
	if (r->has_code && hash_eq(&r->code_hash, &one->head.code))
		return &r->code;
	forget_tree(r);
	if (one->code.len == 0 || blob_copy(&r->code_bytes, one->code) < 0)
		return NULL;
	if (!unpack_tree(blob_slice(&r->code_bytes), &r->code)) {
		forget_tree(r);
		return NULL;
	}
	r->has_code = true;
	r->code_hash = one->head.code;
	return &r->code;
}

/* --- one round -------------------------------------------------------------------------------- */

static json_t *
value_of(struct slice packed)
{
	size_t at;

	return packed.len > 0 ? answer_json(packed.b, packed.len, &at) : NULL;
}

static bool
is_text(const json_t *v, struct slice text)
{
	size_t len = json_is_string(v) ? json_string_length(v) : 0;

	return len == text.len && (len == 0 || memcmp(json_string_value(v), text.b, len) == 0);
}

/* Byte for byte: what it decided, what it said, or how it failed. */
static bool
is_same(const struct round_rec *was, const struct sandbox_answer *now)
{
	bool ok = json_is_true(json_object_get(now->json, "ok"));

	if (ok != was->ok)
		return false;
	if (!ok)
		return was->error.len > 0 && json_is_string(json_object_get(now->json, "error")) &&
		    strncmp(json_string_value(json_object_get(now->json, "error")),
			(const char *)was->error.b, was->error.len) == 0;
	return slice_eq(was->result, now->result) && is_text(json_object_get(now->json, "log"), was->log);
}

static json_t *
text_json(struct slice s)
{
	json_t *v = json_stringn((const char *)s.b, s.len);

	return v != NULL ? v : json_string("");
}

/* One of the two answers to a round. */
struct said {
	json_t *answer; /* with what a role that failed keeps; NULL: none */
	json_t *failed; /* [{role, error}] */
	json_t *error;	/* of all of it, or null */
};

static struct said
said_of(const json_t *input, struct slice packed, json_t *error)
{
	struct said s = {.answer = value_of(packed), .failed = json_array(), .error = error};
	struct err err;

	if (json_is_null(error) && json_is_object(s.answer) &&
	    inforce_judge(input, packed, s.answer, s.failed, &err) < 0) {
		json_decref(s.error);
		s.error = json_sprintf("the host would refuse it: %s", err.text);
	}
	return s;
}

/* What is the same needs none of that. */
static void
add_said(json_t *row, const struct rounds_one *one, const struct sandbox_answer *now)
{
	const struct round_rec *was = &one->rec;
	const json_t *error = json_object_get(now->json, "error"), *log = json_object_get(now->json, "log");
	json_t *input = value_of(was->input);
	struct said before = said_of(input, was->result, was->ok ? json_null() : text_json(was->error));
	struct said after =
	    said_of(input, now->result, json_is_string(error) ? json_incref((json_t *)(uintptr_t)error) : json_null());

	json_object_set_new(row, "error_then", before.error);
	json_object_set_new(row, "error", after.error);
	json_object_set_new(row, "failed_then", before.failed);
	json_object_set_new(row, "failed", after.failed);
	json_object_set_new(row, "log", json_boolean(!is_text(log, was->log)));
	json_object_set_new(row, "changes", decide_diff(before.answer, after.answer));
	json_decref(before.answer);
	json_decref(after.answer);
	json_decref(input);
}

static json_t *
row_of(const struct rounds_one *one, const struct sandbox_answer *now, bool same)
{
	const struct round_rec *was = &one->rec;
	char name[32];
	json_t *row;

	snprintf(name, sizeof name, "%u.%u", one->file, one->head.index);
	row = json_pack("{s:s, s:I, s:s, s:o, s:b, s:I, s:I}", "round", name, "at_ms",
	    (json_int_t)one->head.at_ms, "fate", round_fate_name(was->fate), "why", text_json(was->why),
	    "same", same, "ms", (json_int_t)now->ms, "ms_then", (json_int_t)was->ms);
	if (!same)
		add_said(row, one, now);
	return row;
}

static void
when(char out[WHEN_CAP], uint64_t at_ms)
{
	time_t t = (time_t)(at_ms / 1000);
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL || strftime(out, WHEN_CAP, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		snprintf(out, WHEN_CAP, "?");
}

/* A thousand rounds may differ by the same. */
static void
say_again(struct replay *r)
{
	if (r->again > 0)
		fprintf(r->s->out, "  ... and the same in %zu more round%s\n", r->again, r->again == 1 ? "" : "s");
	r->again = 0;
}

static void
print_row(const struct show *s, const json_t *row)
{
	const json_t *changes = json_object_get(row, "changes");
	char at[WHEN_CAP], sum[160];

	when(at, (uint64_t)value_int(row, "at_ms", 0));
	decide_sum(changes, sum, sizeof sum);
	fprintf(s->out, "%s round %s (%s): ", at, value_str(row, "round"), value_str(row, "fate"));
	if (*value_str(row, "error") != '\0') {
		fputs("fails now: ", s->out);
		show_put(s, value_str(row, "error"));
	} else if (*value_str(row, "error_then") != '\0') {
		fputs("failed then: ", s->out);
		show_put(s, value_str(row, "error_then"));
	} else if (json_array_size(changes) > 0 || !json_equal(json_object_get(row, "failed"),
	    json_object_get(row, "failed_then"))) {
		fputs(sum, s->out);
	} else {
		fputs(value_bool(row, "log") ? "the same decisions, another log" : "the same decisions, other bytes",
		    s->out);
	}
	fputc('\n', s->out);
	if (*value_str(row, "error") != '\0')
		return;
	decide_failed(s, json_object_get(row, "failed"), json_object_get(row, "failed_then"), "now");
	decide_failed(s, json_object_get(row, "failed_then"), json_object_get(row, "failed"), "then");
	decide_print(s, changes, "  ", DECIDE_SHOWN);
}

static void
tell(struct replay *r, json_t *row)
{
	json_t *now = json_pack("[O, O, O, O, O]", json_object_get(row, "changes"), json_object_get(row, "error"),
	    json_object_get(row, "error_then"), json_object_get(row, "failed"), json_object_get(row, "failed_then"));

	if (json_equal(now, r->told) == 1) {
		r->again++;
		json_decref(now);
		return;
	}
	say_again(r);
	print_row(r->s, row);
	json_decref(r->told);
	r->told = now;
}

static int
run(struct replay *r, const struct rounds_one *one, const struct tree *code)
{
	struct sandbox_ask q = {.mode = "schedule",
	    .files = code,
	    .input = one->rec.input,
	    .heap_bytes = (int64_t)one->rec.heap_bytes,
	    .cpu_ms = (int64_t)one->rec.cpu_ms,
	    .wall_ms = 2 * (int64_t)one->rec.cpu_ms};
	struct sandbox_answer now;
	struct hash seed;
	json_t *row;
	bool same;

	crypto_hash256(&seed, q.input.b, q.input.len);
	memcpy(&q.seed, seed.b, sizeof q.seed);
	if (sandbox_run(&q, &now, &r->err) < 0)
		return -1;
	same = is_same(&one->rec, &now);
	r->same += same;
	r->differ += !same;
	row = row_of(one, &now, same);
	if (!same && r->s->args->output != ARGS_JSON && !r->s->args->given[OPT_QUIET])
		tell(r, row);
	if (r->s->args->output == ARGS_JSON)
		json_array_append(r->rows, row);
	json_decref(row);
	sandbox_free(&now);
	return 0;
}

static bool
each(void *arg, const struct rounds_one *one)
{
	struct replay *r = arg;
	const struct tree *code = code_of(r, one);

	r->rounds++;
	if (code == NULL)
		r->unknown++;
	return code == NULL || run(r, one, code) == 0;
}

static void
note(void *arg, const char *line)
{
	(void)arg;
	fprintf(stderr, "mesh: replay: %s\n", line);
}

/* --- all of them ------------------------------------------------------------------------------- */

/* Where this host's daemon keeps them. */
static int
find_dir(const struct show *s, char out[DIR_CAP], struct err *err)
{
	int rc = raw_path(s, "dir", out, DIR_CAP, err);

	return rc == RAW_NONE ?
	    err_set(err, FAILED, "replay: the daemon does not say where its rounds are") : rc;
}

static void
finish(struct replay *r)
{
	const struct show *s = r->s;

	if (s->args->output == ARGS_JSON) {
		json_t *v = json_pack("{s:I, s:I, s:I, s:I, s:O}", "rounds", (json_int_t)r->rounds, "same",
		    (json_int_t)r->same, "differ", (json_int_t)r->differ, "without_scripts",
		    (json_int_t)r->unknown, "replayed", r->rows);

		json_dumpf(v, s->out, JSON_INDENT(2) | (s->terminal ? JSON_ENSURE_ASCII : 0));
		fputc('\n', s->out);
		json_decref(v);
		return;
	}
	if (s->args->given[OPT_QUIET])
		return;
	say_again(r);
	fprintf(s->out, "%zu round%s: %zu %s, %zu otherwise", r->rounds, r->rounds == 1 ? "" : "s", r->same,
	    r->other != NULL ? "decided the same" : "gave the same bytes", r->differ);
	if (r->unknown > 0)
		fprintf(s->out, ", %zu without their scripts", r->unknown);
	fputc('\n', s->out);
}

int
show_replay(const struct show *s, struct err *err)
{
	char path[DIR_CAP];
	struct authors_tree other = {.tree = {0}};
	struct replay r = {.s = s, .rows = json_array()};
	int rc = crypto_init(err);

	if (rc >= 0 && s->args->operand == NULL)
		rc = find_dir(s, path, err);
	else if (rc >= 0)
		snprintf(path, sizeof path, "%s", s->args->operand);
	if (rc >= 0 && s->args->scheduler != NULL &&
	    (rc = authors_read(s->args->scheduler, &other, err)) >= 0)
		r.other = &other.tree;
	if (rc >= 0) {
		AUTO_CLOSE int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (dir < 0)
			rc = err_set(err, FAILED, "replay: %.300s: %s%s", path, strerror(errno),
			    s->args->operand == NULL && errno == ENOENT ?
				": no round was recorded on this host; rounds are kept where they ran, on the leader" :
				"");
		else
			rc = rounds_each(dir, (uint64_t)s->args->since_ms, each, note, &r, err);
	}
	if (rc >= 0 && r.rounds == 0 && s->args->operand != NULL && s->args->since_ms == 0)
		rc = err_set(err, FAILED, "replay: %.300s: no round is recorded there; a node's are in STATE-DIR/rounds", path);
	if (rc >= 0 && r.err.code != 0) {
		*err = r.err;
		rc = -r.err.code;
	}
	if (rc >= 0) {
		finish(&r);
		rc = r.differ > 0 ? 1 : r.unknown > 0 ? FAILED : 0;
	}
	forget_tree(&r);
	if (r.other != NULL)
		tree_free(&other.tree);
	json_decref(r.rows);
	json_decref(r.told);
	return rc;
}
