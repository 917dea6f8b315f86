/*
 * fuzz_audit.c - any bytes as what the supervisor tells of a container: the files of /proc in
 * it hold what the container wrote.  Whatever comes is judged, and every word of it can be
 * shown to a terminal.
 */
#include <stdlib.h>

#include "../../daemon/base/err.h"
#include "../../daemon/core/audit.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Escaping finds nothing more to escape. */
static void
printable(const char *text, size_t cap)
{
	char again[4 * AUDIT_VALUE_CAP];

	must(strnlen(text, cap) < cap);
	err_escape(again, sizeof again, text, strlen(text));
	must(strcmp(again, text) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct slice text = {data, len}, line;
	struct audit_findings f;
	struct audit_mount m;
	struct flat doc;
	char v[64];
	bool ok;

	/* A file alone, so that few bytes get far. */
	for (size_t off = 0; audit_mount_next(text, &off, &m, &ok);) {
		printable(m.at, sizeof m.at);
		printable(m.root, sizeof m.root);
		printable(m.source, sizeof m.source);
		printable(m.super, sizeof m.super);
		printable(m.options, sizeof m.options);
		printable(m.spread, sizeof m.spread);
		printable(m.type, sizeof m.type);
		must(!ok || m.at[0] != '\0');
	}
	for (size_t off = 0; audit_line(text, &off, &line);)
		must(line.b >= data && line.len <= len && memchr(line.b, '\n', line.len) == NULL);
	(void)audit_field(text, "Name", v, sizeof v);
	printable(v, sizeof v);
	if (flat_open(&doc, data, len) != 0)
		return 0;
	audit_judge(&doc, &f);
	must(f.count <= AUDIT_FINDINGS_MAX);
	for (size_t i = 0; i < f.count; i++)
		printable(f.items[i].text, AUDIT_FINDING_CAP);
	return 0;
}
