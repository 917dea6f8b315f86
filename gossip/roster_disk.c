/*
 * roster_disk.c - the roster as it lies on disk, in mesh_saved.
 */
#include "inner.h"

enum {
	BLOB_VERSION = 3, /* 2: nobody signed it */
	BIT_SPENT = 16, /* of an entry, beside roster_bits: roster_spent */
	BITS_MAX = 31,
	LATE_MS = 1000, /* all who are told in one table are written at once */
};

/* [version, term, count, entries, signed, [id, bits, weight old, weight new, name, ip, port,
 * meta] ...], and the certificate at the end of an entry where there is a CA: also the
 * addresses, so that a restart knows whom to call when every seed is gone.  signed: as in
 * roster_sign.h, or nothing; a blob of version 2 has no such field. */
void
roster_save(struct mesh *m)
{
	struct roster *ro = &m->roster;
	const uint8_t *cert;
	size_t cert_len;
	struct mpw w;

	if (!ro->blob_stale)
		return;
	ro->blob_stale = false;
	ro->late_at = 0;
	mpw_init(&w, ro->blob, ro->blob_cap);
	mpw_array(&w, 5 + ro->n.all);
	mpw_uint(&w, BLOB_VERSION);
	mpw_uint(&w, ro->id.term);
	mpw_uint(&w, ro->id.version);
	mpw_uint(&w, ro->n.all);
	mpw_bin(&w, ro->sign, ro->is_signed ? ROSTER_SIGN_BYTES : 0);
	for (uint32_t k = 0; k < m->ms.count; k++) {
		uint32_t i = m->ms.order[k];
		const struct member *x = &m->ms.m[i];

		if (x->roster == 0)
			continue;
		cert = admit_held(m, i, &cert_len);
		mpw_array(&w, cert != NULL ? 9 : 8);
		mpw_bin(&w, x->id.b, ID_BYTES);
		mpw_uint(&w, roster_bits(x) | (roster_spent(m, i) ? BIT_SPENT : 0u));
		mpw_uint(&w, x->weight.old);
		mpw_uint(&w, x->weight.new);
		mpw_str(&w, members_name(&m->ms, i), x->name_len);
		mpw_bin(&w, x->addr.ip, sizeof x->addr.ip);
		mpw_uint(&w, x->addr.port);
		mpw_bin(&w, members_meta(&m->ms, i), x->meta_len);
		if (cert != NULL)
			mpw_bin(&w, cert, cert_len);
	}
	assert(!w.full);
	ro->blob_len = w.len;
}

/*
 * A roster may come before the records of those in it: who takes a mesh's roster as it
 * joins knows them by their ids alone, and the next save may be far away.  A crash before
 * it would leave ids that nobody can call.  So they are written once, a moment after the
 * first of them is told: each member's name comes late once at most, as it is on disk then.
 */
void
roster_late(struct mesh *m)
{
	m->roster.blob_stale = true;
	if (m->roster.late_at == 0)
		m->roster.late_at = m->ticked + LATE_MS;
}

void
roster_disk_tick(struct mesh *m, msec now)
{
	if (m->roster.late_at == 0 || now < m->roster.late_at)
		return;
	m->roster.late_at = 0;
	m->must_save = true;
}

msec
roster_disk_deadline(const struct mesh *m)
{
	return m->roster.late_at != 0 ? m->roster.late_at : MSEC_NEVER;
}

static int
load_entry(struct mesh *m, msec now, struct mp *r)
{
	struct node_id id;
	struct addr addr;
	uint64_t bits, port, old = 1, new = 1;
	const char *name;
	const uint8_t *meta;
	struct rumour cert = {.cert_len = 0};
	size_t name_len, meta_len;
	uint32_t n, i;
	int rc;

	if ((rc = mp_array(r, &n)) < 0)
		return rc;
	if (n != 6 && n != 8 && n != 9) /* 6: before votes had weights */
		return -ERR_MALFORMED;
	if ((rc = mp_bytes(r, id.b, ID_BYTES)) < 0 || (rc = mp_uint_max(r, BITS_MAX, &bits)) < 0)
		return rc;
	if (n >= 8 && ((rc = mp_uint_max(r, MESH_WEIGHT_MAX, &old)) < 0 ||
			  (rc = mp_uint_max(r, MESH_WEIGHT_MAX, &new)) < 0))
		return rc;
	if ((rc = mp_str(r, &name, &name_len)) < 0 ||
	    (rc = mp_bytes(r, addr.ip, sizeof addr.ip)) < 0 ||
	    (rc = mp_uint_max(r, UINT16_MAX, &port)) < 0 ||
	    (rc = mp_bin(r, &meta, &meta_len)) < 0)
		return rc;
	if (n == 9 && (rc = mp_bin(r, &cert.cert, &cert.cert_len)) < 0)
		return rc;
	if (cert.cert_len > CERT_BYTES_MAX)
		return -ERR_RANGE;
	if (name_len > NAME_BYTES_MAX || meta_len > MESH_META_BYTES_MAX)
		return -ERR_RANGE;
	if ((i = members_find_id(&m->ms, &id)) == MEMBER_NONE) {
		if ((rc = members_add(&m->ms, &id, now)) < 0)
			return rc;
		i = (uint32_t)rc;
		addr.port = (uint16_t)port;
		m->ms.m[i].addr = addr;
		members_set_text(&m->ms, i, name, name_len, meta, meta_len);
		swim_added(m, i);
	}
	roster_vote(&m->ms.m[i], bits, old, new);
	if ((bits & BIT_SPENT) != 0)
		m->ms.votes[i].gone = m->roster.id;
	if (i != 0)
		admit_take(m, i, &cert);
	return 0;
}

static int
load_sign(struct mesh *m, struct mp *r)
{
	struct roster *ro = &m->roster;
	const uint8_t *sign;
	size_t len;
	int rc;

	if ((rc = mp_bin(r, &sign, &len)) < 0)
		return rc;
	if (len != 0 && len != ROSTER_SIGN_BYTES)
		return -ERR_MALFORMED;
	memcpy(ro->sign, sign, len);
	ro->is_signed = len != 0;
	return 0;
}

int
roster_load(struct mesh *m, msec now)
{
	uint64_t version, count;
	struct mp r;
	uint32_t n, head;
	int rc;

	mp_init(&r, m->conf.saved.roster, m->conf.saved.roster_bytes, 2);
	if ((rc = mp_array(&r, &n)) < 0)
		return rc;
	if (n < 4)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(&r, BLOB_VERSION, &version)) < 0)
		return rc;
	head = version >= BLOB_VERSION ? 5 : 4;
	if (n < head)
		return -ERR_MALFORMED;
	if ((rc = mp_uint_max(&r, INT64_MAX, &m->roster.id.term)) < 0 ||
	    (rc = mp_uint_max(&r, INT64_MAX, &m->roster.id.version)) < 0 ||
	    (rc = mp_uint_max(&r, n - head, &count)) < 0)
		return rc;
	if (head == 5 && (rc = load_sign(m, &r)) < 0)
		return rc;
	for (uint64_t k = 0; k < count; k++)
		if ((rc = load_entry(m, now, &r)) < 0)
			return rc;
	if ((rc = mp_end(&r)) == 0)
		roster_recount(m);
	m->roster.late_at = 0; /* it came from there */
	/* It is on disk before the term is; a crash in between must not lead to a leader of
	 * a term below that of its roster. */
	if (rc == 0 && m->member && m->roster.id.term > m->saved.term) {
		m->saved.term = m->roster.id.term;
		m->saved.voted_for = (struct node_id){{0}};
	}
	return rc;
}
