/*
 * schema_lithos.c - lithos' four files: master, sandbox, processes, container.
 *
 * The keys are lithos' own, so that existing files are accepted.  What has no
 * meaning here, or another one, is taken and told by name.  Ours are marked.
 */
#include "schema.h"

#include "../base/caps.h"
#include "../base/initproto.h"

enum {
	PATH_BYTES = 4000,
	NAME_IN_IMAGE_BYTES = 255,
	TEXT_BYTES = 64 << 10,
	CPU_MILLI_MAX = 1024000,
	DAY_MS = 86400000,
	OOM_SCORE_MIN = -999, /* one less, and the kernel could never take it */
	OOM_SCORE_MAX = 1000,
	MEMORY_MIN = 4 << 20 /* less can't hold our init and a program */
};

#define ID_MAX ((int64_t)UINT32_MAX - 1)
#define SIZE_MAX_BYTES (INT64_C(1) << 50)
/* Lithos' own, with its type, and what becomes of it here. */
#define TREATED(k, t, how)                                                                         \
	{                                                                                          \
		.key = k, .type = t, .min = 1, .max = PATH_BYTES, .treated = how                   \
	}
#define TREATED_OR_NULL(k, t, how)                                                                 \
	{                                                                                          \
		.key = k, .type = t, .flags = F_NULL, .min = 1, .max = PATH_BYTES, .treated = how  \
	}
/* Null, where lithos takes one, is its default. */
#define TREATED_OR_UNSET(k, t, how)                                                                \
	{                                                                                          \
		.key = k, .type = t, .flags = F_UNSET, .min = 1, .max = PATH_BYTES, .treated = how \
	}
#define ID_OR_UNSET(k)                                                                             \
	{                                                                                          \
		.key = k, .type = T_INT, .flags = F_UNSET, .max = ID_MAX                           \
	}
#define TIME(k, lo_ms, hi_ms)                                                                      \
	{                                                                                          \
		.key = k, .type = T_DURATION, .flags = F_UNIT, .min = lo_ms, .max = hi_ms          \
	}
#define NUMBER(k, lo, hi)                                                                          \
	{                                                                                          \
		.key = k, .type = T_INT, .min = lo, .max = hi                                      \
	}
#define ID_NUMBER(k) NUMBER(k, 0, ID_MAX)
#define BYTES(k, lo)                                                                               \
	{                                                                                          \
		.key = k, .type = T_SIZE, .min = lo, .max = SIZE_MAX_BYTES                         \
	}
#define CPUS(k)                                                                                    \
	{                                                                                          \
		.key = k, .type = T_CPU, .min = 10, .max = CPU_MILLI_MAX                           \
	}

static const char *const kinds[] = {"Daemon", "Command", "CommandOrDaemon", NULL};
static const char *const process_kinds[] = {"Daemon", "Command", NULL};

static const char *const automatic[] = {"auto", NULL};

static const struct field address = {.type = T_IP};
static const struct field address_v4 = {.type = T_IPV4};
static const struct field text = {.type = T_TEXT, .max = TEXT_BYTES};
static const struct field word = {.type = T_TEXT, .max = NAME_IN_IMAGE_BYTES};
static const struct field host_path = {.type = T_RELPATH, .flags = F_ROOTED, .max = PATH_BYTES};
static const struct field range = {.type = T_RANGE};
static const struct field role = {.type = T_NAME};
static const struct field capability = {.type = T_ENUM, .words = caps_names};
static const struct field namespace_ = {.type = T_STR, .max = NAME_IN_IMAGE_BYTES};
static const struct field sealed = {.type = T_SEALED, .max = TEXT_BYTES};
const struct field schema_secret = {.type = T_LIST, .flags = F_SHORT, .min = 1, .sub = &sealed};
static const struct field exit_code = {.type = T_INT, .max = 255};

static const struct field sandbox_log[] = {
    /* ours */
    BYTES("size", 64 << 10),
    {.key = NULL},
};

static const struct field log_[] = {
    /* ours */
    BYTES("size", 64 << 10),
    NUMBER("count", 2, INIT_LOGS_MAX),
    {.key = NULL},
};

