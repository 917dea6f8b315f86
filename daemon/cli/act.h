/*
 * act.h - actions (doc/actions.md): what `mesh scale`, `update`, `role`, `node`, `drain NODE`
 * and `action` ask, which is one and the same question, and what they print.
 */
#ifndef CLI_ACT_H
#define CLI_ACT_H

#include "args.h"
#include "run.h"

/* A word behind the operands is KEY=VALUE.  0, or negative with *err. */
MUST_CHECK int act_pair(struct args *a, const char *word, struct err *err);
/* All words are there: with --node there is no role, and they move by one.  Is a second one
 * missing, where it may not be? */
MUST_CHECK int act_words(struct args *a, const char *usage, struct err *err);
/* Fill what is asked: a->act_role, act_name, words.  0, or negative with *e. */
int act_prepare(const struct show *s, struct args *a, struct run_error *e);
int show_action(const struct show *s, const json_t *data, struct err *err);
/* 0 answered, 1 the script refused it or it is set aside, 2 still pending. */
int show_action_code(const json_t *data);
int show_actions(const struct show *s, const json_t *data, struct err *err);

#endif
