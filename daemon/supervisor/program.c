/*
 * program.c - see program.h.
 */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "../base/flat.h"
#include "../base/machine.h"
#include "../base/weak.h"
#include "opener.h"
#include "rootless.h"

/* meshd itself, as it lies in memory: the linker says where that begins. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));

static bool
is_of_here(int64_t machine, int64_t bits, bool big)
{
	const unsigned char *ident = __ehdr_start.e_ident;

	return machine == __ehdr_start.e_machine &&
	    (bits == 64) == (ident[EI_CLASS] == ELFCLASS64) &&
	    big == (ident[EI_DATA] == ELFDATA2MSB);
}

bool
program_in_volume(const struct spec *s, const char *path)
{
	for (uint32_t i = 0; i < s->volumes_count; i++) {
		size_t n = strlen(s->volumes[i].target);

		if (strncmp(path, s->volumes[i].target, n) == 0 && path[n] == '/')
			return true;
	}
	return false;
}

int
program_may(const struct spec *s, const struct found *at, const char *path, bool owner,
    struct err *err)
{
	const struct stat *st = &at->st;

	if (at->fd < 0 || !S_ISREG(st->st_mode) || !(st->st_mode & 0111))
		return 0;
	/* Who may write in it chooses what runs. */
	if (owner && HOLDS("root-owned") && (!rootless_trusts(at->fd, st) || st->st_mode & 022))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: refusing: uid %u, mode %04o; a program must be owned by %s and not writable by group or others",
		    s->instance, s->image, path, st->st_uid, st->st_mode & 07777,
		    rootless_owner());
	return 1;
}

int
program_open(const struct spec *s, int root, const char *path, bool owner,
    int *fd, struct stat *st, struct err *err)
{
	char self[32];
	struct found at;
	int rc;

	if (program_in_volume(s, path))
		return 0;
	opener_waits(root, path, &at);
	rc = program_may(s, &at, path, owner, err);
	snprintf(self, sizeof self, "/proc/self/fd/%d", at.fd);
	*fd = rc <= 0 ? -1 : open(self, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	*st = at.st;
	found_close(&at);
	return *fd < 0 && rc > 0 ? 0 : rc;
}

int
program_judge(const struct spec *s, const char *path, const struct stat *st,
    const uint8_t *doc, size_t len, char next[SUP_PATH_CAP], struct err *err)
{
	int64_t machine, bits = 64, bytes;
	bool big = false;
	struct flat f;

	if (len == 0)
		return 0;
	if (flat_open(&f, doc, len) < 0)
		return err_set(err, EXIT_CONFIG, "%s: %s%s: meshd-conf gave no records",
		    s->instance, s->image, path);
	if (flat_int(&f, "machine", &machine) && flat_int(&f, "bits", &bits) &&
	    flat_bool(&f, "big-endian", &big) && !is_of_here(machine, bits, big))
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: a program for %s (%d bits), and this host is %s: build the image for that",
		    s->instance, s->image, path, machine_name((unsigned)machine),
		    (int)bits, machine_name(__ehdr_start.e_machine));
	if (flat_int(&f, "bytes", &bytes) && bytes > st->st_size)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s%s: cut off: the program has %lld bytes and needs %lld; is the image half-copied? Copy it under another name, and rename it when it is whole",
		    s->instance, s->image, path, (long long)st->st_size,
		    (long long)bytes);
	return flat_str(&f, "interpreter", next, SUP_PATH_CAP) ? 1 : 0;
}