/* --- master ---------------------------------------------------------------- */

#define BY_SCHEDULE "what runs comes from the schedule; only mesh check reads this"
#define TO_STDERR "meshd writes its log to stderr, which systemd keeps"
#define TO_LOG_DIR "log-dir of mesh.yaml is used, and each instance has a log of its own there"
#define NO_CLEANING "mesh never removes an image"

static const struct field controller = {.type = T_STR, .min = 1, .max = 63};

const struct field schema_master[] = {
    {.key = "sandboxes-dir", .type = T_RELPATH, .max = PATH_BYTES},
    TREATED("processes-dir", T_RELPATH, BY_SCHEDULE),
    TREATED("runtime-dir", T_PATH, "run-dir of mesh.yaml is used"),
    TREATED("state-dir", T_RELPATH, "state-dir of mesh.yaml is used"),
    TREATED("mount-dir", T_RELPATH, "a root is put together without a directory of the host"),
    TREATED("devfs-dir", T_PATH, "each container has a /dev of its own"),
    TREATED_OR_NULL("cgroup-name", T_STR, "cgroup of mesh.yaml is used; without cgroups nothing runs"),
    {.key = "cgroup-controllers",
	.type = T_LIST,
	.flags = F_NULL,
	.sub = &controller,
	.treated = "all that limits need are used, of cgroup v1 and v2"},
    TREATED("default-log-dir", T_RELPATH, TO_LOG_DIR),
    TREATED_OR_NULL("config-log-dir", T_RELPATH, "schedules are kept in state-dir; there is no log of configs"),
    TREATED("stdio-log-dir", T_RELPATH, TO_LOG_DIR),
    TREATED("log-file", T_RELPATH, TO_STDERR),
    TREATED("log-level", T_STR, "log.level of mesh.yaml is used"),
    TREATED("syslog-facility", T_STR, TO_STDERR),
    TREATED("syslog-app-name", T_STR, TO_STDERR),
    {.key = NULL},
};

/* --- sandbox --------------------------------------------------------------- */

static const struct field id_map[] = {
    {.key = "inside", .type = T_INT, .flags = F_REQUIRED, .max = ID_MAX},
    {.key = "outside", .type = T_INT, .flags = F_REQUIRED, .max = ID_MAX},
    {.key = "count", .type = T_INT, .flags = F_REQUIRED, .min = 1, .max = ID_MAX},
    {.key = NULL},
};

static const struct field id_map_entry = {.type = T_MAP, .sub = id_map};

static const struct field sandbox_limits[] = {
    BYTES("memory", MEMORY_MIN),
    CPUS("cpu-quota"),
    NUMBER("pids", 1, 4194304),
    NUMBER("oom-score", OOM_SCORE_MIN, OOM_SCORE_MAX),
    {.key = NULL},
};

static const struct field call = {.type = T_STR, .min = 1, .max = 63};
static const struct field profile = {.type = T_LIST, .sub = &call};

static const struct field sandbox_seccomp[] = {
    {.key = "allow-unconfined", .type = T_BOOL},
    {.key = "profiles", .type = T_DICT, .keys = KEY_NAME, .sub = &profile},
    {.key = NULL},
};

static const char *const networks[] = {"host", "none", "bridged", NULL};

static const struct field bridged[] = {
    {.key = "bridge", .type = T_STR, .flags = F_REQUIRED, .min = 1, .max = 15},
    {.key = "network", .type = T_NETWORK, .flags = F_REQUIRED},
    {.key = "default-gateway", .type = T_IPV4, .flags = F_UNSET},
    {.key = "after-setup-command", .type = T_LIST, .sub = &text},
    {.key = NULL},
};

