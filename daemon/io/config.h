/*
 * config.h - the daemon config (DESIGN §10) as the engine wants it: flat
 * records from the supervisor, defaults filled in, addresses parsed.
 */
#ifndef IO_CONFIG_H
#define IO_CONFIG_H

#include "../../gossip/mesh.h"
#include "../base/err.h"
#include "../base/flat.h"
#include "../base/log.h"

enum {
	CONFIG_PATH_CAP = 1024,
	CONFIG_OPERATORS_MAX = 32,
	CONFIG_SEED_CAP = 264, /* a DNS name (253), :PORT and NUL */
};

struct config {
	char name[NAME_CAP], zone[NAME_CAP], tags[160]; /* tags: "k=v,k=v" */
	char cluster[NAME_CAP];				/* the cluster's name, for status */
	char config_dir[CONFIG_PATH_CAP], images_dir[CONFIG_PATH_CAP];
	char sandboxes_dir[CONFIG_PATH_CAP + 32]; /* NAME.yaml for each */
	char log_dir[CONFIG_PATH_CAP], state_dir[CONFIG_PATH_CAP];
	char key_path[CONFIG_PATH_CAP]; /* "" = state_dir/cluster.key */
	struct addr listen, advertise;
	char seed_names[MESH_SEEDS_MAX][CONFIG_SEED_CAP]; /* HOST:PORT as written */
	size_t seeds_count;
	struct mesh_policy policy;
	enum mesh_profile profile;
	uint32_t members_max; /* 2..MESH_MEMBERS_LIMIT */
	msec lease_ms, restart_grace_ms;
	uint32_t operators[CONFIG_OPERATORS_MAX];
	size_t operators_count;
	uint32_t http_uid; /* meshd-http's; 0: it does not run, or as everybody here */
	int64_t script_heap_bytes, script_cpu_ms, script_wall_ms;
	int64_t metrics_bytes, metrics_keep_ms;
	int64_t rounds_bytes, rounds_keep_ms; /* 0 bytes: no round is recorded */
	enum log_level log_level;
};

/* 0, or -EXIT_CONFIG / -EXIT_ENVIRONMENT with the line. */
MUST_CHECK int config_read(struct config *c, const struct flat *f, struct err *err);

#endif
