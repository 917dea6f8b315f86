/*
 * spare.h - a file that is on disk already, for the next record.
 *
 * To save a small file for good is to make it, write it, rename it and have the
 * disk take file and directory: a start waits for all that.  Here the file, its
 * room and its name are there beforehand, so that all the disk has to take is
 * what is in it.
 *
 * The rename that follows need not be on disk: a record that is found whole under
 * the spare's own name was saved, and spare_found gives it its name.  There is one
 * spare at most, and its making has the disk take the directory, so no two such
 * renames are ever under way.
 *
 * Order: spare_found, before any record is read; then spare_save whenever
 * something is saved, and spare_tick when its time comes.
 */
#ifndef SUPERVISOR_SPARE_H
#define SUPERVISOR_SPARE_H

#include "../base/err.h"

#define SPARE_NAME ".spare"

struct spare {
	int dir;      /* borrowed: of the records */
	int fd;	      /* owned; -1: none is at hand */
	msec make_at; /* when one is to be made; MSEC_NEVER: there is one, or it would gain nothing */
};

/* At start.  A record in it that can't be given its name is told of, and stays. */
void spare_found(struct spare *sp, int dir, msec now);
/* As place_save, durable.  1: saved.  0: none is at hand, or it is too small: save it
 * the other way.  EXIT_STATE: it could not be, and the old one is as it was. */
MUST_CHECK int spare_save(struct spare *sp, const char *name, const void *buf, size_t len,
    msec now, struct err *err);
/* Make one, when nothing was saved for a while. */
void spare_tick(struct spare *sp, msec now);

#endif
