/*
 * fuzz_asked.c - any bytes where an engine reads other programs' and other nodes'
 * words behind the session: what members ask over streams, what `mesh` asks on the
 * control socket, what other nodes answer to the questions that it makes of that or asks
 * by itself, what meshd-script and meshd-conf give back for a render, and what a
 * container wrote into its log.
 *
 *	input = { which 1, ... }
 *	which % 8: 0 a member asks    { kind 1, who 1 (bit 0: a stranger), payload }
 *	           1 `mesh` asks      { verb 1, length 1, args, answers }
 *	           2 the socket       { bytes of one connection }
 *	           3 a render         { answers }
 *	           4 an operator asks { how 1 (bits: no member, key, list), as `mesh` }
 *	           5 a schedule       { header 1 (0: a good one), answers }
 *	           6 is it alive      { answers }
 *	           7 a log            { lines 1, length 1, cursor, length 2, file, file }
 *	answers = { how it ended 1 (0: well), length 2, bytes } ...
 */
#include <sys/socket.h>
#include <sys/un.h>

#include "../../daemon/io/dark.h"
#include "../../daemon/io/logrole.h"
#include "../../daemon/io/logs.h"
#include "../../daemon/io/render.h"
#include "../../daemon/io/sight.h"
#include "../../daemon/io/wire.h"
#include "desk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct rest {
	const uint8_t *b;
	size_t len;
};

static size_t
take(struct rest *in, size_t len, const uint8_t **out)
{
	if (len > in->len)
		len = in->len;
	*out = in->b;
	in->b += len;
	in->len -= len;
	return len;
}

static uint8_t
byte(struct rest *in)
{
	const uint8_t *b;

	return take(in, 1, &b) == 1 ? *b : 0;
}

/* One answer: in memory of its own, that a byte too far shows. */
static size_t
answer_of(struct rest *in, uint8_t *how, uint8_t **out)
{
	const uint8_t *b;
	size_t len, n;

	*how = in->len == 0 ? 1 : byte(in);
	len = byte(in);
	len = len << 8 | byte(in);
	n = take(in, len, &b);
	*out = malloc(n + 1);
	must(*out != NULL);
	memcpy(*out, b, n);
	return n;
}

/* Until nothing is under way; when the bytes are used up nobody answers. */
static void
answer_all(struct rest *in)
{
	while (desk.calls_count + desk.spawns_count + desk.looked_count > 0) {
		uint8_t how, *b;
		size_t n = answer_of(in, &how, &b);

		desk.now += 100;
		if (desk.looked_count > 0) {
			struct looked l = desk.looked[--desk.looked_count];
			struct addr at[2] = {toy_addr(7), toy_addr(8)};

			l.done(&desk.e, l.arg, how == 0 ? 0 : UV_EAI_NONAME, at, how == 0 ? 1 + n % 2 : 0);
		} else if (desk.calls_count > 0) {
			struct stream_call c = *desk.calls[--desk.calls_count];

			free(desk.calls[desk.calls_count]);
			if (how == 0)
				c.done(c.arg, 0, b, n);
			else
				c.done(c.arg, (how & 1) != 0 ? STREAM_CONNECT : -(how % ERR_COUNT), NULL, 0);
		} else {
			struct spawn s = *desk.spawns[--desk.spawns_count];
			struct spawn_result r = {.exit_status = how, .out = b, .out_len = n, .ms = 1};

			free(desk.spawns[desk.spawns_count]);
			memcpy(r.errtext, b, n < SPAWN_ERRTEXT_BYTES ? n : SPAWN_ERRTEXT_BYTES);
			s.done(s.arg, &r);
			b = r.out; /* NULL: taken */
		}
		free(b);
	}
	desk.now = desk.settled;
}

/* --- who asks ----------------------------------------------------------------------- */

static void
member_asks(struct rest in)
{
	struct stream_answer answer = {0};
	struct stream_peer peer = {.addr = toy_addr(0)};
	uint8_t kind = byte(&in), *copy;

	memcpy(peer.pk, desk.pk[0], KEY_BYTES);
	if ((byte(&in) & 1) != 0)
		memset(peer.pk, 'x', KEY_BYTES);
	/* A round of pings takes a second of real time. */
	if (kind == QUERY_SIGHT && in.len > 0 && in.b[in.len - 1] == SIGHT_REACH)
		return;
	copy = malloc(in.len + 1);
	must(copy != NULL);
	memcpy(copy, in.b, in.len);
	serve_handle(&desk.e, &peer, kind, copy, in.len, &answer);
	free(copy);
	in.len = 0;
	answer_all(&in);
	while (desk.e.log_readings > 0) /* it is read a piece at a time */
		uv_run(&desk.loop, UV_RUN_ONCE);
	must(answer.consumed == 1);
	if (answer.good &&
	    (kind == QUERY_FORCE || kind == QUERY_HAND_OVER || kind == QUERY_KEYS))
		desk_settle(); /* it obeyed */
}

