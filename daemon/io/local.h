/*
 * local.h - the containers of this host as the supervisor tells of them.
 * Plain table, kept by events; a LIST is folded in by mark and sweep, so what
 * the supervisor no longer names disappears at its end.
 */
#ifndef IO_LOCAL_H
#define IO_LOCAL_H

#include "../base/proto.h"
#include "../core/view.h"

enum { LOCAL_INSTANCES_MAX = 4096 };

struct local_instance {
	struct sup_event ev; /* the last one */
	char version[NAME_CAP]; /* of its role, as far as known */
	enum view_health health;
	bool listed; /* named since the running LIST began */
	bool asked;  /* this engine sent a START for it */
	msec fenced; /* exclusive: the last deadline that the supervisor was told */
};

struct local {
	struct local_instance *items; /* count used ones, in no order */
	size_t count;
	bool known;	   /* a LIST has ended: absence means absence */
	uint64_t list_ticket; /* running LIST, or 0 */
};

MUST_CHECK int local_init(struct local *l);
void local_free(struct local *l);
/* Before sending SUP_LIST with that ticket. */
void local_list_begin(struct local *l, uint64_t ticket);
/* Fold a STATE in.  The instance, or NULL when it is gone or the table is full. */
struct local_instance *local_state(struct local *l, const struct sup_event *ev);
/* Fold the END of the LIST in; calls gone for each instance swept away. */
void local_list_end(struct local *l, uint64_t ticket, void *arg,
    void (*gone)(void *arg, const struct local_instance *i));
/* The event's text without the instance's name, which stands beside it wherever it is
 * shown; what does not fit ends in "...". */
void local_error(const struct sup_event *ev, char *out, size_t cap);
/* Has an instance failed with these very words?  Then the supervisor's log has them. */
bool local_is_told(const struct local *l, const struct sup_event *ev);
struct local_instance *local_find(struct local *l, const char *instance);
/* An instance of its role, not a check container: ROLE.something, not EXITED. */
bool local_is_instance(const struct sup_event *ev);
/* As mesh ps and the report say it. */
void local_view(const struct local_instance *i, const char *node, struct view_instance *out);

#endif
