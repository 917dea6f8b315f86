/*
 * config.c - see config.h.  The YAML itself is read by meshd-conf as user
 * nobody: who may parse is not known before the parse.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "helper.h"
#include "ranges.h"
#include "rootless.h"
#include "sys.h"

enum { MESH_PORT = 7780 };

enum {
	NOBODY = 65534,
	RANGE_FIRST = 700000000, /* away from people, services, nspawn, subuid */
	RANGE_LAST = 899999999,
};

static int
read_path(const struct flat *f, const char *file, const char *key,
    const char *dflt, char *out, struct err *err)
{
	char own[CONFIG_PATH_CAP];
	struct flat_rec rec;

	if (!flat_find(f, key, &rec)) {
		snprintf(out, CONFIG_PATH_CAP, "%s",
		    rootless_path(key, dflt, own, sizeof own));
		if (out[0] == '/')
			return 0;
		return err_set(err, EXIT_CONFIG,
		    "%s: %s: neither it nor $HOME or $XDG_RUNTIME_DIR says where; set it",
		    file, key);
	}
	if (!flat_str(f, key, out, CONFIG_PATH_CAP) || out[0] != '/')
		return err_set(err, EXIT_CONFIG,
		    "%s:%u:%u: %s: an absolute path of less than %d bytes is needed",
		    file, rec.line, rec.col, key, CONFIG_PATH_CAP);
	return 0;
}

/* An account: a name, or a number that is uid and gid. */
static int
read_account(const struct flat *f, const char *file, const char *key,
    const char *dflt, char *out, struct err *err)
{
	struct flat_rec rec;

	if (!flat_find(f, key, &rec)) {
		snprintf(out, NAME_CAP, "%s", dflt);
		return 0;
	}
	if (rec.type == FLAT_INT)
		snprintf(out, NAME_CAP, "%lld", (long long)rec.num);
	else if (!flat_str(f, key, out, NAME_CAP) || out[0] == '\0')
		return err_set(err, EXIT_CONFIG,
		    "%s:%u:%u: %s: the name or number of an account is needed",
		    file, rec.line, rec.col, key);
	return 0;
}

static int
read_cgroup(struct config *c, const struct flat *f, struct err *err)
{
	struct flat_rec rec;

	if (!flat_find(f, "cgroup", &rec)) {
		snprintf(c->cgroup, sizeof c->cgroup, "mesh");
		return 0;
	}
	if (!flat_str(f, "cgroup", c->cgroup, sizeof c->cgroup) ||
	    !name_image_ok(c->cgroup, strlen(c->cgroup), 8))
		return err_set(err, EXIT_CONFIG,
		    "%s:%u:%u: cgroup: names joined by '/' are needed, like 'mesh'",
		    c->file, rec.line, rec.col);
	return 0;
}

static int
read_range(struct config *c, const struct flat *f, struct err *err)
{
	struct flat_rec rec;
	char text[32], *end;
	unsigned long first, last;

	c->range_ids = RANGES_IDS;
	c->range_first = RANGE_FIRST;
	c->range_last = RANGE_LAST;
	if (!flat_find(f, "uid-range", &rec))
		return 0;
	if (flat_str(f, "uid-range", text, sizeof text)) {
		first = strtoul(text, &end, 10);
		if (*end == '-' && end != text) {
			last = strtoul(end + 1, &end, 10);
			if (*end == '\0' && first >= 1000 &&
			    last < UINT32_MAX && last >= first + 65535) {
				c->range_first = (uint32_t)first;
				c->range_last = (uint32_t)last;
				return 0;
			}
		}
	}
	return err_set(err, EXIT_CONFIG,
	    "%s:%u:%u: uid-range: FIRST-LAST of at least 65536 ids from 1000 on is needed",
	    c->file, rec.line, rec.col);
}

/* meshd-conf has judged it; its default is the engine's. */
static unsigned
port_of(const struct flat *f)
{
	char listen[128];
	const char *colon = flat_str(f, "listen", listen, sizeof listen) ? strrchr(listen, ':') : NULL;

	return colon != NULL ? (unsigned)strtoul(colon + 1, NULL, 10) : MESH_PORT;
}

