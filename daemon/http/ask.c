/*
 * ask.c - see ask.h.
 */
#include "ask.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "../../gossip/mp.h"
#include "../base/ctl.h"
#include "../base/own.h"

enum { HEAD_BYTES = 4, CHUNK_BYTES = 64 << 10 };

struct ask {
	int fd;
	msec deadline;
	uint8_t *out; /* head and question; owned */
	size_t out_len, sent;
	uint8_t *in; /* head and answer; owned */
	size_t got, cap;
};

void
ask_free(struct ask *a)
{
	if (a == NULL)
		return;
	own_close_(&a->fd);
	free(a->out);
	free(a->in);
	free(a);
}

struct ask *
ask_start(const char *ctl, const void *question, size_t len, msec deadline, struct err *err)
{
	struct sockaddr_un sa = {.sun_family = AF_UNIX};
	struct ask *a = calloc(1, sizeof *a);

	err_set(err, 1, "out of memory");
	if (a == NULL)
		return NULL;
	*a = (struct ask){.fd = -1, .deadline = deadline, .out_len = HEAD_BYTES + len, .out = malloc(HEAD_BYTES + len)};
	if (a->out == NULL || strlen(ctl) >= sizeof sa.sun_path) {
		ask_free(a);
		return NULL;
	}
	for (int i = 0; i < HEAD_BYTES; i++)
		a->out[i] = (uint8_t)(len >> 8 * i);
	memcpy(a->out + HEAD_BYTES, question, len);
	memcpy(sa.sun_path, ctl, strlen(ctl) + 1);
	a->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (a->fd < 0 || connect(a->fd, (struct sockaddr *)&sa, sizeof sa) < 0) {
		err_set(err, EXIT_NO_DAEMON, "the daemon does not answer: %s", strerror(errno));
		ask_free(a);
		return NULL;
	}
	return a;
}

int
ask_fd(const struct ask *a)
{
	return a->fd;
}

short
ask_events(const struct ask *a)
{
	return a->sent < a->out_len ? POLLOUT : POLLIN;
}

msec
ask_deadline(const struct ask *a)
{
	return a->deadline;
}

/* Bytes of the whole answer with its head, as far as that is known. */
static size_t
wanted(const struct ask *a)
{
	size_t n = 0;

	if (a->got < HEAD_BYTES)
		return HEAD_BYTES;
	for (int i = 0; i < HEAD_BYTES; i++)
		n |= (size_t)a->in[i] << 8 * i;
	return HEAD_BYTES + n;
}

static int
failed(struct err *err, const char *why)
{
	return err_set(err, EXIT_NO_DAEMON, "the daemon does not answer: %s", why);
}

static int
send_more(struct ask *a, struct err *err)
{
	ssize_t n = send(a->fd, a->out + a->sent, a->out_len - a->sent, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return failed(err, strerror(errno));
	a->sent += n > 0 ? (size_t)n : 0;
	return 0;
}

static int
recv_more(struct ask *a, struct err *err)
{
	size_t want = wanted(a), room;
	ssize_t n;

	if (want > HEAD_BYTES + CTL_FRAME_BYTES_MAX)
		return failed(err, "a frame that is too long");
	if (a->got == a->cap) { /* grown as bytes come: a length alone costs nothing */
		uint8_t *more = realloc(a->in, a->cap + CHUNK_BYTES);

		if (more == NULL)
			return failed(err, "out of memory");
		a->in = more;
		a->cap += CHUNK_BYTES;
	}
	room = want - a->got < a->cap - a->got ? want - a->got : a->cap - a->got;
	n = recv(a->fd, a->in + a->got, room, 0);
	if (n < 0 && errno != EAGAIN && errno != EINTR)
		return failed(err, strerror(errno));
	if (n == 0)
		return failed(err, "it closed the connection");
	a->got += n > 0 ? (size_t)n : 0;
	return a->got > HEAD_BYTES && a->got == wanted(a);
}

int
ask_turn(struct ask *a, msec now, struct err *err)
{
	if (now >= a->deadline)
		return failed(err, "timed out");
	return a->sent < a->out_len ? send_more(a, err) : recv_more(a, err);
}

const uint8_t *
ask_data(const struct ask *a, size_t *len, struct err *err)
{
	const uint8_t *data = NULL, *frame = a->in + HEAD_BYTES;
	const char *key, *text;
	size_t key_len, text_len;
	uint32_t n = 0;
	bool ok = false, sound = true;
	int64_t code = 1;
	struct mp mp;

	err_set(err, 1, "the daemon's answer is no answer");
	mp_init(&mp, frame, a->got - HEAD_BYTES, CTL_DEPTH_MAX);
	sound = mp_map(&mp, &n) == 0;
	for (uint32_t i = 0; i < n && sound; i++) {
		size_t from;

		sound = mp_str(&mp, &key, &key_len) == 0;
		from = mp.off;
		if (sound && key_len == 2 && memcmp(key, "ok", 2) == 0)
			sound = mp_bool(&mp, &ok) == 0;
		else if (sound && key_len == 4 && memcmp(key, "data", 4) == 0) {
			sound = mp_skip(&mp) == 0;
			data = frame + from;
			*len = mp.off - from;
		} else if (sound && key_len == 4 && memcmp(key, "code", 4) == 0)
			sound = mp_int(&mp, &code) == 0;
		else if (sound && key_len == 5 && memcmp(key, "error", 5) == 0) {
			sound = mp_str(&mp, &text, &text_len) == 0;
			if (sound)
				err_escape(err->text, sizeof err->text, text, text_len);
		} else if (sound)
			sound = mp_skip(&mp) == 0;
	}
	if (sound && ok)
		return data;
	err->code = code > 0 && code < 126 ? (int)code : 1;
	return NULL;
}
