/*
 * fuzz_disk.c - any bytes as what a node finds on its disk when it starts: the two
 * slots of `critical` with a checksum that holds, the roster and the evictions of
 * the store, the cluster keys of `keys`, a record of the database.  Whatever is taken must start a machine that
 * has a deadline ahead, or none; and what was read is written, and read again.
 *
 *	input = { which 1 (bit 0: keys; bit 1: no checksum; bit 2: a second slot; bit 3: a
 *	          record), ... }
 *	critical: { slot 480, [slot 480,] length of the roster 2, roster, evictions }
 *	record:   { length of the key 1, key, value }
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../daemon/io/critical.h"
#include "../../daemon/io/ring.h"
#include "../../daemon/io/store_check.h"
#include "toy_crypto.h"

enum { CONTENT = 480, STRIDE = 4096, RING = 160, POLLS_MAX = 100000 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
	const uint8_t *b;
	size_t len;
};

static void
take(struct input *in, uint8_t *out, size_t len)
{
	size_t n = len < in->len ? len : in->len;

	memset(out, 0, len);
	if (n > 0)
		memcpy(out, in->b, n);
	in->b += n;
	in->len -= n;
}

static char path[] = "/tmp/fuzz-disk.XXXXXX";
static int dir = -1;

static void
clear(void)
{
	unlinkat(dir, "critical", 0);
	unlinkat(dir, "keys", 0);
	unlinkat(dir, "keys.tmp", 0);
	rmdir(path);
}

static void
sum(uint8_t *out, const uint8_t *b, size_t len)
{
	struct hash h;

	crypto_hash256(&h, b, len);
	memcpy(out, h.b, HASH_BYTES);
}

/* A folder of this process' own. */
static int
folder(void)
{
	struct err err;

	if (dir >= 0)
		return dir;
	must(crypto_init(&err) == 0 && mkdtemp(path) != NULL);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	must(dir >= 0 && atexit(clear) == 0);
	return dir;
}

static void
put(const char *name, const uint8_t *b, size_t len, off_t at)
{
	int fd = openat(folder(), name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	must(fd >= 0 && pwrite(fd, b, len, at) == (ssize_t)len);
	close(fd);
}

/* A machine from these facts: none, or one that can live. */
static void
start(const struct mesh_saved *saved)
{
	struct mesh_conf c = {.name = "v", .addr = toy_addr(0), .members_max = 16, .seed = 1,
	    .crypto = copying, .saved = *saved};
	uint8_t buf[DGRAM_BYTES_MAX];
	msec now = 100000;
	struct mesh_saved f;
	struct addr to;
	struct mesh *m;
	struct hash h;

	memset(c.pk, 'v', KEY_BYTES);
	toy_hash(NULL, &h, c.pk, KEY_BYTES);
	memcpy(c.self.b, h.b, ID_BYTES);
	if ((m = mesh_new(&c, now)) == NULL)
		return;
	for (int k = 0; k < 4; k++, now += 2500) {
		int polls = 0;

		mesh_tick(m, now);
		if (mesh_must_save(m, &f))
			mesh_saved(m);
		while (mesh_poll(m, now, &to, buf, sizeof buf) > 0)
			must(++polls < POLLS_MAX);
		must(mesh_deadline(m) > now);
	}
	mesh_free(m);
}

static void
critical(struct input in, bool summed, bool two)
{
	uint8_t slot[CONTENT + HASH_BYTES], head[2];
	struct mesh_saved saved, again;
	struct critical c;
	struct err err;

	unlinkat(folder(), "critical", 0);
	for (int k = 0; k <= two; k++) {
		take(&in, slot, CONTENT);
		memcpy(slot, "MESHCRIT", 8);
		memset(slot + CONTENT, 0, HASH_BYTES);
		if (summed)
			sum(slot + CONTENT, slot, CONTENT);
		put("critical", slot, sizeof slot, (off_t)k * STRIDE);
	}
	if (critical_open(&c, folder(), &saved, &err) < 0)
		return;
	critical_close(&c);
	must(critical_open(&c, folder(), &again, &err) == 0);
	critical_close(&c);
	must(again.generation == saved.generation + (saved.generation < UINT64_MAX) && again.term == saved.term &&
	    again.keys.used == saved.keys.used && again.promise_ms == saved.promise_ms);
	take(&in, head, sizeof head);
	saved.roster = in.b;
	saved.roster_bytes = (size_t)(head[0] << 8 | head[1]);
	if (saved.roster_bytes > in.len)
		saved.roster_bytes = in.len;
	saved.evicted = in.b + saved.roster_bytes;
	saved.evicted_bytes = in.len - saved.roster_bytes;
	start(&saved);
}

static void
keys(struct input in, bool summed)
{
	uint8_t file[RING + HASH_BYTES + 8];
	size_t len = in.len > RING ? RING + HASH_BYTES + (in.len - RING) % 8 : RING + HASH_BYTES;
	struct keyring k = {.has_key = false}, again = {.has_key = false};
	struct err err;

	unlinkat(folder(), "keys", 0);
	take(&in, file, RING);
	memcpy(file, "MESHKEYS", 8);
	memset(file + RING, 0, sizeof file - RING);
	if (summed)
		sum(file + RING, file, RING);
	put("keys", file, len, 0);
	if (ring_load(folder(), &k, &err) < 0 || !k.has_key)
		return;
	must(ring_save(folder(), &k, &(struct mesh_keys){.used = k.epoch}, &err) == 0);
	must(ring_load(folder(), &again, &err) == 0 && again.has_key && again.epoch == k.epoch &&
	    memcmp(again.key, k.key, KEY_BYTES) == 0);
}

/* The value as it lies there, and as the body of one that is whole: then one bent bit
 * of it must not pass. */
static void
record(struct input in)
{
	uint8_t key[STORE_KEY_CAP], *whole;
	char text[64];
	const uint8_t *body;
	size_t key_len, len, got;

	take(&in, key, 1);
	key_len = key[0] % sizeof key;
	take(&in, key, key_len);
	store_key_text(key, key_len, text, sizeof text);
	must(strlen(text) < sizeof text);
	if (store_decode(key, key_len, in.b, in.len, &body, &len))
		must(body >= in.b && len <= in.len);
	if (key_len < 3)
		return; /* no key of ours: two bytes of them are the kind */
	whole = malloc(STORE_HEAD_BYTES + in.len + STORE_SUM_BYTES);
	must(whole != NULL);
	store_encode(whole, key, key_len, in.b, in.len);
	len = STORE_HEAD_BYTES + in.len + STORE_SUM_BYTES;
	must(store_decode(key, key_len, whole, len, &body, &got) && got == in.len);
	must(in.len == 0 || memcmp(body, in.b, in.len) == 0);
	whole[in.len % len] ^= 1;
	must(!store_decode(key, key_len, whole, len, &body, &got));
	free(whole);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	uint8_t which;

	take(&in, &which, 1);
	if ((which & 8) != 0)
		record(in);
	else if ((which & 1) != 0)
		keys(in, (which & 2) == 0);
	else
		critical(in, (which & 2) == 0, (which & 4) != 0);
	return 0;
}
