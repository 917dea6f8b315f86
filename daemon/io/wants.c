/*
 * wants.c - see wants.h.  A template may not invent containers: an entry that
 * the schedule did not place here is an error, so what runs is what `mesh ps`
 * and the other nodes believe.
 */
#include "wants.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>

#include "../base/name.h"

void
wants_free(struct apply_want *w, size_t count)
{
	for (size_t i = 0; w != NULL && i < count; i++)
		blob_free(&w[i].vars);
	free(w);
}

const struct apply_want *
wants_find(const struct apply_want *w, size_t count, const char *instance)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(w[i].instance, instance) == 0)
			return &w[i];
	return NULL;
}

void
wants_ask(const struct apply_want *w, struct sup_req *req)
{
	memcpy(req->image, w->image, sizeof req->image);
	memcpy(req->config, w->config, sizeof req->config);
	req->address = w->address;
}

struct var {
	char name[NAME_CAP];
	const char *value;
	size_t len;
};

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct var *)a)->name, ((const struct var *)b)->name);
}

/* NAME/variables/VAR -> "VAR=VALUE\0"..., sorted, so that equal is equal. */
static int
read_vars(const struct flat *f, struct apply_want *w, struct err *err)
{
	struct var vars[64];
	char prefix[NAME_CAP + 16];
	struct flat_rec rec;
	size_t off = 0, n = 0, bytes = 0;

	snprintf(prefix, sizeof prefix, "%s/variables", w->instance);
	while (flat_next(f, &off, &rec)) {
		if (rec.type != FLAT_STR || !flat_child(&rec, prefix, vars[n].name, NAME_CAP))
			continue;
		if (vars[n].name[0] == '\0')
			return err_set(err, EXIT_CONFIG,
			    "%s: a variable's name is empty or longer than %d bytes", w->instance,
			    NAME_BYTES_MAX);
		if (n + 1 == ARRAY_LEN(vars))
			return err_set(err, EXIT_CONFIG, "%s: too many variables (the limit is %zu)",
			    w->instance, ARRAY_LEN(vars) - 1);
		vars[n].value = rec.str;
		vars[n].len = rec.str_len;
		bytes += strlen(vars[n].name) + 1 + rec.str_len + 1;
		n++;
	}
	if (n == 0)
		return 0;
	if (bytes > SUP_VARS_BYTES_MAX)
		return err_set(err, EXIT_CONFIG, "%s: variables exceed 64 KiB", w->instance);
	qsort(vars, n, sizeof vars[0], by_name);
	if ((w->vars.b = malloc(bytes)) == NULL)
		return err_set(err, 1, "out of memory");
	for (size_t i = 0; i < n; i++) {
		uint8_t *p = w->vars.b + w->vars.len;
		size_t k = strlen(vars[i].name);

		memcpy(p, vars[i].name, k);
		p[k] = '=';
		memcpy(p + k + 1, vars[i].value, vars[i].len);
		p[k + 1 + vars[i].len] = '\0';
		w->vars.len += k + 2 + vars[i].len;
	}
	return 0;
}

static const struct plan_instance *
placed(const struct plan_place *place, const char *id)
{
	for (size_t i = 0; i < place->instances_count; i++)
		if (strcmp(place->instances[i].id, id) == 0)
			return &place->instances[i];
	return NULL;
}

/* lithos has one for each of `instances`; here an entry is one instance. */
static int
read_address(const struct flat *f, struct apply_want *w, const char *role, struct err *err)
{
	char path[NAME_CAP + 24], text[INET_ADDRSTRLEN];
	struct flat_rec rec;
	struct in_addr a;

	w->address = 0;
	snprintf(path, sizeof path, "%s/ip-addresses", w->instance);
	if (!flat_find(f, path, &rec) || rec.num == 0)
		return 0;
	snprintf(path, sizeof path, "%s/ip-addresses/0", w->instance);
	if (rec.num > 1)
		return err_set(err, EXIT_CONFIG,
		    "%s: the processes file:%u:%u: %s: ip-addresses has %lld; an entry is one instance, so it must be one",
		    role, rec.line, rec.col, w->instance, (long long)rec.num);
	if (!flat_str(f, path, text, sizeof text) || inet_pton(AF_INET, text, &a) != 1 || a.s_addr == 0)
		return err_set(err, EXIT_CONFIG,
		    "%s: the processes file:%u:%u: %s: ip-addresses: an address of a host is needed", role,
		    rec.line, rec.col, w->instance);
	w->address = ntohl(a.s_addr);
	return 0;
}

