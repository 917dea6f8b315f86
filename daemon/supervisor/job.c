/*
 * job.c - a START or RUN from names to a spec: the sandbox file through
 * meshd-conf, then the image's container file, and its file of sealed secrets if
 * it names one, then the judge, then its secrets are tried, then a durable record.  Few helpers run at once; the others wait their turn.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"
#include "lease.h"
#include "ranges.h"
#include "record.h"
#include "rootless.h"
#include "sandbox.h"
#include "sup.h"
#include "sys.h"

static void
sandbox_file(const struct sup *s, const char *sandbox, char *out, size_t cap)
{
	snprintf(out, cap, "%s/%s.yaml", s->conf.sandboxes_dir, sandbox);
}

void
job_drop(struct sup *s, struct row *r)
{
	struct job *j = r->job;

	if (j == NULL)
		return;
	r->job = NULL;
	if (j->stage != JOB_WAITING && j->stage != JOB_LIMITS)
		s->jobs_running--;
	helper_cancel(&j->helper);
	job_find_drop(s, j);
	free(j->vars);
	free(j->sandbox);
	free(j->container);
	free(j->secrets);
	free(j->said);
	if (j->spec != NULL)
		spec_free(j->spec);
	free(j->spec);
	own_close_(&j->root);
	free(j);
}

/* Refused.  What runs already goes on; what was never accepted is failed. */
static void
job_fail(struct sup *s, struct row *r, const struct err *err)
{
	log_warn("%s", err->text);
	serve_reply(s, r->job->req.ticket, err);
	r->asked = r->job->req;
	bool run = r->job->req.op == SUP_RUN;

	job_drop(s, r);
	changed_refused(r);
	snprintf(r->text, sizeof r->text, "%.*s", (int)sizeof r->text - 1,
	    err->text);
	if (run && !r->has_spec) {
		r->over = true;
		return;
	}
	row_tell(s, r);
}

static char
kind_of(const struct job *j)
{
	return j->stage == JOB_SANDBOX ? 's' :
	    j->stage == JOB_CONTAINER  ? 'c' :
	    j->stage == JOB_PROGRAM    ? 'p' :
					 'e';
}

struct image_who
job_image(const struct sup *s, const struct job *j)
{
	struct image_who who = {j->req.instance, j->image.dir, j->req.image, false, !rootless()};

	who.held = images_has(&s->launcher.images, &who) &&
	    changed_holds(s, who.dir, who.image);
	return who;
}

/* The document of a file with this stat: at once from the cache (1), or a helper is
 * started for it (0). */
static int
read_yaml(struct sup *s, struct job *j, const char *kind, const char *display, int yaml,
    const struct stat *st, uint8_t **buf, size_t *len, msec now, struct err *err)
{
	const struct image_who who = job_image(s, j);

	j->file = *st;
	if (j->stage != JOB_SANDBOX)
		images_stat(&s->launcher.images, &who, &j->file);
	*buf = cache_get(&s->cache, kind_of(j), &j->file, len);
	if (*buf != NULL)
		return 1;
	return helper_start(&j->helper, &s->launcher.strays, s->programs.conf, s->conf.conf_uid,
	    s->conf.conf_gid, kind, display, yaml, now, err);
}

