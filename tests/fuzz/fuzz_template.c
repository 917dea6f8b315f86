/*
 * fuzz_template.c - any bytes as a template.
 *
 * It compiles or is refused with a place inside it; what it compiles to is
 * text that Lua takes or refuses, with every tag and every piece inside the
 * template.  Nothing is run.
 */
#include <stdlib.h>

#include "../../daemon/script/safe.h"
#include "../../daemon/script/template.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Of all errors the first is the one that a compilation ends with. */
static void
check_all(struct slice text, const struct template_error *first)
{
	struct template_error errors[8] = {0};
	struct template t;
	uint32_t n = template_check(&t, text, errors, ARRAY_LEN(errors));

	must(n <= ARRAY_LEN(errors) && (n > 0) == (first != NULL));
	for (uint32_t i = 0; i < n; i++)
		must(errors[i].line >= 1 && errors[i].col >= 1 && errors[i].text[0] != '\0');
	must(first == NULL || strcmp(errors[0].text, first->text) == 0);
	template_free(&t);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	/* A copy of just these bytes: a read past them is seen. */
	char *text = malloc(len > 0 ? len : 1);
	struct template_error e = {0};
	struct template t;
	lua_State *L;

	must(text != NULL);
	memcpy(text, data, len);
	if (template_compile(&t, (struct slice){text, len}, &e) != 0) {
		must(e.line >= 1 && e.col >= 1 && e.line <= len + 1 && e.text[0] != '\0');
		must(t.lua == NULL && t.tags == NULL);
		check_all((struct slice){text, len}, &e);
		free(text);
		return 0;
	}
	check_all(t.text, NULL);
	for (uint32_t i = 0; i < t.tags_count; i++) {
		const struct template_tag *g = &t.tags[i];
		uint32_t line, col;

		must(g->off < len && g->expr.len > 0);
		must(g->expr.p >= text && g->expr.p + g->expr.len <= text + len);
		template_place(t.text, g->off, &line, &col);
		must(line == g->line && col == g->col);
	}
	L = luaL_newstate();
	must(L != NULL);
	(void)luaL_loadbufferx(L, t.lua, t.lua_len, "=template", "t");
	lua_close(L);
	template_free(&t);
	free(text);
	return 0;
}