int
config_read(struct config *c, const struct flat *f, struct err *err)
{
	char key[CONFIG_PATH_CAP + 16], level[16];
	struct flat_rec rec;
	int rc;

	if ((rc = read_path(f, c->file, "config-dir", "/etc/mesh",
		 c->config_dir, err)) < 0 ||
	    (rc = read_path(f, c->file, "state-dir", "/var/lib/mesh",
		 c->state_dir, err)) < 0 ||
	    (rc = read_path(f, c->file, "run-dir", "/run/mesh", c->run_dir,
		 err)) < 0 ||
	    (rc = read_path(f, c->file, "log-dir", "/var/log/mesh", c->log_dir,
		 err)) < 0 ||
	    (rc = read_path(f, c->file, "images-dir", "/var/lib/mesh/images",
		 c->images_dir, err)) < 0)
		return rc;
	snprintf(key, sizeof key, "%s/cluster.key", c->state_dir);
	c->key_configured = flat_find(f, "cluster-key", &rec);
	c->http = flat_find(f, "http", &rec);
	c->port = port_of(f);
	c->account_configured = flat_find(f, "user", &rec) || flat_find(f, "http/user", &rec) ||
	    flat_find(f, "conf-user", &rec) || flat_find(f, "uid-range", &rec);
	if (strlen(key) >= CONFIG_PATH_CAP)
		return err_set(err, EXIT_CONFIG, "%s: state-dir is too long",
		    c->file);
	if ((rc = read_path(f, c->file, "cluster-key", key, c->cluster_key,
		 err)) < 0 ||
	    (rc = read_account(f, c->file, "user", "mesh", c->user, err)) < 0 ||
	    (rc = read_account(f, c->file, "conf-user", "mesh-conf",
		 c->conf_user, err)) < 0 ||
	    (rc = read_account(f, c->file, "http/user", "mesh-http",
		 c->http_user, err)) < 0 ||
	    (rc = read_cgroup(c, f, err)) < 0)
		return rc;
	(void)flat_str(f, "log/level", level, sizeof level); /* absent: "" */
	c->log_level = log_level_of(level);
	return read_range(c, f, err);
}

int
config_master(struct config *c, const char *file, const struct flat *f,
    struct err *err)
{
	char value[sizeof c->sandboxes_dir];
	const char *dir = value;
	struct flat_rec rec;
	int n;

	snprintf(value, sizeof value, "sandboxes");
	if (f != NULL && flat_find(f, "sandboxes-dir", &rec) &&
	    !flat_str(f, "sandboxes-dir", value, sizeof value))
		return err_set(err, EXIT_CONFIG,
		    "%s:%u:%u: sandboxes-dir: a path of less than %zu bytes is needed",
		    file, rec.line, rec.col, sizeof value);
	while (strncmp(dir, "./", 2) == 0)
		dir += 2;
	if (dir[0] == '/')
		n = snprintf(c->sandboxes_dir, sizeof c->sandboxes_dir, "%s",
		    dir);
	else
		n = snprintf(c->sandboxes_dir, sizeof c->sandboxes_dir,
		    "%s/lithos-configs/%s", c->config_dir, dir);
	if (n < 0 || (size_t)n >= sizeof c->sandboxes_dir)
		return err_set(err, EXIT_CONFIG,
		    "%s: sandboxes-dir: with config-dir longer than %zu bytes",
		    file, sizeof c->sandboxes_dir - 1);
	return 0;
}

/* At start there is nothing else to do: wait for the one helper. */
static int
parse(const char *kind, const char *file, int conf_program, uint8_t **raw,
    size_t *len, struct err *err)
{
	AUTO_CLOSE int yaml = helper_open_yaml(AT_FDCWD, file, file, err);

	if (yaml < 0)
		return yaml;
	return helper_run(conf_program, NOBODY, NOBODY, kind, file, yaml, NULL,
	    raw, len, err);
}

static int
no_records(const char *file, struct err *err)
{
	return err_set(err, EXIT_CONFIG,
	    "%s: meshd-conf gave no records: are the programs of one version?",
	    file);
}

static int
load_master(struct config *c, int conf_program, struct err *err)
{
	char file[CONFIG_PATH_CAP + 32];
	AUTO_FREE uint8_t *raw = NULL;
	struct flat f;
	size_t len;
	int rc;

	snprintf(file, sizeof file, "%s/lithos-configs/master.yaml",
	    c->config_dir);
	if (access(file, F_OK) < 0 && errno == ENOENT)
		return config_master(c, file, NULL, err);
	rc = parse("master", file, conf_program, &raw, &len, err);
	if (rc < 0)
		return rc;
	if (flat_open(&f, raw, len) < 0)
		return no_records(file, err);
	return config_master(c, file, &f, err);
}

/* A path that the engine has no default of its own for. */
static void
add_path(struct flat_out *o, const struct flat *f, const char *key, const char *path)
{
	struct flat_rec rec;

	if (rootless() && !flat_find(f, key, &rec))
		flat_put_str(o, key, path);
}