const struct field schema_sandbox[] = {
    {.key = "image-dir", .type = T_PATH, .max = PATH_BYTES},
    NUMBER("image-dir-levels", 1, 16),
    {.key = "readonly-paths", .type = T_DICT, .keys = KEY_PATH, .sub = &host_path},
    {.key = "writable-paths", .type = T_DICT, .keys = KEY_PATH, .sub = &host_path},
    {.key = "allow-users", .type = T_LIST, .sub = &range},
    {.key = "allow-groups", .type = T_LIST, .sub = &range},
    {.key = "allow-tcp-ports", .type = T_LIST, .sub = &range},
    ID_OR_UNSET("default-user"),
    ID_NUMBER("default-group"),
    {.key = "uid-map", .type = T_LIST, .sub = &id_map_entry},
    {.key = "gid-map", .type = T_LIST, .sub = &id_map_entry},
    TREATED_OR_UNSET("config-file", T_RELPATH, BY_SCHEDULE),
    TREATED_OR_UNSET("log-file", T_RELPATH, TO_STDERR),
    TREATED_OR_UNSET("log-level", T_STR, "log.level of mesh.yaml is used"),
    TREATED_OR_UNSET("used-images-list", T_RELPATH, NO_CLEANING),
    TREATED("auto-clean", T_BOOL, NO_CLEANING),
    /* ours */
    {.key = "roles", .type = T_LIST, .sub = &role},
    {.key = "allow-exec", .type = T_BOOL},
    {.key = "userns", .type = T_BOOL},
    {.key = "limits-optional", .type = T_BOOL},
    {.key = "limits", .type = T_MAP, .sub = sandbox_limits},
    {.key = "log", .type = T_MAP, .sub = sandbox_log},
    {.key = "require-mount", .type = T_LIST, .sub = &host_path},
    {.key = "seccomp", .type = T_MAP, .sub = sandbox_seccomp},
    {.key = "capabilities", .type = T_LIST, .sub = &capability},
    {.key = "network", .type = T_ENUM, .words = networks},
    /* lithos' */
    {.key = "additional-hosts", .type = T_DICT, .keys = KEY_HOST, .sub = &address},
    {.key = "resolv-conf", .type = T_PATH, .max = PATH_BYTES},
    {.key = "hosts-file", .type = T_PATH, .max = PATH_BYTES},
    {.key = "bridged-network", .type = T_MAP, .flags = F_UNSET, .sub = bridged},
    {.key = "secrets-private-key", .type = T_PATH, .flags = F_UNSET, .max = PATH_BYTES},
    {.key = "secrets-namespaces", .type = T_LIST, .sub = &namespace_},
    {.key = NULL},
};

/* --- processes: one entry -------------------------------------------------- */

const struct field schema_process[] = {
    {.key = "kind", .type = T_ENUM, .words = process_kinds},
    {.key = "image", .type = T_IMAGE, .flags = F_REQUIRED, .max = 16},
    {.key = "config", .type = T_PATH, .flags = F_REQUIRED, .max = NAME_IN_IMAGE_BYTES},
    NUMBER("instances", 0, 1000),
    {.key = "variables", .type = T_DICT, .keys = KEY_VARIABLE, .sub = &text},
    {.key = "ip-addresses", .type = T_LIST, .sub = &address_v4},
    {.key = "extra-secrets-namespaces",
	.type = T_LIST,
	.sub = &namespace_,
	.treated = "no schedule widens what a host opens: name them in secrets-namespaces of the sandbox"},
    {.key = NULL},
};

/* --- container ------------------------------------------------------------- */

static const char *const activations[] = {"none", "systemd", NULL};

static const struct field tcp_port[] = {
    {.key = "activation", .type = T_ENUM, .words = activations},
    {.key = NULL},
};

static const struct field listening[] = {
    {.key = "fd", .type = T_INT, .flags = F_REQUIRED, .max = (1 << 20) - 1},
    {.key = "host", .type = T_IP},
    NUMBER("listen-backlog", 0, 131072),
    {.key = "reuse-addr", .type = T_BOOL},
    {.key = "reuse-port", .type = T_BOOL},
    {.key = "set-non-block", .type = T_BOOL},
    {.key = "external", .type = T_BOOL}, /* opened on the host's network all the same */
    {.key = NULL},
};

static const struct field listening_entry = {.type = T_MAP, .sub = listening};

