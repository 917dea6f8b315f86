/*
 * stdlib.c - the library's own text, put in by the assembler: the files stay
 * ordinary files that busted, luacheck and people read, and no generated C
 * lies about.  Beside it what bake.c made of them.  Compiled from the top of the
 * tree, like everything.
 */
#include "stdlib.h"

#include "stdlib_files.h"

#define TEXT(symbol, path)                                                                         \
	__asm__(".pushsection .rodata\n"                                                           \
		"stdlib_" #symbol "_text:\n"                                                       \
		".incbin \"" path "\"\n"                                                           \
		"stdlib_" #symbol "_end:\n"                                                        \
		".byte 0\n"                                                                        \
		".popsection\n");                                                                  \
	extern const char stdlib_##symbol##_text[], stdlib_##symbol##_end[];

#define X(symbol, name, path) TEXT(symbol, path)
STDLIB_FILES(X)
#undef X

__asm__(".pushsection .rodata\n"
	".balign 16\n"
	"stdlib_baked:\n"
	".incbin \"" STDLIB_BAKED "\"\n"
	".popsection\n");
extern const char stdlib_baked[];

const struct stdlib_file stdlib_files[] = {
#define X(symbol, name, path) {name, stdlib_##symbol##_text, stdlib_##symbol##_end},
    STDLIB_FILES(X)
#undef X
};
const size_t stdlib_count = ARRAY_LEN(stdlib_files);

const struct stdlib_file *
stdlib_find(const char *name, size_t len)
{
	for (size_t i = 0; i < stdlib_count; i++)
		if (strlen(stdlib_files[i].name) == len &&
		    memcmp(stdlib_files[i].name, name, len) == 0)
			return &stdlib_files[i];
	return NULL;
}

struct slice
stdlib_chunk(const struct stdlib_file *f)
{
	uint32_t at[2];

	/* Offsets of all files and of the end come first. */
	memcpy(at, stdlib_baked + (size_t)(f - stdlib_files) * sizeof at[0], sizeof at);
	return (struct slice){stdlib_baked + at[0], at[1] - at[0]};
}
