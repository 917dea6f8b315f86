/*
 * show.c - the small words the screens are written with.
 */
#include "show.h"

#include <stdlib.h>
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "text.h"

void
show_put(const struct show *s, const char *text)
{
	if (text == NULL || *text == '\0')
		text = "<none>";
	AUTO_FREE char *clean = text_clean(text, strlen(text), false);
	fputs(clean, s->out);
}

void
show_lines(const struct show *s, const char *text, const char *indent, const char *color)
{
	AUTO_FREE char *clean = text_clean(text, strlen(text), true);
	char *rest = clean;

	for (char *line; (line = strsep(&rest, "\n")) != NULL;) {
		if (*line == '\0' && rest == NULL)
			break; /* the text ended with a newline */
		if (s->color && *color != '\0')
			fprintf(s->out, "%s%s%s" TEXT_RESET "\n", indent, color, line);
		else
			fprintf(s->out, "%s%s\n", indent, line);
	}
}

void
show_word(const struct show *s, const char *word)
{
	const char *color = s->color ? text_color(word) : "";

	fputs(color, s->out);
	show_put(s, word);
	if (*color != '\0')
		fputs(TEXT_RESET, s->out);
}

bool
show_names(const struct show *s)
{
	return s->args->output == ARGS_NAME || s->args->given[OPT_QUIET];
}
