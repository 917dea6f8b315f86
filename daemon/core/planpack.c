/*
 * planpack.c - a plan as nested maps.
 */
#include "planpack.h"

static void
pack_vars(struct pack *p, const struct blob *vars)
{
	pack_str(p, "vars");
	pack_raw_map(p, blob_slice(vars));
}

void
planpack_instances(struct pack *p, const struct plan_place *pl)
{
	pack_map(p, pl->instances_count);
	for (size_t i = 0; i < pl->instances_count; i++) {
		const struct plan_instance *in = &pl->instances[i];

		pack_str(p, in->id);
		pack_map(p, 3);
		pack_str(p, "image");
		pack_str(p, in->image);
		pack_str(p, "process");
		pack_str(p, in->process);
		pack_vars(p, &in->vars);
	}
}

static void
pack_place(struct pack *p, const struct plan_place *pl)
{
	const struct plan_code *code = pl->code;
	bool template = code != NULL && code->template_name[0] != '\0';
	bool version = code != NULL && code->version[0] != '\0';

	pack_str(p, pl->role);
	pack_map(p, 3u + template + version);
	pack_str(p, "instances");
	planpack_instances(p, pl);
	pack_str(p, "sandbox");
	pack_str(p, pl->sandbox);
	if (template) {
		pack_str(p, "template");
		pack_str(p, code->template_name);
	}
	pack_vars(p, &pl->vars);
	if (version) {
		pack_str(p, "version");
		pack_str(p, code->version);
	}
}

void
planpack_nodes(struct pack *p, const struct plan *plan)
{
	pack_map(p, plan->nodes_count);
	for (size_t i = 0; i < plan->nodes_count; i++) {
		const struct plan_node *n = &plan->nodes[i];

		pack_str(p, n->name);
		pack_map(p, 2);
		pack_str(p, "roles");
		pack_map(p, n->places_count);
		for (size_t k = 0; k < n->places_count; k++) {
			const struct plan_place *pl = &n->places[k];

			pack_place(p, pl);
		}
		pack_vars(p, &n->vars);
	}
}

void
planpack_roles(struct pack *p, const struct plan *plan)
{
	pack_map(p, plan->roles_count);
	for (size_t i = 0; i < plan->roles_count; i++) {
		const struct plan_role *r = &plan->roles[i];
		bool version = r->version[0] != '\0', rendered = r->template_name[0] != '\0';
		bool update = r->update.len > 0;

		pack_str(p, r->name);
		pack_map(p, 2u + version + rendered + update);
		pack_str(p, "on_split");
		pack_str(p, plan_split_name(r->on_split));
		if (rendered) {
			pack_str(p, "template");
			pack_str(p, r->template_name);
		}
		if (update) {
			pack_str(p, "update");
			pack_raw(p, blob_slice(&r->update));
		}
		pack_vars(p, &r->vars);
		if (version) {
			pack_str(p, "version");
			pack_str(p, r->version);
		}
	}
}
