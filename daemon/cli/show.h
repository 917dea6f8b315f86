/*
 * show.h - what each verb prints.  The functions of the table in verb.c.
 *
 * Each takes the data of one answer, writes to s->out and returns the exit
 * code, or a negative code with *err.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include "verb.h"

/* One screen: show_status.c.  Exit code 0, 1 or 2 from data.health. */
int show_status(const struct show *s, const json_t *data, struct err *err);
int show_status_code(const json_t *data);
/* Lists: show_list.c. */
int show_members(const struct show *s, const json_t *data, struct err *err);
int show_members_code(const json_t *data); /* with --compare: faults */
int show_ps(const struct show *s, const json_t *data, struct err *err);
int show_leader(const struct show *s, const json_t *data, struct err *err);
int show_leader_code(const json_t *data);
int show_version(const struct show *s, const json_t *data, struct err *err);
/* show_facts.c */
int show_facts(const struct show *s, const json_t *data, struct err *err);
/* show_metrics.c, show_top.c */
int metrics_prepare(const struct show *s, struct args *a, struct run_error *e);
void metrics_explain(const struct args *a, struct run_error *e);
int show_metrics(const struct show *s, const json_t *data, struct err *err);
int show_top(const struct show *s, struct err *err);
/* show_audit.c.  Exit code 1: something is weaker, or could not be looked at. */
int show_audit(const struct show *s, const json_t *data, struct err *err);
int show_audit_code(const json_t *data);
/* The mesh itself: show_mesh.c; who sees whom: show_matrix.c. */
int show_partition(const struct show *s, const json_t *data, struct err *err);
int show_partition_code(const json_t *data);
int show_roster(const struct show *s, const json_t *data, struct err *err);
int show_rtt(const struct show *s, const json_t *data, struct err *err);
int show_reachability(const struct show *s, const json_t *data, struct err *err);
int show_reachability_code(const json_t *data);
int show_events(const struct show *s, const json_t *data, struct err *err);
int show_matrix(const struct show *s, const json_t *data, struct err *err);
/* Longer texts: show_text.c. */
int show_schedule(const struct show *s, const json_t *data, struct err *err);
/* Older ones, differences, shadows: show_schedule.c. */
int schedule_prepare(const struct show *s, struct args *a, struct run_error *e);
int show_schedules(const struct show *s, const json_t *data, struct err *err);
int show_schedules_code(const json_t *data);
int show_why(const struct show *s, const json_t *data, struct err *err);
/* plan.c, replay.c */
int show_plan(const struct show *s, struct err *err);
int show_render_plan(const struct show *s, struct err *err);
int show_replay(const struct show *s, struct err *err);
int show_render(const struct show *s, const json_t *data, struct err *err);
int show_generations(const struct show *s, const json_t *data, struct err *err);
int show_logs(const struct show *s, const json_t *data, struct err *err);
int show_logs_code(const json_t *data); /* of a role: not all nodes answered */
/* What was done, and what to do next: show_act.c. */
int show_apply(const struct show *s, const json_t *data, struct err *err);
int show_init(const struct show *s, const json_t *data, struct err *err);
int show_join(const struct show *s, const json_t *data, struct err *err);
int show_run(const struct show *s, const json_t *data, struct err *err);
int show_run_code(const json_t *data);
int show_hold(const struct show *s, const json_t *data, struct err *err);
int show_drain(const struct show *s, const json_t *data, struct err *err);
int show_leave(const struct show *s, const json_t *data, struct err *err);
int show_leave_over(const struct show *s, const json_t *data);
int show_recover(const struct show *s, const json_t *data, struct err *err);
int show_recover_code(const json_t *data);
int show_evict(const struct show *s, const json_t *data, struct err *err);
/* check.c */
int show_check(const struct show *s, struct err *err);
int show_seal(const struct show *s, struct err *err);
/* Of authors, in the sandbox: test.c, new.c, templates.c.  Exit code 1: a test failed, something was found. */
int show_test(const struct show *s, struct err *err);
int show_sim(const struct show *s, struct err *err);
int show_lint(const struct show *s, struct err *err);
int show_template(const struct show *s, struct err *err);
int show_new(const struct show *s, struct err *err);
/* admit.c */
int show_token(const struct show *s, struct err *err);
/* show_keys.c */
int show_keys(const struct show *s, const json_t *data, struct err *err);
int keys_prepare(const struct show *s, struct args *a, struct run_error *e);
/* debug bundle, debug show: bundle.c. */
int show_bundle(const struct show *s, struct err *err);
/* exec.c */
int show_exec(const struct show *s, struct err *err);
int show_debug(const struct show *s, const json_t *data, struct err *err);
/* No daemon needed: help.c. */
int show_help(const struct show *s, struct err *err);
int show_completion(const struct show *s, struct err *err);

/* --- helpers ------------------------------------------------------------ */
/* Text that others wrote, cleaned; NULL prints as <none>. */
void show_put(const struct show *s, const char *text);
/* The same as several lines, each indented. */
void show_lines(const struct show *s, const char *text, const char *indent, const char *color);
/* A word in its colour. */
void show_word(const struct show *s, const char *word);
/* How a node is, and what else is to be said of that: "alive,draining". */
void show_state(char *out, size_t cap, const json_t *row);
/* Only names are wanted (-o name, -q). */
bool show_names(const struct show *s);

#endif
