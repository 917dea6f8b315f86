/*
 * audit.h - what the kernel says of a container (the flat document of
 * daemon/supervisor/audit.h), read and judged: pure, and every text in it may
 * be what the container chose to write.
 *
 * A finding is something weaker than what every container gets; what is missing
 * or can't be read is weaker too, unless it is only a word less to show.
 */
#ifndef CORE_AUDIT_H
#define CORE_AUDIT_H

#include "../../gossip/base.h"
#include "../base/flat.h"
#include "blob.h"

enum { AUDIT_FINDINGS_MAX = 64, AUDIT_FINDING_CAP = 240, AUDIT_VALUE_CAP = 512 };

enum audit_level {
	AUDIT_WEAKER,  /* than the default, and nobody said so */
	AUDIT_ALLOWED, /* than the default, by the sandbox's own word */
	AUDIT_UNKNOWN, /* this kernel does not tell, and nothing hangs on it */
};

struct audit_finding {
	enum audit_level level;
	char text[AUDIT_FINDING_CAP]; /* printable */
};

struct audit_findings {
	struct audit_finding items[AUDIT_FINDINGS_MAX];
	size_t count, weaker; /* weaker counts those too that found no room */
};

/* doc was opened by flat_open. */
void audit_judge(const struct flat *doc, struct audit_findings *out);
const char *audit_level_name(enum audit_level level);

/* --- reading ------------------------------------------------------------ */
/* The value at WHO/FILE; false: there is none. */
bool audit_file(const struct flat *doc, const char *who, const char *file,
    struct slice *out);
/* The value of a line "NAME:\tVALUE" of a status or limits file, made printable, runs of
 * blanks as one space; "" and false: there is none. */
bool audit_field(struct slice text, const char *name, char *out, size_t cap);
/* The next line without its end; false: no more. */
bool audit_line(struct slice text, size_t *off, struct slice *line);

/* A line of mountinfo, printable. */
struct audit_mount {
	int64_t id;
	char root[AUDIT_VALUE_CAP], at[AUDIT_VALUE_CAP], source[AUDIT_VALUE_CAP];
	char options[128], spread[64], type[32], super[AUDIT_VALUE_CAP];
};
/* *ok = false: the line is none that can be read. */
bool audit_mount_next(struct slice text, size_t *off, struct audit_mount *m, bool *ok);
/* Is this word among those, that commas part? */
bool audit_has_option(const char *options, const char *word);

#endif
