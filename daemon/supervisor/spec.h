/*
 * spec.h - one accepted START, judged and flattened: all that is needed to
 * run the container again, with no engine, no YAML and no question asked.
 *
 * A record on disk is  "MSUP" | u32 version | u32 bytes | u64 FNV-1a of the
 * rest | flat document (daemon/base/flat.h).  A record that does not check is
 * refused with a line; it is never guessed at.  Version 2: it has sockets or secrets,
 * version 4: a network of its own; without these an older meshd would start it.
 */
#ifndef SUPERVISOR_SPEC_H
#define SUPERVISOR_SPEC_H

#include "../base/err.h"
#include "../base/proto.h"

enum {
	SPEC_PATH_CAP = 512,
	SPEC_VOLUMES_MAX = 16,
	SPEC_MAPS_MAX = 4,
	SPEC_PORTS_MAX = 32,
	SPEC_STRS_BYTES_MAX = 128 << 10, /* arguments, environment: each */
	SPEC_HEADER_BYTES = 20,
	SPEC_RECORD_BYTES_MAX = 1 << 20,
	SPEC_HOSTS_BYTES_MAX = 32 << 10, /* additional ones */
	SPEC_OOM_MAX = 1000, /* the kernel knows -1000 to 1000 */
	SPEC_OOM_SCORE = 1001, /* added to it: a record has 1 to 2001 */
	SPEC_OOM_DEFAULT = 200, /* before meshd and the host's services */
	SPEC_LOG_BYTES = 8 << 20, /* of all log files, unless it is said */
	SPEC_LOGS = 2,
	SPEC_BRIDGE_CAP = 16, /* the kernel's names of interfaces */
};

/* Of spec.seccomp: no filter at all. */
#define SPEC_UNCONFINED "unconfined"

/* Strings one after the other, each with its NUL. */
struct strs {
	char *buf; /* owned; NULL when empty */
	size_t len;
	uint32_t count;
};

enum spec_volume_kind {
	SPEC_TMPFS = 1,
	SPEC_READONLY,
	SPEC_RENDERED,
	SPEC_PERSISTENT,
	SPEC_STATEDIR,
	SPEC_VOLUME_KINDS, /* one past the last */
};

enum spec_volume_flag {
	SPEC_MKDIR = 1,	     /* PERSISTENT: make it if it is not there */
	SPEC_EXEC = 2,	     /* of a writable one: programs may be run from it */
	SPEC_MUST_MOUNT = 4, /* source must be a mount point */
};

struct spec_volume {
	enum spec_volume_kind kind;
	char target[SUP_PATH_CAP];   /* absolute, inside the image */
	char source[SPEC_PATH_CAP];  /* READONLY, PERSISTENT: the host's directory ... */
	char below[SUP_PATH_CAP];    /* ... and the path below it, or ""; STATEDIR likewise */
	uint64_t bytes;		     /* TMPFS */
	uint32_t mode;
	uint32_t user, group;	     /* inside; of what is made, as is mode */
	uint32_t flags;		     /* spec_volume_flag */
};

/* Whose interfaces it sees: the host's, a loopback of its own, or also one that is a
 * port of a bridge of the host. */
enum spec_network { SPEC_NET_HOST, SPEC_NET_NONE, SPEC_NET_BRIDGED };

/* Of /etc/hosts and /etc/resolv.conf. */
enum spec_file_flag {
	SPEC_FILE_AUTO = 1, /* mounted where the image has such a file */
	SPEC_FILE_MUST = 2, /* mounted, or the start fails */
	SPEC_FILE_MADE = 4, /* for a state directory too */
	SPEC_FILE_COPY = 8, /* the host's */
	SPEC_LOCALHOST = 16,
	SPEC_HOSTNAME = 32,
};

struct spec_map {
	uint32_t inside, outside, count;
};

struct spec_probe {
	struct sup_probe how;
	struct strs argv; /* EXEC */
};

