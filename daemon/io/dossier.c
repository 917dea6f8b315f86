/*
 * dossier.c - see dossier.h.  What a record says counts once the mesh took it: then
 * its owner signed it, and it is newer than the one held.
 */
#include "dossier.h"

#include <stdio.h>
#include <stdlib.h>

#include "../base/log.h"
#include "../base/name.h"
#include "../base/own.h"
#include "../core/factcode.h"
#include "engine.h"
#include "looks.h"
#include "pack.h"
#include "wire.h"

enum { TIMEOUT_MS = 4000, SWEEP_S = 10 };

static int
by_id(const void *a, const void *b)
{
	return memcmp(a, b, ID_BYTES);
}

static int
by_short_id(const void *a, const void *b)
{
	return memcmp(a, b, SHORT_ID_BYTES);
}

static struct dossier_row *
find(const struct dossier *d, const void *id, int (*cmp)(const void *, const void *))
{
	return d->count == 0 ? NULL : bsearch(id, d->rows, d->count, sizeof *d->rows, cmp);
}

static void
row_free(struct dossier_row *row)
{
	free((void *)row->record.whole);
	view_facts_free(&row->facts);
}

static struct dossier_row *
row_for(struct dossier *d, const struct node_id *id)
{
	struct dossier_row *row = find(d, id, by_id), *more;
	size_t at = d->count;

	if (row != NULL)
		return row;
	if ((more = realloc(d->rows, (d->count + 1) * sizeof *more)) == NULL)
		return NULL;
	d->rows = more;
	for (; at > 0 && id_cmp(&more[at - 1].id, id) > 0; at--)
		more[at] = more[at - 1];
	more[at] = (struct dossier_row){.id = *id};
	d->count++;
	return &more[at];
}

/* Takes bytes, a whole record, malloc'd.  Without memory it is as if it never came;
 * what the mesh counts as held and is not here is shown as not known. */
static void
keep(struct dossier *d, uint8_t *bytes, size_t len)
{
	const uint8_t *at = bytes;
	struct facts_record r;
	struct dossier_row *row;

	if (facts_next(&r, &at, bytes + len) <= 0 || (row = row_for(d, &r.id)) == NULL) {
		free(bytes);
		return;
	}
	row_free(row);
	row->record = r;
	row->readable = factcode_read(r.facts, r.len, &row->facts, &row->cut) == 0;
}

const struct view_facts *
dossier_facts(const struct engine *e, const struct node_id *id, struct mesh_facts *held)
{
	const struct dossier_row *row = find(&e->dossier, id, by_id);

	*held = (struct mesh_facts){.version = 0};
	if (e->mesh == NULL || !mesh_facts_held(e->mesh, id, held) || row == NULL || !row->readable ||
	    row->record.generation != held->generation || row->record.version != held->version)
		return NULL;
	return &row->facts;
}

/* --- this node's own -------------------------------------------------------------- */

static void
say(struct engine *e)
{
	struct dossier *d = &e->dossier;
	uint8_t head[FACTS_HEAD_BYTES], *bytes;
	struct blob facts;
	uint32_t cut;

	if (factcode_pack(&e->facts, FACTS_BYTES_MAX, &facts, &cut) < 0)
		return; /* the last ones stand */
	bytes = malloc(FACTS_HEAD_BYTES + facts.len);
	if (bytes != NULL && mesh_facts_say(e->mesh, facts.b, facts.len, head, &d->hint) == 1) {
		memcpy(bytes, head, FACTS_HEAD_BYTES);
		memcpy(bytes + FACTS_HEAD_BYTES, facts.b, facts.len);
		keep(d, bytes, FACTS_HEAD_BYTES + facts.len);
		bytes = NULL;
		if (cut > 0 && cut != d->cut)
			log_warn("facts: %u names of images or sandboxes do not fit into %d bytes", cut,
			    FACTS_BYTES_MAX);
		d->cut = cut;
	}
	free(bytes);
	blob_free(&facts);
}

/* Of nodes that left, and of those whose place in the table was given away. */
static void
sweep(struct engine *e)
{
	struct dossier *d = &e->dossier;
	struct mesh_facts held;
	size_t kept = 0;

	for (size_t i = 0; i < d->count; i++)
		if (mesh_facts_held(e->mesh, &d->rows[i].id, &held))
			d->rows[kept++] = d->rows[i];
		else
			row_free(&d->rows[i]);
	d->count = kept;
}

void
dossier_second(struct engine *e)
{
	say(e);
	if (e->seconds % SWEEP_S == 0)
		sweep(e);
}

const char *
dossier_problem(const struct engine *e, char out[ERR_TEXT_CAP], const char **hint)
{
	if (e->dossier.cut == 0)
		return NULL;
	snprintf(out, ERR_TEXT_CAP, "facts: %u names of images or sandboxes do not fit into %d bytes: "
	    "other nodes do not see them", e->dossier.cut, FACTS_BYTES_MAX);
	*hint = "remove images that nobody uses, or give them shorter names";
	return out;
}

/* --- asking ------------------------------------------------------------------------- */

struct asking {
	struct engine *e;
	uint32_t number;
};

/* One record.  False: it is forged, or there is no memory: what follows is not looked at. */
static bool
take(struct engine *e, const struct facts_record *r)
{
	uint8_t *bytes = malloc(r->whole_len);
	int rc = bytes == NULL ? -ERR_FULL : mesh_facts_take(e->mesh, r);

	if (rc < 0) {
		free(bytes);
		return rc != -ERR_AUTH && rc != -ERR_FULL;
	}
	memcpy(bytes, r->whole, r->whole_len);
	keep(&e->dossier, bytes, r->whole_len);
	return true;
}

