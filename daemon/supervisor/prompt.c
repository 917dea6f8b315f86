/*
 * prompt.c - see prompt.h.
 */
#include "prompt.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "../base/weak.h"
#include "sys.h"

/* Of kernels that are newer than the headers: Linux 6.8. */
#ifndef SYS_statmount
#define SYS_statmount 457
#endif
enum { MNT_ID_UNIQUE = 0x4000, SB_BASIC = 1, NAME_BYTES = 255, KNOWN_MAX = 8, KNOWN_MS = 500 };

struct mount_ask {
	uint32_t size, spare;
	uint64_t id, what;
};

struct mount_said {
	uint32_t size, spare;
	uint64_t mask;
	uint32_t major, minor;
	uint64_t magic;
	uint8_t rest[480];
};

/* Disks of this host, and its memory.  What an overlay lies on is not asked: on
 * something else it would be unusual.  (fuseblk has FUSE's number, not a disk's.) */
static const struct {
	uint32_t magic;
	const char *name;
} prompt[] = {
    {EXT4_SUPER_MAGIC, "ext4"}, {EXT4_SUPER_MAGIC, "ext3"},
    {EXT4_SUPER_MAGIC, "ext2"}, {XFS_SUPER_MAGIC, "xfs"},
    {BTRFS_SUPER_MAGIC, "btrfs"}, {TMPFS_MAGIC, "tmpfs"},
    {TMPFS_MAGIC, "devtmpfs"}, {RAMFS_MAGIC, "ramfs"},
    {RAMFS_MAGIC, "rootfs"}, {OVERLAYFS_SUPER_MAGIC, "overlay"},
    {0xE0F5E1E2, "erofs"}, {SQUASHFS_MAGIC, "squashfs"},
    {F2FS_SUPER_MAGIC, "f2fs"}, {0x2FC12FC1, "zfs"},
    {0xCA451A4E, "bcachefs"}, {ISOFS_SUPER_MAGIC, "iso9660"},
    {MSDOS_SUPER_MAGIC, "vfat"},
};

static bool
has_magic(uint64_t magic)
{
	for (size_t i = 0; i < ARRAY_LEN(prompt); i++)
		if (prompt[i].magic == magic)
			return true;
	return false;
}

static bool
has_name(const char *name)
{
	for (size_t i = 0; i < ARRAY_LEN(prompt); i++)
		if (strcmp(prompt[i].name, name) == 0)
			return true;
	return false;
}

/* What is not in it is mounted nowhere: it is ours, of an image that is a file. */
static bool
read_mountinfo(uint64_t id)
{
	AUTO_FCLOSE FILE *f = fopen("/proc/self/mountinfo", "re");
	AUTO_FREE char *line = NULL;
	size_t cap = 0;
	char name[32];

	while (f != NULL && getline(&line, &cap, f) > 0) {
		const char *rest = strstr(line, " - ");

		if (strtoull(line, NULL, 10) == id)
			return rest != NULL && sscanf(rest, " - %31s", name) == 1 &&
			    has_name(name);
	}
	return f != NULL && feof(f);
}

/* By the text that all kernels have.  These numbers are given again once what had them is
 * not mounted any more: what was read holds for as long as a start takes. */
static bool
by_mountinfo(uint64_t id)
{
	static struct {
		uint64_t id;
		msec until;
		bool is;
	} known[KNOWN_MAX];
	static size_t next;
	msec now = sys_now();
	bool is;

	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (known[i].id == id && now < known[i].until)
			return known[i].is;
	is = read_mountinfo(id);
	known[next].id = id;
	known[next].until = now + KNOWN_MS;
	known[next].is = is;
	next = (next + 1) % KNOWN_MAX;
	return is;
}

/* The numbers of mounts that are never given to another: what was said of one holds. */
static bool
by_number(uint64_t id)
{
	static struct {
		uint64_t id;
		bool is;
	} known[KNOWN_MAX];
	static size_t next;
	struct mount_ask ask = {sizeof ask, 0, id, SB_BASIC};
	struct mount_said said = {.mask = 0};
	bool is;

	for (size_t i = 0; i < KNOWN_MAX; i++)
		if (known[i].id == id)
			return known[i].is;
	if (syscall(SYS_statmount, &ask, &said, sizeof said, 0) < 0)
		is = errno == ENOENT; /* mounted nowhere: as above */
	else
		is = said.mask & SB_BASIC && has_magic(said.magic);
	known[next].id = id;
	known[next].is = is;
	next = (next + 1) % KNOWN_MAX;
	return is;
}

bool
prompt_is(int fd)
{
	struct statx sx = {.stx_mask = 0};

	if (!HOLDS("asks-nobody"))
		return true;
	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, MNT_ID_UNIQUE, &sx) < 0)
		return false;
	if (sx.stx_mask & MNT_ID_UNIQUE && HOLDS("mount-numbers"))
		return by_number(sx.stx_mnt_id);
	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_MNT_ID, &sx) == 0 &&
	    sx.stx_mask & STATX_MNT_ID && by_mountinfo(sx.stx_mnt_id);
}

/* Part by part, each in a directory that is read without waiting.  A link may lead
 * anywhere. */
static int
walk(int dir, const char *path, int flags, uint64_t resolve)
{
	char part[NAME_BYTES + 1];
	int at = path[0] == '/' ? open("/", O_PATH | O_DIRECTORY | O_CLOEXEC) :
				  fcntl(dir, F_DUPFD_CLOEXEC, 3);

	while (at >= 0 && *(path += strspn(path, "/")) != '\0') {
		size_t n = strcspn(path, "/");
		bool last = path[n + strspn(path + n, "/")] == '\0';
		int next = -1;

		snprintf(part, sizeof part, "%.*s", (int)n, path);
		path += n;
		if (n > NAME_BYTES)
			errno = ENAMETOOLONG;
		else if (!prompt_is(at))
			errno = EAGAIN;
		else
			next = sys_openat2(at, part, last ? flags : O_PATH | O_DIRECTORY, 0,
			    resolve | RESOLVE_NO_SYMLINKS);
		if (next < 0 && errno == ELOOP && !(resolve & RESOLVE_NO_SYMLINKS))
			errno = EAGAIN;
		int saved = errno;

		close(at);
		errno = saved;
		at = next;
	}
	return at;
}

int
prompt_open(int dir, const char *path, int flags, uint64_t resolve)
{
	const struct open_how how = {
	    .flags = (uint64_t)(unsigned)(flags | O_CLOEXEC),
	    .resolve = resolve | IF_HOLDS("asks-nobody", RESOLVE_CACHED),
	};
	int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);

	if (fd < 0 && errno == EAGAIN)
		fd = walk(dir, path, flags, resolve);
	if (fd >= 0 && !prompt_is(fd)) {
		close(fd);
		errno = EAGAIN;
		fd = -1;
	}
	return fd;
}

int
prompt_beneath(bool at_once, int dir, const char *path, int flags)
{
	if (!at_once)
		return sys_open_beneath(dir, path, flags);
	path += strspn(path, "/");
	return prompt_open(dir, *path ? path : ".", flags,
	    IF_HOLDS("beneath", RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS));
}
