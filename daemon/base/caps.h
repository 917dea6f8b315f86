/*
 * caps.h - the kernel's capabilities by name, and which of them a sandbox may
 * give at all.
 *
 * A sandbox's `capabilities:` says what its containers may ask for.  Some can't
 * be given whatever it says: each of those leads out of a container by itself,
 * past its limits, or into what the host keeps of others.
 */
#ifndef BASE_CAPS_H
#define BASE_CAPS_H

#include "../../gossip/base.h"

enum caps_kind {
	CAPS_NEVER,  /* leads out */
	CAPS_ANY,    /* whatever the user namespace */
	CAPS_MAPPED, /* only within a user namespace: without, it reaches the host */
	CAPS_HOST,   /* only without: the kernel asks the host's user namespace, so inside
			another it would be there and do nothing */
};

enum { CAPS_COUNT = 41 };

/* By number, without CAP_, NULL-ended. */
extern const char *const caps_names[CAPS_COUNT + 1];

/* The number, or -1. */
int caps_find(const char *name);
enum caps_kind caps_kind(int cap);
/* "CHOWN KILL" of a set (a bit per number), or "none". */
void caps_text(uint64_t set, char *out, size_t cap);

#endif
