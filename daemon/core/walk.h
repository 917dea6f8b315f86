/*
 * walk.h - walking hostile msgpack with a path in hand, so that an error can
 * say where: "nodes.n3.roles.web.vars.ports[2]: nan is not a number".
 * Private to core.
 */
#ifndef CORE_WALK_H
#define CORE_WALK_H

#include "../../gossip/mp.h"
#include "../base/err.h"
#include "blob.h"

/* Containers of our own around a script's value of up to PLAN_DEPTH_MAX. */
enum { WALK_DEPTH_MAX = 40, WALK_STEPS_MAX = 48, WALK_PATH_CAP = 256, WALK_KEY_CAP = 80 };

struct walk {
	struct mp r;
	struct walk_step {
		const char *key; /* borrowed; NULL: an item */
		size_t n;	 /* bytes of the key; which item */
	} steps[WALK_STEPS_MAX];
	size_t depth; /* what is deeper than the steps leads there, and is not told */
	struct err *err; /* may be NULL: then only codes */
};

void walk_init(struct walk *w, struct slice buf, struct err *err);
/* A step to ".key" (which stays where it is) or "[i]"; returns what walk_pop takes
 * back.  It costs nothing: a path is written when something is wrong. */
size_t walk_push(struct walk *w, const char *key, size_t len);
size_t walk_push_index(struct walk *w, uint32_t i);
void walk_pop(struct walk *w, size_t to);
/* "path: text"; returns -1. */
int walk_fail(struct walk *w, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* "path: expected WHAT, got integer 5"; returns -1. */
int walk_expected(struct walk *w, const char *what);

/* Lua's {} is a list or a map: an empty one of the other kind passes. */
MUST_CHECK int walk_map(struct walk *w, uint32_t *count);
MUST_CHECK int walk_list(struct walk *w, uint32_t *count);
MUST_CHECK int walk_key(struct walk *w, const char **key, size_t *len);
/* A UTF-8 string of at most cap-1 bytes without NUL; may be empty. */
MUST_CHECK int walk_text(struct walk *w, char *dst, size_t cap);
/* One value of any kind that JSON could carry; its bytes. */
MUST_CHECK int walk_value(struct walk *w, struct slice *out);

/* Offset of the first byte that is not UTF-8, or -1. */
ptrdiff_t walk_utf8(const char *s, size_t len);
/* Is it exactly one well-formed map? */
bool walk_is_map(struct slice v);
/* Skip one value and say where it lies.  0 or a negative ERR_. */
MUST_CHECK int walk_raw(struct mp *r, struct slice *out);
/* mp_cstr that takes "" too, and wants UTF-8. */
MUST_CHECK int walk_cstr(struct mp *r, char *dst, size_t cap);
/* Text that others wrote, made harmless (err_escape) and cut to fit. */
MUST_CHECK int walk_harmless(struct mp *r, char *dst, size_t cap);
/* A name, of NAME_CAP; an image's, of VIEW_IMAGE_CAP.  empty: "" is one too. */
MUST_CHECK int walk_name(struct mp *r, char *dst, bool empty);
MUST_CHECK int walk_image(struct mp *r, char *dst, bool empty);

#endif