/* One request; what it started is answered. */
static void
ask(const char *verb, bool may_write, struct rest *in)
{
	struct ctl_req *r = calloc(1, sizeof *r);
	size_t len = byte(in);
	const uint8_t *args;

	must(r != NULL);
	len = take(in, len, &args);
	snprintf(r->verb, sizeof r->verb, "%s", verb);
	r->may_write = may_write;
	if (len > 0) {
		r->args = args;
		r->args_bytes = len;
	}
	verbs_handle(&desk.e, r);
	answer_all(in);
	uv_run(&desk.loop, UV_RUN_NOWAIT);
	answer_all(in);
}

static void
mesh_asks(struct rest in)
{
	static const char *const verbs[] = {"status", "members", "leader", "partition", "roster",
	    "events", "debug", "ps", "logs", "schedule", "render", "version", "apply", "identity",
	    "keys", "evict", "action", "actions"};

	ask(verbs[byte(&in) % ARRAY_LEN(verbs)], false, &in);
}

enum { NO_MEMBER = 1, HAS_KEY = 2, LIST_KNOWN = 4 };

/* Whatever it does, the desk is put in order behind it. */
static void
operator_asks(struct rest in)
{
	static const char *const verbs[] = {"apply", "leader", "init", "join", "evict", "drain",
	    "undrain", "leave", "recover", "keys", "facts", "action", "actions"};
	struct engine *e = &desk.e;
	uint8_t how = byte(&in);

	e->keys.has_key = (how & HAS_KEY) != 0;
	e->local.known = (how & LIST_KNOWN) != 0;
	if ((how & NO_MEMBER) != 0) {
		mesh_free(e->mesh);
		e->mesh = NULL;
	}
	ask(verbs[byte(&in) % ARRAY_LEN(verbs)], true, &in);
	desk_tidy();
}

/* --- what it asks by itself ------------------------------------------------------------- */

static void
on_fetched(void *arg, int rc, struct schedule *s, const char *why)
{
	int *ends = arg;

	must(++*ends == 1 && (rc == 0) == (s != NULL));
	must(rc == 0 ? schedule_complete(s, false) : why[0] != '\0');
}

/* A leader's, whose parts the answers have to bring. */
static void
good_schedule(struct schedule *s)
{
	struct schedule_meta m = {.stamp = {.term = 1, .seq = 1}, .grade = MESH_GRADE_FULL};
	struct err err;

	memcpy(m.pk, desk.pk[0], KEY_BYTES);
	desk_id(m.pk, &m.stamp.leader);
	must(schedule_build(s, &desk.e.apply.plan, &m, &desk.e.crypto, &err) == 0);
}

/* The header as announced: a good one, or the first answer itself. */
static void
fetches(struct rest in)
{
	struct schedule s = {0}, opened;
	struct addr holder = toy_addr(0);
	bool good = byte(&in) == 0;
	struct schedule_ref ref = {.stamp = {.term = 1}};
	struct stream_call *call;
	int ends = 0;

	if (good) {
		good_schedule(&s);
		ref = (struct schedule_ref){s.meta.stamp, s.hash};
	} else if (in.len > 3) {
		size_t n = (size_t)in.b[1] << 8 | in.b[2];

		n = n < in.len - 3 ? n : in.len - 3;
		desk.e.crypto.hash(NULL, &ref.hash, in.b + 3, n);
		if (schedule_open(&opened, in.b + 3, n, &desk.e.crypto) == 0) {
			ref.stamp = opened.meta.stamp;
			schedule_free(&opened);
		}
	}
	must(fetch_start(&desk.loop, &desk.e.keep, &desk.e.keys, &holder, &ref, on_fetched, &ends) != NULL);
	if (good) {
		must(desk.calls_count == 1);
		call = desk.calls[--desk.calls_count];
		call->done(call->arg, 0, s.header.b, s.header.len);
		free(call);
	}
	answer_all(&in);
	must(ends == 1);
	schedule_free(&s);
}

/* No datagram of the leader comes any more: it is asked over a stream whether it lives. */
static void
is_alive(struct rest in)
{
	struct engine *e = &desk.e;
	uint8_t buf[DGRAM_BYTES_MAX];
	struct addr to;

	for (msec end = desk.now + SETTLE_MS; desk.calls_count == 0 && desk.now < end;
	     desk.now += STEP_MS) {
		mesh_tick(e->mesh, desk.now);
		while (mesh_poll(e->mesh, desk.now, &to, buf, sizeof buf) > 0)
			continue;
		dark_look(e);
	}
	must(desk.calls_count > 0 && e->dark_calls == desk.calls_count);
	answer_all(&in);
	must(e->dark_calls == 0);
	desk_settle();
}

/* --- the socket ------------------------------------------------------------------------ */

static bool
writer(void *arg, uint32_t uid)
{
	(void)arg, (void)uid;
	return false;
}

