/*
 * schema_role.c - what a role brings along: render.yaml beside its templates; and the
 * host's file of what those may name.
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
    {.key = "signal", .type = T_ENUM, .flags = F_CHOICE, .words = signals},
    {.key = "host-action", .type = T_NAME, .flags = F_CHOICE},
    {.key = "container", .type = T_NAME, .beside = "signal"},
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

/* --- host-actions.yaml ----------------------------------------------------------- */

enum { TIMEOUT_MS_MIN = 100, TIMEOUT_MS_MAX = 600000, PATH_BYTES = 500 };

static const struct field word = {.type = T_TEXT, .max = 1023};
static const struct field role = {.type = T_NAME};

static const struct field copied[] = {
    {.key = "to", .type = T_PATH, .flags = F_REQUIRED, .max = PATH_BYTES},
    {.key = "mode", .type = T_MODE, .max = 0777},
    {.key = "owner", .type = T_ACCOUNT},
    {.key = NULL},
};
static const struct field copied_entry = {.type = T_MAP, .sub = copied};

const struct field schema_host_action[] = {
    {.key = "command", .type = T_LIST, .flags = F_REQUIRED, .min = 1, .sub = &word},
    {.key = "user", .type = T_ACCOUNT},
    {.key = "roles", .type = T_LIST, .flags = F_REQUIRED, .min = 1, .sub = &role},
    {.key = "timeout", .type = T_DURATION, .flags = F_UNIT, .min = TIMEOUT_MS_MIN, .max = TIMEOUT_MS_MAX},
    {.key = "files", .type = T_DICT, .keys = KEY_FILE, .sub = &copied_entry},
    {.key = NULL},
};
