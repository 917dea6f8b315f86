/*
 * procfs_found.c - what is there to be measured: file systems, processes, and the groups
 * that a process is in.
 */
#include "procfs.h"

#include "../base/utf8.h"

static struct slice
line_of(struct slice *text)
{
	const uint8_t *nl = text->len > 0 ? memchr(text->b, '\n', text->len) : NULL;
	struct slice line = {text->b, nl != NULL ? (size_t)(nl - text->b) : text->len};
	size_t used = line.len + (nl != NULL);

	text->b += used;
	text->len -= used;
	return line;
}

/* Up to the next sep, which goes too; an empty rest has an empty field. */
static struct slice
field(struct slice *line, char sep)
{
	const uint8_t *at = line->len > 0 ? memchr(line->b, sep, line->len) : NULL;
	struct slice f = {line->b, at != NULL ? (size_t)(at - line->b) : line->len};
	size_t used = f.len + (at != NULL);

	line->b += used;
	line->len -= used;
	return f;
}

static bool
is(struct slice s, const char *text)
{
	return s.len == strlen(text) && (s.len == 0 || memcmp(s.b, text, s.len) == 0);
}

static bool
begins(const char *s, const char *with)
{
	return strncmp(s, with, strlen(with)) == 0;
}

/* "\040" is a blank there.  What is no UTF-8 becomes '?': labels are text. */
static bool
undo(struct slice s, char *out, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < s.len; i++) {
		const uint8_t *o = s.b + i + 1;
		uint8_t c = s.b[i];

		if (n + 1 >= cap)
			return false;
		if (c == '\\' && i + 3 < s.len && o[0] >= '0' && o[0] <= '3' && o[1] >= '0' && o[1] <= '7' &&
		    o[2] >= '0' && o[2] <= '7') {
			c = (uint8_t)((o[0] - '0') << 6 | (o[1] - '0') << 3 | (o[2] - '0'));
			i += 3;
		}
		out[n++] = (char)(c < ' ' || c == 0x7f ? '?' : c);
	}
	out[n] = '\0';
	for (size_t i = 0, k; i < n; i += k) {
		k = utf8_len((const uint8_t *)out + i, n - i);
		if (k == 0) {
			out[i] = '?';
			k = 1;
		}
	}
	return n > 0;
}

/* Of names of network namespaces there are none to measure; the others are its own:
 * ^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/) */
static bool
is_left_out_point(const char *point)
{
	static const char *const whole[] = {"/dev", "/proc", "/sys", "/run/netns"},
	    *const below[] = {"/run/credentials/", "/var/lib/docker/", "/var/lib/containers/storage/"};

	for (size_t i = 0; i < ARRAY_LEN(whole); i++) {
		size_t n = strlen(whole[i]);

		if (strncmp(point, whole[i], n) == 0 && (point[n] == '\0' || point[n] == '/'))
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(below); i++)
		if (begins(point, below[i]) && point[strlen(below[i])] != '\0')
			return true;
	return false;
}

static bool
is_one_of(const char *s, const char *const *all, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(s, all[i]) == 0)
			return true;
	return false;
}

static bool
is_left_out_type(const char *type)
{
	static const char *const all[] = {"autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs",
	    "debugfs", "devpts", "devtmpfs", "fusectl", "hugetlbfs", "iso9660", "mqueue", "nsfs", "overlay",
	    "proc", "procfs", "pstore", "rpc_pipefs", "securityfs", "selinuxfs", "squashfs", "sysfs",
	    "tracefs"};

	return is_one_of(type, all, ARRAY_LEN(all));
}

/* Somebody else answers for it: another host, or a program. */
static bool
is_network(const char *type)
{
	static const char *const all[] = {"nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "ceph", "afs",
	    "ncpfs", "ncp", "lustre", "beegfs", "gpfs", "orangefs", "pvfs2", "coda", "glusterfs", "virtiofs",
	    "gfs2", "ocfs2", "fuse"};

	return begins(type, "fuse.") || is_one_of(type, all, ARRAY_LEN(all));
}

static bool
has_option(struct slice options, const char *name)
{
	while (options.len > 0)
		if (is(field(&options, ','), name))
			return true;
	return false;
}

