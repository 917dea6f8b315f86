/*
 * fuzz_hostact.c - any bytes as host-actions.yaml, and as what an enemy's meshd-conf makes of it:
 * what the supervisor takes from there is a command that can be run.
 *
 *	input = { which 1 (even: YAML; odd: records), bytes }
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../daemon/base/name.h"
#include "../../daemon/conf/conf.h"
#include "../../daemon/supervisor/hostact.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
one_line(const struct err *err)
{
	must(err->text[0] != '\0');
	for (const char *s = err->text; *s != '\0'; s++)
		must(*s != '\n');
}

static void
sane_file(const struct hostact_file *x)
{
	size_t n = strnlen(x->to, sizeof x->to);

	must(memchr(x->name, 0, sizeof x->name) != NULL && x->name[0] != '\0' && strchr(x->name, '/') == NULL);
	must(n > 1 && n < sizeof x->to && x->to[0] == '/' && x->to[n - 1] != '/');
	must((x->mode & ~0777u) == 0);
}

static void
sane(const struct hostact_spec *s)
{
	const char *word = s->argv.buf;

	must(s->argv.count > 0 && s->argv.count <= HOSTACT_WORDS_MAX && word[0] == '/');
	for (uint32_t i = 0; i < s->argv.count; i++)
		word += strlen(word) + 1;
	must(word == s->argv.buf + s->argv.len);
	must(s->timeout_ms >= HOSTACT_MS_MIN && s->timeout_ms <= HOSTACT_MS_MAX);
	must(s->files_count <= HOSTACT_FILES_MAX);
	for (size_t i = 0; i < s->files_count; i++)
		sane_file(&s->files[i]);
}

/* Is the role among what the file lists for it?  Told in another way than hostact_judge does. */
static bool
is_listed(const struct flat *f, const char *name, const char *role)
{
	char path[NAME_CAP + 32], is[NAME_CAP];
	struct flat_rec rec;

	for (int i = 0; i < 4096; i++) {
		snprintf(path, sizeof path, "%s/roles/%d", name, i);
		if (!flat_find(f, path, &rec))
			return false;
		if (flat_str(f, path, is, sizeof is) && strcmp(is, role) == 0)
			return true;
	}
	return true; /* not told */
}

static void
judge(const struct flat *f, const char *name, const char *role, bool from_yaml)
{
	static struct hostact_spec spec;
	struct err err = {0};

	if (hostact_judge(f, "f", name, role, &spec, &err) < 0) {
		must(err.code == EXIT_CONFIG || err.code == 1);
		one_line(&err);
		must(spec.argv.buf == NULL);
		return;
	}
	sane(&spec);
	must(!from_yaml || role == NULL || is_listed(f, name, role));
	hostact_free(&spec);
}

static void
all(const struct flat *f, bool from_yaml)
{
	char name[NAME_CAP];
	struct flat_rec rec;
	size_t off = 0;

	for (int i = 0; i < 64 && flat_next(f, &off, &rec); i++) {
		if (rec.path_len == 0 || rec.path_len >= sizeof name || memchr(rec.path, '/', rec.path_len) != NULL)
			continue;
		snprintf(name, sizeof name, "%.*s", (int)rec.path_len, rec.path);
		if (!name_ok(name, rec.path_len)) /* nobody can ask for it */
			continue;
		judge(f, name, NULL, from_yaml);
		judge(f, name, "web", from_yaml);
		judge(f, name, "", from_yaml);
	}
	judge(f, "nobody-wrote-it", "web", from_yaml);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t records[FLAT_BYTES_MAX];
	static struct conf_notes notes;
	struct err err = {0};
	struct flat_out out;
	struct flat f;
	size_t bytes;

	if (len == 0)
		return 0;
	if (data[0] % 2 == 1) {
		if (flat_open(&f, data + 1, len - 1) == 0)
			all(&f, false);
		return 0;
	}
	char *text = malloc(len);

	must(text != NULL);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	memset(&notes, 0, sizeof notes);
	flat_begin(&out, records, sizeof records);
	if (conf_run("host-actions", "f", text, len - 1, &out, &bytes, &notes, &err) == 0) {
		must(flat_open(&f, records, bytes) == 0);
		all(&f, true);
	} else {
		one_line(&err);
	}
	free(text);
	return 0;
}
