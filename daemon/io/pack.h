/*
 * pack.h - short words for packing answers with msgpack-c.
 */
#ifndef IO_PACK_H
#define IO_PACK_H

#include <msgpack.h>
#include <string.h>

static inline void
pk_begin(msgpack_sbuffer *buf, msgpack_packer *pk)
{
	msgpack_sbuffer_init(buf);
	msgpack_packer_init(pk, buf, msgpack_sbuffer_write);
}

/* What is packed is a list of n, or a map of n pairs. */
static inline void
pk_begin_array(msgpack_sbuffer *buf, msgpack_packer *pk, size_t n)
{
	pk_begin(buf, pk);
	msgpack_pack_array(pk, n);
}

static inline void
pk_begin_map(msgpack_sbuffer *buf, msgpack_packer *pk, size_t n)
{
	pk_begin(buf, pk);
	msgpack_pack_map(pk, n);
}

static inline void
pk_strn(msgpack_packer *pk, const char *s, size_t n)
{
	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

static inline void
pk_str(msgpack_packer *pk, const char *s)
{
	pk_strn(pk, s, strlen(s));
}

/* "key": "value"; an empty value is nil, which tables print as <none>. */
static inline void
pk_kstr(msgpack_packer *pk, const char *key, const char *value)
{
	pk_str(pk, key);
	if (value == NULL || *value == '\0')
		msgpack_pack_nil(pk);
	else
		pk_str(pk, value);
}

static inline void
pk_kint(msgpack_packer *pk, const char *key, int64_t value)
{
	pk_str(pk, key);
	msgpack_pack_int64(pk, value);
}

static inline void
pk_kuint(msgpack_packer *pk, const char *key, uint64_t value)
{
	pk_str(pk, key);
	msgpack_pack_uint64(pk, value);
}

static inline void
pk_kbool(msgpack_packer *pk, const char *key, bool value)
{
	pk_str(pk, key);
	if (value)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

/* Append bytes that are packed msgpack already. */
static inline void
pk_raw(msgpack_packer *pk, const void *packed, size_t len)
{
	pk->callback(pk->data, packed, len);
}

#endif
