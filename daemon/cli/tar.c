/*
 * tar.c - see tar.h.  IEEE 1003.1, pax, "ustar Interchange Format".
 *
 *	0 name 100 | mode 8 | uid 8 | gid 8 | size 12 | mtime 12 | chksum 8
 *	156 type 1 | linkname 100 | "ustar\0" "00" | uname 32 | gname 32 ...
 * Numbers are octal text; the checksum is the sum of all bytes, its own being
 * spaces.
 */
#include "tar.h"

#include <assert.h>
#include <string.h>

static void
octal(char *out, size_t digits, uint64_t n)
{
	out[digits] = '\0';
	while (digits > 0) {
		out[--digits] = (char)('0' + (n & 7));
		n >>= 3;
	}
}

void
tar_add(FILE *out, const char *name, const void *data, size_t len, int64_t at_s)
{
	static const char zeros[TAR_BLOCK];
	char head[TAR_BLOCK] = "";
	uint32_t sum = 0;

	assert(strlen(name) > 0 && strlen(name) <= TAR_NAME_MAX);
	memcpy(head, name, strlen(name));
	octal(head + 100, 7, 0600);
	octal(head + 108, 7, 0);
	octal(head + 116, 7, 0);
	octal(head + 124, 11, len);
	octal(head + 136, 11, at_s > 0 ? (uint64_t)at_s : 0);
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\00000", 8);
	memcpy(head + 265, "root", 4);
	memcpy(head + 297, "root", 4);
	for (size_t i = 0; i < sizeof head; i++)
		sum += (uint8_t)head[i];
	octal(head + 148, 6, sum);
	fwrite(head, 1, sizeof head, out);
	fwrite(data, 1, len, out);
	fwrite(zeros, 1, (TAR_BLOCK - len % TAR_BLOCK) % TAR_BLOCK, out);
}

void
tar_end(FILE *out)
{
	static const char zeros[2 * TAR_BLOCK];

	fwrite(zeros, 1, sizeof zeros, out);
}
