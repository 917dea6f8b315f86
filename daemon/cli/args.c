/*
 * args.c - the command line by the tables of verb.c.
 *
 * getopt_long is not used: it can't say "did you mean", and the same option
 * may be right for one verb and wrong for another, which the error should say.
 */
#include "args.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "../base/name.h"
#include "../base/own.h"
#include "act.h"
#include "operand.h"
#include "show.h"
#include "text.h"

#define EXPIRES_MS_MAX (INT64_C(365) * 86400 * 1000)
enum { SHOWN_CAP = 96, OPERAND_BYTES_MAX = 4096, WORD_BYTES_MAX = 160, NAMES_BYTES_MAX = NAME_LIST_CAP - 1 };

struct cursor {
	struct args *args;
	int argc, at;
	char *const *argv;
	int64_t now_ms;
	uint64_t seen; /* OPT_BITs, checked against the verb at the end */
};

/* An argument as it may be shown: escaped, and cut when long. */
static const char *
shown(char out[SHOWN_CAP], const char *s)
{
	err_escape(out, SHOWN_CAP, s, strnlen(s, SHOWN_CAP));
	return out;
}

static int
option_by_name(const char *name, size_t len)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (strlen(options[i].name) == len && memcmp(options[i].name, name, len) == 0)
			return i;
	return -1;
}

static int
option_by_letter(char letter)
{
	for (int i = 0; i < OPT_COUNT; i++)
		if (letter != '\0' && options[i].letter == letter)
			return i;
	return -1;
}

static int
unknown_option(const char *arg, const char *name, struct err *err)
{
	const char *names[OPT_COUNT], *near;
	char buf[SHOWN_CAP];

	for (int i = 0; i < OPT_COUNT; i++)
		names[i] = options[i].name;
	near = strlen(name) < SHOWN_CAP ? name_suggest(name, names, OPT_COUNT) : NULL;
	if (near != NULL && strncmp(arg, "--", 2) == 0)
		return err_set(err, EXIT_USAGE_,
		    "unknown option '%s'; did you mean '--%s'? see mesh --help", shown(buf, arg),
		    near);
	return err_set(err, EXIT_USAGE_, "unknown option '%s'; see mesh --help", shown(buf, arg));
}

static int
set_output(struct args *a, const char *value, struct err *err)
{
	static const char *const names[] = {
	    [ARGS_WIDE] = "wide", [ARGS_NAME] = "name", [ARGS_JSON] = "json",
	    [ARGS_TAP] = "tap", [ARGS_JUNIT] = "junit"};
	char buf[SHOWN_CAP];

	for (size_t i = ARGS_WIDE; i < ARRAY_LEN(names); i++)
		if (strcmp(value, names[i]) == 0) {
			a->output = (enum args_output)i;
			return 0;
		}
	return err_set(err, EXIT_USAGE_,
	    "-o: '%s' is not a format; allowed: json, wide, name; of mesh test also tap, junit", shown(buf, value));
}

static int
set_seed(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP], *end;

	errno = 0;
	a->seed = strtoll(value, &end, 10);
	if (*value >= '0' && *value <= '9' && *end == '\0' && errno == 0 && a->seed <= INT32_MAX)
		return 0;
	return err_set(err, EXIT_USAGE_, "--seed: '%s' is not a number from 0 to %d", shown(buf, value), INT32_MAX);
}

static int
set_color(struct args *a, const char *value, struct err *err)
{
	static const char *const names[] = {"auto", "always", "never"};
	char buf[SHOWN_CAP];

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (strcmp(value, names[i]) == 0) {
			a->color = (enum args_color)i;
			return 0;
		}
	return err_set(err, EXIT_USAGE_, "--color: '%s' is unknown; allowed: auto, always, never",
	    shown(buf, value));
}

static int
set_lines(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP], *end;
	long long n = strtoll(value, &end, 10);

	if (*value < '0' || *value > '9' || *end != '\0' || n > ARGS_LINES_MAX)
		return err_set(err, EXIT_USAGE_, "-n: '%s' is not a number of lines (0-%d)",
		    shown(buf, value), ARGS_LINES_MAX);
	a->lines = n;
	return 0;
}

static int
set_socket(struct args *a, const char *value, const char *from, struct err *err)
{
	size_t max = sizeof((struct sockaddr_un *)NULL)->sun_path - 1;
	char buf[SHOWN_CAP];

	if (*value == '\0' || strlen(value) > max)
		return err_set(err, EXIT_USAGE_, "%s: '%s' is not a socket path (1-%zu bytes)",
		    from, shown(buf, value), max);
	a->socket = value;
	return 0;
}

