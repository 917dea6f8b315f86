/*
 * check.h - are a host's config files in order?  (meshd --check, mesh check)
 *
 * Offline: no daemon, no root, nothing is run but meshd-conf, and what judges
 * is what judges a START (judge.h).  Every file is read, whatever is wrong with
 * another.  On stdout a line each:
 *
 *   ok: FILE              error: FILE:LINE:COL: why        note: likewise
 *
 * A note is no fault: a key that is treated otherwise than by lithos, an image
 * that is not here.
 */
#ifndef SUPERVISOR_CHECK_H
#define SUPERVISOR_CHECK_H

#include "config.h"
#include "images.h"
#include "told.h"

enum { CHECK_PATH_CAP = 1024, CHECK_SANDBOXES_MAX = 256, CHECK_FILES_MAX = 4096, CHECK_NOBODY = 65534 };

/* A document, or none: raw is NULL. */
struct check_doc {
	char file[CHECK_PATH_CAP];
	uint8_t *raw; /* owned */
	struct flat flat;
};

struct check_sandbox {
	char name[NAME_CAP];
	char processes[CHECK_PATH_CAP]; /* the file that it reads in lithos */
	struct check_doc doc;
	bool takes_none; /* whatever a container asks for: that was said */
};

struct check {
	int conf;    /* meshd-conf */
	bool strict; /* DIR is root's: so must be what is in it */
	char base[CHECK_PATH_CAP], processes_dir[CHECK_PATH_CAP];
	struct images images;
	struct config config; /* of DIR/mesh.yaml, or the defaults */
	struct check_sandbox *sandboxes[CHECK_SANDBOXES_MAX]; /* owned */
	size_t sandboxes_count;
	struct told told; /* notes */
	uint32_t errors;
};

/* The exit code: 0, 1 when there was an error line.  Negative: it could not be
 * looked at. */
int check_run(const char *dir, const char *image, struct err *err);

/* --- between check.c and check_*.c ---------------------------------------- */
void check_say(struct check *c, const char *kind, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Lines, those that were not said yet. */
void check_notes(struct check *c, const char *lines);
/* yaml (taken) as a file of this kind: true, or an error line was said. */
bool check_read(struct check *c, struct check_doc *d, const char *kind,
    int yaml);
/* A sandbox file that was read, by itself: true, or error lines were said.
 * (check_sandbox.c) */
bool check_sandbox(struct check *c, struct check_sandbox *s);
/* What a processes file of the sandbox names. */
void check_processes(struct check *c, const struct check_sandbox *s,
    const struct check_doc *d);
/* The container files of an image, by whatever sandbox takes them. */
void check_image(struct check *c, const char *image);

#endif
