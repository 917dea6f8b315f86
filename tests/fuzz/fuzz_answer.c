/*
 * fuzz_answer.c - any bytes as the daemon's answer: decoded, and shown by every
 * verb, wide and plain, in colour.  What is printed must be harmless to a
 * terminal: no control character but newline, tab and our own colours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../daemon/cli/answer.h"
#include "../../daemon/cli/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool
is_color(const char *p)
{
	static const char *const ours[] = {TEXT_RESET, TEXT_RED, TEXT_YELLOW, TEXT_GREEN};

	for (size_t i = 0; i < ARRAY_LEN(ours); i++)
		if (strncmp(p, ours[i], strlen(ours[i])) == 0)
			return true;
	return false;
}

static void
check_harmless(const char *text, size_t len)
{
	if (strlen(text) != len)
		abort(); /* a NUL inside */
	for (const char *p = text; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if ((c < 0x20 && c != '\n' && c != '\t' && !is_color(p)) || c == 0x7f)
			abort();
		if (c == 0xc2 && (unsigned char)p[1] < 0xa0)
			abort(); /* C1 control characters */
	}
}

static void
show_by(const struct verb *v, const struct answer *a, enum args_output output, bool quiet)
{
	struct args args = {.verb = v, .output = output};
	struct err err = {0};
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);
	struct show s = {.out = out, .args = &args, .color = true, .now_ms = 1795248000000};

	if (out == NULL)
		abort();
	args.given[OPT_QUIET] = quiet;
	if (v->print(&s, a->data, &err) > 125)
		abort();
	fclose(out);
	check_harmless(text, len);
	free(text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct answer a;
	struct err err;

	if (answer_open(&a, data, len, &err) < 0)
		return 0;
	if (!a.ok) {
		check_harmless(a.error, strlen(a.error));
		check_harmless(a.hint, strlen(a.hint));
	}
	for (size_t i = 0; a.ok && i < verbs_count; i++) {
		if (verbs[i].print == NULL)
			continue;
		show_by(&verbs[i], &a, ARGS_TABLE, false);
		show_by(&verbs[i], &a, ARGS_WIDE, false);
		show_by(&verbs[i], &a, ARGS_NAME, true);
	}
	answer_free(&a);
	return 0;
}