static int
set_node(const char **out, const char *option, const char *value, struct err *err)
{
	char shown[ERR_TEXT_CAP];

	*out = value;
	if (name_ok(value, strlen(value)))
		return 0;
	err_escape(shown, sizeof shown, value, strlen(value));
	return err_set(err, EXIT_USAGE_, "%s: '%.80s' is no node's name", option, shown);
}

static int
set_status(struct args *a, const char *value, struct err *err)
{
	static const char *const states[] = {"alive", "suspect", "failed", "left",
	    "restarting", "evicted"};
	char buf[SHOWN_CAP];

	for (size_t i = 0; i < ARRAY_LEN(states); i++)
		if (strcmp(value, states[i]) == 0) {
			a->status = value;
			return 0;
		}
	const char *near = strlen(value) < SHOWN_CAP ?
			       name_suggest(value, states, ARRAY_LEN(states)) :
			       NULL;
	return err_set(err, EXIT_USAGE_,
	    "--status: unknown state '%s'; %s%s%s", shown(buf, value),
	    near != NULL ? "did you mean '" : "allowed: alive, suspect, failed, left, restarting, evicted",
	    near != NULL ? near : "", near != NULL ? "'?" : "");
}

static int
set_tag(struct args *a, const char *value, struct err *err)
{
	const char *eq = strchr(value, '=');
	char buf[SHOWN_CAP];

	a->tag = value;
	if (eq != NULL && eq != value && strlen(value) <= WORD_BYTES_MAX &&
	    strchr(value, ',') == NULL)
		return 0;
	return err_set(err, EXIT_USAGE_, "--tag: '%s' is not KEY=VALUE", shown(buf, value));
}

static int
set_glob(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP];

	a->name = value;
	if (*value != '\0' && strlen(value) <= NAME_BYTES_MAX &&
	    strspn(value, "abcdefghijklmnopqrstuvwxyz0123456789_.-*?") == strlen(value))
		return 0;
	return err_set(err, EXIT_USAGE_,
	    "--name: '%s' can match no name (a-z 0-9 _ . - and * ?)", shown(buf, value));
}

static int
set_expires(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP];

	a->expires_ms = text_parse_duration(value);
	if (a->expires_ms >= 1000 && a->expires_ms <= EXPIRES_MS_MAX)
		return 0;
	return err_set(err, EXIT_USAGE_, "--expires: '%s' is not a duration from 1s to 365d (1h)",
	    shown(buf, value));
}

static int
set_uses(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP], *end;

	a->uses = strtoll(value, &end, 10);
	if (*value >= '0' && *value <= '9' && *end == '\0' && a->uses >= 1 && a->uses <= CERT_USES_MAX)
		return 0;
	return err_set(err, EXIT_USAGE_, "--uses: '%s' is not a number of nodes (1-%d)",
	    shown(buf, value), CERT_USES_MAX);
}

static int
set_zone(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP];

	a->zone = value;
	if (name_ok(value, strlen(value)))
		return 0;
	return err_set(err, EXIT_USAGE_, "--zone: '%s' is not a name ([a-z0-9][a-z0-9_.-]{0,62})",
	    shown(buf, value));
}

static int
set_path(const char **out, const char *option, const char *value, struct err *err)
{
	*out = value;
	if (*value != '\0' && strlen(value) <= OPERAND_BYTES_MAX)
		return 0;
	return err_set(err, EXIT_USAGE_, "%s: not a file's path (1-%d bytes)", option,
	    OPERAND_BYTES_MAX);
}

static int
set_lost(struct args *a, const char *value, struct err *err)
{
	char buf[SHOWN_CAP];

	a->lost = value;
	if (strlen(value) <= NAMES_BYTES_MAX && name_list_ok(value))
		return 0;
	return err_set(err, EXIT_USAGE_, "--lost: '%s' is not names joined by commas (at most %d bytes)",
	    shown(buf, value), NAMES_BYTES_MAX);
}