/* The engine gets the records of mesh.yaml, and what else was told to us. */
static int
add_records(struct config *c, bool debug, struct err *err)
{
	struct flat_out o = {.len = c->raw_len,
	    .cap = c->raw_len + 6 * sizeof c->sandboxes_dir + 512};
	const uint8_t yes = 1;
	struct flat f;

	if (o.cap > FLAT_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "%s: is too large", c->file);
	if ((o.buf = realloc(c->raw, o.cap)) == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	c->raw = o.buf;
	if (flat_open(&f, c->raw, c->raw_len) < 0)
		return no_records(c->file, err);
	add_path(&o, &f, "config-dir", c->config_dir);
	add_path(&o, &f, "state-dir", c->state_dir);
	add_path(&o, &f, "run-dir", c->run_dir);
	add_path(&o, &f, "log-dir", c->log_dir);
	add_path(&o, &f, "images-dir", c->images_dir);
	flat_put_str(&o, "sandboxes-dir", c->sandboxes_dir);
	if (debug)
		flat_put(&o, "debug", FLAT_BOOL, 0, 0, &yes, sizeof yes);
	c->raw_len = flat_end(&o);
	return 0;
}

int
config_load(struct config *c, const char *path, int conf_program, bool debug,
    struct err *err)
{
	struct flat f;
	int rc;

	memset(c, 0, sizeof *c);
	if (snprintf(c->file, sizeof c->file, "%s", path) >=
	    (int)sizeof c->file)
		return err_set(err, EXIT_CONFIG, "%.100s...: path too long",
		    path);
	rc = parse("daemon", path, conf_program, &c->raw, &c->raw_len, err);
	if (rc < 0)
		return rc;
	if (flat_open(&f, c->raw, c->raw_len) < 0)
		return no_records(c->file, err);
	if ((rc = config_read(c, &f, err)) < 0)
		return rc;
	if (debug)
		c->log_level = LOG_LEVEL_DEBUG;
	if ((rc = load_master(c, conf_program, err)) < 0)
		return rc;
	return add_records(c, debug, err);
}

/* All digits: uid and gid at once. */
static bool
number(const char *text, uint32_t *out)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);

	if (text[0] < '0' || text[0] > '9' || *end != '\0' || v >= UINT32_MAX)
		return false;
	*out = (uint32_t)v;
	return true;
}

static int
account(const char *key, const char *name, uid_t *uid, gid_t *gid,
    struct err *err)
{
	const struct passwd *pw;
	uint32_t n;

	if (number(name, &n)) {
		*uid = n;
		*gid = n;
	} else {
		pw = sys_passwd(name, 0);
		if (pw == NULL)
			return err_set(err, EXIT_ENVIRONMENT,
			    "%s: no account '%s'; make it: groupadd --system %s && useradd --system --gid %s --home-dir / --shell /usr/sbin/nologin %s; of one that only LDAP or the like knows, give the number",
			    key, name, name, name, name);
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
	}
	if (*uid == 0 || *gid == 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: '%s' is root; an account of its own is needed", key,
		    name);
	return 0;
}

/* It has what is asked of it in its hands: of no user who has a key or is root. */
static int
http_account(struct config *c, struct err *err)
{
	gid_t own;
	int rc = account("http: user", c->http_user, &c->http_uid, &own, err);

	if (rc < 0)
		return rc;
	if (c->http_uid == c->uid || c->http_uid == c->conf_uid)
		return err_set(err, EXIT_CONFIG,
		    "%s: http: user: uid %u is that of user or conf-user; an account of its own is needed", c->file,
		    c->http_uid);
	if (c->http_uid >= c->range_first && c->http_uid <= c->range_last)
		return err_set(err, EXIT_CONFIG,
		    "%s: http: user: uid %u lies in uid-range (%u-%u), which is for containers", c->file, c->http_uid,
		    c->range_first, c->range_last);
	return 0;
}

/* The engine gives that user no more than meshd-http is for. */
static int
tell_http_uid(struct config *c, struct err *err)
{
	struct flat_out o = {.len = c->raw_len, .cap = c->raw_len + 64};
	const int64_t uid = c->http_uid;

	if (!c->http || c->http_uid == 0)
		return 0;
	if (o.cap > FLAT_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "%s: is too large", c->file);
	if ((o.buf = realloc(c->raw, o.cap)) == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	c->raw = o.buf;
	flat_put_int(&o, "http-uid", uid);
	c->raw_len = flat_end(&o);
	return 0;
}

static int
read_accounts(struct config *c, struct err *err)
{
	int rc;

	if (rootless())
		return rootless_accounts(c, err);
	if ((rc = account("user", c->user, &c->uid, &c->gid, err)) < 0)
		return rc;
	rc = account("conf-user", c->conf_user, &c->conf_uid, &c->conf_gid, err);
	if (rc < 0)
		return rc;
	if (c->http && (rc = http_account(c, err)) < 0)
		return rc;
	/* Processes of one user may write in each other's memory: the engine
	 * would answer for meshd-conf. */
	if (c->uid == c->conf_uid)
		return err_set(err, EXIT_CONFIG,
		    "%s: user and conf-user are both uid %u; an account of its own is needed for each",
		    c->file, c->uid);
	if (c->conf_uid >= c->range_first && c->conf_uid <= c->range_last)
		return err_set(err, EXIT_CONFIG,
		    "%s: conf-user: uid %u lies in uid-range (%u-%u), which is for containers",
		    c->file, c->conf_uid, c->range_first, c->range_last);
	if (c->uid >= c->range_first && c->uid <= c->range_last)
		return err_set(err, EXIT_CONFIG,
		    "%s: user: uid %u lies in uid-range (%u-%u), which is for containers",
		    c->file, c->uid, c->range_first, c->range_last);
	return 0;
}

int
config_accounts(struct config *c, struct err *err)
{
	int rc = read_accounts(c, err);

	return rc < 0 ? rc : tell_http_uid(c, err);
}
