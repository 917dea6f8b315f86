/*
 * help.c - help and completion, written from the tables of verb.c.
 */
#include <stdio.h>
#include <string.h>

#include "args.h"
#include "show.h"

static void
print_option(FILE *out, int o)
{
	const struct option_row *row = &options[o];
	char left[64], letter[8] = "";

	if (row->letter != '\0')
		snprintf(letter, sizeof letter, "-%c, ", row->letter);
	snprintf(left, sizeof left, "%s--%s%s%s", letter, row->name, row->value != NULL ? " " : "",
	    row->value != NULL ? row->value : "");
	fprintf(out, "  %-22s %s\n", left, row->help);
}

static void
print_options(FILE *out, uint64_t which)
{
	for (int o = 0; o < OPT_COUNT; o++)
		if ((which & OPT_BIT(o)) != 0)
			print_option(out, o);
}

static void
help_all(FILE *out)
{
	fputs("usage: mesh [OPTIONS] COMMAND [ARGUMENT]\n\ncommands:\n", out);
	for (size_t i = 0; i < verbs_count; i++) {
		char left[64];

		verb_words(left, sizeof left, &verbs[i]);
		fprintf(out, "  %-22s %s\n", left, verbs[i].summary);
	}
	fputs("\noptions of every command:\n", out);
	print_options(out, OPT_EVERYWHERE | OPT_BIT(OPT_VERSION));
	fputs("\nmesh help COMMAND tells the rest.  Exit codes: 0 done; 64 "
	      "usage; 7 no daemon or no\npermission; else the daemon's "
	      "(3 config, 4 state, 5 environment, 6 key, 1 other).\n",
	    out);
}

static void
help_verb(FILE *out, const struct verb *v)
{
	char usage[256];

	verb_usage(usage, sizeof usage, v);
	fprintf(out, "usage: %s\n\n%s\n", usage, v->summary);
	if (v->details != NULL)
		fprintf(out, "%s\n", v->details);
	fputs("\noptions:\n", out);
	print_options(out, v->options | OPT_EVERYWHERE);
}

int
show_help(const struct show *s, struct err *err)
{
	const struct args *a = s->args;
	const struct verb *v = a->verb;

	if (v != NULL && v->operand == OPERAND_VERB && !a->given[OPT_HELP])
		v = a->operand != NULL ? verb_find(a->operand) : NULL;
	if (v == NULL && a->operand != NULL) {
		char word[96];

		err_escape(word, sizeof word, a->operand, strnlen(a->operand, sizeof word));
		const char *near = verb_suggest(word);
		if (near != NULL)
			return err_set(err, EXIT_USAGE_,
			    "help: unknown command '%s'; did you mean '%s'?", word, near);
		return err_set(
		    err, EXIT_USAGE_, "help: unknown command '%s'; see mesh --help", word);
	}
	if (v != NULL)
		help_verb(s->out, v);
	else
		help_all(s->out);
	return 0;
}

/* --- completion ----------------------------------------------------------- */

/* A shell command whose words complete the operand, or "". */
static const char *
candidates(const struct verb *v)
{
	switch (v->operand) {
	case OPERAND_ROLE:
		return "mesh status -o name 2>/dev/null";
	case OPERAND_NODE:
		return "mesh members -o name 2>/dev/null";
	case OPERAND_EXPR:
		return "mesh metrics --list -o name 2>/dev/null";
	case OPERAND_INSTANCE:
		return "mesh ps -o name 2>/dev/null";
	default:
		return "";
	}
}

static void
bash_options(FILE *out, uint64_t which)
{
	for (int o = 0; o < OPT_COUNT; o++)
		if ((which & OPT_BIT(o)) != 0)
			fprintf(out, " --%s", options[o].name);
}

static void
bash_words(FILE *out, const struct verb *v)
{
	const char *command = candidates(v);

	if (v->operand == OPERAND_VERB)
		for (size_t i = 0; i < verbs_count; i++)
			fprintf(out, " %s", verbs[i].name);
	else if (*command != '\0')
		fprintf(out, " $(%s)", command);
	for (size_t i = 0; i < VERB_WORDS_MAX && v->words[i] != NULL; i++)
		fprintf(out, " %s", v->words[i]);
}

static void
completion_bash(FILE *out)
{
	fputs("# bash completion of mesh; made by: mesh completion bash\n"
	      "_mesh() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} "
	      "prev=${COMP_WORDS[COMP_CWORD-1]} verb= words= i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n\t\t",
	    out);
	for (size_t i = 0; i < verbs_count; i++)
		fprintf(out, "%s%s", i > 0 ? "|" : "", verbs[i].name);
	fputs(") verb=${COMP_WORDS[i]}; break ;;\n\t\tesac\n\tdone\n"
	      "\tcase $prev in\n"
	      "\t-o|--output) words='json wide name' ;;\n"
	      "\t--color) words='auto always never' ;;\n"
	      "\t--status) words='alive suspect failed left restarting evicted' ;;\n"
	      "\t--to|--node) words=$(mesh members -o name 2>/dev/null) ;;\n"
	      "\t--socket) COMPREPLY=($(compgen -f -- \"$cur\")); return ;;\n"
	      "\t*) case $verb:$cur in\n",
	    out);
	for (size_t i = 0; i < verbs_count; i++) {
		fprintf(out, "\t\t%s:-*) words='", verbs[i].name);
		bash_options(out, verbs[i].options | OPT_EVERYWHERE);
		fprintf(out, "' ;;\n\t\t%s:*) words=\"", verbs[i].name);
		bash_words(out, &verbs[i]);
		fputs("\" ;;\n", out);
	}
	fputs("\t\t:-*) words='", out);
	bash_options(out, OPT_EVERYWHERE | OPT_BIT(OPT_VERSION));
	fputs("' ;;\n\t\t:*) words='", out);
	for (size_t i = 0; i < verbs_count; i++)
		fprintf(out, " %s", verbs[i].name);
	fputs("' ;;\n\t\tesac ;;\n\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n}\n"
	      "complete -F _mesh mesh\n",
	    out);
}

static void
completion_fish(FILE *out)
{
	fputs("# fish completion of mesh; made by: mesh completion fish\n"
	      "complete -c mesh -f\n",
	    out);
	for (size_t i = 0; i < verbs_count; i++) {
		const struct verb *v = &verbs[i];
		const char *command = candidates(v);

		fprintf(out,
		    "complete -c mesh -n __fish_use_subcommand "
		    "-a %s -d \"%s\"\n",
		    v->name, v->summary);
		if (*command != '\0')
			fprintf(out,
			    "complete -c mesh -n "
			    "'__fish_seen_subcommand_from %s' -a '(%s)'\n",
			    v->name, command);
		for (size_t w = 0; w < VERB_WORDS_MAX && v->words[w]; w++)
			fprintf(out,
			    "complete -c mesh -n "
			    "'__fish_seen_subcommand_from %s' -a %s\n",
			    v->name, v->words[w]);
	}
	for (int o = 0; o < OPT_COUNT; o++) {
		fprintf(out, "complete -c mesh -l %s", options[o].name);
		if (options[o].letter != '\0')
			fprintf(out, " -s %c", options[o].letter);
		if (options[o].value != NULL)
			fputs(" -r", out);
		fprintf(out, " -d \"%s\"\n",
		    o == OPT_SOCKET ? "the socket of the daemon" : options[o].help);
	}
}

int
show_completion(const struct show *s, struct err *err)
{
	(void)err;
	if (strcmp(s->args->operand, "fish") == 0)
		completion_fish(s->out);
	else
		completion_bash(s->out);
	return 0;
}
