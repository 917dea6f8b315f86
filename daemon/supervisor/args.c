/*
 * args.c - see args.h.
 */
#include "args.h"

#include <stdlib.h>

#include "../base/name.h"

const char args_usage[] =
    "usage: meshd [--config FILE] [--rootless] [--debug]\n"
    "       meshd --dev [--nodes N] [--config-dir D] [--images-dir D]\n"
    "                                   a throw-away mesh on this machine, of the scheduler here or in D\n"
    "       meshd --check DIR [IMAGE]   are the files there in order? (mesh check)\n"
    "       meshd --help | --version\n"
    "\n"
    "  --config FILE   the daemon's config (/etc/mesh/mesh.yaml)\n"
    "  --rootless      as an ordinary user: what can be had without root (doc/rootless.md);\n"
    "                  its config is ~/.config/mesh/mesh.yaml\n"
    "  --debug         tell more on stderr\n"
    "\n"
    "Exit codes: 64 usage, 3 config, 4 state, 5 environment, 6 key.\n";

#define WITH "--rootless-with="

static const char *const options[] = {"--check", "--config", "--debug", "--dev",
    "--help", "--rootless", "--version"};

static int
unknown(const char *arg, struct err *err)
{
	const char *near = name_suggest(arg, options, ARRAY_LEN(options));
	char shown[100];

	err_escape(shown, sizeof shown, arg, strlen(arg));
	if (arg[0] != '-')
		return err_set(err, EXIT_USAGE_,
		    "unexpected argument '%s'; see meshd --help", shown);
	if (near != NULL)
		return err_set(err, EXIT_USAGE_,
		    "unknown option %s; did you mean %s?", shown, near);
	return err_set(err, EXIT_USAGE_, "unknown option %s; see meshd --help",
	    shown);
}

static int
parse_check(struct args *a, int argc, char **argv, struct err *err)
{
	a->mode = ARGS_CHECK;
	if (argc < 1 || argc > 2 || argv[0][0] == '\0')
		return err_set(err, EXIT_USAGE_,
		    "--check needs a directory of configs, and may have one of an image");
	a->check = argv[0];
	a->image = argc > 1 ? argv[1] : NULL;
	return 0;
}

int
args_parse(struct args *a, int argc, char **argv, struct err *err)
{
	memset(a, 0, sizeof *a);
	a->owners = -1;
	for (int i = 1; i < argc; i++) {
		const char *arg = argv[i], *value = NULL;

		if (strcmp(arg, "--dev") == 0) {
			a->mode = ARGS_DEV;
			a->dev_at = i + 1;
			return 0;
		}
		if (strcmp(arg, "--check") == 0)
			return parse_check(a, argc - i - 1, argv + i + 1, err);
		if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
			a->mode = ARGS_HELP;
			return 0;
		}
		if (strcmp(arg, "--version") == 0) {
			a->mode = ARGS_VERSION;
			return 0;
		}
		if (strcmp(arg, "--debug") == 0) {
			a->debug = true;
			continue;
		}
		if (strcmp(arg, "--rootless") == 0) {
			a->rootless = true;
			continue;
		}
		if (strncmp(arg, WITH, strlen(WITH)) == 0) {
			a->owners = atoi(arg + strlen(WITH));
			continue;
		}
		if (strcmp(arg, "--config") == 0) {
			value = ++i < argc ? argv[i] : NULL;
			if (value == NULL || value[0] == '\0')
				return err_set(err, EXIT_USAGE_,
				    "--config needs a file");
		} else if (strncmp(arg, "--config=", 9) == 0) {
			value = arg + 9;
		} else {
			return unknown(arg, err);
		}
		if (a->config != NULL)
			return err_set(err, EXIT_USAGE_, "--config given twice");
		a->config = value;
	}
	if (a->owners >= 0 && !a->rootless)
		return err_set(err, EXIT_USAGE_, WITH "N is meshd's own; say --rootless");
	if (a->config == NULL && !a->rootless)
		a->config = "/etc/mesh/mesh.yaml";
	return 0;
}
