/*
 * audit.c - is a container held as every container is?  See audit.h.
 *
 * This is a list of its own, written from what a container must not be able to
 * do, and not made from what the start does: where the two differ one is wrong.
 */
#include "audit_in.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/caps.h"
#include "../base/err.h"
#include "../base/initproto.h"
#include "../base/name.h"

const char *
audit_level_name(enum audit_level level)
{
	static const char *const names[] = {"weaker", "allowed", "unknown"};

	return names[level];
}

void
audit_find(struct audit_findings *f, enum audit_level level, const char *fmt, ...)
{
	char text[AUDIT_FINDING_CAP];
	va_list ap;

	f->weaker += level == AUDIT_WEAKER;
	if (f->count == AUDIT_FINDINGS_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	/* Whatever of it the container wrote. */
	err_escape(f->items[f->count].text, AUDIT_FINDING_CAP, text, strlen(text));
	f->items[f->count++].level = level;
}

int64_t
audit_asked(const struct flat *doc, const char *key)
{
	char path[64];
	int64_t n = 0;

	snprintf(path, sizeof path, "asked/%s", key);
	return flat_int(doc, path, &n) ? n : 0;
}

bool
audit_host(const struct flat *doc, const char *key)
{
	char path[64];
	int64_t n = 0;

	snprintf(path, sizeof path, "host/%s", key);
	return flat_int(doc, path, &n) && n != 0;
}

static bool
is_cut(const struct flat *doc, const char *who, const char *file)
{
	char path[64];
	int64_t n;

	snprintf(path, sizeof path, "%s/%s-cut", who, file);
	return flat_int(doc, path, &n);
}

/* --- privileges ----------------------------------------------------------- */

/* `userns: off` and user 0, both by the sandbox's word. */
static bool
may_be_root(const struct flat *doc)
{
	int64_t uid;

	return flat_int(doc, "asked/user-id", &uid) && uid == 0 && audit_asked(doc, "userns") == 0;
}

static bool
is_unconfined(const struct flat *doc)
{
	char name[NAME_CAP];

	return flat_str(doc, "asked/seccomp", name, sizeof name) && strcmp(name, "unconfined") == 0;
}

/* allowed: what its sandbox and its own file name. */
static void
judge_capabilities(struct audit_findings *f, const char *who, struct slice status, uint64_t allowed)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	char v[AUDIT_VALUE_CAP], names[160], *end;
	uint64_t set, all = 0;

	for (size_t i = 0; i < ARRAY_LEN(sets); i++) {
		bool any = audit_field(status, sets[i], v, sizeof v) && v[0] != '\0';

		set = strtoull(v, &end, 16);
		if (!any || *end != '\0' || (set & ~allowed) != 0)
			audit_find(f, AUDIT_WEAKER, "%s: %s is '%.32s', not empty", who, sets[i], v);
		all |= set & allowed;
	}
	caps_text(all, names, sizeof names);
	if (all != 0)
		audit_find(f, AUDIT_ALLOWED, "%s: has the capabilities %s: its sandbox allows them", who, names);
}

static void
judge_status(struct audit_findings *f, const char *who, struct slice status, int64_t least,
    const struct flat *doc)
{
	/* Of one id 0 is the user's own, as its maps are told to be. */
	bool root = may_be_root(doc) || audit_host(doc, "one-id");
	char v[AUDIT_VALUE_CAP];

	if (!audit_field(status, "NoNewPrivs", v, sizeof v) || strcmp(v, "1") != 0)
		audit_find(f, AUDIT_WEAKER, "%s: NoNewPrivs is '%.16s', not 1: setuid programs give rights", who, v);
	if (!audit_field(status, "Seccomp", v, sizeof v) || (strcmp(v, "0") == 0 && is_unconfined(doc)))
		audit_find(f, v[0] == '\0' ? AUDIT_WEAKER : AUDIT_ALLOWED,
		    "%s: Seccomp is '%.16s': its sandbox allows `seccomp: unconfined`", who, v);
	else if (strcmp(v, "2") != 0)
		audit_find(f, AUDIT_WEAKER, "%s: Seccomp is '%.16s', not 2: system calls are not filtered", who, v);
	else if (audit_field(status, "Seccomp_filters", v, sizeof v) && strtoll(v, NULL, 10) < least)
		audit_find(f, AUDIT_WEAKER, "%s: has %.16s seccomp programs, the container's init has %lld", who, v,
		    (long long)least);
	judge_capabilities(f, who, status, (uint64_t)audit_asked(doc, "capabilities"));
	if (!audit_field(status, "Uid", v, sizeof v) || v[0] == '0' || strstr(v, " 0") != NULL)
		audit_find(f, root ? AUDIT_ALLOWED : AUDIT_WEAKER, "%s: runs as %s (Uid %.64s)", who,
		    audit_host(doc, "one-id") ? "meshd's own user" : "root of this host", v);
}