static void
handle(void *arg, struct ctl_req *r)
{
	static const char *const keys[] = {"a", "name", "follow", "lines"};
	char text[16];
	int64_t n;

	(void)arg;
	for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
		(void)ctl_arg_has(r, keys[i]);
		(void)ctl_arg_bool(r, keys[i]);
		(void)ctl_arg_int(r, keys[i], &n);
		if (ctl_arg_str(r, keys[i], text, sizeof text))
			must(strlen(text) < sizeof text);
	}
	ctl_fail(r, 1, "", "%s", r->verb);
}

static void
socket_asks(struct rest in)
{
	static struct ctl ctl;
	static struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), listener;

	if (at.sun_path[0] == '\0') {
		snprintf(at.sun_path, sizeof at.sun_path, "%s/ctl", desk.path);
		listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		must(listener >= 0 && bind(listener, (struct sockaddr *)&at, sizeof at) == 0);
		must(ctl_init(&ctl, &desk.loop, listener, NULL, writer, handle) == 0);
	}
	must(fd >= 0 && connect(fd, (struct sockaddr *)&at, sizeof at) == 0);
	(void)!send(fd, in.b, in.len, MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	do
		uv_run(&desk.loop, UV_RUN_NOWAIT);
	while (ctl.conns > 0);
	close(fd);
}

/* --- a render --------------------------------------------------------------------------- */

static void
on_rendered(void *arg, struct render_out *out, const char *error)
{
	int *ends = arg;

	must((out == NULL) == (error != NULL) && ++*ends == 1);
	if (out != NULL)
		render_out_free(out);
}

static void
render(struct rest in)
{
	static uint8_t yaml[] = "files: {}\n";
	static char path[] = "t/render.yaml";
	static struct tree_file file = {.data = yaml, .len = sizeof yaml - 1};
	static const uint8_t vars[] = {0x80};
	struct err err;
	int ends = 0;
	struct render_in r = {.loop = &desk.loop, .conf = &desk.e.conf, .trees = &desk.e.trees,
	    .role = "web", .template_name = "t", .vars = {vars, sizeof vars}};

	file.path = path;
	desk.e.trees.slot[TREES_TEMPLATES].tree.files = &file;
	desk.e.trees.slot[TREES_TEMPLATES].tree.count = 1;
	must(render_start(&r, on_rendered, &ends, &err) != NULL);
	answer_all(&in);
	must(ends == 1);
}

/* --- a log ------------------------------------------------------------------------------- */

static void
log_file(const char *name, const uint8_t *b, size_t len)
{
	int fd = openat(desk.e.state_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	must(fd >= 0 && write(fd, b, len) == (ssize_t)len);
	close(fd);
}

/* And on from where the first look ended. */
static void
log_looks(struct rest in)
{
	size_t lines = byte(&in), n = byte(&in) % LOGS_TIME_CAP, len;
	char after[LOGS_TIME_CAP] = "";
	const uint8_t *b;
	struct blob out;
	struct err err;

	n = take(&in, n, &b);
	memcpy(after, b, n);
	len = byte(&in);
	n = take(&in, len << 8 | byte(&in), &b);
	log_file("web.9.log", b, n);
	log_file("web.9.log.1", in.b, in.len);
	must(logs_look(desk.e.state_fd, "web.9", lines, after, &out, &err) == 0);
	must(out.len <= n + in.len && strlen(after) < sizeof after);
	blob_free(&out);
	must(logs_look(desk.e.state_fd, "web.9", lines, after, &out, &err) == 0);
	blob_free(&out);
}

/* Another node's answer about a role, and lines of it beside lines that are known. */
static void
log_answer(struct rest in)
{
	struct logrole_answer a;
	char instance[NAME_CAP];
	struct slice text;
	struct lines l;

	lines_init(&l, byte(&in), 1000);
	if (logrole_answer_open(&a, in.b, in.len) == 0)
		while (logrole_answer_next(&a, instance, &text) > 0)
			must(strlen(instance) > 0 &&
			    lines_add(&l, 1, 1, (const char *)text.b, text.len) == 0);
	must(lines_add(&l, 2, 2, (const char *)in.b, in.len) == 0);
	must(l.count <= l.lines_max && l.bytes <= l.bytes_max);
	for (size_t i = 1; i < l.count; i++)
		must(strcmp(l.all[i - 1].key, l.all[i].key) <= 0);
	lines_free(&l);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct rest in = {data, size};

	desk_open();
	switch (byte(&in) % 9) {
	case 0:
		member_asks(in);
		break;
	case 1:
		mesh_asks(in);
		break;
	case 2:
		socket_asks(in);
		break;
	case 3:
		render(in);
		break;
	case 4:
		operator_asks(in);
		break;
	case 5:
		fetches(in);
		break;
	case 6:
		is_alive(in);
		break;
	case 8:
		log_answer(in);
		break;
	default:
		log_looks(in);
	}
	return 0;
}
