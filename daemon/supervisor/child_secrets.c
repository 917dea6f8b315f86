/*
 * child_secrets.c - a container's secrets, from sealed to its environment.
 *
 * The supervisor never has them in plain.  Its child, which is to become the
 * container's pid 1 or a command beside that, asks meshd-conf while the host's tree is still its own and
 * nothing of the image has run; the answer is a piece of memory that is wiped
 * when it was read.  What the child holds ends with its exec.
 */
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../base/own.h"
#include "child.h"
#include "helper.h"
#include "sys.h"

int
child_secrets(const struct child *c, struct strs *out)
{
	const struct rlimit none = {0, 0};
	const struct spec *s = c->spec;
	struct err err;
	size_t len = 0;

	if (c->key < 0)
		return 0;
	/* Nobody looks into this process from here on, nor at what is left of it. */
	if (setrlimit(RLIMIT_CORE, &none) < 0 ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return child_say(c, "secrets: cannot keep them out of core dumps");
	AUTO_CLOSE int sealed = sys_memfd("sealed", s->sealed.buf, s->sealed.len);
	if (sealed < 0)
		return child_say(c, "secrets: memfd_create failed");
	if (helper_open_secrets(c->conf, c->conf_uid, c->conf_gid, s->instance,
		sealed, c->key, &out->buf, &len, &err) < 0)
		return child_say(c, "%s", err.text);
	if (len == 0 || out->buf[len - 1] != '\0')
		return child_say(c, "secrets: meshd-conf gave no records");
	out->len = len;
	for (size_t i = 0; i < len; i++)
		out->count += out->buf[i] == '\0';
	close(c->key);
	close(c->conf);
	return 0;
}
