/*
 * job_open.c - the files of a START's image, found one after the other (opener.h).
 */
#include <unistd.h>

#include "sup.h"
#include "sys.h"

int
job_find(struct sup *s, struct job *j, const char *path, int *fd, msec now,
    struct err *err)
{
	int rc;

	if (j->has_found) {
		j->has_found = false;
		*fd = j->found;
		return 1;
	}
	if (opener_knows(j->root, path, fd))
		return 1;
	rc = opener_start(&s->openers, &j->opener, j->root, path, now, err);
	if (rc < 0)
		err_prefix(err, "%s: image %s: ", j->req.instance, j->req.image);
	return rc;
}

void
job_found(struct sup *s, struct job *j)
{
	opener_finish(&s->openers, &j->opener, &j->found);
	j->has_found = true;
}

void
job_find_drop(struct sup *s, struct job *j)
{
	opener_cancel(&s->openers, &j->opener);
	if (j->has_found && j->found >= 0)
		close(j->found);
	j->has_found = false;
}

int
job_find_tick(const struct job *j, msec now, struct err *err)
{
	if (now < j->opener.deadline)
		return 0;
	return err_set(err, EXIT_CONFIG,
	    "%s: image %s: looking for a file in it took more than %d s: is there a directory with millions of files on its way?",
	    j->req.instance, j->req.image, OPENER_MS_MAX / 1000);
}
