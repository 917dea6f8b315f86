/*
 * raw.c - see raw.h.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <msgpack.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../gossip/mp.h"
#include "../../gossip/mpw.h"
#include "../base/ctl.h"
#include "../base/own.h"
#include "answer.h"
#include "client.h"

enum { ASK_MS = 10000, WORD_BYTES = 128 };

struct slice
raw_get(struct slice map, const char *key)
{
	struct mp mp;
	uint32_t n;

	mp_init(&mp, map.b, map.len, MP_DEPTH_MAX);
	if (map.len == 0 || mp_map(&mp, &n) < 0)
		return (struct slice){0};
	for (uint32_t i = 0; i < n; i++) {
		const char *s;
		size_t len, from;

		if (mp_str(&mp, &s, &len) < 0)
			return (struct slice){0};
		from = mp.off;
		if (mp_skip(&mp) < 0)
			return (struct slice){0};
		if (len == strlen(key) && memcmp(s, key, len) == 0)
			return (struct slice){map.b + from, mp.off - from};
	}
	return (struct slice){0};
}

/* Its error becomes ours. */
static int
refused(const uint8_t *buf, size_t len, struct run_error *e)
{
	struct answer x;

	if (answer_open(&x, buf, len, &e->err) < 0)
		return -1;
	e->err.code = x.code;
	e->text = x.error;
	e->hint = x.hint;
	x.error = x.hint = NULL;
	answer_free(&x);
	return -1;
}

int
raw_ask(const struct show *s, const char *verb, uint8_t **frame, struct slice *data,
    struct run_error *e)
{
	uint8_t request[WORD_BYTES];
	struct client c;
	struct mpw w;
	size_t len;
	int rc;

	*frame = NULL;
	mpw_init(&w, request, sizeof request);
	mpw_map(&w, 2);
	mpw_cstr(&w, "verb");
	mpw_cstr(&w, verb);
	mpw_cstr(&w, "args");
	mpw_map(&w, 0);
	rc = client_open(&c, s->args->socket, ASK_MS, &e->err);
	if (rc >= 0)
		rc = client_send(&c, request, w.len, &e->err);
	if (rc >= 0)
		rc = client_recv(&c, frame, &len, &e->err);
	if (rc < 0 && c.hint != NULL)
		e->hint = strdup(c.hint);
	client_close(&c);
	if (rc < 0)
		return rc;
	*data = raw_get((struct slice){*frame, len}, "data");
	return data->len > 0 ? 0 : refused(*frame, len, e);
}

int
raw_path(const struct show *s, const char *key, char *out, size_t cap, struct err *err)
{
	AUTO_FREE uint8_t *frame = NULL;
	struct run_error e = {0};
	struct slice data, at;
	const char *text;
	struct mp mp;
	size_t len;

	if (raw_ask(s, "rounds", &frame, &data, &e) < 0)
		return run_error_line(&e, err);
	at = raw_get(data, key);
	mp_init(&mp, at.b, at.len, 0);
	if (at.len == 0 || mp_str(&mp, &text, &len) < 0 || len >= cap)
		return RAW_NONE;
	snprintf(out, cap, "%.*s", (int)len, text);
	return 0;
}

/* --- JSON ---------------------------------------------------------------------------- */

static void
pack(msgpack_packer *pk, const json_t *v)
{
	const char *key;
	json_t *x;

	switch (json_typeof(v)) {
	case JSON_OBJECT:
		msgpack_pack_map(pk, json_object_size(v));
		json_object_foreach((json_t *)(uintptr_t)v, key, x) {
			msgpack_pack_str(pk, strlen(key));
			msgpack_pack_str_body(pk, key, strlen(key));
			pack(pk, x);
		}
		break;
	case JSON_ARRAY:
		msgpack_pack_array(pk, json_array_size(v));
		for (size_t i = 0; i < json_array_size(v); i++)
			pack(pk, json_array_get(v, i));
		break;
	case JSON_STRING:
		msgpack_pack_str(pk, json_string_length(v));
		msgpack_pack_str_body(pk, json_string_value(v), json_string_length(v));
		break;
	case JSON_INTEGER:
		msgpack_pack_int64(pk, json_integer_value(v));
		break;
	case JSON_REAL:
		msgpack_pack_double(pk, json_real_value(v));
		break;
	case JSON_TRUE:
		msgpack_pack_true(pk);
		break;
	case JSON_FALSE:
		msgpack_pack_false(pk);
		break;
	case JSON_NULL:
		msgpack_pack_nil(pk);
		break;
	}
}

int
raw_of_json(const json_t *v, struct blob *out, struct err *err)
{
	msgpack_sbuffer buf;
	msgpack_packer pk;
	int rc;

	msgpack_sbuffer_init(&buf);
	msgpack_packer_init(&pk, &buf, msgpack_sbuffer_write);
	pack(&pk, v);
	rc = blob_copy(out, (struct slice){(uint8_t *)buf.data, buf.size});
	msgpack_sbuffer_destroy(&buf);
	return rc < 0 ? err_set(err, 1, "out of memory") : 0;
}

static int
read_bytes(const char *path, struct blob *out, struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n = 0;

	*out = (struct blob){0};
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, 1, "%.300s: %s", path, strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_size == 0 || st.st_size > RAW_BYTES_MAX)
		return err_set(err, 1, "%.300s: not a file of 1 byte to %d MiB", path,
		    RAW_BYTES_MAX >> 20);
	if ((out->b = malloc((size_t)st.st_size)) == NULL)
		return err_set(err, 1, "out of memory");
	for (; out->len < (size_t)st.st_size; out->len += (size_t)n)
		if ((n = read(fd, out->b + out->len, (size_t)st.st_size - out->len)) <= 0)
			break;
	if (out->len == (size_t)st.st_size)
		return 0;
	blob_free(out);
	return err_set(err, 1, "%.300s: it changed while it was read", path);
}

int
raw_read(const char *path, struct blob *out, struct err *err)
{
	json_error_t at;
	struct mp mp;
	json_t *v;
	int rc = read_bytes(path, out, err);

	if (rc < 0)
		return rc;
	mp_init(&mp, out->b, out->len, CTL_DEPTH_MAX);
	if (mp_peek(&mp) == MP_MAP && mp_skip(&mp) == 0 && mp_end(&mp) == 0)
		return 0;
	v = json_loadb((const char *)out->b, out->len, JSON_REJECT_DUPLICATES, &at);
	blob_free(out);
	if (!json_is_object(v)) {
		if (v != NULL)
			snprintf(at.text, sizeof at.text, "it is JSON, but no object");
		json_decref(v);
		return err_set(err, 1, "%.300s:%d:%d: no input of a round: %s", path, at.line > 0 ? at.line : 1,
		    at.line > 0 ? at.column : 1, at.text);
	}
	rc = raw_of_json(v, out, err);
	json_decref(v);
	return rc;
}
