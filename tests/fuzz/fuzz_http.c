/*
 * fuzz_http.c - any bytes as a request's head, as its parameters, and as the engine's
 * answer.  What is taken as a head is what a narrow reader takes: no NUL, no bare line
 * end.  The first byte says which.
 */
#include <stdlib.h>

#include "../../daemon/http/api.h"
#include "../../daemon/http/head.h"
#include "../../daemon/http/params.h"
#include "../../daemon/http/routes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
head(const uint8_t *data, size_t size)
{
	static const char *const names[] = {"localhost"};
	struct head h;

	if (!head_read(data, size, &h) || h.status != 0)
		return;
	if (h.len < 4 || h.len > size || memcmp(data + h.len - 4, "\r\n\r\n", 4) != 0 || memchr(data, '\0', h.len) != NULL)
		abort();
	for (size_t i = 0; i < h.len; i++)
		if ((data[i] == '\n') != (i > 0 && data[i - 1] == '\r'))
			abort();
	(void)head_host_is(data + h.host_off, h.host_len, names, 1);
}

static void
ask(const uint8_t *data, size_t size)
{
	static const char *const paths[] = {"/api/v1/query", "/api/v1/query_range", "/api/v1/series", "/api/v1/label/a/values",
	    "/api/v1/metadata"};
	static uint8_t out[64 << 10];
	char name[ROUTE_NAME_CAP];
	struct params p = {0};
	struct err err;
	struct mpw w;

	if (params_read(&p, (const char *)data, size, &err) == 0)
		for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
			const struct route *r = route_find(paths[i], strlen(paths[i]), name);

			mpw_init(&w, out, sizeof out);
			if (r->question(&p, name, &w, &err) < 0 && err.text[0] == '\0')
				abort();
		}
	params_free(&p);
	(void)head_path_ok((const char *)data, size);
	(void)route_find((const char *)data, size, name);
}

static void
answer(struct slice data)
{
	struct text t = {0};

	if (api_query(data, 0, &t) == 0 && t.b[t.len - 1] != '}')
		abort();
	text_free(&t);
	if (api_list(data, 10, &t) == 0 && t.b[t.len - 1] != '}')
		abort();
	text_free(&t);
	if (api_metadata(data, 10, &t) == 0 && t.b[t.len - 1] != '}')
		abort();
	text_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	if (data[0] % 3 == 0)
		head(data + 1, size - 1);
	else if (data[0] % 3 == 1)
		ask(data + 1, size - 1);
	else
		answer((struct slice){data + 1, size - 1});
	return 0;
}