/* Of the application and the init, not of what was put beside them. */
static void
judge_session(struct audit_findings *f, const char *who, struct slice status, const struct flat *doc)
{
	char v[AUDIT_VALUE_CAP], *last;

	if (!audit_field(status, "Groups", v, sizeof v) || v[0] != '\0')
		audit_find(f, audit_host(doc, "one-id") ? AUDIT_ALLOWED : AUDIT_WEAKER, "%s: is in more groups: %.100s",
		    who, v);
	if (!audit_field(status, "NSsid", v, sizeof v) || (last = strrchr(v, ' ')) == NULL ||
	    strcmp(last, " 0") == 0)
		audit_find(f, AUDIT_WEAKER, "%s: is in a session of the host, and has its terminal", who);
}

static bool
is_hosts(const struct flat *doc, const char *who, const char *ns)
{
	char file[16];
	struct slice theirs, host;

	snprintf(file, sizeof file, "ns/%s", ns);
	return !audit_file(doc, who, file, &theirs) || !audit_file(doc, "host", file, &host) ||
	    slice_eq(theirs, host);
}

static void
judge_maps(const struct audit_subject *s, const char *file)
{
	struct slice text, line;
	size_t off = 0;
	bool any = false;

	if (!audit_file(s->doc, s->who, file, &text))
		text.len = 0;
	while (audit_line(text, &off, &line)) {
		char v[64], *p = v;

		err_escape(v, sizeof v, (const char *)line.b, line.len);
		(void)strtoull(v, &p, 10);
		any = true;
		if (strtoull(p, NULL, 10) == 0 && audit_host(s->doc, "rootless"))
			audit_find(s->out, AUDIT_ALLOWED,
			    "%s: %s maps to the id of meshd's own user (--rootless): what is his is the container's", s->who,
			    file);
		else if (strtoull(p, NULL, 10) == 0)
			audit_find(s->out, AUDIT_WEAKER, "%s: %s maps to the host's id 0", s->who, file);
	}
	if (!any)
		audit_find(s->out, AUDIT_WEAKER, "%s: %s can't be read", s->who, file);
}

static void
judge_namespaces(const struct audit_subject *s)
{
	/* The host's network is what a container has unless it asks for another. */
	static const char *const own[] = {"cgroup", "ipc", "mnt", "pid", "uts"};

	for (size_t i = 0; i < ARRAY_LEN(own); i++)
		if (is_hosts(s->doc, s->who, own[i]))
			audit_find(s->out, AUDIT_WEAKER, "%s: is in the host's %s namespace", s->who, own[i]);
	if (audit_asked(s->doc, "network") > 0 && is_hosts(s->doc, s->who, "net"))
		audit_find(s->out, AUDIT_WEAKER, "%s: is in the host's net namespace, and should have one of its own",
		    s->who);
	if (!is_hosts(s->doc, s->who, "user")) {
		judge_maps(s, "uid_map");
		judge_maps(s, "gid_map");
	} else if (audit_asked(s->doc, "userns") != 0) {
		audit_find(s->out, AUDIT_WEAKER, "%s: is in the host's user namespace", s->who);
	} else {
		audit_find(s->out, AUDIT_ALLOWED, "%s: is in the host's user namespace: its sandbox says `userns: off`",
		    s->who);
	}
}

/* --- mounts ------------------------------------------------------------------ */

