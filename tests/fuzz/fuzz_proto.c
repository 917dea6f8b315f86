/*
 * fuzz_proto.c - what root reads: records on disk, requests of the engine,
 * the two documents that the judge compares, and commands for containers.  The first byte says which.
 */
#include <stdio.h>
#include <stdlib.h>

#include "../../daemon/base/fence.h"
#include "../../daemon/supervisor/exec.h"
#include "../../daemon/supervisor/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { HEADER_BYTES = 20, EXEC_FIRST = 0xee };

static uint8_t record[SPEC_RECORD_BYTES_MAX];

static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
ends(const char *field, size_t cap)
{
	must(memchr(field, 0, cap) != NULL);
}

/* A spec that was accepted or read must be one that can be run. */
static void
sane(const struct spec *s)
{
	ends(s->instance, sizeof s->instance);
	ends(s->image, sizeof s->image);
	ends(s->config, sizeof s->config);
	ends(s->executable, sizeof s->executable);
	ends(s->workdir, sizeof s->workdir);
	ends(s->images_dir, sizeof s->images_dir);
	ends(s->ready.how.path, sizeof s->ready.how.path);
	ends(s->live.how.path, sizeof s->live.how.path);
	must(s->args.count > 0 && s->args.buf[s->args.len - 1] == '\0');
	must(s->volumes_count <= SPEC_VOLUMES_MAX);
	must(s->uid_maps_count <= SPEC_MAPS_MAX);
	must(s->gid_maps_count <= SPEC_MAPS_MAX);
	for (uint32_t i = 0; i < s->volumes_count; i++) {
		ends(s->volumes[i].target, sizeof s->volumes[i].target);
		ends(s->volumes[i].source, sizeof s->volumes[i].source);
	}
}

static void
read_record(const uint8_t *data, size_t len)
{
	struct spec s, again;
	struct err err;

	if (spec_decode(&s, data, len, "fuzz", &err) < 0) {
		must(err.text[0] != '\0' && s.args.buf == NULL);
		return;
	}
	sane(&s);
	len = spec_encode(&s, record);
	if (len > 0) {
		must(spec_decode(&again, record, len, "fuzz", &err) == 0);
		must(again.hash == s.hash && again.args.len == s.args.len);
		spec_free(&again);
	}
	spec_free(&s);
}

/* A header that is right, so that what is behind it is reached. */
static void
read_with_header(const uint8_t *data, size_t len)
{
	static uint8_t doc[SPEC_RECORD_BYTES_MAX];
	uint64_t sum = sup_hash_(UINT64_C(0xcbf29ce484222325), data, len);

	if (len > sizeof doc - HEADER_BYTES)
		return;
	memcpy(doc, "MSUP\1\0\0\0", 8);
	for (int i = 0; i < 4; i++)
		doc[8 + i] = (uint8_t)(len >> (8 * i));
	for (int i = 0; i < 8; i++)
		doc[12 + i] = (uint8_t)(sum >> (8 * i));
	memcpy(doc + HEADER_BYTES, data, len);
	read_record(doc, HEADER_BYTES + len);
}

static void
read_request(const uint8_t *data, size_t len)
{
	struct sup_req q;
	struct err err;

	memset(&q, 0, sizeof q);
	memcpy(&q, data, len < sizeof q ? len : sizeof q);
	if (judge_names(&q, &err) < 0)
		return;
	ends(q.instance, sizeof q.instance);
	ends(q.config, sizeof q.config);
	must(strstr(q.config, "/../") == NULL && q.config[0] == '/');
	must(strchr(q.instance, '/') == NULL && strchr(q.sandbox, '/') == NULL);
	must(q.policy <= SUP_EXCLUSIVE);
	must((q.policy == SUP_EXCLUSIVE) == (q.deadline_ms != 0));
	if (judge_deadline(&q, 5000, 1000000, &err) == 0)
		must(q.deadline_ms > 1005000 && q.deadline_ms <= 1015000);
}

/* Is this range of ids the sandbox's to give: of its map, or of the range that
 * it has without one? */
static bool
is_its_own(const struct judge *j, const char *key, const struct spec_map *m)
{
	uint64_t last = (uint64_t)m->outside + m->count;
	struct flat_rec rec;
	char path[64];
	int64_t first, count;

	if (!flat_find(j->sandbox, key, &rec) || rec.num == 0)
		return m->outside >= j->range_first &&
		    last <= (uint64_t)j->range_first + 65536;
	for (int i = 0; i < rec.num; i++) {
		snprintf(path, sizeof path, "%s/%d/outside", key, i);
		must(flat_int(j->sandbox, path, &first));
		snprintf(path, sizeof path, "%s/%d/count", key, i);
		must(flat_int(j->sandbox, path, &count));
		if (m->outside >= first && last <= (uint64_t)(first + count))
			return true;
	}
	return false;
}

