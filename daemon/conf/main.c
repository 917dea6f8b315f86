/*
 * main.c - meshd-conf KIND DISPLAY-NAME < yaml > records
 *          meshd-conf open DISPLAY-NAME < items 3< key > environment
 *          meshd-conf try DISPLAY-NAME < items 3< key
 *          meshd-conf program DISPLAY-NAME < program > records
 *
 * One process per file: it shuts its doors (limits, then a system call filter
 * that leaves reading, writing and memory), reads all of stdin, and writes
 * either one flat document and exits 0, or one line on stderr and exits 3.
 * With exit 0 stderr has a line for each key that is treated otherwise than by
 * lithos (conf.h).
 * `open` opens sealed secrets (secret.h) behind the same doors: the key is a
 * descriptor, no path and no variable.  `try` only sees whether it could.
 * `program` says what the first bytes of a program ask for (program.h).
 * So whatever a file does to the parser, the parser can do to nobody.
 */
#include "conf.h"
#include "program.h"
#include "secret.h"

#include "../base/own.h"
#include "../base/sanitized.h"
#include "../base/weak.h"

#include <errno.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/resource.h>

static void
say_raw(const char *text)
{
	size_t len = strlen(text);
	ssize_t n = write(STDERR_FILENO, text, len);

	(void)n; /* stderr is gone: the exit code remains */
}

static void
say(const char *text)
{
	say_raw(text);
	say_raw("\n");
}

static int
shut_limits(struct err *err)
{
	static const struct {
		int what;
		rlim_t max;
	} limits[] = {
	    {RLIMIT_AS, 256 << 20},
	    {RLIMIT_CPU, 5},
	    {RLIMIT_CORE, 0},
	    {RLIMIT_NOFILE, 3},
	    {RLIMIT_NPROC, 0},
	};

	for (size_t i = 0; i < ARRAY_LEN(limits); i++) {
		struct rlimit rl;

		if (getrlimit((__rlimit_resource_t)limits[i].what, &rl) != 0)
			return err_set(
			    err, EXIT_ENVIRONMENT, "meshd-conf: getrlimit: %s", strerror(errno));
		if (rl.rlim_max > limits[i].max)
			rl.rlim_max = limits[i].max;
		rl.rlim_cur = rl.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].what, &rl) != 0)
			return err_set(
			    err, EXIT_ENVIRONMENT, "meshd-conf: setrlimit: %s", strerror(errno));
	}
	return 0;
}

static int
shut_calls(struct err *err)
{
	static const int allowed[] = {SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(exit_group),
	    SCMP_SYS(exit), SCMP_SYS(brk), SCMP_SYS(mmap), SCMP_SYS(munmap), SCMP_SYS(mremap),
	    SCMP_SYS(madvise), SCMP_SYS(futex)};
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int rc = ctx == NULL ? -ENOMEM : 0;

	for (size_t i = 0; i < ARRAY_LEN(allowed) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx != NULL)
		seccomp_release(ctx);
	if (rc != 0)
		return err_set(err, EXIT_ENVIRONMENT, "meshd-conf: seccomp: %s", strerror(-rc));
	return 0;
}

/* All of it, at most cap bytes. */
static int
read_all(int fd, const char *display, char *buf, size_t cap, size_t *len, struct err *err)
{
	*len = 0;
	while (*len < cap) {
		ssize_t n = read(fd, buf + *len, cap - *len);

		if (n == 0)
			break;
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, EXIT_CONFIG, "%s: %s", display,
			    errno == EISDIR ? "is a directory" : strerror(errno));
		*len += (size_t)n;
	}
	return 0;
}

