/*
 * rootless.c - see rootless.h: who we are, and whose a file is.
 */
#include "rootless.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../base/own.h"
#include "rootless_in.h"
#include "sys.h"

enum { UNMAPPED = 65534 }; /* how the kernel shows an id that the namespace lacks */

/* How this process was started, for its life; before a fork, so that a child has
 * it too. */
static struct {
	bool on, one_id;
	int owners;    /* who sees the host's ids, or -1 */
	uint32_t ids;  /* sub ids from 1 on; 0: none */
} self = {.owners = -1};

bool
rootless(void)
{
	return self.on;
}

bool
rootless_one_id(void)
{
	return self.one_id;
}

/* How many ids from 1 on a map of ours has. */
static uint32_t
sub_ids(const char *file)
{
	unsigned long inside, outside, count, most = 0;
	AUTO_FCLOSE FILE *f = fopen(file, "re");

	while (f != NULL && fscanf(f, "%lu %lu %lu", &inside, &outside, &count) == 3)
		if (inside == 1)
			most = count;
	return most > UINT32_MAX ? UINT32_MAX : (uint32_t)most;
}

void
rootless_begin(void)
{
	self.on = true;
}

/* Only who came by rootless_enter has such a process, and to that process what is ours
 * is a user's.  Root himself would run the engine as root. */
static bool
has_entered(int owners)
{
	AUTO_CLOSE int own = memfd_create("own", MFD_CLOEXEC);
	uint32_t uid = 0;

	return geteuid() == 0 && own >= 0 &&
	    owners_ask(owners, OWNERS_WHOSE, own, &uid) && uid != 0 &&
	    uid != UINT32_MAX;
}

int
rootless_open(int owners, struct err *err)
{
	uint32_t uids = sub_ids("/proc/self/uid_map"),
		 gids = sub_ids("/proc/self/gid_map");

	self.on = true;
	if (fcntl(owners, F_SETFD, FD_CLOEXEC) < 0 || !has_entered(owners))
		return err_set(err, EXIT_ENVIRONMENT,
		    "--rootless-with is meshd's own; say --rootless");
	self.owners = owners;
	self.ids = uids < gids ? uids : gids;
	if (self.ids <= ROOTLESS_FIRST)
		self.ids = 0;
	self.one_id = self.ids == 0;
	if (self.one_id)
		sys_keep_groups();
	return 0;
}

/* Asked of a process that is not in the namespace: in it all ids that are not
 * mapped look the same. */
static bool
is_hosts_root(int fd)
{
	uint32_t uid = UINT32_MAX;

	return self.owners >= 0 && owners_ask(self.owners, OWNERS_WHOSE, fd, &uid) &&
	    uid == 0;
}

bool
rootless_trusts(int fd, const struct stat *st)
{
	if (st->st_uid == 0 || !self.on)
		return st->st_uid == 0;
	return st->st_uid == geteuid() || (st->st_uid == UNMAPPED && is_hosts_root(fd));
}

const char *
rootless_owner(void)
{
	return self.on ? "you or root" : "root";
}

/* Where a user's things are, by the XDG base directory specification; a value that
 * is no absolute path is to be ignored. */
static const struct {
	const char *key, *variable, *below_home, *rest;
} places[] = {
    {"config-dir", "XDG_CONFIG_HOME", ".config", "mesh"},
    {"state-dir", "XDG_STATE_HOME", ".local/state", "mesh/state"},
    {"log-dir", "XDG_STATE_HOME", ".local/state", "mesh/log"},
    {"images-dir", "XDG_DATA_HOME", ".local/share", "mesh/images"},
    {"run-dir", "XDG_RUNTIME_DIR", NULL, "mesh"},
};

const char *
rootless_path(const char *key, const char *dflt, char *buf, size_t cap)
{
	for (size_t i = 0; self.on && i < ARRAY_LEN(places); i++) {
		const char *base = getenv(places[i].variable), *home = getenv("HOME");
		int n = -1;

		if (strcmp(places[i].key, key) != 0)
			continue;
		if (base != NULL && base[0] == '/')
			n = snprintf(buf, cap, "%s/%s", base, places[i].rest);
		else if (places[i].below_home != NULL && home != NULL && home[0] == '/')
			n = snprintf(buf, cap, "%s/%s/%s", home,
			    places[i].below_home, places[i].rest);
		return n > 0 && (size_t)n < cap ? buf : "";
	}
	return dflt;
}

const char *
rootless_config(const char *given)
{
	static char path[CONFIG_PATH_CAP];
	char dir[CONFIG_PATH_CAP - 16];

	if (!self.on || given != NULL)
		return given;
	snprintf(path, sizeof path, "%s/mesh.yaml",
	    rootless_path("config-dir", "", dir, sizeof dir));
	return path;
}

int
rootless_accounts(struct config *c, struct err *err)
{
	if (c->account_configured)
		return err_set(err, EXIT_CONFIG,
		    "%s: user, conf-user, http: user and uid-range are not for --rootless, which has ids of your own; remove them",
		    c->file);
	c->uid = self.one_id ? 0 : ROOTLESS_ENGINE;
	c->gid = c->uid;
	c->conf_uid = self.one_id ? 0 : ROOTLESS_CONF;
	c->conf_gid = c->conf_uid;
	c->http_uid = self.one_id ? 0 : ROOTLESS_HTTP;
	/* One id for each sandbox: that is all that a process without a capability
	 * can be. */
	c->range_first = self.one_id ? 0 : ROOTLESS_FIRST;
	c->range_last = self.ids;
	c->range_ids = 1;
	return 0;
}