static int
apply_option(struct cursor *c, int o, const char *value, struct err *err)
{
	c->seen |= OPT_BIT(o);
	c->args->given[o] = true;
	switch (o) {
	case OPT_SOCKET:
		return set_socket(c->args, value, "--socket", err);
	case OPT_OUTPUT:
		return set_output(c->args, value, err);
	case OPT_JSON:
		c->args->output = ARGS_JSON;
		return 0;
	case OPT_COLOR:
		return set_color(c->args, value, err);
	case OPT_LINES:
		return set_lines(c->args, value, err);
	case OPT_TO:
		return set_node(&c->args->to, "--to", value, err);
	case OPT_STATUS:
		return set_status(c->args, value, err);
	case OPT_TAG:
		return set_tag(c->args, value, err);
	case OPT_NAME:
		return set_glob(c->args, value, err);
	case OPT_EXPIRES:
		return set_expires(c->args, value, err);
	case OPT_USES:
		return set_uses(c->args, value, err);
	case OPT_HOLD:
		return operand_generation(&c->args->number, "--hold", value, err);
	case OPT_ZONE:
		return set_zone(c->args, value, err);
	case OPT_LOST:
		return set_lost(c->args, value, err);
	case OPT_CA_KEY:
		return set_path(&c->args->ca_key, "--ca-key", value, err);
	case OPT_TOKEN_FILE:
		return set_path(&c->args->token_file, "--token-file", value, err);
	case OPT_RETRY:
	case OPT_DROP:
		return operand_action(o == OPT_RETRY ? &c->args->retry : &c->args->drop, options[o].name, value, err);
	case OPT_NODE:
		return set_node(&c->args->node, "--node", value, err);
	case OPT_SEED:
		return set_seed(c->args, value, err);
	case OPT_SCHEDULER:
		return set_path(&c->args->scheduler, "--scheduler", value, err);
	case OPT_INPUT:
		return set_path(&c->args->input, "--input", value, err);
	case OPT_RANGE:
		return operand_span(&c->args->range_ms, "--range", value, err);
	case OPT_STEP:
		return operand_span(&c->args->step_ms, "--step", value, err);
	case OPT_SINCE:
		return operand_time(&c->args->since_ms, "--since", value, c->now_ms, err);
	case OPT_AT:
		return operand_instant(&c->args->at_ms, "--at", value, c->now_ms, err);
	case OPT_TIMEOUT:
		return operand_wait(&c->args->wait_ms, "--timeout", value, err);
	default:
		return 0;
	}
}

/* The value of an option that needs one: joined, or the next argument. */
static int
take_value(struct cursor *c, int o, const char *joined, const char **value, struct err *err)
{
	*value = joined;
	if (joined != NULL || options[o].value == NULL)
		return 0;
	if (c->at + 1 >= c->argc)
		return err_set(
		    err, EXIT_USAGE_, "--%s: missing %s", options[o].name, options[o].value);
	*value = c->argv[++c->at];
	return 0;
}

static int
parse_long(struct cursor *c, struct err *err)
{
	const char *arg = c->argv[c->at], *name = arg + 2, *value;
	const char *eq = strchr(name, '=');
	size_t len = eq != NULL ? (size_t)(eq - name) : strlen(name);
	int o = option_by_name(name, len);

	if (o < 0) {
		AUTO_FREE char *word = strndup(name, len);
		return unknown_option(arg, word != NULL ? word : "", err);
	}
	if (eq != NULL && options[o].value == NULL)
		return err_set(err, EXIT_USAGE_, "--%s takes no value", options[o].name);
	if (take_value(c, o, eq != NULL ? eq + 1 : NULL, &value, err) < 0)
		return -EXIT_USAGE_;
	return apply_option(c, o, value, err);
}

static int
parse_letters(struct cursor *c, struct err *err)
{
	const char *arg = c->argv[c->at], *value;

	for (const char *p = arg + 1; *p != '\0'; p++) {
		int o = option_by_letter(*p);

		if (o < 0)
			return unknown_option(arg, arg, err);
		bool joined = options[o].value != NULL && p[1] != '\0';
		if (take_value(c, o, joined ? p + 1 : NULL, &value, err) < 0)
			return -EXIT_USAGE_;
		if (apply_option(c, o, value, err) < 0)
			return -EXIT_USAGE_;
		if (options[o].value != NULL)
			break;
	}
	return 0;
}

static int
take_verb(struct args *a, const char *word, struct err *err)
{
	char buf[SHOWN_CAP];

	a->verb = verb_find(word);
	if (a->verb != NULL)
		return 0;
	const char *near = strlen(word) < SHOWN_CAP ? verb_suggest(word) : NULL;
	if (near != NULL)
		return err_set(err, EXIT_USAGE_,
		    "unknown command '%s'; did you mean '%s'? see mesh --help", shown(buf, word),
		    near);
	return err_set(err, EXIT_USAGE_, "unknown command '%s'; see mesh --help", shown(buf, word));
}