/* A volume of the record is writable, or exec: 1, it is not: 0, there is none at this path: -1. */
static int
volume(const struct flat *doc, const char *at, const char *what)
{
	char path[64], target[AUDIT_VALUE_CAP];
	int64_t is = 0;

	for (unsigned i = 0;; i++) {
		snprintf(path, sizeof path, "asked/volumes/%u", i);
		if (!flat_str(doc, path, target, sizeof target))
			return -1;
		snprintf(path, sizeof path, "asked/volumes/%u/%s", i, what);
		if (strcmp(target, at) == 0 && flat_int(doc, path, &is))
			return is != 0;
	}
}

/* In memory, or a view of the kernel: nothing of the host is written there. */
static bool
is_private(const char *type)
{
	static const char *const types[] = {"tmpfs", "proc", "devpts", "mqueue"};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (strcmp(types[i], type) == 0)
			return true;
	return false;
}

/* One node of the host's, as a user's container has them. */
static bool
is_lent(const struct audit_subject *s, const struct audit_mount *m)
{
	return audit_host(s->doc, "rootless") &&
	    (strcmp(m->root, "/null") == 0 || (strncmp(m->at, "/dev/", 5) == 0 && strcmp(m->root, m->at + 4) == 0));
}

static void
judge_mount(const struct audit_subject *s, const struct audit_mount *m)
{
	bool ro = audit_has_option(m->options, "ro");
	/* Devices that were made there, and the null of a mask. */
	bool devices = strcmp(m->at, "/dev") == 0 || is_lent(s, m) ||
	    (strcmp(m->type, "tmpfs") == 0 && strcmp(m->root, "/null") == 0) ||
	    strcmp(m->type, "devpts") == 0;

	if (!audit_has_option(m->options, "nosuid"))
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s is not nosuid", s->who, m->at);
	if (!devices && !audit_has_option(m->options, "nodev"))
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s is not nodev", s->who, m->at);
	if (strcmp(m->at, "/") == 0 ? !ro : !ro && !is_private(m->type) && volume(s->doc, m->at, "writable") != 1)
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s (%.20s) can be written", s->who, m->at, m->type);
	if (!audit_has_option(m->options, "noexec") &&
	    (volume(s->doc, m->at, "exec") == 0 || (!ro && volume(s->doc, m->at, "exec") != 1)))
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s can be written, and what is there be run", s->who,
		    m->at);
	if (volume(s->doc, m->at, "writable") == 0 && !ro)
		audit_find(s->out, AUDIT_WEAKER, "%s: volume %.100s can be written, and is to be read-only", s->who,
		    m->at);
	if (strstr(m->spread, "shared:") != NULL)
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s is shared: what is mounted there is seen outside",
		    s->who, m->at);
	if (strcmp(m->at, "/proc") == 0 && strcmp(m->type, "proc") != 0)
		audit_find(s->out, AUDIT_WEAKER, "%s: /proc is a %.20s, no procfs", s->who, m->type);
	if (strcmp(m->type, "sysfs") == 0 && !ro)
		audit_find(s->out, AUDIT_WEAKER, "%s: mount %.100s is a sysfs that can be written", s->who, m->at);
}

/* The last mount at a path is the one that is seen. */
static bool
seen_at(struct slice text, const char *at, struct audit_mount *out)
{
	struct audit_mount m;
	size_t off = 0;
	bool ok, any = false;

	while (audit_mount_next(text, &off, &m, &ok))
		if (ok && strcmp(m.at, at) == 0) {
			*out = m;
			any = true;
		}
	return any;
}

enum { COVERED, READ_ONLY, OF_ROOT = 2 }; /* of root: where a container may be root of the host */

