/*
 * fuzz_conf.c - any bytes as a config file of any kind.
 *
 * The first byte chooses the kind, 0xff a program.  Whatever comes, the answer is either one
 * line with a place in it, or a document that flat_open takes.
 */
#include <stdlib.h>

#include "../../daemon/conf/conf.h"
#include "../../daemon/conf/program.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
program(const uint8_t *data, size_t len)
{
	uint8_t records[PROGRAM_OUT_BYTES];
	char path[PROGRAM_PATH_MAX + 1];
	struct flat_out out;
	struct flat_rec rec;
	struct flat f;
	int64_t bytes;

	flat_begin(&out, records, sizeof records);
	must(flat_open(&f, records, program_read(data, len, &out)) == 0);
	must(!flat_find(&f, "interpreter", &rec) ||
	    (flat_str(&f, "interpreter", path, sizeof path) && path[0] == '/'));
	must(!flat_int(&f, "bytes", &bytes) || bytes > 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const char *const kinds[] = {
	    "daemon", "sandbox", "container", "processes", "master", "render", "meta", "secrets", "host-actions"};
	static uint8_t records[FLAT_BYTES_MAX];
	struct err err = {0};
	static struct conf_notes notes;
	struct flat_out out;
	struct flat_rec rec;
	struct flat f;
	size_t bytes, off = 0;

	if (len == 0)
		return 0;
	if (data[0] == 0xff) {
		program(data + 1, len - 1);
		return 0;
	}
	char *text = malloc(len);

	must(text != NULL);
	memcpy(text, data + 1, len - 1);
	text[len - 1] = '\0';
	memset(&notes, 0, sizeof notes);
	flat_begin(&out, records, sizeof records);
	if (conf_run(kinds[data[0] % ARRAY_LEN(kinds)], "f", text, len - 1, &out, &bytes, &notes,
		&err) == 0) {
		must(notes.len < sizeof notes.text && notes.text[notes.len] == '\0');
		for (size_t i = 0; i < notes.len; i++)
			must((unsigned char)notes.text[i] >= 0x20 || notes.text[i] == '\n');
		must(notes.len == 0 || notes.text[notes.len - 1] == '\n');
		must(flat_open(&f, records, bytes) == 0);
		must(flat_next(&f, &off, &rec) && rec.path_len == 0 && rec.type == FLAT_MAP);
	} else {
		must(err.code == EXIT_CONFIG && strncmp(err.text, "f:", 2) == 0);
		for (const char *s = err.text; *s != '\0'; s++)
			must((unsigned char)*s >= 0x20);
	}
	free(text);
	return 0;
}