static int
start_sandbox(struct sup *s, struct row *r, uint8_t **buf, size_t *len,
    msec now, struct err *err)
{
	struct job *j = r->job;
	char file[CONFIG_PATH_CAP + 128];
	struct stat st;

	sandbox_file(s, j->req.sandbox, file, sizeof file);
	AUTO_CLOSE int yaml = helper_open_yaml(AT_FDCWD, file, file, err);
	if (yaml >= 0 && fstat(yaml, &st) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s: %s", r->instance, file, strerror(errno));
	if (yaml < 0) {
		err_prefix(err, "%s: sandbox '%s': ", r->instance,
		    j->req.sandbox);
		return yaml;
	}
	return read_yaml(s, j, "sandbox", file, yaml, &st, buf, len, now, err);
}

static void
judge_of(const struct sup *s, const struct job *j, const struct flat *sandbox,
    const char *file, struct judge *out)
{
	memset(out, 0, sizeof *out);
	out->req = &j->req;
	out->vars = j->vars;
	out->vars_bytes = j->vars_bytes;
	out->sandbox = sandbox;
	out->sandbox_file = file;
	out->images_dir = s->conf.images_dir;
}

/* Its image's root, once the sandbox is read: as job_find. */
static int
open_image(struct sup *s, struct row *r, msec now, struct err *err)
{
	struct job *j = r->job;
	char file[CONFIG_PATH_CAP + 128];
	struct judge judge;
	struct flat doc;
	int rc;

	sandbox_file(s, j->req.sandbox, file, sizeof file);
	if (flat_open(&doc, j->sandbox, j->sandbox_len) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s: meshd-conf gave no records",
		    r->instance, file);
	judge_of(s, j, &doc, file, &judge);
	if ((rc = judge_sandbox(&judge, &j->image, err)) < 0)
		return rc;
	return job_root(s, j, now, err);
}

static int
start_container(struct sup *s, struct row *r, uint8_t **buf, size_t *len,
    msec now, struct err *err)
{
	struct job *j = r->job;
	char display[SUP_IMAGE_CAP + SUP_PATH_CAP];
	AUTO_FOUND struct found at = {.fd = -1};
	int rc = j->root >= 0 ? 1 : open_image(s, r, now, err);

	if (rc <= 0 || (rc = job_find(s, j, j->req.config, &at, now, err)) <= 0 ||
	    (rc = launch_container_file(&j->req, &at, err)) < 0)
		return rc;
	snprintf(display, sizeof display, "%s%s", j->req.image, j->req.config);
	return read_yaml(s, j, "container", display, at.fd, &at.st, buf, len, now, err);
}

/* As read_yaml; 1 and no document when the container file names no such file. */
static int
start_secrets(struct sup *s, struct row *r, uint8_t **buf, size_t *len,
    msec now, struct err *err)
{
	struct job *j = r->job;
	char display[SUP_IMAGE_CAP + SUP_PATH_CAP];
	struct sup_req req = j->req;
	AUTO_FOUND struct found at = {.fd = -1};
	struct flat doc;
	int rc;

	*buf = NULL;
	if (flat_open(&doc, j->container, j->container_len) < 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: meshd-conf gave no records", r->instance,
		    j->req.image, j->req.config);
	if (!flat_str(&doc, "secret-environ-file", req.config, sizeof req.config))
		return 1;
	if ((rc = job_find(s, j, req.config, &at, now, err)) <= 0)
		return rc;
	if ((rc = launch_container_file(&req, &at, err)) < 0) {
		err_prefix(err, "secret-environ-file: ");
		return rc;
	}
	snprintf(display, sizeof display, "%s%s", req.image, req.config);
	return read_yaml(s, j, "secrets", display, at.fd, &at.st, buf, len, now, err);
}

/* A new instance's child makes its mounts while the record goes to the disk.
 * What can't begin is begun again where its error is told.  A command of the
 * administrator's runs for what was accepted alone. */
static void
begin_ahead(struct sup *s, const struct row *r, const struct spec *spec,
    struct running *ahead)
{
	struct err err;

	running_new(ahead);
	if (r->has_spec || r->run.leaf[0] != '\0' || spec->command ||
	    spec->policy == SUP_EXCLUSIVE || spec->after_setup.count > 0)
		return;
	if (sandbox_make(s, spec, &err) < 0 ||
	    launch_begin(&s->launcher, spec, r->gen + 1, ahead, &err) < 0)
		running_new(ahead);
}

/* Judged anew by other files, it comes out as it was: nothing is restarted. */
static bool
is_as_it_runs(const struct row *r, const struct spec *spec)
{
	bool runs_other = r->life.state == LIFE_UP &&
	    ((r->run.hash != 0 && r->run.hash != spec->hash) ||
		(r->run.judged != 0 && r->run.judged != spec->judged));

	return HOLDS("replay") && r->has_spec && !spec->command &&
	    !r->anew && !(r->job->req.flags & SUP_F_ANEW) && r->life.wanted && !runs_other && r->spec.hash == spec->hash &&
	    r->spec.judged == spec->judged;
}

static void
accept_spec(struct sup *s, struct row *r, struct spec *spec,
    const struct running *ahead, msec now)
{
	bool same = is_as_it_runs(r, spec);
	struct err ok = {0};

	r->ticket = r->job->req.ticket;
	/* Who is woken by it wants a CPU, which the child that waits wants too. */
	s->engine.held = true;
	serve_reply(s, r->ticket, &ok);
	job_drop(s, r);
	row_accept(r, spec, now);
	r->anew = false;
	if (ahead->release >= 0)
		r->run = *ahead;
	r->lease_ending = r->lease_killed = false;
	if (r->spec.policy != SUP_EXCLUSIVE && r->lease_ms != 0)
		lease_drop(s, r);
	if (same)
		row_tell(s, r);
	else
		row_step(s, r, LIFE_EV_START, now);
	s->engine.held = false;
	engine_flush(s);
	ports_tidy(s);
}

/*
 * To the kernel one outside uid is one user, whatever sandbox it is seen from.
 * lithos allows two sandboxes to share some, and so do we, but not in silence;
 * once is enough for all instances of a sandbox.  own: what this one has, or
 * would have, of uid-range.
 */
static void
tell_shared(const struct sup *s, const struct spec *spec, uint32_t own)
{
	const struct spec_map *m = spec->uid_maps, range = {0,
	    s->conf.range_first, s->conf.range_last - s->conf.range_first + 1};
	const uint32_t n = spec->uid_maps_count;
	uint32_t id = 0;

	for (size_t i = 0; i < s->rows_count; i++) {
		const struct spec *o = &s->rows[i]->spec;

		if (strcmp(o->sandbox, spec->sandbox) == 0 &&
		    o->uid_maps_count == n &&
		    memcmp(o->uid_maps, m, n * sizeof *m) == 0)
			return;
	}
	for (size_t i = 0; i < s->rows_count; i++) {
		const struct spec *o = &s->rows[i]->spec;

		if (strcmp(o->sandbox, spec->sandbox) != 0 &&
		    ranges_meet(m, n, o->uid_maps, o->uid_maps_count, &id)) {
			log_warn("sandbox '%s' shares outside uids with sandbox '%s', from %u on: nothing keeps their containers' processes and files apart; give one another uid-map",
			    spec->sandbox, o->sandbox, id);
			break;
		}
	}
	if ((n != 1 || m->outside != own) && ranges_meet(m, n, &range, 1, &id))
		log_warn("sandbox '%s': its uid-map takes outside uids of uid-range, from %u on, which belong to sandboxes without a uid-map; give it another",
		    spec->sandbox, id);
}

/* Do its secrets open?  Asked before anything of this START counts: what runs
 * goes on when they don't.  At the launch they are opened for good. */
static int
try_secrets(struct sup *s, struct row *r, msec now, struct err *err)
{
	struct job *j = r->job;
	const struct spec *spec = j->spec;
	AUTO_CLOSE int sealed = sys_memfd("sealed", spec->sealed.buf,
	    spec->sealed.len);
	AUTO_CLOSE int key = -1;
	int rc = launch_key(spec, &key, err);

	if (rc == 0 && sealed < 0)
		rc = err_set(err, EXIT_ENVIRONMENT, "%s: memfd_create: %s",
		    r->instance, strerror(errno));
	if (rc < 0)
		return rc;
	j->stage = JOB_TRIED;
	return helper_try_secrets(&j->helper, &s->launcher.strays, s->programs.conf, s->conf.conf_uid,
	    s->conf.conf_gid, r->instance, sealed, key, now, err);
}

/* As sandbox_ready.  Who waits keeps nobody else from being judged. */
static int
wait_for_limits(struct sup *s, struct job *j, const struct spec *spec, msec now,
    struct err *err)
{
	int rc = sandbox_ready(s, spec, now, err);

	if (rc == 0 && j->stage != JOB_LIMITS) {
		s->jobs_running--;
		j->stage = JOB_LIMITS;
	}
	return rc;
}

/* All documents are there: what comes out is the job's. */
static int
judge_all(struct sup *s, struct row *r, struct err *err)
{
	struct job *j = r->job;
	char file[CONFIG_PATH_CAP + 128], notes[JUDGE_TOLD_CAP];
	struct flat sandbox, container, secrets;
	struct judge judge;
	int rc;

	sandbox_file(s, j->req.sandbox, file, sizeof file);
	if (flat_open(&sandbox, j->sandbox, j->sandbox_len) < 0 ||
	    flat_open(&container, j->container, j->container_len) < 0 ||
	    (j->secrets != NULL &&
		flat_open(&secrets, j->secrets, j->secrets_len) < 0))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: meshd-conf gave no records", r->instance,
		    j->req.image, j->req.config);
	judge_of(s, j, &sandbox, file, &judge);
	judge.container = &container;
	judge.range_ids = s->conf.range_ids;
	judge.own_port = s->conf.port;
	judge.secrets = j->secrets == NULL ? NULL : &secrets;
	j->spec = calloc(1, sizeof *j->spec);
	if (j->spec == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "%s: out of memory",
		    r->instance);
	if ((rc = ranges_first(s->place.records_dir, s->conf.range_first,
		 s->conf.range_last, s->conf.range_ids, j->req.sandbox,
		 &judge.range_first, err)) < 0 ||
	    (rc = judge_container(&judge, j->spec, err)) < 0)
		return rc;
	j->range_first = judge.range_first;
	j->spec->judged = spec_judged(j->spec);
	j->spec->sandbox_seen = changed_sandbox(s, &j->sandbox_file);
	j->spec->container_seen = changed_container(&j->container_file,
	    j->secrets == NULL ? NULL : &j->secrets_file);
	judge_told(&judge, notes, sizeof notes);
	told_lines(&s->told, notes);
	return nets_ask(j->spec, &judge, err);
}

