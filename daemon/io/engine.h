/*
 * engine.h - the parts of one engine and how they are wired.  Nothing is
 * global; every part gets the engine, and the engine owns every part.
 *
 *   net -> mesh        packets and time in, packets out
 *   mesh -> lead       this node leads: view -> script -> plan -> schedule
 *   mesh -> follow     somebody announced a schedule: fetch, keep, apply
 *   keep -> apply      render, check, switch, START and STOP
 *   launch -> local    what the supervisor says of this host's containers
 *   exclusive          keep and local -> the role lease -> START and FENCE
 *   local -> report    and back to the leader with the next report
 *   ctl -> verbs       what `mesh` asks
 */
#ifndef IO_ENGINE_H
#define IO_ENGINE_H

#include <uv.h>

#include "../core/journal.h"
#include "../core/series.h"
#include "answers.h"
#include "apply.h"
#include "config.h"
#include "counters.h"
#include "critical.h"
#include "crypto.h"
#include "ctl.h"
#include "depart.h"
#include "dossier.h"
#include "exclusive.h"
#include "factslook.h"
#include "follow.h"
#include "health.h"
#include "hold.h"
#include "identity.h"
#include "keep.h"
#include "launch.h"
#include "lead.h"
#include "local.h"
#include "metricsknown.h"
#include "metricsrun.h"
#include "names.h"
#include "net.h"
#include "peers.h"
#include "probe.h"
#include "runs.h"
#include "dark.h"
#include "exposition.h"
#include "soon.h"
#include "standing.h"
#include "starting.h"
#include "store.h"
#include "stream.h"
#include "tell.h"
#include "trees.h"

struct engine {
	uv_loop_t *loop;
	struct config conf;
	int state_fd, script_fd, conf_fd;
	struct keyring keys;
	struct identity identity;
	struct crypto crypto;
	struct critical critical;
	struct mesh_saved saved; /* as loaded at start */
	struct mesh_ca ca;	 /* certify.h; no cert_bytes: none */
	uint8_t *roster;	 /* its bytes, owned */
	uint8_t *evicted;	 /* likewise */
	size_t evicted_bytes;	 /* on disk */
	struct store *store;
	char store_note[ERR_TEXT_CAP]; /* a state database was set aside */
	struct mesh *mesh; /* NULL: no cluster key yet, and no certificate */
	struct net net;
	struct counters counters;
	uint64_t seen_changes, seconds, heap_faults /* lighten.h */;
	unsigned dark_calls; /* under way */
	struct stream_server *stream;
	struct stream_kept *kept; /* to who is asked often; NULL: no memory for that */
	struct launch launch;
	struct local local;
	struct health *health, *liveness;
	struct probe *probe;
	struct series_store *series; /* collect.h */
	struct collect *collect;
	struct apps *apps; /* apps.h */
	struct view_facts facts;
	struct factslook factslook;
	struct dossier dossier;
	struct view_metrics metrics;
	struct standing standing;
	struct exposition exposition;
	uv_timer_t report; /* due: tell the leader */
	struct tell_hearer told[MESH_HEARERS];
	msec reported;
	struct ctl_req *key_waiter; /* `mesh init` or `join` waits for the key */
	char key_error[ERR_TEXT_CAP]; /* why there is no cluster key */
	struct starting starting;
	struct names names;
	struct peers_joined joined;
	struct hash peers; /* of the addresses remembered last */
	struct blob last_view; /* the last one of a leader fresh in office */
	msec last_view_at;
	struct trees trees;
	struct keep keep;
	struct apply apply;
	struct answers answers;
	struct exclusive exclusive;
	struct auditing *auditing; /* audit.h: who asks now, and who waits */
	struct lead lead;
	struct actions *actions;
	struct follow follow;
	struct ctl ctl;
	uv_timer_t second;
	struct soon soon;
	uv_signal_t term;
	uv_timer_t going; /* SIGTERM came, and the others were told */
	msec going_since; /* 0 = it did not */
	bool going_led;	  /* this node led then */
	struct journal journal;
	int told_grade; /* of the last event about it; -1 = none */
	bool told_twin;
	msec joint_since; /* the roster is being changed since; 0 = it is not */
	struct hold hold; /* mesh stop */
	struct run *runs; /* mesh run, under way; owned */
	bool draining;	  /* an operator wants it so; kept over restarts */
	struct depart depart; /* mesh leave */
	uint32_t relays, surveys; /* under way: sight.c, survey.c */
	uint32_t log_askers, log_readings, metrics_asking, metrics_open; /* likewise: logall.c, logrole.c, metricsask.c */
	struct metricsrun metricsrun;
	struct metricsknown metrics_asked, metrics_parts; /* expressions, and parts for others */
	struct metricsask *metrics_askers; /* metricsask.c */
	msec started;
};

/* Wire everything on the inherited descriptors.  Negative: err->code is the
 * exit code. */
MUST_CHECK int engine_start(struct engine *e, uv_loop_t *loop, struct err *err);
/* The state can't be trusted any more, or the supervisor is gone: say why and
 * exit.  Containers go on. */
void engine_exit(struct engine *e, int code, const char *why) __attribute__((noreturn));
/* Make or refresh the mesh machine once there is a cluster key. */
MUST_CHECK int engine_attach(struct engine *e, struct err *err);
/* After any act on the mesh: same as net_kick. */
void engine_kick(struct engine *e);
/* Local containers, facts or health moved: tell the leader soon. */
void engine_report_soon(struct engine *e);
/* A schedule became current (from lead or follow): say so, and apply it.  False
 * when the mesh knows that a newer one was applied here: it is left alone. */
bool engine_adopted(struct engine *e);
/* The newest stamp that was ever applied here. */
void engine_applied(const struct engine *e, struct stamp *out);
/* A directory by the config's path; -1 when it is not there. */
int engine_open_dir(const char *path);
/* The wall clock in ms. */
uint64_t engine_wall_ms(void);

/* verbs.c, status.c: what the control socket says. */
void verbs_handle(void *arg, struct ctl_req *r);
/* serve.c: what peers ask. */
void serve_handle(void *arg, const struct stream_peer *peer, uint8_t kind, const uint8_t *payload,
    size_t len, struct stream_answer *answer);

#endif
