/*
 * renderin.c - what a role here is rendered from: its templates, which have to be those
 * of the schedule, and its variables.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "../core/vars.h"
#include "addr.h"
#include "engine.h"
#include "world.h"

/* As the others see it, and scripts: with a CA its word, whatever that host's config says. */
static void
zone_of(const struct engine *e, const struct mesh_member *other, char zone[NAME_CAP])
{
	char tags[VIEW_TAGS_CAP], version[NAME_CAP];
	struct mesh_member me;

	snprintf(zone, NAME_CAP, "%s", e->conf.zone);
	if (other == NULL && e->mesh != NULL && mesh_find(e->mesh, &e->identity.id, &me))
		other = &me;
	if (other != NULL)
		world_meta_read(other, zone, tags, version);
}

int
apply_render_in(struct engine *e, const char *role, const struct mesh_member *other,
    struct render_in *in, struct blob *vars, char template_name[VIEW_IMAGE_CAP], struct err *err)
{
	const struct plan_role *pr = plan_role(&e->apply.plan, role);
	const struct plan_node *n = other != NULL ? plan_node(&e->apply.plan, other->name) : &e->apply.here;
	const struct hash *wants;
	const char *name = plan_template(pr, n != NULL ? plan_place(n, role) : NULL, &wants);
	const struct plan_template *t;
	char address[ADDR_TEXT_CAP], stamp[STAMP_TEXT_CAP], zone[NAME_CAP];

	if (pr == NULL || name[0] == '\0')
		return err_set(err, EXIT_CONFIG, "role '%s': %s", role,
		    pr == NULL ? "not in the schedule" : "the schedule names no template for it");
	if ((t = trees_template(&e->trees, name)) == NULL)
		return err_set(err, EXIT_CONFIG,
		    "template '%s': not on this node (%s/templates/%s/render.yaml); copy the config-dir here",
		    name, e->conf.config_dir, name);
	if (!hash_eq(&t->hash, wants))
		return err_set(err, EXIT_CONFIG,
		    "template '%s': this node has %02x%02x%02x%02x, the schedule wants %02x%02x%02x%02x; copy the config-dir here",
		    name, t->hash.b[0], t->hash.b[1], t->hash.b[2], t->hash.b[3], wants->b[0], wants->b[1],
		    wants->b[2], wants->b[3]);
	addr_format_host(other != NULL ? &other->addr : &e->conf.advertise, address, sizeof address);
	zone_of(e, other, zone);
	stamp_text(&e->keep.current.meta.stamp, stamp);
	struct vars_render vr = {.plan = &e->apply.plan,
	    .node = other != NULL ? other->name : e->conf.name,
	    .role = role,
	    .address = address,
	    .zone = zone,
	    .stamp = stamp};
	if (vars_render(&vr, vars) < 0)
		return err_set(err, EXIT_CONFIG, "role '%s': its variables are larger than 1 MiB", role);
	snprintf(template_name, VIEW_IMAGE_CAP, "%s", name);
	*in = (struct render_in){.loop = e->loop,
	    .script_fd = e->script_fd,
	    .conf_fd = e->conf_fd,
	    .conf = &e->conf,
	    .trees = &e->trees,
	    .docs = e->apply.docs,
	    .role = role,
	    .template_name = template_name,
	    .vars = blob_slice(vars)};
	return 0;
}

void
apply_key(const struct engine *e, const struct plan_place *p, struct hash *out)
{
	const struct schedule *s = &e->keep.current;
	const struct plan_role *pr = plan_role(&e->apply.plan, p->role);
	const struct plan_template *t =
	    pr != NULL ? trees_template(&e->trees, plan_template(pr, p, NULL)) : NULL;
	size_t n = 0;
	AUTO_FREE uint8_t *buf = calloc(s->parts_count + 2, HASH_BYTES);

	memset(out, 0, sizeof *out);
	if (buf == NULL)
		return;
	for (size_t i = 0; i < s->parts_count; i++)
		if (s->parts[i].kind != SCHEDULE_PRIVATE)
			memcpy(buf + n++ * HASH_BYTES, s->parts[i].hash.b, HASH_BYTES);
	crypto_hash256((struct hash *)(void *)(buf + n++ * HASH_BYTES), p->role, sizeof p->role);
	if (t != NULL)
		memcpy(buf + n++ * HASH_BYTES, t->hash.b, HASH_BYTES);
	crypto_hash256(out, buf, n * HASH_BYTES);
}
