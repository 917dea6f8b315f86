/*
 * weak.h - defences that a test can leave out, one by one.
 *
 * That an attempt to break out fails proves nothing if it would fail without
 * the defence as well.  So tests/containers/test_escape*.py try each with the
 * real programs, and again with a second build of the supervisor and the init
 * (`make weak`, never installed) in which weak_holds is asked by name.  In the
 * real build it is the constant true: neither the question nor a name is in
 * the program.
 */
#ifndef BASE_WEAK_H
#define BASE_WEAK_H

#include <stdbool.h>

#ifdef MESH_WEAK
bool weak_holds(const char *defence);
#define HOLDS(defence) weak_holds(defence)
#else
#define HOLDS(defence) true
#endif

/* A flag that is a defence. */
#define IF_HOLDS(defence, flag) (HOLDS(defence) ? (flag) : 0)

#endif
