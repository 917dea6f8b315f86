/*
 * seal.c - mesh seal: a secret from standard input, for a container file.
 *
 * Never from the command line, which every user of the host may read, and never
 * from a terminal, which shows it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../base/own.h"
#include "../io/sealing.h"
#include "args.h"
#include "show.h"

enum { KEY_LINE_CAP = 4096 };

/* Up to cap bytes; more are an error. */
static ssize_t
read_whole(int fd, char *buf, size_t cap)
{
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buf + len, cap - len)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		len += (size_t)n;
		if (len == cap) {
			errno = EFBIG;
			return -1;
		}
	}
	return (ssize_t)len;
}

static int
read_key(const char *path, char line[KEY_LINE_CAP], struct err *err)
{
	AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	ssize_t n = fd < 0 ? -1 : read_whole(fd, line, KEY_LINE_CAP);

	if (n < 0)
		return err_set(err, EXIT_CONFIG, "seal: %.300s: %s", path, strerror(errno));
	line[n] = '\0';
	return 0;
}

int
show_seal(const struct show *s, struct err *err)
{
	static char text[SEALING_TEXT_CAP], secret[SEALING_BYTES_MAX + 2];
	const char *ns = s->args->second != NULL ? s->args->second : "";
	char line[KEY_LINE_CAP];
	ssize_t len;
	int rc;

	if (!sealing_namespace_ok(ns))
		return err_set(err, EXIT_USAGE_,
		    "seal: NAMESPACE must be of [A-Za-z0-9_.-], at most %d bytes",
		    SEALING_NAMESPACE_MAX);
	if (isatty(STDIN_FILENO))
		return err_set(err, EXIT_USAGE_,
		    "seal: the secret comes from standard input, and not from a terminal, which shows it");
	if ((rc = read_key(s->args->operand, line, err)) < 0)
		return rc;
	len = read_whole(STDIN_FILENO, secret, sizeof secret);
	if (len < 0)
		return err_set(err, EXIT_CONFIG, "seal: standard input: %s",
		    errno == EFBIG ? "more than 32 KiB" : strerror(errno));
	len -= len > 0 && secret[len - 1] == '\n'; /* of echo */
	if (memchr(secret, 0, (size_t)len) != NULL)
		rc = err_set(err, EXIT_CONFIG,
		    "seal: standard input: holds a NUL byte, which no environment can");
	else if ((rc = sealing(line, ns, (const uint8_t *)secret, (size_t)len, text, err)) < 0)
		err_prefix(err, "seal: %.300s: ", s->args->operand);
	explicit_bzero(secret, sizeof secret);
	if (rc < 0)
		return rc;
	fprintf(s->out, s->args->output == ARGS_JSON ? "{\"sealed\": \"%s\"}\n" : "%s\n", text);
	return 0;
}
