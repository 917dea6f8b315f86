/*
 * record.h - what is on disk of each accepted instance.
 */
#ifndef SUPERVISOR_RECORD_H
#define SUPERVISOR_RECORD_H

#include "sup.h"

#define RECORD_STOP ".stop-" /* its end was asked for, and goes on */
#define RECORD_BAD ".bad-"   /* set aside */
enum { RECORD_FILE_CAP = NAME_CAP + 16 };

int record_save(struct sup *s, const struct spec *spec, struct err *err);
/* From here on it will not be started again, also by a supervisor after us. */
void record_stopping(struct sup *s, const char *instance);
void record_forget(struct sup *s, const char *instance);
/* Is there a file of it with this prefix? */
bool record_there(const struct sup *s, const char *prefix, const char *instance);
/* What a full or broken disk did not take, again. */
void record_tick(struct sup *s, msec now);
/* At start, when all rows are there: files that a kill -9 left of nobody. */
void record_sweep(struct sup *s);

#endif
