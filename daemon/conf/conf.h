/*
 * conf.h - YAML text in, one checked flat document out (daemon/base/flat.h).
 *
 * Pure: no descriptors, no clock; what it allocates is bounded and freed.  The
 * program around it (main.c) reads stdin, shuts its doors and calls conf_run.
 *
 * What the documents hold.  (i) = FLAT_INT, (s) = FLAT_STR, (b) = FLAT_BOOL;
 * absent keys are absent: defaults belong to who reads.  Durations are (i)
 * milliseconds, sizes (i) bytes.  The root is a record with the path "".
 *
 *   daemon     name cluster zone cgroup user conf-user (s; a number stays text) listen advertise (s
 * HOST:PORT) cluster-key config-dir state-dir run-dir log-dir images-dir (s, absolute) seeds[] (s
 * HOST:PORT) tags{KEY: s} operators[] (s, uid or name) uid-range (s "A-B") log/level (s
 * debug|info|warn) election/quorum (s majority|any, or map min | weight (i)) election/lease (s
 * "auto", or i ms) election/{priority,weights}{NODE: i} election/tie-breaker (s)
 * election/degraded/min (i) election/degraded/after (i ms)
 *              limits/{script-cpu,script-wall} (i ms) limits/script-memory (i bytes)
 *              limits/rounds-disk (i bytes) limits/rounds-keep (i ms)
 *              limits/metrics-memory (i bytes) limits/metrics-keep (i ms)
 *   sandbox    image-dir (s) image-dir-levels (i) readonly-paths{VIRTUAL: HOST} writable-paths{...}
 *              allow-users[] allow-groups[] allow-tcp-ports[] (s "N" or "A-B") default-user
 * default-group (i) roles[] (s) allow-exec userns limits-optional (b) uid-map[]{inside,outside,count} gid-map[] (i)
 *              limits/memory (i bytes) limits/cpu-quota (i, thousandths of a CPU) limits/pids (i)
 * log/size (i bytes) container  kind (s Daemon|Command|CommandOrDaemon) executable workdir (s)
 * arguments[] (s) environ{NAME: s} user-id group-id (i) memory-limit (i bytes) cpu-shares
 * fileno-limit pids-limit (i) cpu-quota (i, thousandths of a CPU) restart-timeout kill-timeout (i
 * ms) normal-exit-codes[] (i) variables{NAME} with tag TcpPort|Name|DottedName (FLAT_NULL) or
 * Choice (list of s) volumes{PATH} with tag Readonly (s), Tmpfs (map: size mode (i) exec (b)),
 * Persistent or Statedir (map: path (s) mode user group (i) exec mkdir (b)) require-mount[] (s; of
 * a sandbox too, as is capabilities[] (s)) seccomp (s; of a sandbox allow-unconfined (b)
 * profiles{NAME}[] (s)) hosts-file/{mount,copy-from-host,localhost,public-hostname}
 * resolv-conf/{mount,copy-from-host} (b; mount also s "auto") tcp-ports{PORT}/{fd,listen-backlog} (i)
 * tcp-ports{PORT}/{reuse-addr,reuse-port,set-non-block,external} (b) tcp-ports{PORT}/host (s)
 * variables{NAME}/activation (s); of a sandbox: hosts-file resolv-conf
 * (s) additional-hosts{NAME: s address}
 *              secret-environ{NAME: list of s} secret-environ-file (s); of a sandbox: secrets-private-key
 * (s) secrets-namespaces[] (s) secrets  NAME: list of s
 *              network bridged-network/{bridge,network,default-gateway} (s)
 * bridged-network/after-setup-command[] (s); of a container network (s), of a process ip-addresses[] (s)
 *              health/tcp (s, port or "@{var}") | health/http/port (s, likewise) health/http/path
 * (s) health/interval health/timeout (i ms) metrics/N/port metrics/N/path (s)
 * metrics/N/interval metrics/N/timeout (i ms) log/size (i bytes) log/count (i) processes  NAME/kind NAME/image
 * NAME/config (s) NAME/instances (i) NAME/variables{VAR: s} master     sandboxes-dir (s) render
 * files{NAME}/template (s) files{NAME}/mode (i) processes (s) check/container (s) on-change{NAME or
 * "*"} = s "restart", or map signal (s "USR2") container (s), or map host-action (s)
 *              host-actions NAME/command[] NAME/roles[] NAME/user (s) NAME/timeout (i ms)
 * NAME/files{NAME}/{to,owner} (s) NAME/files{NAME}/mode (i)  meta       any map, flattened by
 * YAML's own types
 */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "../base/err.h"
#include "../base/flat.h"

enum {
	CONF_BYTES_MAX = 1 << 20,
	CONF_DEPTH_MAX = 64,
	CONF_NOTES_CAP = 4096,
};

/* What is accepted and treated otherwise than lithos does: lines
 * `DISPLAY:LINE:COL: KEY: accepted; HOW`, each with its newline.  More than there
 * is room for is not told. */
struct conf_notes {
	char text[CONF_NOTES_CAP]; /* NUL-terminated */
	size_t len;
};

/* Is there such a kind? */
bool conf_kind_ok(const char *kind);
/* "daemon, sandbox, ...": for usage lines. */
const char *conf_kind_list(void);

/*
 * Check text (text[len] must be a NUL) as a document of this kind and write it, header and all, to
 * out (already begun; *bytes = its length).  0, or -EXIT_CONFIG with the one line
 * `DISPLAY:LINE:COL: what is wrong`; nothing in out counts then.  notes: zeroed, or NULL.
 */
MUST_CHECK int conf_run(const char *kind, const char *display, const char *text, size_t len,
    struct flat_out *out, size_t *bytes, struct conf_notes *notes, struct err *err);

#endif
