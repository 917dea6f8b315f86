/*
 * usage.c - verbs by their names, and how one is typed, from its row in verb.c.
 */
#include <stdio.h>
#include <string.h>

#include "../base/name.h"
#include "verb.h"

enum { VERBS_MAX = 80 };

const struct verb *
verb_find(const char *name)
{
	for (size_t i = 0; i < verbs_count; i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

const char *
verb_suggest(const char *name)
{
	const char *names[VERBS_MAX];

	assert(verbs_count <= VERBS_MAX);
	for (size_t i = 0; i < verbs_count; i++)
		names[i] = verbs[i].name;
	return name_suggest(name, names, verbs_count);
}

static const char command_words[] = " -- COMMAND [ARG...]";

static void
put_operands(char *out, size_t cap, const struct verb *v)
{
	const char *name =
	    v->operand == OPERAND_WORD && v->words[1] == NULL ? v->words[0] : v->operand_name;
	bool optional = v->operand_optional, second = v->second != OPERAND_NONE;
	bool needed = v->second_needed;

	if (v->operand == OPERAND_NONE)
		snprintf(out, cap, "%s", v->name);
	else
		snprintf(out, cap, "%s %s%s%s%s%s%s", v->name, optional ? "[" : "", name,
		    !second ? "" : needed ? " " : " [", second ? v->second_name : "",
		    second && !needed ? "]" : "", optional ? "]" : "");
	if (v->pairs)
		snprintf(out + strlen(out), cap - strlen(out), " [KEY=VALUE]...");
}

void
verb_words(char *out, size_t cap, const struct verb *v)
{
	put_operands(out, cap, v);
	if (v->command)
		snprintf(out + strlen(out), cap - strlen(out), "%s", command_words);
}

void
verb_usage(char *out, size_t cap, const struct verb *v)
{
	char words[96];
	size_t n;

	put_operands(words, sizeof words, v);
	snprintf(out, cap, "mesh %s", words);
	for (int o = 0; o < OPT_COUNT; o++) {
		const struct option_row *row = &options[o];
		char word[40];

		if ((v->options & OPT_BIT(o)) == 0)
			continue;
		if (row->letter != '\0')
			snprintf(word, sizeof word, "-%c", row->letter);
		else
			snprintf(word, sizeof word, "--%s", row->name);
		n = strlen(out);
		snprintf(out + n, cap - n, " [%s%s%s]", word, row->value != NULL ? " " : "",
		    row->value != NULL ? row->value : "");
	}
	/* Behind these every word is the command's. */
	n = strlen(out);
	if (v->command)
		snprintf(out + n, cap - n, "%s", command_words);
}
