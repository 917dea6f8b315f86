/*
 * packet.c - one table of fields drives both packing and reading, so the two
 * cannot disagree about a layout.
 */
#include "packet.h"

#include "be.h"
#include "cert.h"
#include "evict.h"
#include "look.h"
#include "seal.h"

enum field_type { FIELD_UINT, FIELD_HEAD, FIELD_BYTES, FIELD_SIGN };

static const struct field {
	char letter;
	enum field_type type;
	size_t offset;
	uint64_t max;
} fields[] = {
#define UINT(l, member, max) {l, FIELD_UINT, offsetof(struct packet, member), max}
    UINT('s', seq, UINT64_MAX),
    UINT('w', who, UINT64_MAX),
    UINT('h', hash, UINT64_MAX),
    UINT('t', term, INT64_MAX),
    UINT('m', sent, INT64_MAX),
    UINT('l', lease, MESH_LEASE_MAX_MS),
    UINT('g', grade, MESH_GRADE_FULL),
    UINT('v', weight, MESH_MEMBERS_LIMIT * MESH_WEIGHT_MAX),
    UINT('f', flag, 1),
    UINT('G', generation, UINT64_MAX >> SEAL_COUNTER_BITS),
    UINT('a', version, UINT32_MAX),
    UINT('B', bits, UINT64_MAX),
    UINT('i', index, UINT16_MAX),
    UINT('n', count, UINT16_MAX),
    UINT('K', keys, UINT32_MAX),
    UINT('I', key_id, UINT64_MAX),
    UINT('k', cookie, UINT64_MAX),
    UINT('r', roster.term, INT64_MAX),
    UINT('c', roster.version, INT64_MAX),
    {'H', FIELD_HEAD, offsetof(struct packet, head), 0},
    {'b', FIELD_BYTES, offsetof(struct packet, bytes), 0},
    {'z', FIELD_SIGN, offsetof(struct packet, sign), 0},
#undef UINT
};

static const char *const layouts[PACKET_KINDS_] = {
#define X(name, letters) [PACKET_##name] = letters,
    PACKET_KINDS(X)
#undef X
};

_Static_assert((int)PACKET_KINDS_ <= (int)MESH_KINDS_MAX, "mesh_stats counts each kind");

const char *
mesh_kind(unsigned kind)
{
	static const char *const names[PACKET_KINDS_] = {
#define X(name, letters) [PACKET_##name] = #name,
	    PACKET_KINDS(X)
#undef X
	};

	return kind < PACKET_KINDS_ ? names[kind] : NULL;
}

enum { MAY_LACK = '?' }; /* what comes behind it */

static const struct field *
field_of(char letter)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (fields[i].letter == letter)
			return &fields[i];
	return NULL;
}

static void
pack_head(struct mpw *w, const struct head *h)
{
	if (h->stamp.term == 0) {
		mpw_nil(w);
		return;
	}
	mpw_array(w, 4);
	mpw_uint(w, h->stamp.term);
	mpw_bin(w, h->stamp.leader.b, ID_BYTES);
	mpw_uint(w, h->stamp.seq);
	mpw_bin(w, h->hash.b, HASH_BYTES);
}

static int
read_head(struct mp *r, struct head *h)
{
	uint32_t n;
	int rc;

	memset(h, 0, sizeof *h);
	if (mp_peek(r) == MP_NIL)
		return mp_nil(r);
	if ((rc = mp_array(r, &n)) < 0)
		return rc;
	if (n != 4)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(r, INT64_MAX, &h->stamp.term)) < 0 ||
	    (rc = mp_bytes(r, h->stamp.leader.b, ID_BYTES)) < 0 ||
	    (rc = mp_uint_max(r, INT64_MAX, &h->stamp.seq)) < 0)
		return rc;
	return mp_bytes(r, h->hash.b, HASH_BYTES);
}

