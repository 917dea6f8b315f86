/*
 * schema.h - what a file of a kind may hold: tables, read by walk.c.
 *
 * A table is an array of fields ended by one without a key.  Adding a key is
 * one line in a table, one in conf.h, and one golden file.
 */
#ifndef CONF_SCHEMA_H
#define CONF_SCHEMA_H

#include "../../gossip/base.h"

enum field_type {
	T_STR,	    /* text that no YAML reader takes for something else; min-max bytes */
	T_TEXT,	    /* any scalar, exactly as written */
	T_NAME,	    /* name_ok */
	T_IMAGE,    /* name_image_ok, at most max levels */
	T_PATH,	    /* absolute, without '..'; at most max bytes */
	T_RELPATH,  /* likewise, or relative */
	T_INT,	    /* min-max */
	T_SIZE,	    /* bytes, min-max */
	T_DURATION, /* milliseconds, min-max */
	T_CPU,	    /* thousandths of a CPU, min-max */
	T_MODE,	    /* file mode, 0-max */
	T_BOOL,
	T_PORT, /* 1-65535 or "@{variable}"; written as text */
	T_HOSTPORT,
	T_RANGE,   /* "N" or "A-B"; written as text */
	T_IP,	   /* an address, IPv4 or IPv6; written as text */
	T_IPV4,	   /* likewise, of IPv4 */
	T_NETWORK, /* "A.B.C.D/N"; written as text */
	T_SEALED,  /* a sealed secret (secret.h), never shown; at most max bytes */
	T_ACCOUNT, /* a user's name or number; written as text */
	T_ENUM,	   /* one of words; or a map of sub, when there is one */
	T_MAP,	   /* sub: its fields */
	T_DICT,	   /* keys by rule; sub: the field of every value */
	T_LIST,	   /* sub: the field of every item */
	T_TAGGED,  /* sub: one field for each tag, the tag's name as key */
	T_EMPTY,   /* nothing, or a map of sub without children; FLAT_NULL */
	T_ANY,	   /* by YAML's own types */
	T_IGNORED, /* allowed, not written */
	T_LATER,   /* refused by name: not supported yet */
};

enum field_flag {
	F_REQUIRED = 1,
	F_CHOICE = 2,	 /* of the fields with it in this map, exactly one is there */
	F_UNIT = 4,	 /* T_SIZE, T_DURATION: a number alone is refused */
	F_NULL = 8,	 /* null is a value: FLAT_NULL */
	F_ROOTED = 16,	 /* T_RELPATH: written as if it began at "/", and told */
	F_SHORT = 32,	 /* T_MAP: a scalar stands for its first field; T_LIST: an item for a list of it */
	F_ALONE = 64,	 /* with it, none of the F_CHOICE ones is needed */
	F_UNSET = 128,	 /* null is as if the key were not there */
};

enum key_rule {
	KEY_TEXT,
	KEY_NAME,
	KEY_PATH,
	KEY_ENV,
	KEY_VARIABLE,
	KEY_FILE,
	KEY_FILE_OR_STAR,
	KEY_HOST,
	KEY_PORT,
};

struct field {
	const char *key;
	enum field_type type;
	unsigned flags;
	int64_t min, max;
	const char *const *words; /* T_ENUM; else words taken besides the type; NULL-ended */
	const struct field *sub;
	enum key_rule keys;
	const char *beside; /* refused without this other key of its map; if it is there, needed */
	/* Taken as lithos takes it, but this becomes of it: told once (conf.h).  A number is only
	 * treated so below `from`; a switch that is off needs no word. */
	const char *treated;
	int64_t from;
};

struct schema {
	const char *kind;
	struct field root;
	bool lithos; /* '_' equals '-', keys with '_' first are ignored, odd integers, anchors */
};

/* By its kind, or NULL. */
const struct schema *schema_find(const char *kind);

extern const struct field schema_daemon[];
extern const struct field schema_sandbox[];
extern const struct field schema_container[];
extern const struct field schema_process[]; /* one entry of a processes file */
extern const struct field schema_secret; /* one variable of a secrets file */
extern const struct field schema_master[];
extern const struct field schema_render[];
extern const struct field schema_host_action[];

#endif
