/*
 * bake - while mesh is built: compiles the Lua library, so that no run of meshd-script has
 * to parse it again (8 ms of each).  bake OUT, from the top of the tree.
 *
 * Linked with the very archive of Lua that meshd-script is linked with, so the one always
 * reads what the other wrote.  Lines, names of locals and of the file stay in: errors are
 * told with them.
 *
 * OUT: offsets of all files and of the end, as uint32_t of this machine; then what
 * lua_dump gives of each, nothing of one that is no Lua (stdlib.c reads it).
 */
#include "stdlib_files.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <lauxlib.h>

static const struct {
	const char *name, *path;
} files[] = {
#define X(symbol, name, path) {name, path},
    STDLIB_FILES(X)
#undef X
};

enum { FILES_COUNT = sizeof files / sizeof files[0], TEXT_BYTES_MAX = 1 << 20 };

static uint32_t offsets[FILES_COUNT + 1];

static int
put(lua_State *L, const void *p, size_t len, void *out)
{
	(void)L;
	return fwrite(p, 1, len, out) == len ? 0 : 1;
}

static int
bake(lua_State *L, const char *name, const char *path, FILE *out)
{
	static char text[TEXT_BYTES_MAX];
	char chunk[256];
	FILE *in = fopen(path, "rb");
	size_t len;

	if (in == NULL) {
		perror(path);
		return -1;
	}
	len = fread(text, 1, sizeof text, in);
	fclose(in);
	/* As the loader calls it (loader.c). */
	snprintf(chunk, sizeof chunk, "@%s", name);
	if (len == sizeof text || luaL_loadbufferx(L, text, len, chunk, "t") != LUA_OK) {
		fprintf(stderr, "bake: %s: %s\n", path,
		    len == sizeof text ? "too long" : lua_tostring(L, -1));
		return -1;
	}
	if (lua_dump(L, put, out, 0) != 0)
		return -1;
	lua_pop(L, 1);
	return 0;
}

int
main(int argc, char **argv)
{
	lua_State *L = luaL_newstate();
	FILE *out = argc == 2 ? fopen(argv[1], "wb") : NULL;
	int rc;

	if (L == NULL || out == NULL) {
		fprintf(stderr, "usage: bake OUT\n");
		return 1;
	}
	rc = fwrite(offsets, sizeof offsets, 1, out) == 1 ? 0 : -1;
	for (size_t i = 0; rc == 0 && i < FILES_COUNT; i++) {
		const char *dot = strrchr(files[i].name, '.');

		offsets[i] = (uint32_t)ftell(out);
		if (dot != NULL && strcmp(dot, ".lua") == 0)
			rc = bake(L, files[i].name, files[i].path, out);
	}
	offsets[FILES_COUNT] = (uint32_t)ftell(out);
	if (rc == 0 && (fseek(out, 0, SEEK_SET) != 0 || fwrite(offsets, sizeof offsets, 1, out) != 1))
		rc = -1;
	if (fclose(out) != 0 || rc != 0) {
		fprintf(stderr, "bake: %s is not written\n", argv[1]);
		remove(argv[1]);
		return 1;
	}
	lua_close(L);
	return 0;
}