static const struct field nothing[] = {{.key = NULL}};

static const struct field variable_tags[] = {
    {.key = "TcpPort", .type = T_EMPTY, .sub = tcp_port},
    {.key = "Name", .type = T_EMPTY, .sub = nothing},
    {.key = "DottedName", .type = T_EMPTY, .sub = nothing},
    {.key = "Choice", .type = T_LIST, .min = 1, .sub = &word},
    {.key = NULL},
};

static const struct field tmpfs[] = {
    BYTES("size", 4096),
    {.key = "mode", .type = T_MODE, .max = 07777},
    {.key = "exec", .type = T_BOOL}, /* ours; so below */
    {.key = NULL},
};

static const struct field persistent[] = {
    {.key = "path", .type = T_PATH, .max = PATH_BYTES},
    {.key = "mkdir", .type = T_BOOL},
    {.key = "mode", .type = T_MODE, .max = 01777},
    ID_NUMBER("user"),
    ID_NUMBER("group"),
    {.key = "exec", .type = T_BOOL},
    {.key = NULL},
};

static const struct field statedir[] = {
    {.key = "path", .type = T_PATH, .max = PATH_BYTES},
    {.key = "mode", .type = T_MODE, .max = 01777},
    ID_NUMBER("user"),
    ID_NUMBER("group"),
    {.key = "exec", .type = T_BOOL},
    {.key = NULL},
};

static const struct field volume_tags[] = {
    {.key = "Readonly", .type = T_PATH, .max = PATH_BYTES},
    {.key = "Tmpfs", .type = T_MAP, .sub = tmpfs},
    {.key = "Persistent", .type = T_MAP, .flags = F_SHORT, .sub = persistent},
    {.key = "Statedir", .type = T_MAP, .flags = F_SHORT, .sub = statedir},
    {.key = NULL},
};

static const struct field variable = {.type = T_TAGGED, .sub = variable_tags};
static const struct field volume = {.type = T_TAGGED, .sub = volume_tags};

static const struct field resolv_conf[] = {
    {.key = "mount", .type = T_BOOL, .flags = F_UNSET, .words = automatic},
    {.key = "copy-from-host", .type = T_BOOL},
    {.key = NULL},
};

static const struct field hosts_file[] = {
    {.key = "mount", .type = T_BOOL, .flags = F_UNSET, .words = automatic},
    {.key = "copy-from-host", .type = T_BOOL},
    {.key = "localhost", .type = T_BOOL, .flags = F_UNSET},
    {.key = "public-hostname", .type = T_BOOL, .flags = F_UNSET},
    {.key = NULL},
};

static const struct field health_http[] = {
    {.key = "port", .type = T_PORT, .flags = F_REQUIRED},
    {.key = "path", .type = T_PATH, .max = 127},
    {.key = NULL},
};

#define HOUR_MS 3600000
#define PROBE_KINDS                                                                                \
	{.key = "tcp", .type = T_PORT, .flags = F_CHOICE},                                         \
	    {.key = "http", .type = T_MAP, .flags = F_CHOICE, .sub = health_http},                 \
	    {.key = "exec", .type = T_LIST, .flags = F_CHOICE, .min = 1, .sub = &text}
#define READINESS                                                                                  \
	PROBE_KINDS, TIME("interval", 50, 60000), TIME("timeout", 50, 60000),                      \
	    NUMBER("failures", 1, 100), NUMBER("successes", 1, 100)

static const struct field readiness[] = {READINESS, {.key = NULL}};

static const struct field liveness[] = {
    PROBE_KINDS,
    TIME("interval", 50, HOUR_MS),
    TIME("timeout", 50, 60000),
    NUMBER("failures", 1, 100),
    TIME("start-period", 0, HOUR_MS),
    {.key = NULL},
};

static const struct field health[] = {
    /* ours; the short form is a readiness */
    READINESS,
    {.key = "readiness", .type = T_MAP, .flags = F_CHOICE, .sub = readiness},
    {.key = "liveness", .type = T_MAP, .flags = F_ALONE, .sub = liveness},
    {.key = NULL},
};

