/*
 * job_program.c - the programs of a START, one after the other (program.h): each
 * by meshd-conf, or by what it said of the same file before.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "child.h"
#include "program.h"
#include "sup.h"

static int
look_at(struct sup *s, struct job *j, const struct spec *spec, msec now,
    struct err *err)
{
	char display[SUP_IMAGE_CAP + SUP_PATH_CAP];
	const struct image_who who = job_image(s, j);
	AUTO_FOUND struct found at = {.fd = -1};
	int rc;

	j->stage = JOB_PROGRAM;
	if (!program_in_volume(spec, j->program) &&
	    (rc = job_find(s, j, j->program, &at, now, err)) <= 0)
		return rc;
	rc = program_may(spec, &at, j->program, true, err);
	if (rc <= 0) {
		j->program[0] = '\0';
		return rc < 0 ? rc : 1;
	}
	j->file = at.st;
	images_stat(&s->launcher.images, &who, &j->file);
	j->said = cache_get(&s->cache, 'p', &j->file, &j->said_len);
	if (j->said != NULL)
		return 1;
	snprintf(display, sizeof display, "%s%s", spec->image, j->program);
	return helper_start(&j->helper, &s->launcher.strays, s->programs.conf, s->conf.conf_uid,
	    s->conf.conf_gid, "program", display, at.fd, now, err);
}

/* Is there a place for what its child may find there?  launch_hosts.c asks the same, and
 * waits for nobody. */
static int
look_at_places(struct sup *s, struct job *j, msec now, struct err *err)
{
	static const char *const places[] = {CHILD_HOSTS, CHILD_RESOLV};
	const uint32_t flags[] = {j->spec->hosts_flags, j->spec->resolv_flags};

	j->stage = JOB_PROGRAM;
	for (; j->places < ARRAY_LEN(places); j->places++) {
		AUTO_FOUND struct found at = {.fd = -1};
		int rc = flags[j->places] & SPEC_FILE_AUTO ?
		    job_find(s, j, places[j->places], &at, now, err) :
		    1;

		if (rc <= 0)
			return rc;
	}
	return 1;
}

int
job_programs(struct sup *s, struct row *r, msec now, struct err *err)
{
	struct job *j = r->job;
	const struct spec *spec = j->spec;
	char next[SUP_PATH_CAP];
	int rc;

	if (j->programs == 0) {
		j->programs = 1;
		snprintf(j->program, sizeof j->program, "%s", spec->executable);
	}
	while (j->program[0] != '\0') {
		if (j->said == NULL && (rc = look_at(s, j, spec, now, err)) <= 0)
			return rc;
		if (j->said == NULL)
			break;
		rc = program_judge(spec, j->program, &j->file, j->said,
		    j->said_len, next, err);
		free(j->said);
		j->said = NULL;
		if (rc < 0)
			return rc;
		if (rc == 0 || ++j->programs > PROGRAM_CHAIN_MAX)
			next[0] = '\0';
		memcpy(j->program, next, sizeof j->program);
	}
	return look_at_places(s, j, now, err);
}
