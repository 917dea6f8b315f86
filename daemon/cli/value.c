/*
 * value.c - forgiving reads of the daemon's data: an older or newer daemon may
 * miss a key, and a client that shows the rest is worth more than one that
 * refuses.
 */
#include "value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *
value_str(const json_t *v, const char *key)
{
	const char *s = json_string_value(json_object_get(v, key));

	return s != NULL ? s : "";
}

int64_t
value_int(const json_t *v, const char *key, int64_t otherwise)
{
	const json_t *n = json_object_get(v, key);

	if (json_is_integer(n))
		return json_integer_value(n);
	if (json_is_real(n) && json_real_value(n) > -9e18 && json_real_value(n) < 9e18)
		return (int64_t)json_real_value(n);
	return otherwise;
}

bool
value_bool(const json_t *v, const char *key)
{
	return json_is_true(json_object_get(v, key));
}

/* Members of a map or list, joined; one level, deeper ones show as {} or []. */
static void
print_members(char *out, size_t cap, const json_t *v)
{
	json_t *map = json_is_object(v) ? (json_t *)(uintptr_t)v : NULL, *item;
	size_t used = 0, count = map != NULL ? json_object_size(v) : json_array_size(v);
	void *it = map != NULL ? json_object_iter(map) : NULL;
	char text[VALUE_TEXT_CAP];

	for (size_t i = 0; i < count; i++) {
		item = map != NULL ? json_object_iter_value(it) : json_array_get(v, i);
		if (json_is_object(item) || json_is_array(item))
			snprintf(text, sizeof text, json_is_object(item) ? "{}" : "[]");
		else
			value_print(text, sizeof text, item);
		int n = snprintf(out + used, cap - used, "%s%s%s%s", i > 0 ? "," : "",
		    map != NULL ? json_object_iter_key(it) : "", map != NULL ? "=" : "", text);
		if (n < 0 || (size_t)n >= cap - used)
			return;
		used += (size_t)n;
		it = map != NULL ? json_object_iter_next(map, it) : NULL;
	}
}

const char *
value_print(char *out, size_t cap, const json_t *v)
{
	*out = '\0';
	if (json_is_string(v))
		snprintf(out, cap, "%s", json_string_value(v));
	else if (json_is_integer(v))
		snprintf(out, cap, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		snprintf(out, cap, "%g", json_real_value(v));
	else if (json_is_boolean(v))
		snprintf(out, cap, json_is_true(v) ? "true" : "false");
	else if (json_is_object(v) || json_is_array(v))
		print_members(out, cap, v);
	return out;
}

const char *
value_text(char *out, size_t cap, const json_t *v, const char *key)
{
	return value_print(out, cap, json_object_get(v, key));
}

static int
by_key(const void *a, const void *b, void *key)
{
	const json_t *const *x = a, *const *y = b;

	if (key == NULL)
		return strverscmp(json_is_string(*x) ? json_string_value(*x) : "",
		    json_is_string(*y) ? json_string_value(*y) : "");
	return strverscmp(value_str(*x, key), value_str(*y, key));
}

const json_t **
value_sorted(const json_t *list, const char *key)
{
	size_t count = json_array_size(list);
	const json_t **items = calloc(count > 0 ? count : 1, sizeof *items);

	if (items == NULL)
		abort();
	for (size_t i = 0; i < count; i++)
		items[i] = json_array_get(list, i);
	qsort_r(items, count, sizeof *items, by_key, (void *)(uintptr_t)key);
	return items;
}