/* Judged, its programs looked at and its secrets tried, it is what is to run. */
static int
take_on(struct sup *s, struct row *r, msec now, struct err *err)
{
	struct job *j = r->job;
	struct running ahead;
	struct spec spec;
	int rc = wait_for_limits(s, j, j->spec, now, err);

	if (rc <= 0)
		return rc;
	spec_move(&spec, j->spec);
	tell_shared(s, &spec, j->range_first);
	rc = lease_take(s, r, &spec, &j->req, err);
	running_new(&ahead);
	if (rc == 0)
		rc = nets_alone(s, r, &spec, err);
	if (rc == 0)
		rc = ports_ask(s, r, &spec, err);
	if (rc == 0)
		rc = sandbox_take(s, &spec, err);
	if (rc == 0 && !spec.command) {
		begin_ahead(s, r, &spec, &ahead);
		rc = record_save(s, &spec, err);
	}
	if (rc < 0) {
		if (ahead.release >= 0)
			launch_undo(&s->launcher, &ahead);
		sandbox_left(s, spec.sandbox);
		ports_tidy(s);
		if (!r->has_spec && r->run.leaf[0] == '\0')
			lease_drop(s, r);
		spec_free(&spec);
		return rc;
	}
	accept_spec(s, r, &spec, &ahead, now);
	return 0;
}