/* Whatever the image says, with a user namespace it gets no id of the host that
 * its sandbox has not; and never half a namespace. */
static void
ids(const struct judge *j, const struct spec *s)
{
	bool userns = true;

	must((s->uid_maps_count == 0) == (s->gid_maps_count == 0));
	if (flat_bool(j->sandbox, "userns", &userns) && !userns)
		return;
	must(s->uid_maps_count > 0);
	for (uint32_t i = 0; i < s->uid_maps_count; i++)
		must(is_its_own(j, "uid-map", &s->uid_maps[i]));
	for (uint32_t i = 0; i < s->gid_maps_count; i++)
		must(is_its_own(j, "gid-map", &s->gid_maps[i]));
}

/* u16 bytes of the sandbox, u16 bytes of the variables, then sandbox,
 * variables, container. */
static void
read_documents(const uint8_t *data, size_t len)
{
	static const struct sup_req req = {.version = SUP_VERSION,
	    .op = SUP_START, .instance = "web.1", .role = "web",
	    .sandbox = "web", .image = "img", .config = "/config/web.yaml"};
	struct judge j = {.req = &req, .sandbox_file = "web.yaml",
	    .images_dir = "/srv/images", .range_first = 700000000};
	struct flat sandbox, container;
	char told[JUDGE_TOLD_CAP];
	struct spec s, again;
	struct err err;
	size_t a, b;

	if (len < 4)
		return;
	a = (size_t)data[0] | (size_t)data[1] << 8;
	b = (size_t)data[2] | (size_t)data[3] << 8;
	data += 4;
	len -= 4;
	if (a + b > len || flat_open(&sandbox, data, a) < 0 ||
	    flat_open(&container, data + a + b, len - a - b) < 0)
		return;
	j.sandbox = &sandbox;
	j.container = &container;
	j.vars = (const char *)data + a;
	j.vars_bytes = b;
	if (judge_container(&j, &s, &err) < 0) {
		must(err.text[0] != '\0' && s.args.buf == NULL);
		return;
	}
	sane(&s);
	ids(&j, &s);
	judge_told(&j, told, sizeof told);
	ends(told, sizeof told);
	must(s.executable[0] == '/' && s.workdir[0] == '/');
	len = spec_encode(&s, record);
	if (len > 0) {
		must(spec_decode(&again, record, len, "fuzz", &err) == 0);
		spec_free(&again);
	}
	spec_free(&s);
}

/* A fence file, as pid 1 and the supervisor read it; and one torn in two. */
static void
read_fence(const uint8_t *data, size_t len)
{
	uint8_t a[FENCE_BYTES], b[FENCE_BYTES];
	uint64_t boot, deadline, old, new;

	if (fence_decode(data, len, &boot, &deadline)) {
		fence_encode(a, boot, deadline);
		must(memcmp(a, data, sizeof a) == 0);
	}
	if (len < 20)
		return;
	memcpy(&old, data, 8);
	memcpy(&new, data + 8, 8);
	fence_encode(a, 7, old);
	fence_encode(b, 7, new);
	for (size_t i = 0; i < sizeof a; i++)
		if (data[16 + i / 8] >> i % 8 & 1)
			a[i] = b[i];
	if (fence_decode(a, sizeof a, &boot, &deadline))
		must(deadline == old || deadline == new);
}

/* Of a caller of run-dir/exec. */
static void
read_exec(const uint8_t *data, size_t len)
{
	struct exec_request r;
	struct err err = {0};
	uint32_t count = 0;

	if (exec_parse(data, len, &r, &err) < 0) {
		must(err.text[0] != '\0' && r.argv.buf == NULL);
		return;
	}
	ends(r.instance, sizeof r.instance);
	ends(r.term, sizeof r.term);
	for (size_t i = 0; i < r.argv.len; i++)
		count += r.argv.buf[i] == '\0';
	must(count == r.argv.count && count > 0 && r.argv.buf[r.argv.len - 1] == '\0');
	free(r.argv.buf);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len == 0)
		return 0;
	if (data[0] == EXEC_FIRST) {
		read_exec(data + 1, len - 1);
		return 0;
	}
	switch (data[0] % 5) {
	case 0:
		read_record(data + 1, len - 1);
		break;
	case 1:
		read_with_header(data + 1, len - 1);
		break;
	case 2:
		read_request(data + 1, len - 1);
		break;
	case 4:
		read_fence(data + 1, len - 1);
		break;
	default:
		read_documents(data + 1, len - 1);
		break;
	}
	return 0;
}
