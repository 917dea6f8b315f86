/*
 * auditpack.c - a row of `mesh audit` (audit.h): what the kernel wrote, part by part, every
 * text printable, since most of it may be what the container chose.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/own.h"
#include "../core/audit.h"
#include "audit.h"
#include "pack.h"

static void
pack_findings(msgpack_packer *pk, const struct audit_findings *f)
{
	pk_kuint(pk, "weaker", f->weaker);
	pk_str(pk, "findings");
	msgpack_pack_array(pk, f->count);
	for (size_t i = 0; i < f->count; i++) {
		msgpack_pack_map(pk, 2);
		pk_kstr(pk, "level", audit_level_name(f->items[i].level));
		pk_kstr(pk, "text", f->items[i].text);
	}
}

/* A text of the document, printable and without the line's end. */
static void
pack_text(msgpack_packer *pk, const char *key, struct slice text)
{
	char v[4 * AUDIT_VALUE_CAP];

	if (text.len > 0 && text.b[text.len - 1] == '\n')
		text.len--;
	err_escape(v, sizeof v, (const char *)text.b, text.len);
	pk_kstr(pk, key, v);
}

static void
pack_lines(msgpack_packer *pk, const struct flat *doc, const char *who, const char *file)
{
	char v[AUDIT_VALUE_CAP];
	struct slice text, line;
	size_t off = 0;
	uint32_t n = 0;

	if (!audit_file(doc, who, file, &text))
		text.len = 0;
	while (audit_line(text, &off, &line))
		n++;
	pk_str(pk, file);
	msgpack_pack_array(pk, n);
	for (off = 0; audit_line(text, &off, &line);) {
		err_escape(v, sizeof v, (const char *)line.b, line.len);
		pk_str(pk, v);
	}
}

static void
pack_namespaces(msgpack_packer *pk, const struct flat *doc, const char *who)
{
	static const char *const kinds[] = {"cgroup", "ipc", "mnt", "net", "pid", "time", "user",
	    "uts"};
	struct slice theirs, host;
	char file[16];

	pk_str(pk, "namespaces");
	msgpack_pack_map(pk, ARRAY_LEN(kinds));
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		snprintf(file, sizeof file, "ns/%s", kinds[i]);
		(void)audit_file(doc, who, file, &theirs);
		(void)audit_file(doc, "host", file, &host);
		pk_str(pk, kinds[i]);
		msgpack_pack_map(pk, 2);
		pack_text(pk, "id", theirs);
		pk_kbool(pk, "host", theirs.len > 0 && slice_eq(theirs, host));
	}
}

static void
pack_rlimits(msgpack_packer *pk, const struct flat *doc, const char *who)
{
	static const char *const names[] = {"Max cpu time", "Max file size", "Max data size",
	    "Max stack size", "Max core file size", "Max processes", "Max open files",
	    "Max locked memory", "Max address space", "Max file locks", "Max pending signals",
	    "Max msgqueue size", "Max nice priority", "Max realtime priority",
	    "Max realtime timeout"};
	char v[AUDIT_VALUE_CAP];
	struct slice text;

	if (!audit_file(doc, who, "limits", &text))
		text.len = 0;
	pk_str(pk, "rlimits");
	msgpack_pack_map(pk, ARRAY_LEN(names));
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		(void)audit_field(text, names[i], v, sizeof v);
		pk_kstr(pk, names[i] + 4, v);
	}
}

/* The number of descriptor N, when the record is one of those of who. */
static bool
fd_of(const struct flat_rec *rec, const char *who, char *key, size_t cap)
{
	size_t n = strlen(who), left;

	if (rec->type != FLAT_STR || rec->path_len <= n + 5 || memcmp(rec->path, who, n) != 0 ||
	    memcmp(rec->path + n, "/fds/", 5) != 0)
		return false;
	left = rec->path_len - n - 5;
	if (left >= cap || memchr(rec->path + n + 5, '/', left) != NULL)
		return false;
	memcpy(key, rec->path + n + 5, left);
	key[left] = '\0';
	return true;
}

static void
pack_fds(msgpack_packer *pk, const struct flat *doc, const char *who)
{
	char key[24], path[40];
	struct flat_rec rec;
	int64_t count = 0;
	uint32_t n = 0;

	for (size_t off = 0; flat_next(doc, &off, &rec);)
		n += fd_of(&rec, who, key, sizeof key);
	pk_str(pk, "fds");
	msgpack_pack_map(pk, n);
	for (size_t off = 0; flat_next(doc, &off, &rec);)
		if (fd_of(&rec, who, key, sizeof key))
			pack_text(pk, key, (struct slice){(const uint8_t *)rec.str, rec.str_len});
	snprintf(path, sizeof path, "%s/fds-count", who);
	(void)flat_int(doc, path, &count);
	pk_kint(pk, "fds_count", count);
}

static void
pack_process(msgpack_packer *pk, const struct flat *doc, const char *who)
{
	static const char *const of_status[] = {"Name", "State", "Uid", "Gid", "Groups", "Threads",
	    "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp",
	    "Seccomp_filters"};
	char v[AUDIT_VALUE_CAP], path[24];
	struct slice text, oom;
	int64_t pid = 0;

	pk_str(pk, who);
	snprintf(path, sizeof path, "%s/pid", who);
	if (!flat_int(doc, path, &pid)) {
		msgpack_pack_nil(pk);
		return;
	}
	msgpack_pack_map(pk, ARRAY_LEN(of_status) + 9);
	pk_kint(pk, "pid", pid);
	if (!audit_file(doc, who, "status", &text))
		text.len = 0;
	for (size_t i = 0; i < ARRAY_LEN(of_status); i++) {
		(void)audit_field(text, of_status[i], v, sizeof v);
		pk_kstr(pk, of_status[i], v);
	}
	pack_lines(pk, doc, who, "uid_map");
	pack_lines(pk, doc, who, "gid_map");
	pack_lines(pk, doc, who, "cgroup");
	pack_namespaces(pk, doc, who);
	pack_rlimits(pk, doc, who);
	(void)audit_file(doc, who, "oom_score_adj", &oom);
	pack_text(pk, "oom_score_adj", oom);
	pack_fds(pk, doc, who);
}