static int
write_all(const uint8_t *buf, size_t len, struct err *err)
{
	while (len > 0) {
		ssize_t n = write(STDOUT_FILENO, buf, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_set(err, EXIT_ENVIRONMENT,
			    "meshd-conf: cannot write records: %s", strerror(errno));
		buf += n;
		len -= (size_t)n;
	}
	return 0;
}

static int
convert(const char *kind, const char *name, struct err *err)
{
	char display[256];
	struct conf_notes notes = {0};
	struct flat_out out;
	size_t len, bytes;
	const size_t most = HOLDS("bounded") ? CONF_BYTES_MAX : FLAT_BYTES_MAX;
	/* One byte more tells "larger than"; one for the NUL. */
	AUTO_FREE char *text = malloc(most + 2);
	AUTO_FREE uint8_t *buf = malloc(FLAT_BYTES_MAX);
	int rc;

	err_escape(display, sizeof display, name, strlen(name));
	if (text == NULL || buf == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "%s: out of memory", display);
	rc = read_all(STDIN_FILENO, display, text, most + 1, &len, err);
	if (rc != 0)
		return rc;
	text[len] = '\0';
	flat_begin(&out, buf, FLAT_BYTES_MAX);
	rc = conf_run(kind, name, text, len, &out, &bytes, &notes, err);
	if (rc == 0)
		rc = write_all(buf, bytes, err);
	if (rc == 0)
		say_raw(notes.text);
	return rc;
}

static int
look_at_program(const char *name, struct err *err)
{
	char display[256];
	struct flat_out out;
	size_t len, bytes;
	AUTO_FREE char *head = malloc(PROGRAM_HEAD_BYTES);
	uint8_t buf[PROGRAM_OUT_BYTES];
	int rc;

	err_escape(display, sizeof display, name, strlen(name));
	if (head == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "%s: out of memory", display);
	rc = read_all(STDIN_FILENO, display, head, PROGRAM_HEAD_BYTES, &len, err);
	if (rc != 0)
		return rc;
	flat_begin(&out, buf, sizeof buf);
	bytes = program_read((const uint8_t *)head, len, &out);
	return write_all(buf, bytes, err);
}

/* What was read and written is wiped, whatever came of it. */
static int
open_secrets(bool tell, struct err *err)
{
	enum { KEY_FD = 3 };
	const size_t caps[] = {SECRET_ITEMS_BYTES_MAX, SECRET_KEY_BYTES_MAX, SECRET_OUT_BYTES_MAX};
	char *bufs[ARRAY_LEN(caps)];
	size_t len[ARRAY_LEN(caps)] = {0};
	int rc = 0;

	for (size_t i = 0; i < ARRAY_LEN(caps); i++)
		if ((bufs[i] = malloc(caps[i])) == NULL && rc == 0)
			rc = err_set(err, EXIT_ENVIRONMENT, "meshd-conf: out of memory");
	if (rc == 0)
		rc = read_all(STDIN_FILENO, "secrets", bufs[0], caps[0], &len[0], err);
	if (rc == 0)
		rc = read_all(KEY_FD, "secrets-private-key", bufs[1], caps[1], &len[1], err);
	if (rc == 0)
		rc = secret_open(bufs[0], len[0], bufs[1], len[1], bufs[2], &len[2], err);
	if (rc == 0 && tell)
		rc = write_all((const uint8_t *)bufs[2], len[2], err);
	for (size_t i = 0; i < ARRAY_LEN(caps); i++) {
		if (bufs[i] != NULL)
			explicit_bzero(bufs[i], caps[i]);
		free(bufs[i]);
	}
	return rc;
}

int
main(int argc, char **argv)
{
	struct err err = {0};
	char line[ERR_TEXT_CAP], shown[64];

	if (argc != 3) {
		say("meshd-conf: usage: meshd-conf KIND DISPLAY-NAME < yaml > records");
		return EXIT_USAGE_;
	}
	const bool tell = strcmp(argv[1], "open") == 0;
	const bool secrets = tell || strcmp(argv[1], "try") == 0;
	const bool program = strcmp(argv[1], "program") == 0;

	if (!secrets && !program && !conf_kind_ok(argv[1])) {
		err_escape(shown, sizeof shown, argv[1], strlen(argv[1]));
		snprintf(line, sizeof line, "meshd-conf: unknown kind '%s'; allowed: %s", shown,
		    conf_kind_list());
		say(line);
		return EXIT_USAGE_;
	}
	if ((secrets && secret_begin(&err) != 0) ||
	    (!SANITIZED && (shut_limits(&err) != 0 || shut_calls(&err) != 0)) ||
	    (secrets	    ? open_secrets(tell, &err) :
		    program ? look_at_program(argv[2], &err) :
			      convert(argv[1], argv[2], &err)) != 0) {
		say(err.text);
		return err.code;
	}
	return 0;
}
