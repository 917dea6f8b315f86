/*
 * view.h - the world as one node sees it, in plain structs: what the leader's
 * round starts from and what `mesh ps` prints.  Built by the engine from
 * members and reports; all strings NUL-terminated; owned by the caller.
 */
#ifndef CORE_VIEW_H
#define CORE_VIEW_H

#include "../../gossip/base.h"
#include "blob.h"

enum {
	VIEW_LIST_MAX = 256,  /* images or sandboxes named per node */
	VIEW_IMAGE_CAP = 256,
	VIEW_IMAGE_LEVELS_MAX = 8,
	VIEW_TEXT_CAP = 160,
	VIEW_TAGS_CAP = 160,  /* "k=v,k=v" */
	VIEW_STANDARD_COUNT = 56, /* of the standard set, beside the five that are read */
	VIEW_ANSWERS_MAX = 64, /* names that a schedule's `query` may have */
	VIEW_ANSWER_BYTES_MAX = 12 << 10, /* of one node's answer to one of them */
};

/* State words of DESIGN §10; view_state_name() gives the text. */
enum view_state {
	VIEW_UNKNOWN,	 /* scheduled, nothing heard from its node */
	VIEW_STARTING,
	VIEW_RUNNING,
	VIEW_STOPPING,
	VIEW_BACKOFF,
	VIEW_CRASH_LOOP,
	VIEW_FAILED,
	VIEW_LOST,	 /* its node is failed */
	VIEW_EXITED,
	VIEW_WAITING,	 /* exclusive: for its role lease; error says why */
	VIEW_HELD,	 /* by an operator of its host, until mesh start */
	VIEW_STATES,
};

enum view_health { VIEW_HEALTH_NONE, VIEW_HEALTH_WAIT, VIEW_HEALTHY, VIEW_UNHEALTHY };

struct view_instance {
	char id[NAME_CAP], role[NAME_CAP], version[NAME_CAP], node[NAME_CAP];
	char image[VIEW_IMAGE_CAP];
	char error[VIEW_TEXT_CAP]; /* why it failed or is held; "" = nothing */
	enum view_state state;
	enum view_health health;
	bool unrendered; /* its role's part of the schedule is not in use there: rendering or the check failed, error says why */
	uint32_t restarts;
	int32_t pid;
	uint64_t since_ms; /* wall clock of the last change */
	uint64_t lease_until_ms; /* wall clock: its role lease, 0 = it has none */
};

/* Facts a node tells about itself with its report. */
struct view_facts {
	char arch[16], kernel[64];
	uint32_t cpus;
	uint64_t memory_bytes;
	uint64_t config_hash; /* of the config trees */
	uint32_t images_count, sandboxes_count;
	char (*images)[VIEW_IMAGE_CAP]; /* owned, malloc'd; may be NULL */
	char (*sandboxes)[NAME_CAP];
};

struct view_metrics {
	double load1, cpu_percent;
	uint64_t memory_free_bytes, disk_free_bytes, disk_bytes;
	int64_t standard[VIEW_STANDARD_COUNT]; /* codes of the standard set (standard.h) */
};

/* A node's answer to an entry of a schedule's `query` (query.h). */
struct view_answer {
	char name[NAME_CAP];
	uint32_t mark; /* of the expression answered: under its name another may be asked now */
	struct blob bytes; /* owned: its parts' results, as query_pack made them */
};

enum view_node_state { VIEW_ALIVE, VIEW_SUSPECT, VIEW_NODE_FAILED, VIEW_LEFT, VIEW_RESTARTING };

struct view_node {
	struct node_id id;
	char name[NAME_CAP], address[64], zone[NAME_CAP], tags[VIEW_TAGS_CAP];
	char version[NAME_CAP]; /* of its mesh; "" = it did not say */
	enum view_node_state state;
	uint64_t since_ms; /* wall clock */
	bool draining, unstable, reported;
	struct view_facts facts;
	struct view_metrics metrics;
	const struct view_answer *answers; /* borrowed; by name, unique */
	uint32_t answers_count;
	uint64_t age_ms; /* of metrics and answers: since its report came */
};

/* A host action that failed, and is tried again. */
struct view_hostact {
	char role[NAME_CAP], action[NAME_CAP];
	char error[VIEW_TEXT_CAP];
};

struct view_side {
	int grade; /* enum mesh_grade */
	uint32_t visible, known;
	uint64_t term;
};

/* The words of DESIGN §10; never NULL, "unknown" for what is out of range. */
const char *view_state_name(enum view_state s);
const char *view_health_name(enum view_health h);	  /* none wait healthy unhealthy */
const char *view_node_state_name(enum view_node_state s); /* alive ... left restarting */
/* Free the lists; the struct may be used again. */
void view_facts_free(struct view_facts *f);

#endif