void
job_start(struct sup *s, struct row *r, const struct sup_req *req, char *vars,
    size_t vars_bytes, msec now)
{
	struct err err;
	struct job *j = calloc(1, sizeof *j);

	if (r->job != NULL) {
		err_set(&err, 1, "%s: asked again before it was judged",
		    r->instance);
		serve_reply(s, r->job->req.ticket, &err);
		job_drop(s, r);
	}
	if (j == NULL) {
		free(vars);
		err_set(&err, EXIT_ENVIRONMENT, "out of memory");
		serve_reply(s, req->ticket, &err);
		return;
	}
	j->req = *req;
	j->vars = vars;
	j->vars_bytes = vars_bytes;
	helper_new(&j->helper);
	opener_new(&j->opener);
	j->root = -1;
	r->job = j;
	r->asked = *req;
	(void)job_tick(s, r, now);
}

static int
look_at_programs(struct sup *s, struct row *r, msec now, struct err *err)
{
	int rc = job_programs(s, r, now, err);

	if (rc <= 0)
		return rc;
	return r->job->spec->sealed.count > 0 ? try_secrets(s, r, now, err) :
						take_on(s, r, now, err);
}

/* A document has come: on to the next stage, or to the judge.  Takes buf. */
static int
advance(struct sup *s, struct row *r, uint8_t *buf, size_t len, msec now,
    struct err *err)
{
	struct job *j = r->job;
	int rc;

