/*
 * engine.c - wiring (the picture is in engine.h): what is opened in which
 * order at the start, and which part is told when another one moved.
 */
#include "engine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "../base/log.h"
#include "../base/own.h"
#include "actions.h"
#include "addr.h"
#include "agreed.h"
#include "apps.h"
#include "audit.h"
#include "events.h"
#include "belong.h"
#include "certify.h"
#include "collect.h"
#include "going.h"
#include "lighten.h"
#include "peers.h"
#include "ring.h"
#include "saving.h"
#include "settle.h"
#include "tell.h"

enum { SECOND_MS = 1000, LIGHTEN_S = 15 };

uint64_t
engine_wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

void
engine_exit(struct engine *e, int code, const char *why)
{
	log_warn("engine stops: %s", why);
	if (code == 0)
		exit(code);
	starting_ends(e, code, why);
}

void
engine_kick(struct engine *e)
{
	net_kick(&e->net);
}

/* --- the mesh moved ------------------------------------------------------------- */

static void
on_save(void *arg, const struct mesh_saved *s)
{
	struct engine *e = arg;
	struct err err;

	if (saving_write(e, s, &err) < 0)
		engine_exit(e, EXIT_STATE, err.text);
}

static void
on_moved(void *arg)
{
	struct engine *e = arg;
	uint64_t changes = mesh_changes(e->mesh);

	dark_look(e);
	dossier_look(e);
	lead_look(e);
	tell_look(e);
	actions_look(e);
	if (changes != e->seen_changes) {
		events_look(e);
		e->seen_changes = changes;
		follow_look(e);
		exclusive_look(e);
		apply_settle_all(e);
		peers_remember(e);
		depart_look(e);
	}
}

void
engine_applied(const struct engine *e, struct stamp *out)
{
	struct mesh_member self;

	*out = e->saved.applied;
	if (e->mesh != NULL && mesh_find(e->mesh, &e->identity.id, &self))
		*out = self.applied;
	if (e->keep.has && stamp_cmp(&e->keep.current.meta.stamp, out) > 0)
		*out = e->keep.current.meta.stamp;
}

bool
engine_adopted(struct engine *e)
{
	const struct schedule *s = &e->keep.current;
	char text[STAMP_TEXT_CAP];

	stamp_text(&s->meta.stamp, text);
	if (e->mesh != NULL &&
	    mesh_applied(e->mesh, net_now(), &s->meta.stamp, &s->hash) < 0) {
		log_warn("schedule %s is not newer than the one applied: left alone", text);
		return false;
	}
	follow_newer(e);
	log_debug("schedule %s is in force", text);
	events_note(e, "applied", e->conf.name, "schedule %s is in force here", text);
	e->follow.error[0] = '\0';
	engine_kick(e);
	actions_adopted(e);
	apply_update(e);
	return true;
}

int
engine_attach(struct engine *e, struct err *err)
{
	struct mesh_conf c = {.self = e->identity.id,
	    .addr = e->conf.advertise,
	    .saved = e->saved,
	    .ca = e->ca,
	    .policy = e->conf.policy,
	    .profile = e->conf.profile,
	    .lease_ms = e->conf.lease_ms,
	    .members_max = e->conf.members_max,
	    .draining = e->draining || e->depart.asked,
	    .wire = {.min = WIRE_MIN, .max = WIRE_MAX},
	    .seed = crypto_random64(),
	    .crypto = e->crypto};

	if (e->mesh != NULL || !(e->keys.has_key || certify_is(e)))
		return 0;
	c.ca.wall_s = engine_wall_ms() / 1000;
	memcpy(c.pk, e->identity.pk, sizeof c.pk);
	crypto_random(c.salt, sizeof c.salt);
	crypto_random(c.secret, sizeof c.secret);
	snprintf(c.name, sizeof c.name, "%s", e->conf.name);
	c.meta_bytes = world_meta_pack(
	    e->conf.zone, e->conf.tags, MESH_VERSION, c.meta, sizeof c.meta);
	peers_seeds(e, &c);
	c.trace = tell_trace;
	c.trace_arg = e;
	if ((e->mesh = mesh_new(&c, net_now())) == NULL)
		return err_set(err, EXIT_STATE,
		    "the mesh can't start: out of memory, more voters stored than members-max, or a stored roster or counter that is none; raise members-max, or move %s/critical and db aside to start as a new member",
		    e->conf.state_dir);
	net_attach(&e->net, e->mesh);
	/* A crash between keeping a schedule and saying so: say it now. */
	if (e->keep.has)
		(void)engine_adopted(e);
	exclusive_sync(e);
	engine_report_soon(e);
	return 0;
}