void
packet_begin(struct mpw *w, const struct packet *p)
{
	const char *layout = layouts[p->kind];

	assert(p->kind > PACKET_NONE_ && p->kind < PACKET_KINDS_);
	mpw_array(w, (uint32_t)(strlen(layout) - (strchr(layout, MAY_LACK) != NULL)) + 2);
	mpw_uint(w, p->kind);
	for (; *layout != '\0'; layout++) {
		const struct field *f = field_of(*layout);
		const uint8_t *at;
		uint64_t v;

		if (*layout == MAY_LACK)
			continue;
		at = (const uint8_t *)p + f->offset;
		if (f->type == FIELD_SIGN) {
			mpw_bin(w, p->sign, p->sign != NULL ? ROSTER_SIGN_BYTES : 0);
		} else if (f->type == FIELD_HEAD) {
			pack_head(w, &p->head);
		} else if (f->type == FIELD_BYTES) {
			mpw_bin(w, p->bytes, p->bytes_len);
		} else {
			memcpy(&v, at, sizeof v);
			mpw_uint(w, v);
		}
	}
}

void
packet_end(struct mpw *w, const struct mpw *rumours, uint32_t count)
{
	mpw_array(w, count);
	if (count > 0)
		mpw_raw(w, rumours->buf, rumours->len);
}

static int
read_sign(struct mp *r, struct packet *out)
{
	size_t len;
	int rc = mp_bin(r, &out->sign, &len);

	if (rc == 0 && len != 0 && len != ROSTER_SIGN_BYTES)
		rc = -ERR_MALFORMED;
	if (rc < 0 || len == 0)
		out->sign = NULL;
	return rc;
}

static int
read_field(struct mp *r, const struct field *f, struct packet *out)
{
	uint64_t v;
	int rc;

	if (f->type == FIELD_HEAD)
		return read_head(r, &out->head);
	if (f->type == FIELD_BYTES)
		return mp_bin(r, &out->bytes, &out->bytes_len);
	if (f->type == FIELD_SIGN)
		return read_sign(r, out);
	if ((rc = mp_uint_max(r, f->max, &v)) < 0)
		return rc;
	memcpy((uint8_t *)out + f->offset, &v, sizeof v);
	return 0;
}

int
packet_decode(const uint8_t *buf, size_t len, struct packet *out)
{
	struct mp r;
	uint32_t n;
	size_t from;
	const char *layout;
	bool lacks = false;
	int rc;

	memset(out, 0, sizeof *out);
	mp_init(&r, buf, len, 4);
	if ((rc = mp_array(&r, &n)) < 0)
		return rc;
	if (n < 2)
		return -ERR_MALFORMED;
	if ((rc = mp_uint(&r, &out->kind)) < 0)
		return rc;
	if (out->kind == PACKET_NONE_ || out->kind >= PACKET_KINDS_)
		return -ERR_UNKNOWN;
	layout = layouts[out->kind];
	for (n -= 2; *layout != '\0'; layout++) {
		if (*layout == MAY_LACK) {
			lacks = true;
			continue;
		}
		if (n == 0 && lacks)
			break;
		if (n-- == 0)
			return -ERR_MALFORMED;
		if ((rc = read_field(&r, field_of(*layout), out)) < 0)
			return rc;
	}
	for (; n > 0; n--)
		if ((rc = mp_skip(&r)) < 0)
			return rc;
	if ((rc = mp_array(&r, &out->rumours_count)) < 0)
		return rc;
	out->rumours = r.buf + r.off;
	from = r.off;
	for (uint32_t i = 0; i < out->rumours_count; i++)
		if ((rc = mp_skip(&r)) < 0)
			return rc;
	out->rumours_len = r.off - from;
	return mp_end(&r);
}

/* --- rumours --------------------------------------------------------------- */

enum { ADDRESS_BYTES = 18 };

static int
read_briefs(struct mp *r, struct rumour *out)
{
	const char *s;
	int rc = mp_str(r, &s, &out->briefs_len);

	out->briefs = rc < 0 ? NULL : (const uint8_t *)s;
	return rc;
}

/* What is told as bare bytes: an eviction. */
static int
read_bytes(struct mp *r, struct rumour *out)
{
	const uint8_t *b;
	size_t len;
	int rc = mp_bin(r, &b, &len);

	if (rc < 0)
		return rc;
	if (len != EVICTION_BYTES)
		return -ERR_MALFORMED;
	out->eviction = b;
	return 0;
}

