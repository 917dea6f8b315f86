/*
 * show_audit.c - what the kernel says of containers: what is weaker first, then all of it.
 */
#include <string.h>

#include "../base/own.h"
#include "args.h"
#include "show.h"
#include "text.h"
#include "value.h"

static void
put_label(const struct show *s, const char *indent, const char *label)
{
	fprintf(s->out, "%s%-14s ", indent, label);
}

static void
put_value(const struct show *s, const json_t *row, const char *key)
{
	char text[VALUE_TEXT_CAP];

	show_put(s, value_text(text, sizeof text, row, key));
}

/* "LABEL  VALUE" of one key. */
static void
put_one(const struct show *s, const json_t *row, const char *label, const char *key)
{
	put_label(s, "    ", label);
	put_value(s, row, key);
	fputc('\n', s->out);
}

/* "LABEL  KEY VALUE  KEY VALUE". */
static void
put_some(const struct show *s, const json_t *row, const char *label, const char *const *keys,
    size_t count)
{
	put_label(s, "    ", label);
	for (size_t i = 0; i < count; i++) {
		fprintf(s->out, "%s%s ", i == 0 ? "" : "  ", keys[i]);
		put_value(s, row, keys[i]);
	}
	fputc('\n', s->out);
}

/* A line for each member of a map. */
static void
put_map(const struct show *s, const json_t *map, const char *indent, const char *label)
{
	void *at = json_object_iter((json_t *)(uintptr_t)map);
	char text[VALUE_TEXT_CAP];

	for (; at != NULL; at = json_object_iter_next((json_t *)(uintptr_t)map, at)) {
		put_label(s, indent, label);
		show_put(s, json_object_iter_key(at));
		fputc(' ', s->out);
		show_put(s, value_print(text, sizeof text, json_object_iter_value(at)));
		fputc('\n', s->out);
		label = "";
	}
}

static void
put_namespaces(const struct show *s, const json_t *process)
{
	json_t *all = json_object_get(process, "namespaces"), *one;
	const char *name, *gap = "";

	put_label(s, "    ", "namespaces");
	json_object_foreach(all, name, one) {
		fputs(gap, s->out);
		show_put(s, value_str(one, "id"));
		fputs(value_bool(one, "host") ? " (the host's)" : "", s->out);
		gap = "  ";
	}
	fputc('\n', s->out);
}

static void
put_process(const struct show *s, const json_t *row, const char *who)
{
	static const char *const rights[] = {"NoNewPrivs", "Seccomp", "Seccomp_filters"};
	static const char *const caps[] = {"CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"};
	static const char *const ids[] = {"Uid", "Gid", "Groups"};
	const json_t *p = json_object_get(row, who);

	if (!json_is_object(p))
		return;
	fprintf(s->out, "  %s  pid %lld ", who, (long long)value_int(p, "pid", 0));
	put_value(s, p, "Name");
	fprintf(s->out, "  threads %lld\n", (long long)strtoll(value_str(p, "Threads"), NULL, 10));
	put_some(s, p, "rights", rights, ARRAY_LEN(rights));
	put_some(s, p, "capabilities", caps, ARRAY_LEN(caps));
	put_some(s, p, "ids", ids, ARRAY_LEN(ids));
	put_one(s, p, "uid map", "uid_map");
	put_one(s, p, "gid map", "gid_map");
	put_namespaces(s, p);
	put_one(s, p, "cgroup", "cgroup");
	put_one(s, p, "oom_score_adj", "oom_score_adj");
	put_map(s, json_object_get(p, "rlimits"), "    ", "rlimits");
	put_label(s, "    ", "descriptors");
	fprintf(s->out, "%lld\n", (long long)value_int(p, "fds_count", 0));
	put_map(s, json_object_get(p, "fds"), "    ", "");
}

static void
put_container(const struct show *s, const json_t *row)
{
	const json_t *list = json_object_get(row, "filters"), *one;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		one = json_array_get(list, i);
		put_label(s, "  ", i == 0 ? "seccomp" : "");
		fprintf(s->out, "%lld instructions  sha256 ", (long long)value_int(one, "instructions", 0));
		put_value(s, one, "sha256");
		fputs(value_bool(one, "default") ? "  default\n" : "  not of the default\n", s->out);
	}
	put_map(s, json_object_get(row, "limits"), "  ", "limits");
	list = json_object_get(row, "network");
	for (i = 0; i < json_array_size(list); i++) {
		put_label(s, "  ", i == 0 ? "network" : "");
		show_put(s, json_string_value(json_array_get(list, i)));
		fputc('\n', s->out);
	}
	list = json_object_get(row, "mounts");
	for (i = 0; i < json_array_size(list); i++) {
		static const char *const keys[] = {"at", "type", "options", "source", "root", "spread"};

		one = json_array_get(list, i);
		put_label(s, "  ", i == 0 ? "mounts" : "");
		for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
			if (*value_str(one, keys[k]) == '\0')
				continue;
			fputs(k == 0 ? "" : "  ", s->out);
			put_value(s, one, keys[k]);
		}
		fputc('\n', s->out);
	}
}

static void
put_row(const struct show *s, const json_t *row)
{
	const json_t *findings = json_object_get(row, "findings"), *one;
	int64_t weaker = value_int(row, "weaker", 0);

	put_value(s, row, "instance");
	fputs("  on ", s->out);
	put_value(s, row, "node");
	if (json_object_get(row, "error") != NULL) {
		fputs("  can't be looked at: ", s->out);
		put_value(s, row, "error");
		fputc('\n', s->out);
		return;
	}
	fputs("  role ", s->out);
	put_value(s, row, "role");
	fputs("  sandbox ", s->out);
	put_value(s, row, "sandbox");
	fputs("  image ", s->out);
	put_value(s, row, "image");
	if (weaker > 0)
		fprintf(s->out, "  %s%lld weaker than the default%s\n", s->color ? TEXT_RED : "",
		    (long long)weaker, s->color ? TEXT_RESET : "");
	else
		fputs("  nothing is weaker than the default\n", s->out);
	for (size_t i = 0; i < json_array_size(findings); i++) {
		one = json_array_get(findings, i);
		fputs("  ", s->out);
		put_value(s, one, "level");
		fputs("  ", s->out);
		put_value(s, one, "text");
		fputc('\n', s->out);
	}
	put_container(s, row);
	put_process(s, row, "app");
	put_process(s, row, "init");
	if (value_int(row, "others", 0) > 0)
		fprintf(s->out, "  %lld more in its cgroup\n", (long long)value_int(row, "others", 0));
}

int
show_audit_code(const json_t *data)
{
	for (size_t i = 0; i < json_array_size(data); i++) {
		const json_t *row = json_array_get(data, i);

		if (value_int(row, "weaker", 1) > 0)
			return 1;
	}
	return 0;
}

int
show_audit(const struct show *s, const json_t *data, struct err *err)
{
	AUTO_FREE const json_t **rows = value_sorted(data, "instance");

	(void)err;
	for (size_t i = 0; i < json_array_size(data); i++) {
		if (show_names(s)) {
			put_value(s, rows[i], "instance");
			fputc('\n', s->out);
			continue;
		}
		if (i > 0)
			fputc('\n', s->out);
		put_row(s, rows[i]);
	}
	return show_audit_code(data);
}
