/*
 * procfs_label.c - what a number is called, and which devices are not looked at.
 */
#include "procfs_in.h"

static bool
is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* Does s begin with text?  Then the rest is left of it. */
static bool
take(struct slice *s, const char *text)
{
	size_t n = strlen(text);

	if (s->len < n || memcmp(s->b, text, n) != 0)
		return false;
	s->b += n;
	s->len -= n;
	return true;
}

static bool
take_digits(struct slice *s)
{
	size_t n = 0;

	while (n < s->len && is_digit(s->b[n]))
		n++;
	s->b += n;
	s->len -= n;
	return n > 0;
}

/* ^(ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$: memory, and parts of what is there
 * as a whole. */
static bool
is_part(struct slice s)
{
	static const char *const plain[] = {"ram", "loop", "fd"}, *const disks[] = {"hd", "sd", "vd", "xvd"};
	struct slice r;

	for (size_t i = 0; i < ARRAY_LEN(plain); i++) {
		r = s;
		if (take(&r, plain[i]) && take_digits(&r) && r.len == 0)
			return true;
	}
	for (size_t i = 0; i < ARRAY_LEN(disks); i++) {
		r = s;
		if (!take(&r, disks[i]) || r.len == 0 || *r.b < 'a' || *r.b > 'z')
			continue;
		r.b++;
		r.len--;
		if (take_digits(&r) && r.len == 0)
			return true;
	}
	return take(&s, "nvme") && take_digits(&s) && take(&s, "n") && take_digits(&s) && take(&s, "p") &&
	    take_digits(&s) && s.len == 0;
}

bool
procfs_left_out(enum procfs_kind kind, struct slice device)
{
	if (kind == PROCFS_DISKSTATS)
		return is_part(device);
	return (kind == PROCFS_NETDEV || kind == PROCFS_GROUP_NETDEV) && device.len == 2 &&
	    memcmp(device.b, "lo", 2) == 0;
}

/* A key within a metric's name: "Active(anon)" is Active_anon. */
static bool
append(char *name, size_t *n, struct slice s)
{
	for (size_t i = 0; i < s.len; i++) {
		uint8_t c = s.b[i];

		if (c == ')')
			continue;
		if (*n + 1 >= PROCFS_NAME_CAP)
			return false;
		if (!is_digit(c) && !(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z'))
			c = '_';
		name[(*n)++] = (char)c;
	}
	return true;
}

static bool
is_printable(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.b[i] <= ' ' || s.b[i] > '~')
			return false;
	return true;
}

static bool
set(struct labels *l, const char *name, struct slice value)
{
	return labels_set(l, slice_of(name), value) == 0;
}

bool
procfs_name(const struct procfs_item *it, char name[PROCFS_NAME_CAP], struct labels *l)
{
	const struct procfs_meaning *m = it->means;
	size_t n = 0;

	l->count = 0;
	for (const char *p = m->metric; *p != '\0'; p++) {
		struct slice s = {(const uint8_t *)p, 1};

		if (!append(name, &n, *p == '*' ? it->key : *p == '%' ? it->key2 : s))
			return false;
	}
	name[n] = '\0';
	if (!labels_is_metric(slice_of(name)) || !set(l, LABEL_NAME, slice_of(name)))
		return false;
	if (m->key_label != NULL && (!is_printable(it->key) || !set(l, m->key_label, it->key)))
		return false;
	if (m->label != NULL && !set(l, m->label, slice_of(m->text)))
		return false;
	/* The one metric of cAdvisor that has two of its own. */
	return m->label == NULL || strcmp(m->label, "failure_type") != 0 ||
	    set(l, "scope", slice_of("container"));
}