	if (j->stage == JOB_SANDBOX) {
		j->sandbox_file = j->file;
		j->sandbox = buf;
		j->sandbox_len = len;
		j->stage = JOB_CONTAINER;
		rc = start_container(s, r, &buf, &len, now, err);
		if (rc <= 0)
			return rc;
	}
	if (j->stage == JOB_CONTAINER) {
		j->container_file = j->file;
		j->container = buf;
		j->container_len = len;
		j->stage = JOB_SECRETS;
		rc = start_secrets(s, r, &buf, &len, now, err);
		if (rc <= 0)
			return rc;
	}
	if (j->stage == JOB_SECRETS) {
		j->secrets_file = j->file;
		j->secrets = buf;
		j->secrets_len = len;
	} else if (j->stage == JOB_PROGRAM) {
		j->said = buf;
		j->said_len = len;
	} else {
		free(buf); /* secrets were tried: it says nothing */
	}
	if (j->stage == JOB_SECRETS && (rc = judge_all(s, r, err)) < 0)
		return rc;
	return j->stage == JOB_TRIED ? take_on(s, r, now, err) :
				       look_at_programs(s, r, now, err);
}

/* What is in the image was found: on where it was asked for. */
static int
go_on(struct sup *s, struct row *r, msec now, struct err *err)
{
	uint8_t *buf;
	size_t len;
	int rc;

	if (r->job->stage != JOB_CONTAINER && r->job->stage != JOB_SECRETS)
		return look_at_programs(s, r, now, err);
	rc = r->job->stage == JOB_CONTAINER ?
	    start_container(s, r, &buf, &len, now, err) :
	    start_secrets(s, r, &buf, &len, now, err);
	return rc <= 0 ? rc : advance(s, r, buf, len, now, err);
}

bool
job_tick(struct sup *s, struct row *r, msec now)
{
	struct job *j = r->job;
	struct err err;
	uint8_t *buf;
	size_t len;
	int rc;

	if (j->stage == JOB_LIMITS) {
		if (!limiter_may(s, j->req.sandbox))
			return true;
		/* What came of it is told in this turn alone. */
		if (!limiter_failed(s, j->req.sandbox) && !loop_goes_on(s))
			return false;
		if (take_on(s, r, now, &err) < 0)
			job_fail(s, r, &err);
		return true;
	}
	if (j->stage != JOB_WAITING) {
		helper_tick(&j->helper, now);
		if (job_find_tick(j, now, &err) < 0)
			job_fail(s, r, &err);
		return true;
	}
	if (s->jobs_running >= SUP_JOBS_MAX)
		return true;
	if (!loop_goes_on(s))
		return false;
	s->jobs_running++;
	j->stage = JOB_SANDBOX;
	rc = start_sandbox(s, r, &buf, &len, now, &err);
	if (rc > 0)
		rc = advance(s, r, buf, len, now, &err);
	if (rc < 0)
		job_fail(s, r, &err);
	return true;
}

void
job_ready(struct sup *s, struct row *r, msec now)
{
	struct job *j = r->job;
	char notes[HELPER_NOTES_CAP];
	struct err err;
	uint8_t *buf;
	size_t len;
	int rc;

	if (j->opener.pidfd >= 0) {
		if (job_found(s, j, &err) < 0 || go_on(s, r, now, &err) < 0)
			job_fail(s, r, &err);
		return;
	}
	rc = helper_finish(&j->helper, &buf, &len, notes, &err);
	if (rc < 0) {
		err_prefix(&err, "%s: ", r->instance);
	} else {
		if (j->stage != JOB_TRIED)
			cache_put(&s->cache, kind_of(j), &j->file, buf, len,
			    sys_wall_ms());
		told_lines(&s->told, notes);
		rc = advance(s, r, buf, len, now, &err);
	}
	if (rc < 0)
		job_fail(s, r, &err);
}