static const struct field endpoint[] = {
    {.key = "port", .type = T_PORT, .flags = F_REQUIRED},
    {.key = "path", .type = T_PATH, .max = 127},
    TIME("interval", 1000, HOUR_MS),
    TIME("timeout", 50, 60000),
    {.key = NULL},
};

static const struct field endpoint_map = {.type = T_MAP, .sub = endpoint};

static const char *const no_network[] = {"none", NULL};

const struct field schema_container[] = {
    {.key = "kind", .type = T_ENUM, .words = kinds},
    {.key = "executable", .type = T_PATH, .flags = F_REQUIRED, .max = PATH_BYTES},
    {.key = "arguments", .type = T_LIST, .sub = &text},
    {.key = "workdir", .type = T_PATH, .max = PATH_BYTES},
    {.key = "environ", .type = T_DICT, .keys = KEY_ENV, .sub = &text},
    ID_OR_UNSET("user-id"),
    ID_OR_UNSET("group-id"),
    {.key = "uid-map", .type = T_LIST, .sub = &id_map_entry},
    {.key = "gid-map", .type = T_LIST, .sub = &id_map_entry},
    {.key = "memory-limit",
	.type = T_SIZE,
	.min = 1,
	.max = INT64_MAX,
	.treated = "less than 4Mi is treated as 4Mi, for its init and a program",
	.from = MEMORY_MIN},
    {.key = "cpu-shares",
	.type = T_INT,
	.max = INT64_MAX,
	.treated = "less than 2 is treated as 2, as by the kernel",
	.from = 2},
    NUMBER("fileno-limit", 3, 1 << 20),
    {.key = "restart-timeout",
	.type = T_DURATION,
	.max = DAY_MS,
	.treated = "less than 0.1 s is treated as 0.1 s, or no run would be a short one",
	.from = 100},
    {.key = "kill-timeout", .type = T_DURATION, .max = DAY_MS},
    TREATED("restart-process-only", T_BOOL, "each restart makes the container anew"),
    TREATED("interactive", T_BOOL, "a Command has no terminal; its output goes to its log"),
    TREATED_OR_UNSET("stdout-stderr-file", T_PATH, "output goes to the instance's log: mesh logs"),
    {.key = "normal-exit-codes", .type = T_LIST, .sub = &exit_code},
    {.key = "variables", .type = T_DICT, .keys = KEY_VARIABLE, .sub = &variable},
    {.key = "volumes", .type = T_DICT, .keys = KEY_PATH, .sub = &volume},
    {.key = "metadata", .type = T_IGNORED},
    /* ours */
    NUMBER("pids-limit", 1, 4194304),
    CPUS("cpu-quota"),
    BYTES("memory-high", MEMORY_MIN),
    NUMBER("io-weight", 1, 10000),
    NUMBER("oom-score", OOM_SCORE_MIN, OOM_SCORE_MAX),
    {.key = "health", .type = T_MAP, .sub = health},
    {.key = "metrics", .type = T_LIST, .flags = F_SHORT, .min = 1, .sub = &endpoint_map},
    {.key = "log", .type = T_MAP, .sub = log_},
    {.key = "require-mount", .type = T_LIST, .sub = &host_path},
    {.key = "seccomp", .type = T_NAME},
    {.key = "capabilities", .type = T_LIST, .sub = &capability},
    {.key = "network", .type = T_ENUM, .words = no_network},
    /* lithos' */
    {.key = "resolv-conf", .type = T_MAP, .sub = resolv_conf},
    {.key = "hosts-file", .type = T_MAP, .sub = hosts_file},
    {.key = "tcp-ports", .type = T_DICT, .keys = KEY_PORT, .sub = &listening_entry},
    {.key = "secret-environ", .type = T_DICT, .keys = KEY_ENV, .sub = &schema_secret},
    {.key = "secret-environ-file", .type = T_PATH, .flags = F_UNSET, .max = NAME_IN_IMAGE_BYTES},
    {.key = NULL},
};