/* id parent major:minor root POINT OPTIONS ... - TYPE DEVICE SUPER-OPTIONS */
static bool
read_mount(struct slice line, struct procfs_mount *out)
{
	struct slice point, options, type, device;

	for (int i = 0; i < 4; i++)
		(void)field(&line, ' ');
	point = field(&line, ' ');
	options = field(&line, ' ');
	while (line.len > 0 && !is(field(&line, ' '), "-"))
		;
	type = field(&line, ' ');
	device = field(&line, ' ');
	out->readonly = has_option(options, "ro") || has_option(line, "ro");
	if (!undo(point, out->point, sizeof out->point) || !undo(type, out->type, sizeof out->type) ||
	    !undo(device, out->device, sizeof out->device) || out->point[0] != '/')
		return false;
	out->network = is_network(out->type);
	return !is_left_out_point(out->point) && !is_left_out_type(out->type);
}

bool
procfs_mount_next(struct slice *text, struct procfs_mount *out)
{
	while (text->len > 0)
		if (read_mount(line_of(text), out))
			return true;
	return false;
}

/* The command is in brackets, and may have brackets and blanks itself. */
bool
procfs_process(struct slice text, struct procfs_process *out)
{
	const char *t = (const char *)text.b, *open, *shut, *p, *end = t + text.len;
	double v, user = 0;
	size_t n;

	memset(out, 0, sizeof *out);
	open = text.len > 0 ? memchr(t, '(', text.len) : NULL;
	shut = text.len > 0 ? memrchr(t, ')', text.len) : NULL;
	if (open == NULL || shut == NULL || shut < open || end - shut < 4)
		return false;
	n = (size_t)(shut - open - 1);
	n = n < sizeof out->comm ? n : sizeof out->comm - 1;
	for (size_t i = 0; i < n; i++)
		out->comm[i] = open[1 + i] > ' ' && open[1 + i] <= '~' ? open[1 + i] : '_';
	p = shut + 3; /* its state */
	for (int i = 4; i <= 24; i++) {
		if (!procfs_number(&p, end, &v) || ((i == 14 || i == 15 || i >= 22) && !(v >= 0 && v < 1e18)))
			return false;
		if (i == 14)
			user = v;
		else if (i == 15)
			out->cpu_ticks = (uint64_t)user + (uint64_t)v;
		else if (i == 22)
			out->start_ticks = (uint64_t)v;
		else if (i == 24)
			out->rss_pages = (uint64_t)v;
	}
	return true;
}

static bool
is_safe(struct slice path)
{
	struct slice rest = path;

	if (path.len == 0 || path.b[0] != '/' || memchr(path.b, '\0', path.len) != NULL)
		return false;
	while (rest.len > 0)
		if (is(field(&rest, '/'), ".."))
			return false;
	return true;
}

bool
procfs_hierarchy(struct slice text, const char *controller, char *point, char *root, size_t cap)
{
	while (text.len > 0) {
		struct slice line = line_of(&text), of, at, type;

		for (int i = 0; i < 3; i++)
			(void)field(&line, ' ');
		of = field(&line, ' ');
		at = field(&line, ' ');
		while (line.len > 0 && !is(field(&line, ' '), "-"))
			;
		type = field(&line, ' ');
		(void)field(&line, ' '); /* its device */
		if (controller[0] == '\0' ? !is(type, "cgroup2") :
					    !is(type, "cgroup") || !has_option(line, controller))
			continue;
		if (undo(at, point, cap) && undo(of, root, cap))
			return true;
	}
	return false;
}

/* NUMBER:controllers:PATH; cgroup2 has number 0 and no controllers. */
bool
procfs_group(struct slice text, const char *controller, char *path, size_t cap)
{
	while (text.len > 0) {
		struct slice line = line_of(&text), number = field(&line, ':'),
			     list = field(&line, ':');
		bool found = controller[0] == '\0' ? list.len == 0 && is(number, "0") :
						      has_option(list, controller);

		if (!found)
			continue;
		if (!is_safe(line) || line.len >= cap)
			return false;
		memcpy(path, line.b, line.len);
		path[line.len] = '\0';
		return true;
	}
	return false;
}