/* No more of it than was asked for: each costs a signature. */
static void
on_answer(void *arg, int rc, const uint8_t *data, size_t len)
{
	AUTO_FREE struct asking *a = arg;
	struct engine *e = a->e;
	const uint8_t *at = data;
	struct facts_record r;
	int more = 0;

	if (e->mesh == NULL)
		return;
	for (int n = 0; rc == 0 && n < FACTS_ITEMS_MAX; n++)
		if ((more = facts_next(&r, &at, data + len)) <= 0 || !take(e, &r))
			break;
	if (more < 0)
		log_debug("facts: a malformed answer, dropped from its byte %zu on", (size_t)(at - data));
	mesh_facts_over(e->mesh, net_now(), a->number);
	engine_kick(e);
}

void
dossier_look(struct engine *e)
{
	struct mesh_facts_ask ask;

	while (mesh_facts_poll(e->mesh, net_now(), &ask)) {
		struct asking *a = malloc(sizeof *a);

		if (a != NULL)
			*a = (struct asking){e, ask.number};
		if (a == NULL || stream_request(e->loop, &e->keys, &ask.addr, QUERY_FACTS, ask.question,
			ask.len, TIMEOUT_MS, on_answer, a) == NULL) {
			free(a);
			mesh_facts_over(e->mesh, net_now(), ask.number);
			return;
		}
	}
}

/* --- answering ------------------------------------------------------------------------ */

static const struct facts_record *
newer(const struct engine *e, const struct facts_item *it, const uint8_t *short_id)
{
	const struct dossier_row *row = find(&e->dossier, short_id, by_short_id);
	struct mesh_facts held;

	if (row == NULL || !mesh_facts_held(e->mesh, &row->id, &held) ||
	    !facts_newer(row->record.generation, row->record.version, it->generation, it->version))
		return NULL;
	return &row->record;
}

void
dossier_serve(struct engine *e, const uint8_t *payload, size_t len, struct stream_answer *answer)
{
	struct facts_item it[FACTS_ITEMS_MAX];
	int n = e->mesh == NULL ? -ERR_UNKNOWN : facts_items(it, payload, len);
	msgpack_sbuffer buf; /* of bytes: nothing is packed */

	if (n < 0) {
		stream_answer_fail(answer, -n);
		return;
	}
	msgpack_sbuffer_init(&buf);
	for (int i = 0; i < n; i++) {
		const struct facts_record *r = newer(e, &it[i], payload + i * FACTS_ITEM_BYTES);

		if (r != NULL && buf.size + r->whole_len <= FACTS_ANSWER_MAX)
			msgpack_sbuffer_write(&buf, (const char *)r->whole, r->whole_len);
	}
	stream_answer_send(answer, buf.data, buf.size);
	msgpack_sbuffer_destroy(&buf);
}

/* --- shown ------------------------------------------------------------------------------ */

static void
pack_names(msgpack_packer *pk, const char *key, const char *names, size_t width, uint32_t count)
{
	pk_str(pk, key);
	msgpack_pack_array(pk, count);
	for (uint32_t i = 0; i < count; i++)
		pk_str(pk, names + i * width);
}

static void
pack_row(const struct engine *e, const struct mesh_member *m, msgpack_packer *pk)
{
	static const struct view_facts none;
	const struct dossier_row *row = find(&e->dossier, &m->id, by_id);
	struct mesh_facts held;
	const struct view_facts *f = dossier_facts(e, &m->id, &held);
	char id[2 * ID_BYTES + 1], hash[17] = "";

	looks_id_text(&m->id, id);
	if (f != NULL)
		snprintf(hash, sizeof hash, "%016llx", (unsigned long long)f->config_hash);
	msgpack_pack_map(pk, 15 + LOOKS_STATE_KEYS);
	pk_kstr(pk, "name", m->name);
	pk_kstr(pk, "id", id);
	looks_pack_state(m, pk);
	pk_kbool(pk, "self", m->self);
	pk_kstr(pk, "known", f == NULL ? "no" : held.current ? "yes" : "old");
	pk_kuint(pk, "generation", held.generation);
	pk_kuint(pk, "version", held.version);
	pk_kuint(pk, "bytes", held.bytes);
	pk_kuint(pk, "left_out", f == NULL ? 0 : row->cut);
	f = f == NULL ? &none : f;
	pk_kstr(pk, "arch", f->arch);
	pk_kstr(pk, "kernel", f->kernel);
	pk_kuint(pk, "cpus", f->cpus);
	pk_kuint(pk, "memory_bytes", f->memory_bytes);
	pk_kstr(pk, "config_hash", hash);
	pack_names(pk, "sandboxes", (const char *)f->sandboxes, NAME_CAP, f->sandboxes_count);
	pack_names(pk, "images", (const char *)f->images, VIEW_IMAGE_CAP, f->images_count);
}

void
dossier_verb(struct engine *e, struct ctl_req *r)
{
	struct mesh_member m, one;
	msgpack_packer *pk;
	uint32_t n = 0;

	if (ctl_arg_has(r, "node")) {
		if (!looks_find_asked(e, r, "node", "mesh facts [NODE]", &one))
			return;
		pk = ctl_begin(r);
		msgpack_pack_array(pk, 1);
		pack_row(e, &one, pk);
		ctl_end(r);
		return;
	}
	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		n += m.state != MESH_LEFT;
	pk = ctl_begin(r);
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; e->mesh != NULL && mesh_member(e->mesh, i, &m); i++)
		if (m.state != MESH_LEFT)
			pack_row(e, &m, pk);
	ctl_end(r);
}
