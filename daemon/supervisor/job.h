/*
 * job.h - a START or RUN on its way from names to a spec.  The answer goes to the
 * engine when it is there.
 */
#ifndef SUPERVISOR_JOB_H
#define SUPERVISOR_JOB_H

#include <sys/stat.h>

#include "helper.h"
#include "images.h"
#include "judge.h"
#include "opener.h"

struct row;
struct sup;

enum job_stage {
	JOB_WAITING,
	JOB_SANDBOX,
	JOB_CONTAINER,
	JOB_SECRETS,
	JOB_PROGRAM,
	JOB_TRIED,
	JOB_LIMITS,
};

struct job {
	enum job_stage stage;
	struct sup_req req;
	char *vars; /* owned */
	size_t vars_bytes;
	uint8_t *sandbox, *container, *secrets; /* owned flat documents */
	size_t sandbox_len, container_len, secrets_len;
	struct helper helper;
	struct opener opener; /* looks for a file in the image, before the helper reads it */
	bool has_found;
	struct found found;   /* by it: owned */
	/* What the helper reads; has read. */
	struct stat file, sandbox_file, container_file, secrets_file;
	/* Once the sandbox is read: where its images are, and the root of its own
	 * (owned), or -1. */
	struct judge_image image;
	int root;
	char program[SUP_PATH_CAP]; /* that is looked at; "" when no more is */
	int programs;		    /* so many were */
	size_t places;		    /* likewise, of files that it may get */
	uint8_t *said;		    /* owned: of that one, or NULL */
	size_t said_len;
	uint32_t range_first; /* of uid-range, for this sandbox */
	/* Owned: judged, or NULL.  Not in here: of hundreds that wait at once each would
	 * touch its own, and leave a hole of its size between the rows. */
	struct spec *spec;
};

/* Takes vars. */
void job_start(struct sup *s, struct row *r, const struct sup_req *req,
    char *vars, size_t vars_bytes, msec now);
/* False: it waits for another turn. */
bool job_tick(struct sup *s, struct row *r, msec now);
void job_ready(struct sup *s, struct row *r, msec now);
void job_drop(struct sup *s, struct row *r);

/* The image of a job whose sandbox was read. */
struct image_who job_image(const struct sup *s, const struct job *j);
/* The root of its image: 1; 0: a child looks for it, and job_ready comes; negative: it is
 * refused.  (job_open.c) */
MUST_CHECK int job_root(struct sup *s, struct job *j, msec now, struct err *err);
/* Likewise, the file at path in it. */
MUST_CHECK int job_find(struct sup *s, struct job *j, const char *path, struct found *f,
    msec now, struct err *err);
/* What the child found is kept for the next job_root or job_find. */
MUST_CHECK int job_found(struct sup *s, struct job *j, struct err *err);
void job_find_drop(struct sup *s, struct job *j);
/* Negative: it takes too long. */
MUST_CHECK int job_find_tick(const struct job *j, msec now, struct err *err);
/* 1: each program may run here; 0: a helper looks at one, or a child for a place of a
 * file of ours, and job_ready comes; negative: refused.  (job_program.c) */
MUST_CHECK int job_programs(struct sup *s, struct row *r, msec now,
    struct err *err);

#endif
