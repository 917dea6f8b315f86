/*
 * pack_json.h - the answers of the test cases are written as JSON, for people;
 * this makes of them the msgpack that a daemon sends.
 */
#ifndef TEST_CLI_PACK_JSON_H
#define TEST_CLI_PACK_JSON_H

#include <jansson.h>

#include "../../../gossip/mpw.h"

static void
pack(struct mpw *w, json_t *v)
{
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(v)) {
		mpw_map(w, (uint32_t)json_object_size(v));
		json_object_foreach(v, key, item)
		{
			mpw_cstr(w, key);
			pack(w, item);
		}
	} else if (json_is_array(v)) {
		mpw_array(w, (uint32_t)json_array_size(v));
		json_array_foreach(v, i, item) pack(w, item);
	} else if (json_is_string(v)) {
		mpw_str(w, json_string_value(v), json_string_length(v));
	} else if (json_is_integer(v)) {
		mpw_int(w, json_integer_value(v));
	} else if (json_is_real(v)) {
		mpw_double(w, json_real_value(v));
	} else if (json_is_boolean(v)) {
		mpw_bool(w, json_is_true(v));
	} else {
		mpw_nil(w);
	}
}

#endif
