/*
 * varsrender.c - everything a template of one role on one node may name.
 */
#include "../base/scriptio.h"
#include "planpack.h"
#include "vars.h"

static void
pack_field(struct pack *p, const char *key, const char *value)
{
	pack_str(p, key);
	pack_str(p, value);
}

/* vars < roles[r].vars < nodes[n].vars < nodes[n].roles[r].vars */
static int
merge(const struct vars_render *in, const struct plan_role *role, const struct plan_node *node,
    const struct plan_place *place, struct blob *out)
{
	struct slice layers[4] = {blob_slice(&in->plan->vars)};

	if (role != NULL)
		layers[1] = blob_slice(&role->vars);
	if (node != NULL)
		layers[2] = blob_slice(&node->vars);
	if (place != NULL)
		layers[3] = blob_slice(&place->vars);
	return vars_merge(layers, ARRAY_LEN(layers), out);
}

int
vars_render(const struct vars_render *in, struct blob *out)
{
	const struct plan_role *role = plan_role(in->plan, in->role);
	const struct plan_node *node = plan_node(in->plan, in->node);
	const struct plan_place *place = node != NULL ? plan_place(node, in->role) : NULL;
	static const struct plan_place nothing;
	struct blob vars;
	struct pack p;
	int rc = merge(in, role, node, place, &vars);

	*out = (struct blob){0};
	if (rc != 0)
		return rc;
	pack_begin(&p, SCRIPT_IN_BYTES_MAX);
	pack_map(&p, 6);
	pack_field(&p, "deployment", in->stamp);
	pack_str(&p, "instances");
	planpack_instances(&p, place != NULL ? place : &nothing);
	pack_str(&p, "node");
	pack_map(&p, 3);
	pack_field(&p, "address", in->address);
	pack_field(&p, "name", in->node);
	pack_field(&p, "zone", in->zone);
	pack_str(&p, "role");
	pack_map(&p, 2);
	pack_field(&p, "name", in->role);
	pack_field(&p, "version", plan_version(role, place));
	pack_str(&p, "schedule");
	pack_map(&p, 3);
	pack_str(&p, "nodes");
	planpack_nodes(&p, in->plan);
	pack_str(&p, "roles");
	planpack_roles(&p, in->plan);
	pack_field(&p, "stamp", in->stamp);
	pack_str(&p, "vars");
	pack_raw_map(&p, blob_slice(&vars));
	blob_free(&vars);
	return pack_end(&p, out);
}