/* The application's, which are the container's. */
static void
pack_mounts(msgpack_packer *pk, const struct flat *doc)
{
	struct audit_mount m;
	struct slice text;
	uint32_t n = 0;
	bool ok;

	if (!audit_file(doc, "app", "mountinfo", &text) &&
	    !audit_file(doc, "init", "mountinfo", &text))
		text.len = 0;
	for (size_t off = 0; audit_mount_next(text, &off, &m, &ok);)
		n += ok;
	pk_str(pk, "mounts");
	msgpack_pack_array(pk, n);
	for (size_t off = 0; audit_mount_next(text, &off, &m, &ok);) {
		if (!ok)
			continue;
		msgpack_pack_map(pk, 7);
		pk_kstr(pk, "at", m.at);
		pk_kstr(pk, "type", m.type);
		pk_kstr(pk, "options", m.options);
		pk_kstr(pk, "source", m.source);
		pk_kstr(pk, "root", m.root);
		pk_kstr(pk, "super", m.super);
		pk_kstr(pk, "spread", m.spread);
	}
}

/* SHA-256 of the program's bytes as the kernel has them. */
static bool
hash_of(struct slice hex, char out[2 * crypto_hash_sha256_BYTES + 1], size_t *bytes)
{
	AUTO_FREE uint8_t *raw = malloc(hex.len / 2 + 1);
	uint8_t hash[crypto_hash_sha256_BYTES];

	if (raw == NULL || sodium_hex2bin(raw, hex.len / 2 + 1, (const char *)hex.b, hex.len, NULL,
			       bytes, NULL) != 0)
		return false;
	crypto_hash_sha256(hash, raw, *bytes);
	sodium_bin2hex(out, 2 * crypto_hash_sha256_BYTES + 1, hash, sizeof hash);
	return true;
}

static void
pack_filters(msgpack_packer *pk, const struct flat *doc)
{
	char key[24], path[48], hash[2 * crypto_hash_sha256_BYTES + 1];
	struct slice hex;
	uint32_t n = 0;
	int64_t ours;
	size_t bytes;

	for (;; n++) {
		snprintf(key, sizeof key, "%u", n);
		if (!audit_file(doc, "filters", key, &hex))
			break;
	}
	pk_str(pk, "filters");
	msgpack_pack_array(pk, n);
	for (uint32_t i = 0; i < n; i++) {
		snprintf(key, sizeof key, "%u", i);
		(void)audit_file(doc, "filters", key, &hex);
		bytes = 0;
		ours = 0;
		snprintf(path, sizeof path, "filters/%u/default", i);
		(void)flat_int(doc, path, &ours);
		if (!hash_of(hex, hash, &bytes))
			hash[0] = '\0';
		msgpack_pack_map(pk, 3);
		pk_kstr(pk, "sha256", hash);
		pk_kuint(pk, "instructions", bytes / 8);
		pk_kbool(pk, "default", ours != 0);
	}
}

static bool
limit_of(const struct flat_rec *rec, char *key, size_t cap)
{
	static const char top[] = "cgroup/";
	size_t n = sizeof top - 1;

	if (rec->type != FLAT_STR || rec->path_len <= n || memcmp(rec->path, top, n) != 0 ||
	    rec->path_len - n >= cap)
		return false;
	memcpy(key, rec->path + n, rec->path_len - n);
	key[rec->path_len - n] = '\0';
	return true;
}

static void
pack_limits(msgpack_packer *pk, const struct flat *doc)
{
	struct flat_rec rec;
	char key[80];
	uint32_t n = 0;

	for (size_t off = 0; flat_next(doc, &off, &rec);)
		n += limit_of(&rec, key, sizeof key);
	pk_str(pk, "limits");
	msgpack_pack_map(pk, n);
	for (size_t off = 0; flat_next(doc, &off, &rec);)
		if (limit_of(&rec, key, sizeof key))
			pack_text(pk, key, (struct slice){(const uint8_t *)rec.str, rec.str_len});
}

void
audit_pack(msgpack_packer *pk, const struct flat *doc, const char *instance, const char *node)
{
	struct audit_findings f;
	char text[SUP_IMAGE_CAP]; /* of the longest name */
	int64_t others = 0;

	audit_judge(doc, &f);
	(void)flat_int(doc, "others-count", &others);
	msgpack_pack_map(pk, 14);
	pk_kstr(pk, "instance", instance);
	pk_kstr(pk, "node", node);
	(void)flat_str(doc, "role", text, sizeof text);
	pk_kstr(pk, "role", text);
	(void)flat_str(doc, "sandbox", text, sizeof text);
	pk_kstr(pk, "sandbox", text);
	(void)flat_str(doc, "image", text, sizeof text);
	pk_kstr(pk, "image", text);
	pack_findings(pk, &f);
	pack_process(pk, doc, "init");
	pack_process(pk, doc, "app");
	pack_lines(pk, doc, "init", "network");
	pack_mounts(pk, doc);
	pack_filters(pk, doc);
	pack_limits(pk, doc);
	pk_kint(pk, "others", others);
}
