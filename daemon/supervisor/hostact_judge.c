/*
 * hostact_judge.c - the administrator's word on one host action, from the records that
 * meshd-conf made of it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/weak.h"
#include "hostact.h"
#include "sys.h"

enum { PATH_ = 3 * NAME_CAP + 300, WORD_CAP = 1024 };

void
hostact_file_name(const char *config_dir, char *out, size_t cap)
{
	snprintf(out, cap, "%s/lithos-configs/host-actions.yaml", config_dir);
}

void
hostact_free(struct hostact_spec *spec)
{
	free(spec->argv.buf);
	memset(spec, 0, sizeof *spec);
}

static int
fail(const struct flat *f, const char *file, const char *path, struct err *err,
    const char *why)
{
	struct flat_rec rec = {.line = 0};
	char shown[PATH_];

	(void)flat_find(f, path, &rec); /* else the line is that of nothing */
	err_escape(shown, sizeof shown, path, strlen(path));
	return err_set(err, EXIT_CONFIG, "%s:%u:%u: %s: %s", file, rec.line, rec.col, shown, why);
}

/* A user of this host: a name, or a number that is uid and gid. */
static bool
account(const char *name, uint32_t *uid, uint32_t *gid)
{
	const struct passwd *pw;
	char *end;
	unsigned long n;

	if (name[0] >= '0' && name[0] <= '9') {
		n = strtoul(name, &end, 10);
		*uid = *gid = (uint32_t)n;
		return *end == '\0' && n < UINT32_MAX;
	}
	if ((pw = sys_passwd(name, 0)) == NULL)
		return false;
	*uid = pw->pw_uid;
	*gid = pw->pw_gid;
	return true;
}

static int
read_account(const struct flat *f, const char *file, const char *path, uint32_t *uid,
    uint32_t *gid, struct err *err)
{
	char name[NAME_CAP], why[NAME_CAP + 64];
	struct flat_rec rec;

	*uid = *gid = 0;
	if (!flat_find(f, path, &rec))
		return 0;
	if (flat_str(f, path, name, sizeof name) && account(name, uid, gid))
		return 0;
	snprintf(why, sizeof why, "there is no account '%s' on this host", name);
	return fail(f, file, path, err, why);
}

static bool
allowed(const struct flat *f, const char *name, const char *role)
{
	char path[PATH_], list[2 * NAME_CAP], key[16], one[NAME_CAP];
	struct flat_rec rec;
	size_t off = 0;

	snprintf(list, sizeof list, "%s/roles", name);
	while (flat_next(f, &off, &rec)) {
		if (!flat_child(&rec, list, key, sizeof key))
			continue;
		snprintf(path, sizeof path, "%s/%s", list, key);
		if (flat_str(f, path, one, sizeof one) && strcmp(one, role) == 0)
			return true;
	}
	return false;
}

static int
read_command(const struct flat *f, const char *file, const char *name,
    struct hostact_spec *out, struct err *err)
{
	char path[PATH_], list[2 * NAME_CAP], key[16], word[WORD_CAP];
	struct flat_rec rec;
	size_t off = 0;

	snprintf(list, sizeof list, "%s/command", name);
	while (flat_next(f, &off, &rec)) {
		if (!flat_child(&rec, list, key, sizeof key))
			continue;
		snprintf(path, sizeof path, "%s/%s", list, key);
		if (!flat_str(f, path, word, sizeof word) || out->argv.count == HOSTACT_WORDS_MAX)
			return fail(f, file, path, err, "more than 64 words, or one of more than 1023 bytes");
		if (strs_add(&out->argv, word, strlen(word), err) < 0)
			return -err->code;
	}
	if (out->argv.count == 0 || out->argv.buf[0] != '/')
		return fail(f, file, list, err,
		    "the program's absolute path on this host comes first; no shell looks for it");
	return 0;
}

/* at: the record of one of files, whose key is its name. */
static int
read_file(const struct flat *f, const char *file, const struct flat_rec *at,
    struct hostact_file *x, struct err *err)
{
	char path[PATH_], base[PATH_];
	int64_t mode = 0644;
	size_t n;

	if (x->name[0] == '\0' || strchr(x->name, '/') != NULL || at->path_len >= sizeof base - 16)
		return err_set(err, EXIT_CONFIG, "%s:%u:%u: a file's name is needed", file, at->line, at->col);
	snprintf(base, sizeof base, "%.*s", (int)at->path_len, at->path);
	snprintf(path, sizeof path, "%.*s/to", (int)sizeof path - 16, base);
	n = flat_str(f, path, x->to, sizeof x->to) ? strlen(x->to) : 0;
	if (n == 0 || x->to[0] != '/' || x->to[n - 1] == '/')
		return fail(f, file, path, err, "the absolute path of a file is needed");
	snprintf(path, sizeof path, "%.*s/mode", (int)sizeof path - 16, base);
	(void)flat_int(f, path, &mode); /* absent: 0644 */
	x->mode = (uint32_t)mode & 0777;
	snprintf(path, sizeof path, "%.*s/owner", (int)sizeof path - 16, base);
	return read_account(f, file, path, &x->uid, &x->gid, err);
}

static int
read_files(const struct flat *f, const char *file, const char *name,
    struct hostact_spec *out, struct err *err)
{
	char list[2 * NAME_CAP];
	struct flat_rec rec;
	size_t off = 0;
	int rc;

	snprintf(list, sizeof list, "%s/files", name);
	while (flat_next(f, &off, &rec)) {
		char key[sizeof out->files[0].name];

		if (!flat_child(&rec, list, key, sizeof key))
			continue;
		if (out->files_count == HOSTACT_FILES_MAX)
			return fail(f, file, list, err, "more than 32 files");
		memcpy(out->files[out->files_count].name, key, sizeof key);
		rc = read_file(f, file, &rec, &out->files[out->files_count++], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int
hostact_judge(const struct flat *f, const char *file, const char *name,
    const char *role, struct hostact_spec *out, struct err *err)
{
	char path[PATH_];
	struct flat_rec rec;
	int64_t ms = HOSTACT_MS;
	int rc;

	memset(out, 0, sizeof *out);
	if (!flat_find(f, name, &rec) || rec.type != FLAT_MAP)
		return err_set(err, EXIT_CONFIG, "host action '%s': there is none of that name in %s", name, file);
	if (role != NULL && HOLDS("hostact-roles") && !allowed(f, name, role))
		return err_set(err, EXIT_CONFIG,
		    "host action '%s' is not for role %s: %s:%u:%u: roles: does not name it", name, role, file,
		    rec.line, rec.col);
	snprintf(path, sizeof path, "%s/timeout", name);
	(void)flat_int(f, path, &ms); /* absent: HOSTACT_MS */
	if (ms < HOSTACT_MS_MIN || ms > HOSTACT_MS_MAX)
		return fail(f, file, path, err, "100 ms to 10 minutes");
	out->timeout_ms = (uint32_t)ms;
	snprintf(path, sizeof path, "%s/user", name);
	if ((rc = read_account(f, file, path, &out->uid, &out->gid, err)) < 0 ||
	    (rc = read_command(f, file, name, out, err)) < 0 ||
	    (rc = read_files(f, file, name, out, err)) < 0)
		hostact_free(out);
	return rc;
}