/* What this host's kernel has in /proc must be covered, or only to be read. */
static void
judge_proc(const struct audit_subject *s, struct slice text)
{
	static const struct {
		const char *name;
		int how;
	} parts[] = {{"acpi", COVERED}, {"asound", COVERED}, {"kcore", COVERED}, {"keys", COVERED},
	    {"latency_stats", COVERED}, {"timer_list", COVERED}, {"timer_stats", COVERED},
	    {"sched_debug", COVERED}, {"scsi", COVERED}, {"interrupts", COVERED}, {"kmsg", COVERED},
	    {"bus", READ_ONLY}, {"fs", READ_ONLY}, {"irq", READ_ONLY}, {"sys", READ_ONLY},
	    {"sysrq-trigger", READ_ONLY}, {"kpagecgroup", COVERED | OF_ROOT},
	    {"kpagecount", COVERED | OF_ROOT}, {"kpageflags", COVERED | OF_ROOT},
	    {"pagetypeinfo", COVERED | OF_ROOT}, {"slabinfo", COVERED | OF_ROOT},
	    {"vmallocinfo", COVERED | OF_ROOT}, {"driver", READ_ONLY | OF_ROOT},
	    {"dynamic_debug", READ_ONLY | OF_ROOT}, {"mtrr", READ_ONLY | OF_ROOT}};
	bool maps = !is_hosts(s->doc, s->who, "user");
	struct slice names, line;
	struct audit_mount m;
	char at[64];

	if (!audit_file(s->doc, "host", "proc", &names))
		audit_find(s->out, AUDIT_WEAKER, "the host's /proc can't be read");
	for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
		bool here = false;

		for (size_t off = 0; !here && audit_line(names, &off, &line);)
			here = line.len == strlen(parts[i].name) &&
			    memcmp(line.b, parts[i].name, line.len) == 0;
		snprintf(at, sizeof at, "/proc/%s", parts[i].name);
		if (!here || (maps && (parts[i].how & OF_ROOT)))
			continue;
		if (!seen_at(text, at, &m) ||
		    (!(parts[i].how & READ_ONLY) && strcmp(m.type, "proc") == 0))
			audit_find(s->out, AUDIT_WEAKER, "%s: %s is not covered", s->who, at);
		else if (!audit_has_option(m.options, "ro"))
			audit_find(s->out, AUDIT_WEAKER, "%s: %s can be written", s->who, at);
	}
}

static void
judge_mounts(struct audit_subject *s)
{
	struct slice text;
	struct audit_mount m;
	size_t off = 0;
	bool ok;

	s->mounts_count = 0;
	if (!audit_file(s->doc, s->who, "mountinfo", &text) || !seen_at(text, "/", &m) ||
	    !seen_at(text, "/proc", &m)) {
		audit_find(s->out, AUDIT_WEAKER, "%s: its mounts can't be read", s->who);
		return;
	}
	while (audit_mount_next(text, &off, &m, &ok)) {
		if (ok && s->mounts_count < AUDIT_MOUNTS_MAX)
			s->mounts[s->mounts_count++] = m.id;
		if (ok)
			judge_mount(s, &m);
	}
	if (is_cut(s->doc, s->who, "mountinfo"))
		audit_find(s->out, AUDIT_WEAKER, "%s: has more mounts than are looked at", s->who);
	judge_proc(s, text);
}

/* --- descriptors and limits --------------------------------------------------- */

/* A file that was opened by no mount of its own was handed in from outside. */
static void
judge_fds(const struct audit_subject *s)
{
	char prefix[16], link[AUDIT_VALUE_CAP], key[40], path[64];
	bool init = strcmp(s->who, "init") == 0;
	struct flat_rec rec;
	size_t off = 0, n;
	int64_t mount = 0;

	snprintf(path, sizeof path, "%s/fds-count", s->who);
	if (audit_host(s->doc, "rootless") && !flat_int(s->doc, path, &mount))
		audit_find(s->out, AUDIT_UNKNOWN, "%s: its descriptors can't be read", s->who);
	n = (size_t)snprintf(prefix, sizeof prefix, "%s/fds/", s->who);
	while (flat_next(s->doc, &off, &rec)) {
		bool own = false;

		if (rec.path_len <= n || memcmp(rec.path, prefix, n) != 0 || rec.type != FLAT_STR ||
		    rec.path_len - n >= sizeof key || memchr(rec.path + n, '/', rec.path_len - n) != NULL)
			continue;
		memcpy(key, rec.path + n, rec.path_len - n);
		key[rec.path_len - n] = '\0';
		if (init && strtol(key, NULL, 10) <= INIT_FD_LAST_FENCE)
			continue; /* its logs, its last word, its fence */
		snprintf(link, sizeof link, "%.*s", (int)rec.str_len, rec.str);
		snprintf(path, sizeof path, "%s%s/mount", prefix, key);
		(void)flat_int(s->doc, path, &mount);
		for (size_t i = 0; i < s->mounts_count; i++)
			own = own || s->mounts[i] == mount;
		if (own || link[0] != '/' || strncmp(link, "/memfd:", 7) == 0)
			continue;
		audit_find(s->out, AUDIT_WEAKER, "%s: descriptor %s is %.120s, of no mount of its own", s->who, key,
		    link);
	}
}

