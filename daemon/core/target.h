/*
 * target.h - whose a series of an application is: labels of the place it was told at,
 * besides its own.
 *
 *	own		http_requests_total{code="200", job="mine"}
 *	the target's	role="web" instance="web.1" node="n1" job="web"
 *	in the store	http_requests_total{code="200", exported_job="mine", instance="web.1",
 *			    job="web", node="n1", role="web"}
 *
 * As Prometheus does (honor_labels: false): an own label of such a name is called
 * exported_NAME, and exported_exported_NAME if there is one of that name too.
 *
 * Names are free, or an exporter could not run in a container: what tells its node_load1
 * from the host's is `job`.  So no application has a job of ours, whatever its role is
 * called, and a name that is told by us alone, and asked for without a job, none may use.
 */
#ifndef CORE_TARGET_H
#define CORE_TARGET_H

#include "labels.h"

/* Borrowed. */
struct target {
	struct slice role, instance, node;
	struct slice endpoint; /* empty: the instance has but one */
};

/* l with the target's, packed into out (LABELS_BYTES_MAX): bytes, or -ERR_FULL, -ERR_LONG
 * when together they are more than a series can have. */
MUST_CHECK int target_pack(const struct target *t, struct labels *l, uint8_t *out);

/* Of a series' labels, packed: was it measured by mesh (job is node, cadvisor or mesh)? */
bool target_is_ours(struct slice packed);

/* Why no application may call a series so; NULL: it may. */
const char *target_refuses(struct slice name);

#endif
