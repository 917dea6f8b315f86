/*
 * exposition.c - see exposition.h.
 */
#include "exposition.h"

#include "../base/log.h"
#include "collect.h"
#include "engine.h"
#include "pack.h"

void
exposition_verb(struct engine *e, struct ctl_req *r)
{
	bool openmetrics = ctl_arg_bool(r, "openmetrics");
	struct expotext **x = &e->exposition.texts[openmetrics];
	msgpack_packer *pk;
	struct slice text;
	int cut = -1;

	if (*x == NULL)
		*x = expotext_new(openmetrics);
	e->exposition.asked[openmetrics] = net_now();
	if (*x == NULL || (cut = expotext_write(*x, e->series, collect_tick(e), &text)) < 0) {
		ctl_fail(r, 1, "mesh metrics asks for less at once", "all series at once are more than 8 MiB of text");
		return;
	}
	if (cut != e->exposition.cut) {
		if (cut > 0)
			log_warn("/metrics: all series at once are more than %d MiB of text: those of applications are left out", EXPOTEXT_BYTES_MAX >> 20);
		e->exposition.cut = cut;
	}
	pk = ctl_begin(r);
	msgpack_pack_map(pk, 1);
	pk_str(pk, "text");
	pk_strn(pk, (const char *)text.b, text.len);
	ctl_end(r);
}

void
exposition_second(struct engine *e)
{
	struct exposition *x = &e->exposition;

	for (size_t i = 0; i < ARRAY_LEN(x->texts); i++)
		if (x->texts[i] != NULL && net_now() - x->asked[i] > EXPOSITION_KEPT_S * 1000) {
			expotext_free(x->texts[i]);
			x->texts[i] = NULL;
		}
}