/* --- the supervisor says ------------------------------------------------------------ */

static void
ask_list(struct engine *e)
{
	struct sup_req req;

	if (launch_req(&req, SUP_LIST, "", ""))
		local_list_begin(&e->local, launch_send(&e->launch, &req, NULL, 0));
}

/* Asked for a service manager's watchdog.  If there is no room, it is asked again. */
static void
say_alive(struct engine *e)
{
	struct sup_req req;

	if (launch_req(&req, SUP_ALIVE, "", ""))
		(void)launch_send(&e->launch, &req, NULL, 0);
}

static void
on_swept(void *arg, const struct local_instance *i)
{
	struct engine *e = arg;

	health_remove(e->health, i->ev.instance);
	health_remove(e->liveness, i->ev.instance);
	apps_gone(e->apps, i->ev.instance);
}

/* Ask what runs, if it is for us to ask; on its own address, or else on the node's. */
static void
probe(struct engine *e, struct health *h, const struct sup_event *ev, const struct sup_probe *how,
    bool new_run)
{
	struct health_conf hc = {.kind = (enum sup_health)how->kind,
	    .addr = e->conf.advertise,
	    .interval_ms = how->interval_ms,
	    .timeout_ms = how->timeout_ms,
	    .failures = how->failures,
	    .successes = how->successes,
	    .start_ms = how->start_ms,
	    .live = h == e->liveness};

	if (ev->state != SUP_ST_RUNNING ||
	    (how->kind != SUP_HEALTH_TCP && how->kind != SUP_HEALTH_HTTP) || how->port == 0 ||
	    how->port > 65535) {
		health_remove(h, ev->instance);
		return;
	}
	if (ev->address != 0)
		hc.addr = addr_of_ipv4(ev->address);
	hc.addr.port = (uint16_t)how->port;
	snprintf(hc.path, sizeof hc.path, "%.*s", (int)sizeof hc.path - 1, how->path);
	if (new_run)
		health_reset(h, ev->instance);
	health_set(h, ev->instance, &hc);
}

static void
on_state(struct engine *e, const struct sup_event *ev)
{
	struct local_instance *old = local_find(&e->local, ev->instance), *i;
	bool new_run = old == NULL || old->ev.pid != ev->pid;
	char role[NAME_CAP];

	/* The GONE of something unknown to the supervisor names no role. */
	memcpy(role, old != NULL ? old->ev.role : ev->role, sizeof role);
	/* Nobody asked for it: its liveness failed, or its lease is over. */
	if (ev->state == SUP_ST_STOPPING && ev->text[0] != '\0' && old != NULL &&
	    old->ev.state == SUP_ST_RUNNING)
		events_note(e, "ended", ev->instance, "%.*s", SUP_TEXT_CAP - 1, ev->text);
	tell_end(e, old, ev);
	i = local_state(&e->local, ev);
	exclusive_event(e, ev);
	if (i == NULL) {
		health_remove(e->health, ev->instance);
		health_remove(e->liveness, ev->instance);
		soon_settle(e, role);
		apply_event(e, ev);
	} else {
		probe(e, e->health, &i->ev, &i->ev.ready, i->health == VIEW_HEALTH_WAIT);
		probe(e, e->liveness, &i->ev, &i->ev.live, new_run);
		settle_moved(e, role, ev->instance,
		    ev->state == SUP_ST_RUNNING && ev->spec_hash == 0);
	}
	lighten_heap(&e->heap_faults);
	engine_report_soon(e);
}

static void
on_key(struct engine *e, const struct sup_event *ev, int fd)
{
	struct err err = {.code = ev->code};
	uint8_t key[KEY_BYTES];

	if (certify_is(e) || e->saved.certified)
		return; /* asked before it was known how this node comes in */
	if (fd < 0)
		err_escape(err.text, sizeof err.text, ev->text, strnlen(ev->text, SUP_TEXT_CAP));
	if (fd < 0 || crypto_key_read(fd, "cluster key", key, &err) < 0) {
		if (!e->keys.has_key) { /* else: what is in state-dir is enough */
			peers_key_done(e, err.text);
			return;
		}
	} else if (!ring_offer(&e->keys, e->saved.keys.used, key)) {
		log_info("the cluster key was changed since its file was written: the file is not used");
	}
	crypto_wipe(key, sizeof key);
	if (engine_attach(e, &err) < 0)
		engine_exit(e, err.code, err.text);
	peers_key_done(e, "");
}