static int
read_one(const struct flat *f, const struct plan_place *place, const char *role,
    struct apply_want *w, struct err *err)
{
	char path[NAME_CAP + 16], kind[32] = "Daemon";
	const struct plan_instance *inst;
	int64_t instances = 1;
	int rc;

	snprintf(path, sizeof path, "%s/kind", w->instance);
	(void)flat_str(f, path, kind, sizeof kind); /* absent: Daemon */
	w->command = strcmp(kind, "Command") == 0;
	snprintf(path, sizeof path, "%s/image", w->instance);
	if (!flat_str(f, path, w->image, sizeof w->image))
		return err_set(err, EXIT_CONFIG, "%s: %s: no image, or a longer name than %d",
		    role, w->instance, SUP_IMAGE_CAP - 1);
	snprintf(path, sizeof path, "%s/config", w->instance);
	if (!flat_str(f, path, w->config, sizeof w->config))
		return err_set(err, EXIT_CONFIG, "%s: %s: no config, or a longer path than %d",
		    role, w->instance, SUP_PATH_CAP - 1);
	if ((rc = read_address(f, w, role, err)) < 0)
		return rc;
	inst = placed(place, w->instance);
	if (inst == NULL && !w->command)
		return err_set(err, EXIT_CONFIG,
		    "%s: the processes file names '%s', which the schedule did not place here",
		    role, w->instance);
	if (inst != NULL && w->command)
		return err_set(err, EXIT_CONFIG,
		    "%s: the processes file makes '%s' a Command; the schedule placed it here to run, kind must be Daemon",
		    role, w->instance);
	snprintf(path, sizeof path, "%s/instances", w->instance);
	if (!w->command && flat_int(f, path, &instances) && instances != 1)
		return err_set(err, EXIT_CONFIG,
		    "%s: %s: instances is %lld; the schedule names each instance, so it must be 1",
		    role, w->instance, (long long)instances);
	snprintf(w->process, sizeof w->process, "%s", inst != NULL ? inst->process : w->instance);
	return read_vars(f, w, err);
}

int
wants_read(const struct flat *processes, const struct plan_place *place, const char *role,
    struct apply_want **out, size_t *count, struct err *err)
{
	size_t cap = place->instances_count + 64, n = 0, off = 0;
	struct apply_want *w = calloc(cap, sizeof *w);
	struct flat_rec rec;
	int rc = 0;

	if (w == NULL)
		return err_set(err, 1, "out of memory");
	while (rc == 0 && processes->len > 0 && flat_next(processes, &off, &rec)) {
		if (rec.type != FLAT_MAP || !flat_child(&rec, "", w[n].instance, NAME_CAP))
			continue;
		if (n + 1 == cap || !name_ok(w[n].instance, strlen(w[n].instance)))
			rc = err_set(err, EXIT_CONFIG, "%s: the processes file names '%s': %s", role,
			    w[n].instance, n + 1 == cap ? "too many entries" : "not a name");
		else
			rc = read_one(processes, place, role, &w[n++], err);
	}
	for (size_t i = 0; rc == 0 && i < place->instances_count; i++)
		if (wants_find(w, n, place->instances[i].id) == NULL)
			rc = err_set(err, EXIT_CONFIG,
			    "%s: the processes file lacks '%s', which the schedule placed here", role,
			    place->instances[i].id);
	if (rc < 0) {
		wants_free(w, cap);
		return rc;
	}
	*out = w;
	*count = n;
	return 0;
}
