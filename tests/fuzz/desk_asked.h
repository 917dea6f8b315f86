/*
 * desk_asked.h - what an engine at a desk asks and starts, kept for the fuzzer to answer,
 * and what it answers.  Part of desk.h.
 */
#ifndef FUZZ_DESK_ASKED_H
#define FUZZ_DESK_ASKED_H

#include "desk_shut.h"

enum { ASKED_MAX = 256 };

struct stream_answer {
	int consumed;
	bool good;
};

/* Under way; the fuzzer ends it. */
struct stream_call {
	stream_done *done;
	void *arg;
};

/* A name that is looked up. */
struct looked {
	void (*done)(struct engine *e, void *arg, int status, const struct addr *at, size_t count);
	void *arg;
};

struct spawn {
	spawn_done *done;
	void *arg;
	size_t cap;
};

static struct desk {
	struct engine e;
	uv_loop_t loop;
	struct mesh *other;
	msec now, settled;
	char path[32];
	struct stream_call *calls[ASKED_MAX];
	size_t calls_count;
	struct spawn *spawns[ASKED_MAX];
	size_t spawns_count;
	struct looked looked[ASKED_MAX];
	size_t looked_count;
	int supervisor; /* what the engine sent lies here */
	uint8_t pk[2][KEY_BYTES];
} desk;

msec
net_now(void)
{
	return desk.now;
}

const char *
stream_error(int rc)
{
	return rc < 0 ? "no answer" : "";
}

struct stream_call *
stream_request(uv_loop_t *loop, const struct keyring *keys, const struct addr *to, uint8_t kind,
    const void *payload, size_t len, uint32_t timeout_ms, stream_done *done, void *arg)
{
	struct stream_call *c = desk.calls_count < ASKED_MAX ? malloc(sizeof *c) : NULL;

	(void)loop, (void)keys, (void)to, (void)kind, (void)payload, (void)timeout_ms;
	must(len <= STREAM_ASK_BYTES_MAX);
	if (c == NULL)
		return NULL;
	*c = (struct stream_call){done, arg};
	return desk.calls[desk.calls_count++] = c;
}

void
stream_cancel(struct stream_call *call)
{
	for (size_t i = 0; i < desk.calls_count; i++)
		if (desk.calls[i] == call)
			desk.calls[i] = desk.calls[--desk.calls_count];
	free(call);
}

void
stream_answer_send(struct stream_answer *answer, const void *data, size_t len)
{
	(void)data;
	must(len <= STREAM_BYTES_MAX && answer->consumed++ == 0);
	answer->good = true;
}

void
stream_answer_fail(struct stream_answer *answer, int code)
{
	must(code > 0 && code < ERR_COUNT && answer->consumed++ == 0);
}

void
stream_answer_deny(struct stream_answer *answer, int code)
{
	stream_answer_fail(answer, code);
}

int
spawn_run(uv_loop_t *loop, const struct spawn_conf *conf, spawn_done *done, void *arg,
    struct spawn **out, struct err *err)
{
	struct spawn *s = desk.spawns_count < ASKED_MAX ? malloc(sizeof *s) : NULL;

	(void)loop;
	if (s == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "too many");
	*s = (struct spawn){done, arg, conf->out_cap};
	desk.spawns[desk.spawns_count++] = s;
	if (out != NULL)
		*out = s;
	return 0;
}

void
spawn_cancel(struct spawn *s)
{
	for (size_t i = 0; i < desk.spawns_count; i++)
		if (desk.spawns[i] == s)
			desk.spawns[i] = desk.spawns[--desk.spawns_count];
	free(s);
}

bool
names_ask(struct engine *e, const char *text,
    void (*done)(struct engine *e, void *arg, int status, const struct addr *at, size_t count),
    void *arg)
{
	must(e == &desk.e && strlen(text) < CONFIG_SEED_CAP);
	if (strchr(text, ':') == NULL || desk.looked_count == ASKED_MAX)
		return false;
	desk.looked[desk.looked_count++] = (struct looked){done, arg};
	return true;
}

#endif
