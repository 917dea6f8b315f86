/*
 * own.h - ownership by scope: what a function opened is closed on every way
 * out of it.  Move out with `*out = fd; fd = -1;`.
 */
#ifndef BASE_OWN_H
#define BASE_OWN_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static inline void
own_close_(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void
own_free_(void *p)
{
	free(*(void **)p);
}

static inline void
own_closedir_(DIR **d)
{
	if (*d != NULL)
		closedir(*d);
}

static inline void
own_fclose_(FILE **f)
{
	if (*f != NULL)
		fclose(*f);
}

#define AUTO_CLOSE __attribute__((cleanup(own_close_)))
#define AUTO_FREE __attribute__((cleanup(own_free_)))
#define AUTO_CLOSEDIR __attribute__((cleanup(own_closedir_)))
#define AUTO_FCLOSE __attribute__((cleanup(own_fclose_)))

#endif