static void
on_event(void *arg, const struct sup_event *ev, int fd_in)
{
	struct engine *e = arg;
	AUTO_CLOSE int fd = fd_in;

	switch ((enum sup_ev)ev->kind) {
	case SUP_EV_STATE:
		(void)runs_event(e, ev, -1);
		apps_state(e->apps, ev, fd);
		fd = -1;
		on_state(e, ev);
		break;
	case SUP_EV_REPLY:
	case SUP_EV_EXIT:
		if (audit_event(e, ev, -1) || hostacts_event(e, ev) || runs_event(e, ev, fd))
			break;
		hold_event(e, ev);
		if (ev->kind == SUP_EV_REPLY && ev->code != 0 && !local_is_told(&e->local, ev))
			tell_refused(ev);
		exclusive_event(e, ev);
		apply_event(e, ev);
		break;
	case SUP_EV_END:
		local_list_end(&e->local, ev->ticket, e, on_swept);
		exclusive_event(e, ev);
		apply_update(e);
		apply_settle_all(e);
		engine_report_soon(e);
		break;
	case SUP_EV_LOST:
		apply_lost(e);
		runs_lost(e);
		hold_event(e, NULL);
		hostacts_lost(e);
		if (e->key_waiter != NULL || starting_is(e))
			peers_ask_key(e, e->key_waiter != NULL && strcmp(e->key_waiter->verb, "init") == 0);
		ask_list(e);
		break;
	case SUP_EV_KEY:
		on_key(e, ev, fd);
		break;
	case SUP_EV_AUDIT:
		(void)audit_event(e, ev, fd);
		break;
	case SUP_EV_OUTPUT:
		runs_output(e, ev, fd);
		fd = -1;
		break;
	case SUP_EV_ALIVE:
		say_alive(e);
		break;
	}
}

static void
on_supervisor_gone(void *arg)
{
	engine_exit(arg, 0, "the supervisor is gone");
}

/* --- time ------------------------------------------------------------------------------ */

static void
on_health(void *arg, const char *id, enum view_health state)
{
	struct engine *e = arg;
	struct local_instance *i = local_find(&e->local, id);

	if (i == NULL || i->ev.state != SUP_ST_RUNNING)
		return;
	i->health = state;
	settle_moved(e, i->ev.role, id, false);
	engine_report_soon(e);
}

/* Its run with that pid: a later one is not meant.  What can't be sent now, is
 * when it failed as often again. */
static void
on_liveness(void *arg, const char *id, enum view_health state)
{
	struct engine *e = arg;
	struct local_instance *i = local_find(&e->local, id);
	struct sup_req req;

	if (i == NULL || i->ev.state != SUP_ST_RUNNING || state != VIEW_UNHEALTHY ||
	    !launch_req(&req, SUP_UNWELL, i->ev.role, id))
		return;
	req.pid = i->ev.pid;
	req.flags = health_was_well(e->liveness, id) ? 0 : SUP_F_NEVER;
	if (launch_send(&e->launch, &req, NULL, 0) == 0)
		health_reset(e->liveness, id);
}

static void
on_trees(void *arg)
{
	struct engine *e = arg;

	log_info("config %016llx", (unsigned long long)e->trees.config_hash);
	events_note(e, "config", e->conf.name, "config trees %016llx",
	    (unsigned long long)e->trees.config_hash);
	e->facts.config_hash = e->trees.config_hash;
	renderdocs_look(e->apply.docs);
	apply_update(e);
	lead_note(e, SCHED_CONFIG);
	engine_report_soon(e);
}

static void
on_second(uv_timer_t *timer)
{
	struct engine *e = timer->data;

	if (!e->local.known && e->local.list_ticket == 0)
		ask_list(e);
	if (e->mesh != NULL)
		mesh_wall(e->mesh, net_now(), engine_wall_ms() / 1000);
	starting_second(e);
	if (e->seconds == LIGHTEN_S)
		lighten();
	lighten_heap(&e->heap_faults);
	apply_tick(e, net_now());
	hold_second(e, net_now());
	hostacts_second(e, net_now());
	names_second(e);
	tell_second(e);
	lead_second(e);
	going_second(e);
	actions_second(e);
	depart_second(e);
}

static void
on_term(uv_signal_t *sig, int number)
{
	(void)number;
	going_restart(sig->data);
}

/* --- start ------------------------------------------------------------------------------- */

