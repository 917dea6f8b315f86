/*
 * schema_role.c - what a role brings along: render.yaml beside its templates.
 */
#include "schema.h"

static const char *const restart[] = {"restart", NULL};
static const char *const signals[] = {"HUP", "INT", "TERM", "USR1", "USR2", NULL};

static const struct field file[] = {
    {.key = "template", .type = T_STR, .flags = F_REQUIRED, .min = 1, .max = 255},
    {.key = "mode", .type = T_MODE, .max = 0777},
    {.key = NULL},
};

static const struct field check[] = {
    {.key = "container", .type = T_NAME, .flags = F_REQUIRED},
    {.key = NULL},
};

static const struct field change[] = {
    {.key = "signal", .type = T_ENUM, .flags = F_REQUIRED, .words = signals},
    {.key = "container", .type = T_NAME, .flags = F_REQUIRED},
    {.key = NULL},
};

static const struct field file_entry = {.type = T_MAP, .sub = file};
static const struct field change_entry = {.type = T_MAP, .sub = change, .words = restart};

const struct field schema_render[] = {
    {.key = "files", .type = T_DICT, .keys = KEY_FILE, .sub = &file_entry},
    {.key = "processes", .type = T_STR, .min = 1, .max = 255},
    {.key = "check", .type = T_MAP, .sub = check},
    {.key = "on-change", .type = T_DICT, .keys = KEY_FILE_OR_STAR, .sub = &change_entry},
    {.key = NULL},
};