static int
parse_word(struct cursor *c, struct err *err)
{
	const char *word = c->argv[c->at];
	char buf[SHOWN_CAP], usage[256];

	if (c->args->verb == NULL)
		return take_verb(c->args, word, err);
	verb_usage(usage, sizeof usage, c->args->verb);
	if (c->args->operand != NULL && c->args->second == NULL &&
	    c->args->verb->second != OPERAND_NONE) {
		c->args->second = word;
		return 0;
	}
	if (c->args->verb->pairs && c->args->operand != NULL)
		return act_pair(c->args, word, err);
	if (c->args->verb->here && name_ok(word, strlen(word)))
		return err_set(err, EXIT_USAGE_, "%s: unexpected argument '%s': it is for the node that it is run on, so run it on %s",
		    c->args->verb->name, word, word);
	if (c->args->verb->operand == OPERAND_NONE || c->args->operand != NULL)
		return err_set(err, EXIT_USAGE_, "%s: unexpected argument '%s'; usage: %s",
		    c->args->verb->name, shown(buf, word), usage);
	c->args->operand = word;
	return 0;
}

static int
bad_operand(const struct args *a, const char *name, const char *word, const char *wants,
    struct err *err)
{
	char buf[SHOWN_CAP];

	return err_set(err, EXIT_USAGE_, "%s: %s '%s' is not %s", a->verb->name, name,
	    shown(buf, word), wants);
}

enum { WORDS_CAP = 128 };

/* "show, history, diff" */
static const char *
words_of(char out[WORDS_CAP], const struct verb *v)
{
	out[0] = '\0';
	for (size_t i = 0; i < VERB_WORDS_MAX && v->words[i] != NULL; i++)
		snprintf(out + strlen(out), WORDS_CAP - strlen(out), "%s%s", i > 0 ? ", " : "", v->words[i]);
	return out;
}

static int
check_word(const struct args *a, struct err *err)
{
	const struct verb *v = a->verb;
	char buf[SHOWN_CAP], list[WORDS_CAP];
	size_t n = 0;

	for (; n < VERB_WORDS_MAX && v->words[n] != NULL; n++)
		if (strcmp(v->words[n], a->operand) == 0)
			return 0;
	const char *near =
	    strlen(a->operand) < SHOWN_CAP ? name_suggest(a->operand, v->words, n) : NULL;
	return err_set(err, EXIT_USAGE_, near != NULL ? "%s: unknown %s '%s'; did you mean '%s'? see mesh help %s" :
		"%s: unknown %s '%s', it is one of: %s; see mesh help %s",
	    v->name, v->operand_name, shown(buf, a->operand), near != NULL ? near : words_of(list, v), v->name);
}

static int
check_operand(const struct args *a, enum operand kind, const char *name, const char *word,
    struct err *err)
{
	size_t len = strlen(word);

	if (len > OPERAND_BYTES_MAX)
		return err_set(err, EXIT_USAGE_, "%s: %s is %zu bytes long; at most %d",
		    a->verb->name, name, len, OPERAND_BYTES_MAX);
	switch (kind) {
	case OPERAND_ROLE:
	case OPERAND_INSTANCE:
	case OPERAND_NODE:
	case OPERAND_SANDBOX:
	case OPERAND_COMMAND:
	case OPERAND_NAME:
		return name_ok(word, len) ?
			   0 :
			   bad_operand(a, name, word, "a name ([a-z0-9][a-z0-9_.-]{0,62})", err);
	case OPERAND_NODES:
		if (len > NAMES_BYTES_MAX)
			return err_set(err, EXIT_USAGE_, "%s: %s is %zu bytes long; at most %d",
			    a->verb->name, name, len, NAMES_BYTES_MAX);
		return name_list_ok(word) ? 0 : bad_operand(a, name, word, "names joined by commas", err);
	case OPERAND_SEED:
		return operand_seed_ok(word) ? 0 :
				       bad_operand(a, name, word, "HOST:PORT (port 1-65535)", err);
	case OPERAND_STAMP:
		return operand_stamp_ok(word) ? 0 :
					bad_operand(a, name, word,
					    "TERM.LEADER8.SEQ as in mesh schedule show", err);
	case OPERAND_FILE:
		return len > 0 ? 0 : bad_operand(a, name, word, "a file's path", err);
	case OPERAND_EXPR:
		return len > 0 ? 0 : bad_operand(a, name, word, "an expression", err);
	case OPERAND_WORD:
		return check_word(a, err);
	default:
		return 0;
	}
}

