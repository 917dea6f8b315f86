/*
 * caps.c - see caps.h.
 */
#include "caps.h"

#include <stdio.h>
#include <string.h>

const char *const caps_names[CAPS_COUNT + 1] = {"CHOWN", "DAC_OVERRIDE",
    "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW",
    "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE",
    "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME",
    "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND",
    "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE", NULL};

int
caps_find(const char *name)
{
	for (int i = 0; i < CAPS_COUNT; i++)
		if (strcmp(caps_names[i], name) == 0)
			return i;
	return -1;
}

/* What is not here is CAPS_NEVER.  Of those that one could miss: DAC_READ_SEARCH
 * opens files by handle, of the whole file system that a volume is on; FSETID
 * keeps set-uid bits of programs that are changed, SETFCAP and MKNOD leave on a
 * volume what the host's own users can run or open; NET_ADMIN is of the host's
 * network; SYS_RESOURCE is past every limit; AUDIT_WRITE speaks in the host's audit
 * trail; LEASE keeps the host from opening the image's files. */
enum caps_kind
caps_kind(int cap)
{
	static const struct {
		const char *name;
		enum caps_kind kind;
	} given[] = {
	    {"CHOWN", CAPS_ANY},
	    {"DAC_OVERRIDE", CAPS_ANY},
	    {"FOWNER", CAPS_ANY},
	    {"KILL", CAPS_ANY},
	    {"SETPCAP", CAPS_ANY},
	    {"SYS_CHROOT", CAPS_ANY},
	    /* Any user of the host, whatever allow-users has. */
	    {"SETGID", CAPS_MAPPED},
	    {"SETUID", CAPS_MAPPED},
	    /* A command of mesh exec, which for a moment is root of the host. */
	    {"SYS_PTRACE", CAPS_MAPPED},
	    {"NET_BIND_SERVICE", CAPS_HOST},
	    {"NET_RAW", CAPS_HOST},
	    {"IPC_LOCK", CAPS_HOST},
	    {"IPC_OWNER", CAPS_HOST},
	    {"SYS_NICE", CAPS_HOST},
	};

	for (size_t i = 0; i < ARRAY_LEN(given) && cap >= 0 && cap < CAPS_COUNT; i++)
		if (strcmp(given[i].name, caps_names[cap]) == 0)
			return given[i].kind;
	return CAPS_NEVER;
}

void
caps_text(uint64_t set, char *out, size_t cap)
{
	size_t n = 0;

	snprintf(out, cap, "none");
	for (int i = 0; i < CAPS_COUNT && n < cap; i++)
		if (set >> i & 1)
			n += (size_t)snprintf(out + n, cap - n, "%s%s", n > 0 ? " " : "",
			    caps_names[i]);
}
