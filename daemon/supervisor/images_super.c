/*
 * images_super.c - is this file an image, whole, and one that may be mounted?
 *
 * Numbers at fixed places of the first bytes, and nothing that they point to:
 * what is in the file is the kernel's to read (and meshd-conf's).
 */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "../base/weak.h"
#include "images.h"

enum {
	SQUASHFS_MAGIC = 0x73717368, /* at 0; both little-endian */
	SQUASHFS_MAJOR = 28,
	SQUASHFS_BYTES = 40,
	SQUASHFS_HEAD = 48,
	EROFS_AT = 1024,
	EROFS_BLOCK_BITS = EROFS_AT + 12,
	EROFS_BLOCKS = EROFS_AT + 36,
	EROFS_FEATURES = EROFS_AT + 80,
	EROFS_DEVICES = EROFS_AT + 86,
	HEAD_BYTES = EROFS_AT + 128,
	/* Of erofs' features, those that change what a file needs besides itself. */
	EROFS_64BIT = 0x80,
	BLOCK_BITS_MIN = 9,
	BLOCK_BITS_MAX = 16,
};
#define EROFS_MAGIC UINT32_C(0xe0f5e1e2)

static uint64_t
number(const uint8_t *p, size_t bytes)
{
	uint64_t n = 0;

	while (bytes-- > 0)
		n = n << 8 | p[bytes];
	return n;
}

static int
refuse(const struct image_who *who, struct err *err, const char *why)
{
	return err_set(err, EXIT_CONFIG, "%s: image %s: %s", who->instance,
	    who->image, why);
}

/* Data in other files (devices) is not there, and read as zeros or as whatever
 * the kernel takes for it. */
static int
judge_erofs(const struct image_who *who, const uint8_t *head, uint64_t *bytes,
    struct err *err)
{
	uint64_t bits = number(head + EROFS_BLOCK_BITS, 1);

	if (bits < BLOCK_BITS_MIN || bits > BLOCK_BITS_MAX)
		return refuse(who, err, "erofs with blocks of an odd size: the file is not a whole image");
	if (number(head + EROFS_DEVICES, 2) != 0)
		return refuse(who, err, "erofs with its data in another file: make it without --blobdev");
	if (number(head + EROFS_FEATURES, 4) & EROFS_64BIT)
		return refuse(who, err, "erofs with block numbers of 48 bits, which no image needs: make it without");
	*bytes = number(head + EROFS_BLOCKS, 4) << bits;
	*bytes = *bytes < HEAD_BYTES ? HEAD_BYTES : *bytes;
	return 0;
}

int
images_super(const struct image_who *who, int fd, const struct stat *st,
    enum images_kind *kind, struct err *err)
{
	uint8_t head[HEAD_BYTES] = {0};
	ssize_t n = pread(fd, head, sizeof head, 0);
	uint64_t bytes = 0;
	int rc = 0;

	if (n < 0)
		return refuse(who, err, strerror(errno));
	if (number(head, 4) == SQUASHFS_MAGIC && n >= SQUASHFS_HEAD) {
		*kind = IMAGES_SQUASHFS;
		bytes = number(head + SQUASHFS_BYTES, 8);
		if (number(head + SQUASHFS_MAJOR, 2) != 4)
			return refuse(who, err, "squashfs, but not of version 4: make it with mksquashfs 4 or later");
	} else if (number(head + EROFS_AT, 4) == EROFS_MAGIC) {
		*kind = IMAGES_EROFS;
		rc = judge_erofs(who, head, &bytes, err);
	} else {
		return refuse(who, err, "neither a directory nor an image file: its first bytes are of no erofs or squashfs");
	}
	if (rc == 0 && HOLDS("whole-image") && bytes > (uint64_t)st->st_size)
		return err_set(err, EXIT_CONFIG,
		    "%s: image %s: cut off: it says it has %llu bytes, the file has %llu; copy it again under another name and rename it when it is whole",
		    who->instance, who->image, (unsigned long long)bytes,
		    (unsigned long long)st->st_size);
	return rc;
}
