/*
 * ranges.c - see ranges.h.
 */
#include "ranges.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/name.h"
#include "../base/own.h"
#include "place.h"
#include "sys.h"

#define FILE_NAME ".ranges" /* with a dot: it is not a record */

/* One line, without its end: "INDEX NAME", written in the one way we do. */
static bool
read_line(const char *line, size_t len, uint32_t room, uint32_t *index,
    const char **name, size_t *name_len)
{
	uint64_t n = 0;
	size_t i = 0;

	for (; i < len && i < 6 && line[i] >= '0' && line[i] <= '9'; i++)
		n = n * 10 + (uint64_t)(line[i] - '0');
	if (i == 0 || (i > 1 && line[0] == '0') || n >= room || i == len ||
	    line[i] != ' ')
		return false;
	*index = (uint32_t)n;
	*name = line + i + 1;
	*name_len = len - i - 1;
	return name_ok(*name, *name_len);
}

bool
ranges_find(const char *text, size_t len, uint32_t room, const char *sandbox,
    uint32_t *index, struct err *err)
{
	uint8_t seen[RANGES_MAX / 8] = {0};
	size_t want = strlen(sandbox), name_len = 0;
	uint32_t next = 0, at = 0, line = 1;
	const char *name = NULL;
	bool found = false;

	err->code = 0;
	for (size_t off = 0; off < len; line++) {
		const char *end = memchr(text + off, '\n', len - off);
		size_t n = end == NULL ? len - off :
					 (size_t)(end - text) - off;
		bool ok = end != NULL && read_line(text + off, n,
				room < RANGES_MAX ? room : RANGES_MAX, &at,
				&name, &name_len);
		bool same = ok && name_len == want &&
		    memcmp(name, sandbox, want) == 0;

		if (!ok || seen[at / 8] & 1 << at % 8 || (same && found)) {
			err_set(err, EXIT_STATE,
			    "state-dir/supervisor/" FILE_NAME ":%u: not a new 'INDEX SANDBOX' below %u; nothing starts until it is mended",
			    line, room);
			return false;
		}
		seen[at / 8] |= (uint8_t)(1 << at % 8);
		if (at >= next)
			next = at + 1;
		if (same)
			*index = at;
		found = found || same;
		off += n + 1;
	}
	if (!found)
		*index = next;
	return found;
}

/* The whole file, 0 bytes when there is none, or negative. */
static ssize_t
load(int dir, char *text, struct err *err)
{
	struct stat st;
	ssize_t n;
	AUTO_CLOSE int fd = openat(dir, FILE_NAME,
	    O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return err_set(err, EXIT_STATE,
		    "cannot open state-dir/supervisor/" FILE_NAME ": %s",
		    strerror(errno));
	if (!S_ISREG(st.st_mode) || st.st_uid != 0 || st.st_mode & 022 ||
	    st.st_size > RANGES_BYTES_MAX)
		return err_set(err, EXIT_STATE,
		    "state-dir/supervisor/" FILE_NAME
		    ": refusing: must be a regular file of root, writable by nobody else, of at most 1 MiB");
	n = sys_read_all(fd, text, RANGES_BYTES_MAX);
	if (n < 0)
		return err_set(err, EXIT_STATE,
		    "cannot read state-dir/supervisor/" FILE_NAME ": %s",
		    strerror(errno));
	return n;
}

int
ranges_first(int dir, uint32_t range_first, uint32_t range_last, uint32_t each,
    const char *sandbox, uint32_t *first, struct err *err)
{
	AUTO_FREE char *text = malloc(RANGES_BYTES_MAX + NAME_CAP + 16);
	uint64_t ids = (uint64_t)range_last - range_first + 1;
	uint32_t room = (uint32_t)(ids / each), index = 0;
	bool found;
	ssize_t n;

	*first = range_first;
	if (ids == 1)
		return 0;
	if (text == NULL)
		return err_set(err, EXIT_ENVIRONMENT, "out of memory");
	if ((n = load(dir, text, err)) < 0)
		return (int)n;
	found = ranges_find(text, (size_t)n, room, sandbox, &index, err);
	if (!found && err->code != 0)
		return -err->code;
	if (!found && (index >= room || n > RANGES_BYTES_MAX - NAME_CAP))
		return err_set(err, EXIT_CONFIG,
		    "sandbox '%s': uid-range has no room for another sandbox; make it larger",
		    sandbox);
	*first = range_first + index * each;
	if (found)
		return 0;
	n += snprintf(text + n, NAME_CAP + 16, "%u %s\n", index, sandbox);
	return place_save(dir, FILE_NAME, text, (size_t)n, true, err);
}

bool
ranges_meet(const struct spec_map *a, uint32_t a_count, const struct spec_map *b,
    uint32_t b_count, uint32_t *id)
{
	for (uint32_t i = 0; i < a_count; i++)
		for (uint32_t k = 0; k < b_count; k++) {
			*id = a[i].outside > b[k].outside ? a[i].outside :
							    b[k].outside;
			if (*id - a[i].outside < a[i].count &&
			    *id - b[k].outside < b[k].count)
				return true;
		}
	return false;
}
