/*
 * proto.h - every request root understands, and what it answers.
 *
 * One SOCK_SEQPACKET pair between the supervisor (root) and the engine (user
 * mesh), non-blocking on both sides.  Each message is exactly one struct
 * below; another size, version or operation ends the engine.  Only names
 * cross, and values of declared variables in a sealed memfd; never paths of
 * the host, argv, environment or YAML.  Strings are NUL-terminated and padded
 * with NULs.
 *
 *   engine -> supervisor   struct sup_req   (+ at most one fd)
 *   supervisor -> engine   struct sup_event (+ at most one fd)
 *
 * Events are dropped when the engine lags: SUP_EV_LOST is then the next one,
 * and the engine asks LIST again.
 */
#ifndef BASE_PROTO_H
#define BASE_PROTO_H

#include "probes.h"

enum {
	SUP_VERSION = 8,
	SUP_VARS_BYTES_MAX = 64 << 10,
	SUP_IMAGE_CAP = 256,
	SUP_PATH_CAP = 256,
	SUP_TEXT_CAP = 400,
	SUP_LEASE_MS_MAX = 15000, /* a deadline is at most so far ahead */
	SUP_LEASE_KILL_MS_MAX = 10000, /* kill-timeout of what has a lease */
	/* Descriptors the engine is started with. */
	SUP_FD_SOCKET = 3, /* this protocol */
	SUP_FD_CONF = 4,   /* sealed memfd: the daemon config, flat records */
	SUP_FD_CTL = 5,	   /* listening control socket */
	SUP_FD_STATE = 6,  /* state-dir, O_DIRECTORY */
	SUP_FD_SCRIPT = 7, /* meshd-script, O_PATH, to be exec'd */
	SUP_FD_CONFPROG = 8, /* meshd-conf, O_PATH, to be exec'd */
	SUP_FD_LAST = 8,
};

enum sup_op {
	SUP_START = 1, /* make this instance run like this (idempotent) */
	SUP_STOP,      /* TERM, grace, kill; forget it */
	SUP_SIGNAL,    /* sig to the application; only HUP INT TERM USR1 USR2 */
	SUP_RUN,       /* start a Command container once; SUP_EV_EXIT ends it */
	SUP_LIST,      /* one SUP_EV_STATE per instance, then SUP_EV_END */
	SUP_FENCE,     /* an exclusive instance may run until deadline_ms */
	SUP_ROLE,      /* make rendered/ROLE (root:mesh 0775) */
	SUP_UNROLE,    /* remove rendered/ROLE; refused while it has instances */
	SUP_KEY,       /* (re)open the cluster key: SUP_EV_KEY with its fd */
	SUP_AUDIT,     /* what the kernel says of an instance: SUP_EV_AUDIT; one at a time */
	SUP_UNWELL,    /* its liveness, asked by the engine, failed too often in the run
			* with this pid: that run is ended, and another one started */
	SUP_ALIVE,     /* to SUP_EV_ALIVE; not answered */
	SUP_HOST,      /* the host action that is called `instance`, for `role`: REPLY when it
			* is refused, else SUP_EV_EXIT (supervisor/hostact.h) */
};

/*
 * SUP_EXCLUSIVE runs under a role lease: TERM comes kill-timeout before the
 * deadline, and at it nothing of the instance is left, whoever else is dead;
 * then it is GONE.  FENCE makes the deadline later, never earlier (that is
 * answered ok and ignored), and so does a START of what there is already.
 */
enum sup_policy { SUP_KEEP, SUP_REPLACE, SUP_EXCLUSIVE };

enum sup_flag {
	SUP_F_STAGED = 1,	/* RUN: /rendered is rendered/ROLE/check */
	SUP_F_ASKED = 4,	/* RUN: by root, not as a check: the sandbox must say allow-exec;
				 * no time limit, ended with the engine; EXIT has its output as fd */
	SUP_F_CREATE_KEY = 2,	/* KEY: make the file if there is none (init) */
	SUP_F_NEVER = 8,	/* UNWELL: nor was it ever well in that run */
	SUP_F_ANEW = 16,	/* START: once it is accepted, what runs is ended and run
				 * again, though it is what it is to be; refused, it runs on,
				 * and that is done with the next START that is accepted */
	SUP_F_ONCE = 32,	/* with ANEW: by this START or not at all; refused, it is forgotten */
};

