/*
 * insides.c - see insides.h.  Field by field, never a file as it lies there: what
 * is not named here can't get out.
 */
#include "insides.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "../../gossip/facts.h"
#include "../base/log.h"
#include "addr.h"
#include "engine.h"
#include "looks.h"
#include "pack.h"
#include "paces.h"

static void
pack_addr(msgpack_packer *pk, const char *key, const struct addr *a)
{
	char text[ADDR_TEXT_CAP];

	addr_format(a, text, sizeof text);
	pk_kstr(pk, key, text);
}

static void
pack_policy(const struct mesh_policy *p, msgpack_packer *pk)
{
	static const char *const names[] = {[MESH_QUORUM_MAJORITY] = "majority",
	    [MESH_QUORUM_ANY] = "any",
	    [MESH_QUORUM_MIN] = "min",
	    [MESH_QUORUM_WEIGHT] = "weight"};

	pk_str(pk, "election");
	msgpack_pack_map(pk, 5);
	pk_kstr(pk, "quorum", names[p->quorum]);
	pk_kuint(pk, "quorum_min", p->quorum_min);
	pk_kuint(pk, "degraded_min", p->degraded_min);
	pk_kint(pk, "degraded_after_ms", p->degraded_after_ms);
	pk_str(pk, "nodes");
	msgpack_pack_array(pk, p->prefs_count);
	for (size_t i = 0; i < p->prefs_count; i++) {
		msgpack_pack_map(pk, 4);
		pk_kstr(pk, "name", p->prefs[i].name);
		pk_kuint(pk, "weight", p->prefs[i].weight);
		pk_kint(pk, "priority", p->prefs[i].priority);
		pk_kbool(pk, "tie_breaker", p->prefs[i].tie_breaker);
	}
}

static void
pack_config(const struct config *c, msgpack_packer *pk)
{
	pk_str(pk, "config");
	msgpack_pack_map(pk, 19);
	pk_kstr(pk, "name", c->name);
	pk_kstr(pk, "cluster", c->cluster);
	pk_kstr(pk, "cluster_key", "(not shown)");
	pack_addr(pk, "listen", &c->listen);
	pack_addr(pk, "advertise", &c->advertise);
	pk_str(pk, "seeds");
	msgpack_pack_array(pk, c->seeds_count);
	for (size_t i = 0; i < c->seeds_count; i++)
		pk_str(pk, c->seed_names[i]);
	pk_kstr(pk, "zone", c->zone);
	pk_kstr(pk, "tags", c->tags);
	pk_kstr(pk, "config_dir", c->config_dir);
	pk_kstr(pk, "images_dir", c->images_dir);
	pk_kstr(pk, "state_dir", c->state_dir);
	pk_kstr(pk, "log_dir", c->log_dir);
	pk_kstr(pk, "profile", paces_name(c->profile));
	pk_kint(pk, "lease_ms", c->lease_ms);
	pk_kint(pk, "script_heap_bytes", c->script_heap_bytes);
	pk_kint(pk, "script_cpu_ms", c->script_cpu_ms);
	pk_kint(pk, "script_wall_ms", c->script_wall_ms);
	pk_kuint(pk, "operators", c->operators_count);
	pack_policy(&c->policy, pk);
}

/* Of the reports that are held: rows that did not fit, and of kinds unknown here. */
static void
pack_rows(const struct engine *e, msgpack_packer *pk)
{
	uint64_t cut = 0, unknown = 0;

	for (size_t i = 0; i < e->lead.nodes_count; i++) {
		cut += e->lead.nodes[i].report.now.cut;
		unknown += e->lead.nodes[i].report.now.unknown;
	}
	pk_kuint(pk, "report_rows_cut", cut);
	pk_kuint(pk, "report_rows_unknown", unknown);
}

static void
pack_queues(const struct engine *e, msgpack_packer *pk)
{
	uint64_t jobs = 0;

	for (const struct apply_job *j = e->apply.jobs; j != NULL; j = j->next)
		jobs++;
	pk_str(pk, "mesh_queues");
	looks_pack_queues(e, pk);
	pk_str(pk, "queues");
	msgpack_pack_map(pk, 12);
	pk_kuint(pk, "udp_unsent_bytes", uv_udp_get_send_queue_size(&e->net.udp));
	pk_kuint(pk, "streams_open", stream_server_open(e->stream));
	pk_kuint(pk, "control_connections", e->ctl.conns);
	pk_kuint(pk, "surveys", e->surveys);
	pk_kuint(pk, "relayed_questions", e->relays);
	pk_kuint(pk, "role_jobs", jobs);
	pk_kuint(pk, "settles", e->soon.settles);
	pk_kuint(pk, "instances", e->local.count);
	pk_kuint(pk, "nodes_that_report", e->lead.nodes_count);
	pack_rows(e, pk);
	pk_kuint(pk, "events_told", e->journal.next - 1);
}

/* What others say of themselves (gossip/facts.h): questions, and what became of answers. */
static void
pack_facts(const struct engine *e, msgpack_packer *pk)
{
	struct mesh_facts_stats st = {0};

	if (e->mesh != NULL)
		mesh_facts_stats(e->mesh, &st);
	pk_str(pk, "facts");
	msgpack_pack_map(pk, 7);
	pk_kuint(pk, "asked", st.asked);
	pk_kuint(pk, "taken", st.taken);
	pk_kuint(pk, "stale", st.stale);
	pk_kuint(pk, "unknown", st.unknown);
	pk_kuint(pk, "refused", st.refused);
	pk_kuint(pk, "held", st.held);
	pk_kuint(pk, "held_bytes", st.bytes);
}

static void
pack_usage(msgpack_packer *pk)
{
	struct rusage u = {0};

	getrusage(RUSAGE_SELF, &u);
	pk_str(pk, "usage");
	msgpack_pack_map(pk, 3);
	pk_kint(pk, "memory_max_kib", u.ru_maxrss);
	pk_kint(pk, "user_ms", u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000);
	pk_kint(pk, "system_ms", u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000);
}

static void
pack_log(msgpack_packer *pk)
{
	uint32_t n = 0;

	while (log_kept(n) != NULL)
		n++;
	pk_str(pk, "log");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; i < n; i++)
		pk_str(pk, log_kept(i));
}

void
insides_verb(struct engine *e, struct ctl_req *r)
{
	char stamp[STAMP_TEXT_CAP], hash[17], id[2 * ID_BYTES + 1];
	struct stamp applied;
	msgpack_packer *pk;

	engine_applied(e, &applied);
	stamp_text(&applied, stamp);
	snprintf(hash, sizeof hash, "%016llx", (unsigned long long)e->trees.config_hash);
	looks_id_text(&e->identity.id, id);
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 15);
	pk_kstr(pk, "node", e->conf.name);
	pk_kstr(pk, "id", id);
	pk_kstr(pk, "version", MESH_VERSION);
	pk_kuint(pk, "generation", e->saved.generation);
	pk_kint(pk, "uptime_ms", net_now() - e->started);
	pk_kbool(pk, "has_cluster_key", e->keys.has_key);
	pk_kstr(pk, "applied", stamp);
	pk_kstr(pk, "config_hash", hash);
	pack_config(&e->conf, pk);
	pack_queues(e, pk); /* two keys */
	pk_str(pk, "counters");
	counters_pack(&e->counters, pk);
	pack_facts(e, pk);
	pack_usage(pk);
	pack_log(pk);
	ctl_end(r);
}
