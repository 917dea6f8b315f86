/*
 * job_open.c - the files of a START's image, found one after the other (opener.h).
 */
#include "prompt.h"
#include "sup.h"
#include "sys.h"

/* There were too many, or it was begun: 0. */
static int
begun(const struct job *j, int rc, struct err *err)
{
	if (rc < 0)
		err_prefix(err, "%s: image %s: ", j->req.instance, j->req.image);
	return rc;
}

int
job_root(struct sup *s, struct job *j, msec now, struct err *err)
{
	const struct image_who who = job_image(s, j);
	int rc;

	if (j->has_found) {
		j->has_found = false;
		if (j->found.fd < 0)
			return err_set(err, EXIT_CONFIG, "%s: image %s: %s", j->req.instance,
			    j->req.image, strerror(-j->found.fd));
		rc = launch_image_mount(&s->launcher.images, &who, &j->found.fd, &j->found.st, err);
		if (rc < 0) {
			found_close(&j->found);
			return rc;
		}
		j->root = j->found.fd;
		return 1;
	}
	rc = launch_image(&s->launcher.images, &who, &j->root, err);
	if (rc == LAUNCH_LATER)
		return begun(j, opener_start_image(&s->openers, &j->opener, &who, now, err), err);
	return rc < 0 ? rc : 1;
}

int
job_find(struct sup *s, struct job *j, const char *path, struct found *f, msec now,
    struct err *err)
{
	if (j->has_found) {
		j->has_found = false;
		*f = j->found;
		return 1;
	}
	if (opener_knows(j->root, path, f))
		return 1;
	return begun(j, opener_start(&s->openers, &j->opener, j->root, path, now, err), err);
}

int
job_found(struct sup *s, struct job *j, struct err *err)
{
	int rc = opener_finish(&s->openers, &j->opener, &j->found, err);

	j->has_found = rc == 0;
	return rc;
}

void
job_find_drop(struct sup *s, struct job *j)
{
	opener_cancel(&s->openers, &j->opener);
	if (j->has_found)
		found_close(&j->found);
	j->has_found = false;
}

int
job_find_tick(const struct job *j, msec now, struct err *err)
{
	if (now < j->opener.deadline)
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "%s: image %s: looking for %s took more than %d s: %s",
	    j->req.instance, j->req.image, j->root < 0 ? "it" : "a file in it", OPENER_MS_MAX / 1000,
	    prompt_is(j->root) ? "is there a directory with millions of files on its way?" :
				 "does the file system that it is on (FUSE, NFS) answer?");
}