struct spec {
	char instance[NAME_CAP], role[NAME_CAP], sandbox[NAME_CAP];
	char image[SUP_IMAGE_CAP], config[SUP_PATH_CAP];
	uint32_t policy;
	uint8_t leader[ID_BYTES]; /* of the schedule that asked */
	uint64_t term, seq;
	uint64_t hash; /* sup_spec_hash of the request */
	uint64_t judged; /* spec_judged() of this, as it was accepted */
	uint64_t sandbox_seen, container_seen; /* the files it was judged by (changed.h); 0: unknown */
	bool command, staged;
	char images_dir[SPEC_PATH_CAP];
	char executable[SUP_PATH_CAP], workdir[SUP_PATH_CAP];
	struct strs args, env;
	uint32_t uid, gid; /* inside */
	uint32_t uid_maps_count, gid_maps_count; /* 0: no user namespace */
	struct spec_map uid_maps[SPEC_MAPS_MAX], gid_maps[SPEC_MAPS_MAX];
	bool run_tmpfs; /* on /run, if the image has it */
	uint32_t hosts_flags, resolv_flags; /* spec_file_flag */
	char hosts_file[SPEC_PATH_CAP], resolv_file[SPEC_PATH_CAP];
	struct strs hosts; /* additional ones: "ADDRESS NAME" */
	struct strs ports; /* opened for it: ports.h */
	struct strs bind;  /* "A-B": TCP ports it may bind; none: any */
	uint32_t network;  /* enum spec_network */
	char bridge[SPEC_BRIDGE_CAP];
	uint32_t address, prefix, gateway; /* of IPv4, as in a request; 0: none */
	struct strs after_setup; /* run in its network by the host's root */
	/* Secrets as they were sealed, and what may be opened: what meshd-conf
	 * takes (daemon/conf/secret.h).  They are opened at each launch. */
	struct strs sealed;
	char secrets_key[SPEC_PATH_CAP]; /* of the host; "" without secrets */
	char secrets_file[SUP_PATH_CAP]; /* of the image; "" without one */
	uint64_t memory_bytes; /* 0: no limit; so are those below */
	uint32_t cpu_shares, cpu_milli, pids, fileno;
	uint64_t memory_high_bytes;
	uint32_t io_weight;
	uint32_t oom_score; /* + SPEC_OOM_SCORE; 0: SPEC_OOM_DEFAULT, or meshd's own if that is more */
	bool limits_optional; /* what this host has no controller for is left out */
	/* Of the sandbox, for all its containers together. */
	uint64_t all_memory_bytes;
	uint32_t all_cpu_milli, all_pids;
	uint64_t log_bytes; /* of all files together; 0: the default */
	uint32_t log_count; /* of files; 0: SPEC_LOGS */
	uint32_t restart_timeout_ms, kill_timeout_ms;
	uint64_t normal_exit[4]; /* a bit per exit code that is no failure */
	uint64_t capabilities; /* a bit each; beside its user, who has none */
	/* A profile of its sandbox, whose system calls it has besides, or "unconfined". */
	char seccomp[NAME_CAP];
	struct strs calls;
	struct spec_probe ready, live;
	struct strs scrapes; /* where it answers for its metrics: spec_scrapes */
	/* Last: what is not used of it is never touched (spec_move), for hundreds
	 * of these are kept, and each fork pays for all pages. */
	uint32_t volumes_count;
	struct spec_volume volumes[SPEC_VOLUMES_MAX];
};

/* A number that a record lacks is 0: fields may be added, as long as 0 means
 * what it was before there was the field. */
MUST_CHECK int strs_add(struct strs *s, const char *str, size_t len,
    struct err *err);
void spec_free(struct spec *s);
/* to, which owns nothing, takes all that from has, which then owns nothing. */
void spec_move(struct spec *to, struct spec *from);

/* One more place where it answers for its metrics; all of them, in order, behind the last
 * one port 0.  False, of what is no such text: a record that was not made here. */
MUST_CHECK int spec_add_scrape(struct spec *s, const struct sup_scrape *p, struct err *err);
bool spec_scrapes(const struct spec *s, struct sup_scrape out[SUP_SCRAPES_MAX]);

/* Did it end, with this status of waitpid, as its file says it may? */
bool spec_normal_exit(const struct spec *s, int status);

/*
 * Of all that a running container has from it: two that are equal need no
 * restart.  What the supervisor does by itself (back-off, which exit codes are
 * fine, the sandbox's limits, probes) is not in it.  What is 0 or "" is not
 * either, so a field that is new changes nothing of older ones.
 */
uint64_t spec_judged(const struct spec *s);

/* Bytes of the record in out (SPEC_RECORD_BYTES_MAX), or 0: it didn't fit. */
size_t spec_encode(const struct spec *s, uint8_t *out);
/* How long the record is that these begin with, by its header; 0: they are none, or
 * not all of one. */
size_t spec_bytes(const uint8_t *buf, size_t len);
/* Of a later version: it is not bad, only not for us. */
bool spec_newer(const uint8_t *buf, size_t len);
/* *s is filled, or zero.  where names the file in the error line. */
MUST_CHECK int spec_decode(struct spec *s, const uint8_t *buf, size_t len,
    const char *where, struct err *err);

#endif