struct sup_req {
	uint32_t version; /* SUP_VERSION */
	uint32_t op;
	uint64_t ticket; /* comes back in the answer */
	uint32_t policy, flags;
	int32_t signal, pid; /* pid: UNWELL: as in SUP_EV_STATE */
	uint8_t leader[ID_BYTES]; /* its stamp asked: for the record */
	uint64_t term, seq;
	uint64_t deadline_ms; /* CLOCK_BOOTTIME: START of SUP_EXCLUSIVE, FENCE; else 0 */
	uint32_t address, pad_; /* START, RUN: of IPv4, 10.0.0.1 is 0x0a000001; 0: none */
	char sandbox[NAME_CAP];
	char role[NAME_CAP];
	char instance[NAME_CAP];
	char image[SUP_IMAGE_CAP];
	char config[SUP_PATH_CAP]; /* absolute, inside the image */
	/* START, RUN: fd = sealed memfd of NAME=VALUE NUL ..., or none */
};

enum sup_ev {
	SUP_EV_REPLY = 1, /* to ticket: ok (code 0), or code and text */
	SUP_EV_STATE,	  /* an instance, after every change and for LIST; RUNNING: fd = the
			     directory of its metrics files (probes.h), or none */
	SUP_EV_EXIT,	  /* a Command ended: exit_status, 0 for a code that its file
			     calls normal; text = last output;
			     SUP_F_ASKED: fd = a memfd, all that is kept of it.  Of HOST: text =
			     its last line; code: it took too long */
	SUP_EV_END,	  /* of LIST */
	SUP_EV_LOST,	  /* events were dropped: ask LIST */
	SUP_EV_KEY,	  /* fd = the key file, or code and text */
	SUP_EV_AUDIT,	  /* fd = sealed memfd, a flat document (audit.h), or code and text */
	SUP_EV_ALIVE,	  /* is the engine well?  It says so by SUP_ALIVE */
	SUP_EV_OUTPUT,	  /* SUP_F_ASKED: it begins; fd = one of the two logs that it writes in
			     turn, read-only.  Two of them, the one that is first begun first */
};

enum sup_state {
	SUP_ST_NONE,
	SUP_ST_STARTING,
	SUP_ST_RUNNING,
	SUP_ST_STOPPING,
	SUP_ST_BACKOFF,	 /* ended, waits to be restarted */
	SUP_ST_FAILED,	 /* refused: text says why; START again to retry */
	SUP_ST_EXITED,	 /* a Command that is done */
	SUP_ST_GONE,	 /* stopped and proven empty */
};

struct sup_event {
	uint32_t version;
	uint32_t kind;
	uint64_t ticket;
	int32_t code;	     /* 0, or an EXIT_ code */
	uint32_t state;
	int32_t pid;	     /* of the container's init, host's view; 0 = none */
	int32_t exit_status; /* as waitpid's, -1 = unknown */
	uint32_t restarts;   /* since this instance was asked for */
	uint32_t crash_loop; /* 1 from the 5th failed run in a row */
	uint64_t since_ms;   /* CLOCK_REALTIME of the last state change */
	uint64_t retry_ms;   /* BACKOFF: CLOCK_REALTIME of the next try */
	uint64_t spec_hash;  /* of sandbox, role, image, config, address, variables */
	uint32_t policy;
	uint32_t well;	     /* enum sup_well, of a readiness that is EXEC */
	uint64_t lease_ms; /* CLOCK_BOOTTIME: its deadline as this is said; 0 = it has none */
	uint32_t address, pad_; /* its own, as in the request; 0: the host's, or none */
	struct sup_probe ready, live;
	struct sup_scrape scrapes[SUP_SCRAPES_MAX]; /* port 0: no more */
	char sandbox[NAME_CAP], role[NAME_CAP], instance[NAME_CAP];
	char image[SUP_IMAGE_CAP];
	char config[SUP_PATH_CAP];
	char text[SUP_TEXT_CAP];
};

/* FNV-1a over the fields of a START and its variables: what spec_hash holds.
 * Not the deadline: a lease that is renewed is no change. */
static inline uint64_t
sup_hash_(uint64_t h, const void *p, size_t n)
{
	const uint8_t *b = p;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * UINT64_C(0x100000001b3);
	return h;
}

static inline uint64_t
sup_spec_hash(const struct sup_req *r, const void *vars, size_t vars_bytes)
{
	uint64_t h = UINT64_C(0xcbf29ce484222325);

	h = sup_hash_(h, r->sandbox, sizeof r->sandbox);
	h = sup_hash_(h, r->role, sizeof r->role);
	h = sup_hash_(h, r->image, sizeof r->image);
	h = sup_hash_(h, r->config, sizeof r->config);
	h = sup_hash_(h, &r->address, r->address != 0 ? sizeof r->address : 0);
	return sup_hash_(h, vars, vars_bytes);
}

#endif