static void
judge_rlimits(const struct audit_subject *s)
{
	int64_t fileno = audit_asked(s->doc, "fileno-limit"), n;
	struct slice text;
	char v[AUDIT_VALUE_CAP], *end;

	if (!audit_file(s->doc, s->who, "limits", &text))
		text.len = 0;
	if (!audit_field(text, "Max core file size", v, sizeof v) || strncmp(v, "0 0", 3) != 0)
		audit_find(s->out, AUDIT_WEAKER, "%s: may write core files (%.40s)", s->who, v);
	if (fileno == 0)
		return;
	n = audit_field(text, "Max open files", v, sizeof v) ? strtoll(v, &end, 10) : 0;
	if (n == 0 || n > fileno || strtoll(end, &end, 10) > fileno || strncmp(v, "unl", 3) == 0)
		audit_find(s->out, AUDIT_WEAKER, "%s: may open more files (%.40s) than its limit of %lld", s->who, v,
		    (long long)fileno);
}

/* --- all ------------------------------------------------------------------------ */

/* In the group itself, or, below = true, in one of its own. */
static bool
is_in_leaf(struct slice cgroup, struct slice leaf, bool below)
{
	struct slice l;
	size_t off = 0, end;

	while (audit_line(cgroup, &off, &l)) {
		if (l.len < 3 || memcmp(l.b, "0::", 3) != 0)
			continue;
		for (size_t at = 3; at + leaf.len < l.len; at++) {
			end = at + 1 + leaf.len;
			if (l.b[at] == '/' && memcmp(l.b + at + 1, leaf.b, leaf.len) == 0 &&
			    (end == l.len || (below && l.b[end] == '/')))
				return true;
		}
	}
	return false;
}

static void
judge_filters(const struct flat *doc, struct audit_findings *f)
{
	char path[48];
	struct flat_rec why;
	int64_t n = 0, ours = 0, asked = 0, k;
	char profile[NAME_CAP];

	if (is_unconfined(doc))
		return; /* there is none, as its status says */
	for (; n < 64; n++) {
		snprintf(path, sizeof path, "filters/%lld/default", (long long)n);
		if (!flat_int(doc, path, &k))
			break;
		ours += k != 0;
		snprintf(path, sizeof path, "filters/%lld/asked", (long long)n);
		asked += flat_int(doc, path, &k) && k != 0;
	}
	if (flat_find(doc, "filters-error", &why) && why.type == FLAT_STR)
		audit_find(f, AUDIT_UNKNOWN, "init: its seccomp programs can't be read: %.*s",
		    why.str_len < 100 ? (int)why.str_len : 100, why.str);
	else if (ours < 2 && asked >= 2 && flat_str(doc, "asked/seccomp", profile, sizeof profile) && *profile != '\0')
		audit_find(f, AUDIT_ALLOWED, "init: has the system calls of the profile %s too: its sandbox allows it",
		    profile);
	else if (ours < 2)
		audit_find(f, AUDIT_WEAKER, "init: %lld of its %lld seccomp programs are the default ones, not 2",
		    (long long)ours, (long long)n);
}

