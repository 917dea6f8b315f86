/*
 * name.h - the names that cross privilege walls, and "did you mean".
 * A name is [a-z0-9][a-z0-9_.-]{0,62}; it is never a path.  Parts of an image's
 * name may have A-Z as well: they are directories, and nothing else is called
 * by them.
 */
#ifndef BASE_NAME_H
#define BASE_NAME_H

#include "../../gossip/base.h"

bool name_ok(const char *s, size_t len);
/* Names joined by commas, none of them empty; who keeps a list has this much room. */
enum { NAME_LIST_CAP = 64 * NAME_CAP };
bool name_list_ok(const char *s);
/* One part of an image's name: [A-Za-z0-9][A-Za-z0-9_.-]{0,62}. */
bool name_image_part_ok(const char *s, size_t len);
/* An image: 1..levels of them joined by '/', so no empty, '.' or '..' part. */
bool name_image_ok(const char *s, size_t len, int levels);
/* Does s match, whole?  '*' is any bytes, '?' one.  Time: |glob| x |s|. */
bool name_glob(const char *glob, const char *s);
/* The closest of count words within an edit distance of 1 + len/4, or NULL. */
const char *name_suggest(const char *word, const char *const *words,
    size_t count);

#endif
