/*
 * value.h - reading a JSON value whose shape is hoped for, not known: what is
 * missing or of another type reads as empty, 0 or the given default.
 */
#ifndef CLI_VALUE_H
#define CLI_VALUE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VALUE_TEXT_CAP = 512 };

/* Borrowed from v; "" if it is no string. */
const char *value_str(const json_t *v, const char *key);
int64_t value_int(const json_t *v, const char *key, int64_t otherwise);
bool value_bool(const json_t *v, const char *key);
/* Any value as one word or line: strings as they are, numbers, true, false,
 * maps "k=v,k=v", lists "a,b"; null and absent "".  Not cleaned.  Returns out. */
const char *value_text(char *out, size_t cap, const json_t *v, const char *key);
/* The same of a value itself. */
const char *value_print(char *out, size_t cap, const json_t *v);

/* The items of a list in the natural order of their text at key, or (key NULL) of
 * their own ("web.2"
 * before "web.10").  A malloc'd array of json_array_size(list), for the caller
 * to free; the items are borrowed. */
const json_t **value_sorted(const json_t *list, const char *key);

#endif