/* Whoever is in its group has its name, whatever else it has. */
static void
judge_others(const struct flat *doc, struct audit_findings *f, struct slice leaf, int64_t least)
{
	char path[40], who[80], pid[16], name[40];
	struct slice status, cgroup;
	int64_t count = 0, cut;
	unsigned i;

	for (i = 0;; i++) {
		snprintf(path, sizeof path, "%u", i);
		if (!audit_file(doc, "others", path, &status))
			break;
		snprintf(path, sizeof path, "%u/cgroup", i);
		if (!audit_file(doc, "others", path, &cgroup) || !is_in_leaf(cgroup, leaf, true))
			continue; /* it ended, and the number is another's */
		(void)audit_field(status, "Pid", pid, sizeof pid);
		(void)audit_field(status, "Name", name, sizeof name);
		snprintf(who, sizeof who, "process %s (%s)", pid, name);
		judge_status(f, who, status, least, doc);
	}
	if (audit_host(doc, "no-groups"))
		return; /* nothing says who they are */
	if (!flat_int(doc, "others-count", &count) || flat_int(doc, "others-cut", &cut))
		audit_find(f, AUDIT_WEAKER, "of %lld more processes in its cgroup only %u were looked at",
		    (long long)count, i);
}

/* Programs that a process has: what the init has, all that it forked have. */
static int64_t
filters_of(const struct flat *doc, const char *who)
{
	char v[AUDIT_VALUE_CAP];
	struct slice status;

	return audit_file(doc, who, "status", &status) &&
		audit_field(status, "Seccomp_filters", v, sizeof v) ?
	    strtoll(v, NULL, 10) :
	    0;
}

static bool
same_mounts(const struct flat *doc)
{
	struct slice app, init;

	return audit_file(doc, "app", "ns/mnt", &app) && audit_file(doc, "init", "ns/mnt", &init) &&
	    slice_eq(app, init);
}

static void
judge_process(struct audit_subject *s, struct slice leaf, bool mounts)
{
	struct slice status, cgroup;

	if (!audit_file(s->doc, s->who, "status", &status) ||
	    !audit_file(s->doc, s->who, "cgroup", &cgroup)) {
		audit_find(s->out, AUDIT_WEAKER, "%s: can't be read", s->who);
		return;
	}
	judge_status(s->out, s->who, status, filters_of(s->doc, "init"), s->doc);
	judge_session(s->out, s->who, status, s->doc);
	judge_namespaces(s);
	if (mounts)
		judge_mounts(s);
	judge_fds(s);
	judge_rlimits(s);
	audit_oom(s);
	if (audit_host(s->doc, "no-groups"))
		audit_find(s->out, AUDIT_ALLOWED, "%s: has no cgroup (--rootless): it is not limited, and ends by its pid 1",
		    s->who);
	else if (!is_in_leaf(cgroup, leaf, false))
		audit_find(s->out, AUDIT_WEAKER, "%s: is not in its cgroup, %.*s", s->who,
		    leaf.len < 80 ? (int)leaf.len : 80, (const char *)leaf.b);
}

/* The kernel shows no Landlock rules; that it can't have one, it says. */
static void
judge_bind(const struct flat *doc, struct audit_findings *f)
{
	enum { LANDLOCK_PORTS = 4 };
	int64_t abi;

	if (audit_asked(doc, "bind") != 0 && flat_int(doc, "host/landlock", &abi) && abi < LANDLOCK_PORTS)
		audit_find(f, AUDIT_WEAKER,
		    "app: may bind any TCP port, allow-tcp-ports does not hold it: this kernel's Landlock has no rule for ports");
}

void
audit_judge(const struct flat *doc, struct audit_findings *out)
{
	struct audit_subject s = {.doc = doc, .who = "app", .out = out};
	struct flat_rec rec;
	struct slice leaf = {(const uint8_t *)"?", 1};
	int64_t pid;
	bool app = flat_int(doc, "app/pid", &pid);

	memset(out, 0, sizeof *out);
	if (flat_find(doc, "leaf", &rec) && rec.type == FLAT_STR && rec.str_len > 0)
		leaf = (struct slice){(const uint8_t *)rec.str, rec.str_len};
	if (app)
		judge_process(&s, leaf, true);
	else
		audit_find(out, AUDIT_UNKNOWN, "app: there is none; it ends, or begins");
	s.who = "init";
	judge_process(&s, leaf, !app || !same_mounts(doc));
	judge_filters(doc, out);
	audit_cgroup(doc, out);
	judge_bind(doc, out);
	judge_others(doc, out, leaf, filters_of(doc, "init"));
}