static int
check_operands(const struct args *a, struct err *err)
{
	const struct verb *v = a->verb;
	int rc = check_operand(a, v->operand, v->operand_name, a->operand, err);

	if (rc == 0 && a->second != NULL && v->second_word != NULL &&
	    strcmp(a->operand, v->second_word) != 0)
		return err_set(err, EXIT_USAGE_, "%s: only %s takes %s, not %s; see mesh help %s",
		    v->name, v->second_word, v->second_name, a->operand, v->name);
	if (rc == 0 && a->second != NULL)
		rc = check_operand(a, v->second, v->second_name, a->second, err);
	return rc;
}

static int
missing_word(const struct verb *v, struct err *err)
{
	char list[WORDS_CAP];

	return err_set(err, EXIT_USAGE_, "%s: missing %s, one of: %s; see mesh help %s", v->name,
	    v->operand_name, words_of(list, v), v->name);
}

/* What only the whole line shows: wrong options, a missing operand. */
static int
check_verb(const struct cursor *c, struct err *err)
{
	const struct args *a = c->args;
	static const int choosing[] = {OPT_STATUS, OPT_TAG, OPT_NAME};
	uint64_t allowed = OPT_EVERYWHERE | a->verb->options;
	char usage[256];

	verb_usage(usage, sizeof usage, a->verb);
	if (a->given[OPT_HELP])
		return 0;
	for (int o = 0; o < OPT_COUNT; o++)
		if ((c->seen & ~allowed & OPT_BIT(o)) != 0)
			return err_set(err, EXIT_USAGE_,
			    "%s: --%s is not for this command; usage: %s", a->verb->name,
			    options[o].name, usage);
	if (a->output >= ARGS_TAP && a->verb->local != show_test)
		return err_set(err, EXIT_USAGE_, "%s: -o tap and -o junit are for mesh test", a->verb->name);
	for (size_t i = 0; a->given[OPT_COMPARE] && i < ARRAY_LEN(choosing); i++)
		if (a->given[choosing[i]])
			return err_set(err, EXIT_USAGE_,
			    "%s: --%s is not for --compare, which asks and shows all; leave one of the two out",
			    a->verb->name, options[choosing[i]].name);
	if (a->operand != NULL && a->verb->command && (a->command == NULL || a->command[0] == NULL))
		return err_set(err, EXIT_USAGE_, "%s: missing COMMAND; usage: %s", a->verb->name, usage);
	if (a->operand != NULL)
		return act_words(c->args, usage, err) < 0 ? -EXIT_USAGE_ : check_operands(a, err);
	if (a->verb->operand == OPERAND_WORD && a->verb->words[1] != NULL)
		return missing_word(a->verb, err);
	if (a->verb->operand != OPERAND_NONE && !a->verb->operand_optional)
		return err_set(err, EXIT_USAGE_, "%s: missing %s; usage: %s", a->verb->name,
		    a->verb->operand_name, usage);
	return 0;
}

int
args_parse(struct args *a, int argc, char *const *argv, const char *env_socket, int64_t now_ms,
    struct err *err)
{
	struct cursor c = {a, argc, 1, argv, now_ms, 0};
	bool words_only = false;
	int rc = 0;

	*a = (struct args){.socket = ARGS_SOCKET_DEFAULT, .lines = ARGS_LINES_DEFAULT};
	if (env_socket != NULL && *env_socket != '\0')
		rc = set_socket(a, env_socket, "$MESH_SOCKET", err);
	for (; rc == 0 && c.at < argc; c.at++) {
		const char *arg = argv[c.at];

		if (a->verb != NULL && a->verb->command && a->operand != NULL &&
		    (words_only || arg[0] != '-' || strcmp(arg, "--") == 0)) {
			/* From here on nothing is ours to read. */
			a->command = argv + c.at + (!words_only && arg[0] == '-');
			break;
		}
		if (words_only || arg[0] != '-' || arg[1] == '\0')
			rc = parse_word(&c, err);
		else if (strcmp(arg, "--") == 0)
			words_only = true;
		else if (arg[1] == '-')
			rc = parse_long(&c, err);
		else
			rc = parse_letters(&c, err);
	}
	if (rc < 0)
		return rc;
	if (a->verb != NULL)
		return check_verb(&c, err);
	if (!a->given[OPT_HELP] && !a->given[OPT_VERSION])
		return err_set(err, EXIT_USAGE_, "missing command; see mesh --help");
	return 0;
}
