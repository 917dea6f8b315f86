/*
 * config.h - the daemon config (DESIGN §10) as the supervisor needs it, with
 * defaults filled in, accounts looked up, and the places on disk made.
 *
 * Order: config_load, config_accounts, then the places (place.h).
 */
#ifndef SUPERVISOR_CONFIG_H
#define SUPERVISOR_CONFIG_H

#include <sys/types.h>

#include "../base/err.h"
#include "../base/flat.h"
#include "../base/log.h"

enum { CONFIG_PATH_CAP = 512 };

struct config {
	char file[CONFIG_PATH_CAP];
	char config_dir[CONFIG_PATH_CAP], state_dir[CONFIG_PATH_CAP];
	char run_dir[CONFIG_PATH_CAP], log_dir[CONFIG_PATH_CAP];
	char images_dir[CONFIG_PATH_CAP];
	char sandboxes_dir[CONFIG_PATH_CAP + 32]; /* of the master file */
	char cluster_key[CONFIG_PATH_CAP]; /* always set ... */
	bool key_configured;		   /* ... but only then it must exist */
	bool account_configured;	   /* user, conf-user or uid-range is */
	char cgroup[CONFIG_PATH_CAP];	   /* NAME[/NAME...], below the roots */
	unsigned port;			   /* of the mesh: of `listen` */
	bool http;			   /* meshd-http is wanted */
	char user[NAME_CAP], conf_user[NAME_CAP], http_user[NAME_CAP];
	uid_t uid, conf_uid, http_uid;
	gid_t gid, conf_gid;
	uint32_t range_first, range_last; /* of outside uids for sandboxes ... */
	uint32_t range_ids;		  /* ... so many for each */
	enum log_level log_level;
	uint8_t *raw;			  /* the flat document, owned */
	size_t raw_len;
};

/* Check path as a daemon config with meshd-conf (an fd) and read it, and the
 * master file beside its sandboxes.  What the engine can't read there itself is
 * added to raw: `sandboxes-dir` and, when debug is asked for, `debug`.
 * EXIT_CONFIG or EXIT_ENVIRONMENT. */
MUST_CHECK int config_load(struct config *c, const char *path, int conf_program,
    bool debug, struct err *err);
/* Pure part of the above: records to fields.  c->file is already set. */
MUST_CHECK int config_read(struct config *c, const struct flat *f,
    struct err *err);
/* Likewise of the master file; f is NULL when there is none. */
MUST_CHECK int config_master(struct config *c, const char *file,
    const struct flat *f, struct err *err);
/* Names to numbers; a missing account is EXIT_ENVIRONMENT with the line that
 * makes it. */
MUST_CHECK int config_accounts(struct config *c, struct err *err);

#endif
