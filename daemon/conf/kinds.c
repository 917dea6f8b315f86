/*
 * kinds.c - which kinds of files there are, and by which schema each is read.
 */
#include "conf.h"
#include "schema.h"

static const struct field process = {.type = T_MAP, .sub = schema_process};
static const struct field host_action = {.type = T_MAP, .sub = schema_host_action};
static const struct field any_value = {.type = T_ANY};

static const struct schema schemas[] = {
    {.kind = "daemon", .root = {.type = T_MAP, .sub = schema_daemon}},
    {.kind = "sandbox", .root = {.type = T_MAP, .sub = schema_sandbox}, .lithos = true},
    {.kind = "container", .root = {.type = T_MAP, .sub = schema_container}, .lithos = true},
    {.kind = "processes",
	.root = {.type = T_DICT, .keys = KEY_NAME, .sub = &process},
	.lithos = true},
    {.kind = "secrets",
	.root = {.type = T_DICT, .keys = KEY_ENV, .sub = &schema_secret},
	.lithos = true},
    {.kind = "master", .root = {.type = T_MAP, .sub = schema_master}, .lithos = true},
    {.kind = "host-actions", .root = {.type = T_DICT, .keys = KEY_NAME, .sub = &host_action}},
    {.kind = "render", .root = {.type = T_MAP, .sub = schema_render}},
    {.kind = "meta", .root = {.type = T_DICT, .keys = KEY_TEXT, .sub = &any_value}},
};

const struct schema *
schema_find(const char *kind)
{
	for (size_t i = 0; i < ARRAY_LEN(schemas); i++)
		if (strcmp(schemas[i].kind, kind) == 0)
			return &schemas[i];
	return NULL;
}

bool
conf_kind_ok(const char *kind)
{
	return schema_find(kind) != NULL;
}

const char *
conf_kind_list(void)
{
	return "daemon, sandbox, container, processes, secrets, master, host-actions, render, meta";
}
