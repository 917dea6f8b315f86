/*
 * judge.h - may this START run here, and as what?
 *
 * The request (names and values, from the engine, not trusted) and the
 * image's container file (not trusted) are judged by the host's own sandbox
 * file (trusted).  Pure: it sees documents that are already open and names
 * that are already checked; what comes out is a spec from which alone the
 * container is run.
 */
#ifndef SUPERVISOR_JUDGE_H
#define SUPERVISOR_JUDGE_H

#include "../base/flat.h"
#include "spec.h"

struct judge {
	const struct sup_req *req;
	const char *vars; /* NAME=VALUE NUL ...; checked here */
	size_t vars_bytes;
	const struct flat *sandbox, *container;
	const struct flat *secrets; /* of its secret-environ-file, or NULL */
	const char *sandbox_file;   /* for error lines */
	const char *images_dir;	    /* of the daemon config */
	unsigned own_port;	    /* likewise, the mesh's own: 0 = not known */
	uint32_t range_first;	    /* outside uids for this sandbox ... */
	uint32_t range_ids;	    /* ... so many; 0: 64 Ki */
};

/* The names in a request, before any file is opened.  EXIT_CONFIG. */
MUST_CHECK int judge_names(const struct sup_req *req, struct err *err);

/* The deadline of a START or FENCE, by CLOCK_BOOTTIME now: not so soon that
 * nothing could run, nor further ahead than a lease lasts.  EXIT_CONFIG. */
MUST_CHECK int judge_deadline(const struct sup_req *req,
    uint32_t kill_timeout_ms, uint64_t now_ms, struct err *err);

/* What the sandbox says before the image is opened. */
struct judge_image {
	char dir[SPEC_PATH_CAP]; /* of images */
	int levels;
};
/* May the role use the sandbox, and the image have this name?  EXIT_CONFIG. */
MUST_CHECK int judge_sandbox(const struct judge *j, struct judge_image *out,
    struct err *err);

/* Of what judge_container accepted: lines, each with its newline, that say what
 * is treated otherwise than by lithos.  (judge_told.c) */
enum { JUDGE_TOLD_CAP = 1024 };
void judge_told(const struct judge *j, char *lines, size_t cap);

/* An address that fits where the sandbox has a bridge, for a START that nobody
 * asks for; else 0.  (judge_network.c) */
uint32_t judge_any_address(const struct judge *j);

/* All the rest.  *out is filled, or zero; free it with spec_free. */
MUST_CHECK int judge_container(const struct judge *j, struct spec *out,
    struct err *err);

#endif