static int
read_config(struct engine *e, struct err *err)
{
	struct stat st;
	struct flat f;
	int rc;

	if (fstat(SUP_FD_CONF, &st) < 0 || st.st_size > FLAT_BYTES_MAX)
		return err_set(err, EXIT_ENVIRONMENT, "no config from the supervisor");
	AUTO_FREE uint8_t *buf = malloc((size_t)st.st_size + 1);
	if (buf == NULL || pread(SUP_FD_CONF, buf, (size_t)st.st_size, 0) != st.st_size)
		return err_set(err, EXIT_ENVIRONMENT, "config from the supervisor: %s",
		    strerror(errno));
	if (flat_open(&f, buf, (size_t)st.st_size) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "config from the supervisor: malformed");
	if ((rc = config_read(&e->conf, &f, err)) < 0)
		return rc;
	log_init("engine", e->conf.log_level);
	return 0;
}

int
engine_open_dir(const char *path)
{
	return open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
}

static int
open_host(struct engine *e, struct err *err)
{
	int rc;

	if ((rc = probe_new(e->state_fd, &e->probe, err)) < 0 || (rc = collect_start(e, err)) < 0)
		return rc;
	factslook_begin(e);
	e->apps = apps_new(&(struct apps_conf){e->loop, e->series, e->conf.name});
	if (e->apps == NULL || (e->health = health_new(e->loop, on_health, e)) == NULL ||
	    (e->liveness = health_new(e->loop, on_liveness, e)) == NULL || local_init(&e->local) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	rc = trees_init(&e->trees, e->loop, e->conf.config_dir, e->conf_fd, e, on_trees, err);
	if (rc == 0)
		e->apply.docs = renderdocs_new(e->loop, e->conf_fd, &e->trees);
	renderdocs_look(e->apply.docs);
	e->facts.config_hash = e->trees.config_hash;
	return rc;
}

static bool
may_write(void *arg, uint32_t uid)
{
	const struct engine *e = arg;

	for (size_t i = 0; i < e->conf.operators_count; i++)
		if (e->conf.operators[i] == uid)
			return true;
	return uid == 0;
}

static int
open_doors(struct engine *e, struct err *err)
{
	int rc;

	if ((rc = net_init(&e->net, e->loop, &e->conf.listen, e, on_save, on_moved, err)) < 0 ||
	    (rc = stream_server_new(e->loop, &e->conf.listen, &e->keys, serve_handle, e, &e->stream,
		 err)) < 0)
		return rc;
	if ((rc = launch_init(&e->launch, e->loop, SUP_FD_SOCKET, e, on_event,
		 on_supervisor_gone)) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "supervisor socket: %s", uv_strerror(rc));
	if ((rc = ctl_init(&e->ctl, e->loop, SUP_FD_CTL, e, may_write, verbs_handle)) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "control socket: %s", uv_strerror(rc));
	return 0;
}

int
engine_start(struct engine *e, uv_loop_t *loop, struct err *err)
{
	int rc;

	memset(e, 0, sizeof *e);
	e->loop = loop;
	e->started = net_now();
	e->state_fd = SUP_FD_STATE;
	e->script_fd = SUP_FD_SCRIPT;
	e->conf_fd = SUP_FD_CONFPROG;
	e->told_grade = -1;
	e->keys.agreed = agreed_new();
	e->kept = stream_kept_new(loop, &e->keys);
	e->metricsrun = (struct metricsrun){.loop = loop, .keys = &e->keys, .identity = &e->identity};
	log_keep(calloc(1, sizeof(struct log_kept))); /* for as long as the process lives */
	if (journal_init(&e->journal) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	lead_init(e);
	follow_init(e);
	tell_init(e);
	if ((rc = crypto_init(err)) < 0 || (rc = read_config(e, err)) < 0 ||
	    (rc = saving_open(e, err)) < 0 || (rc = open_host(e, err)) < 0 ||
	    (rc = open_doors(e, err)) < 0)
		return rc;
	soon_init(e, loop);
	actions_start(e);
	uv_timer_init(loop, &e->second);
	e->second.data = e;
	uv_timer_start(&e->second, on_second, SECOND_MS, SECOND_MS);
	uv_signal_init(loop, &e->term);
	e->term.data = e;
	uv_signal_start(&e->term, on_term, SIGTERM);
	ask_list(e);
	events_note(e, "started", e->conf.name, "meshd " MESH_VERSION " in generation %llu",
	    (unsigned long long)e->saved.generation);
	if (certify_is(e))
		return engine_attach(e, err);
	if (!e->saved.certified)
		peers_ask_key(e, false);
	return 0;
}
