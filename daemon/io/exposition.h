/*
 * exposition.h - the verb that /metrics is answered from: this node's newest samples as
 * text (core/expotext.h).  What one scrape leaves for the next is given back when nobody
 * scrapes any more.
 */
#ifndef IO_EXPOSITION_H
#define IO_EXPOSITION_H

#include "../core/expotext.h"
#include "ctl.h"

struct engine;

enum { EXPOSITION_KEPT_S = 600 };

struct exposition {
	struct expotext *texts[2]; /* by format; made when it is asked for */
	msec asked[2];
	int cut; /* of the last answer: expotext_write's */
};

void exposition_verb(struct engine *e, struct ctl_req *r);
/* Once a second. */
void exposition_second(struct engine *e);

#endif
