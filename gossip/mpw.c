/*
 * mpw.c - msgpack-c does the packing; this only owns the buffer's end.
 */
#include "mpw.h"

#include <msgpack/pack.h>

static int
put(void *data, const char *bytes, size_t len)
{
	struct mpw *w = data;

	if (w->full || len > w->cap - w->len) {
		w->full = true;
		return -1;
	}
	memcpy(w->buf + w->len, bytes, len);
	w->len += len;
	return 0;
}

void
mpw_init(struct mpw *w, uint8_t *buf, size_t cap)
{
	*w = (struct mpw){.buf = buf, .cap = cap};
}

#define PACKER(w) (&(msgpack_packer){.data = (w), .callback = put})

void
mpw_nil(struct mpw *w)
{
	msgpack_pack_nil(PACKER(w));
}

void
mpw_bool(struct mpw *w, bool v)
{
	if (v)
		msgpack_pack_true(PACKER(w));
	else
		msgpack_pack_false(PACKER(w));
}

void
mpw_uint(struct mpw *w, uint64_t v)
{
	msgpack_pack_uint64(PACKER(w), v);
}

void
mpw_int(struct mpw *w, int64_t v)
{
	msgpack_pack_int64(PACKER(w), v);
}

void
mpw_double(struct mpw *w, double v)
{
	msgpack_pack_double(PACKER(w), v);
}

void
mpw_str(struct mpw *w, const char *s, size_t len)
{
	msgpack_pack_str(PACKER(w), len);
	put(w, s, len);
}

void
mpw_cstr(struct mpw *w, const char *s)
{
	mpw_str(w, s, strlen(s));
}

void
mpw_bin(struct mpw *w, const void *p, size_t len)
{
	msgpack_pack_bin(PACKER(w), len);
	if (len > 0)
		put(w, p, len);
}

void
mpw_array(struct mpw *w, uint32_t count)
{
	msgpack_pack_array(PACKER(w), count);
}

void
mpw_map(struct mpw *w, uint32_t count)
{
	msgpack_pack_map(PACKER(w), count);
}

void
mpw_raw(struct mpw *w, const void *p, size_t len)
{
	if (len > 0)
		put(w, p, len);
}
