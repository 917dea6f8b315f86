/*
 * images.h - images that are one file, erofs or squashfs: each is mounted once,
 * detached, and what a container gets is a copy of that mount.
 *
 * A detached mount is in nobody's tree: it goes with the last descriptor of it
 * and the last container that has a copy, whoever is killed.  So does the loop
 * device, where there must be one (AUTOCLEAR).  Sharing it, all instances of an
 * image share one copy of it in memory.
 *
 * As long as an instance has an image (`held`), its name means what is mounted:
 * a file that was put in its place, or took its name away, waits until none has it.
 * The kernel itself reads what such a file says, with root's rights: the file
 * must be root's alone, and images_super.c says what else it must be.
 */
#ifndef SUPERVISOR_IMAGES_H
#define SUPERVISOR_IMAGES_H

#include <sys/stat.h>

#include "../base/err.h"

enum { IMAGES_KEEP_MS = 2000, IMAGES_SUFFIXES = 2 };

/* What a file may be called besides the image's own name. */
extern const char *const images_suffixes[IMAGES_SUFFIXES];

struct image_file;

struct images {
	struct image_file *first; /* owned */
};

/* Whose: for error lines; dir and image are what it is known by. */
struct image_who {
	const char *instance, *dir, *image;
	bool held; /* an instance has it: see above */
	bool at_once; /* who asks may not wait (prompt.h) */
};

/* The root of the file system in file (O_PATH; its owner and mode were judged),
 * which has this stat.  *root: a directory, the caller's; -1 when the image is one,
 * and file is it. */
MUST_CHECK int images_root(struct images *im, const struct image_who *who,
    int file, const struct stat *st, int *root, struct err *err);
/* The same of one whose file is gone: false if it is not mounted. */
bool images_left(struct images *im, const struct image_who *who, int *root);
/* What is mounted, whatever has its name now; likewise. */
bool images_mounted(struct images *im, const struct image_who *who, int *root);
bool images_has(const struct images *im, const struct image_who *who);
/* One more detached mount of it, for a kernel before 6.15, which can't copy one.
 * The fd, or negative and *err. */
MUST_CHECK int images_again(struct images *im, const struct image_who *who,
    struct err *err);

/* st is of a file in the image.  In one that is a file it gets the device and the
 * ctime of that: of two file systems, one mounted after the other, both can have
 * the same number, and the same times and sizes in them. */
void images_stat(const struct images *im, const struct image_who *who,
    struct stat *st);

/* Those that nobody asked for lately, and that no instance has, are closed. */
void images_tidy(struct images *im, msec now,
    bool (*is_held)(const void *, const char *dir, const char *image),
    const void *arg);
void images_close(struct images *im);

/* What its first bytes say.  (images_super.c) */
enum images_kind { IMAGES_EROFS, IMAGES_SQUASHFS };
MUST_CHECK int images_super(const struct image_who *who, int fd,
    const struct stat *st, enum images_kind *kind, struct err *err);

#endif