void
rumour_pack(struct mpw *w, const struct rumour *r)
{
	uint8_t a[ADDRESS_BYTES];

	if (r->briefs != NULL) { /* no text, but a byte shorter than bin */
		mpw_str(w, (const char *)r->briefs, r->briefs_len);
		return;
	}
	if (r->eviction != NULL) {
		mpw_bin(w, r->eviction, EVICTION_BYTES);
		return;
	}
	mpw_array(w, !r->is_long ? 5 : r->cert_len > 0 ? 11 : 10);
	mpw_uint(w, (uint64_t)r->state);
	if (r->is_long)
		mpw_bin(w, r->pk, KEY_BYTES);
	else
		mpw_bin(w, r->id.b, ID_BYTES);
	mpw_uint(w, r->generation);
	mpw_uint(w, r->incarnation);
	mpw_uint(w, r->from);
	if (!r->is_long)
		return;
	memcpy(a, r->addr.ip, 16);
	be_put(a + 16, r->addr.port, 2);
	mpw_str(w, r->name, r->name_len);
	mpw_bin(w, a, sizeof a);
	mpw_bin(w, r->meta, r->meta_len);
	mpw_bin(w, r->sig, SIG_BYTES);
	mpw_uint(w, r->notice);
	if (r->cert_len > 0)
		mpw_bin(w, r->cert, r->cert_len);
}

static int
read_long(struct mp *r, struct rumour *out)
{
	uint8_t a[ADDRESS_BYTES];
	size_t sig_len;
	int rc;

	if ((rc = mp_str(r, &out->name, &out->name_len)) < 0 ||
	    (rc = mp_bytes(r, a, sizeof a)) < 0 ||
	    (rc = mp_bin(r, &out->meta, &out->meta_len)) < 0 ||
	    (rc = mp_bin(r, &out->sig, &sig_len)) < 0 ||
	    (rc = mp_uint_max(r, UINT16_MAX, &out->notice)) < 0)
		return rc;
	if (sig_len != SIG_BYTES)
		return -ERR_MALFORMED;
	memcpy(out->addr.ip, a, 16);
	out->addr.port = (uint16_t)be_get(a + 16, 2);
	out->is_long = true;
	if (!cert_name_fits(out->name, out->name_len) || out->meta_len > MESH_META_BYTES_MAX)
		return -ERR_MALFORMED;
	return 0;
}

/* Who: an id, or the whole key that a long one needs. */
static int
read_who(struct mp *r, struct rumour *out)
{
	const uint8_t *who;
	size_t len;
	int rc;

	if ((rc = mp_bin(r, &who, &len)) < 0)
		return rc;
	if (len == KEY_BYTES)
		out->pk = who;
	else if (len == ID_BYTES)
		memcpy(out->id.b, who, ID_BYTES);
	else
		return -ERR_MALFORMED;
	return 0;
}

int
rumour_read(struct mp *r, struct rumour *out)
{
	uint64_t state;
	uint32_t n;
	int rc;

	memset(out, 0, sizeof *out);
	if (mp_peek(r) == MP_STR)
		return read_briefs(r, out);
	if (mp_peek(r) == MP_BIN)
		return read_bytes(r, out);
	if ((rc = mp_array(r, &n)) < 0)
		return rc;
	if (n < 5)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(r, MESH_LEFT, &state)) < 0 ||
	    (rc = read_who(r, out)) < 0 ||
	    (rc = mp_uint_max(r, UINT64_MAX >> SEAL_COUNTER_BITS, &out->generation)) < 0 ||
	    (rc = mp_uint_max(r, UINT32_MAX - 1, &out->incarnation)) < 0 ||
	    (rc = mp_uint(r, &out->from)) < 0)
		return rc;
	out->state = (enum mesh_state)state;
	n -= 5;
	if (out->pk != NULL) {
		if (n < 5)
			return -ERR_MALFORMED;
		if ((rc = read_long(r, out)) < 0)
			return rc;
		n -= 5;
		if (n > 0 && mp_peek(r) == MP_BIN) {
			if ((rc = mp_bin(r, &out->cert, &out->cert_len)) < 0)
				return rc;
			n--;
		}
	}
	for (; n > 0; n--)
		if ((rc = mp_skip(r)) < 0)
			return rc;
	return 0;
}

bool
addr_possible(const struct addr *a)
{
	static const uint8_t v4[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
	static const uint8_t zero[16];

	if (a->port == 0 || memcmp(a->ip, zero, 16) == 0)
		return false;
	if (memcmp(a->ip, v4, sizeof v4) == 0)
		return a->ip[12] != 0 && a->ip[12] < 224; /* 0/8, multicast, 240/4 */
	return a->ip[0] != 0xff;
}
