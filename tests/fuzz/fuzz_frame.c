/*
 * fuzz_frame.c - any bytes as a datagram.  The AEAD always opens, so that what
 * lies behind it is reached: the body, then every rumour.  What was understood
 * is packed and read again, and must say the same.
 */
#include <stdlib.h>

#include "../../gossip/brief.h"
#include "../../gossip/packet.h"
#include "../../gossip/seal.h"
#include "toy_crypto.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Each of a block, packed and read again. */
static void
briefs_again(const struct rumour *r)
{
	struct briefs_in in = {.at = r->briefs, .end = r->briefs + r->briefs_len};
	struct brief one, two;

	while (brief_next(&in, &one) > 0) {
		uint8_t buf[BRIEF_BYTES_MAX];
		struct briefs_out w = {.buf = buf, .cap = sizeof buf};
		struct briefs_in back = {.at = buf, .end = buf};

		if (!brief_put(&w, &one))
			abort();
		back.end += w.len;
		if (brief_next(&back, &two) != 1 || back.at != back.end || one.who != two.who ||
		    one.whole != two.whole || one.life != two.life || one.count != two.count ||
		    one.summary.cpu_percent != two.summary.cpu_percent ||
		    one.summary.load_centi != two.summary.load_centi ||
		    one.summary.instances != two.summary.instances ||
		    one.summary.facts_hash != two.summary.facts_hash)
			abort();
	}
}

static void
again(const struct packet *p)
{
	uint8_t buf[SEAL_BODY_MAX], rumours[SEAL_BODY_MAX];
	struct mpw w, rw;
	struct packet q;
	struct rumour one;
	struct mp r;
	uint32_t n = 0;

	mpw_init(&rw, rumours, sizeof rumours);
	mp_init(&r, p->rumours, p->rumours_len, 2);
	while (n < p->rumours_count && rumour_read(&r, &one) == 0) {
		rumour_pack(&rw, &one);
		if (one.briefs != NULL)
			briefs_again(&one);
		n++;
	}
	mpw_init(&w, buf, sizeof buf);
	packet_begin(&w, p);
	packet_end(&w, &rw, n);
	if (w.full || rw.full)
		return; /* the sender wrote shorter forms than ours */
	if (packet_decode(buf, w.len, &q) < 0 || q.kind != p->kind || q.rumours_count != n ||
	    q.term != p->term || q.bytes_len != p->bytes_len ||
	    stamp_cmp(&q.head.stamp, &p->head.stamp) != 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t cluster[ID_BYTES] = {1};
	struct node_id self = {{9}};
	uint8_t body[SEAL_BODY_MAX];
	struct seal_frame frame;
	struct packet p;
	struct seal s;
	size_t n;

	seal_init(&s, &copying, &self, cluster, 1, 1);
	if (seal_read(data, size, &frame) < 0 ||
	    seal_open(&s, &frame, NULL, data, size, body, &n) < 0)
		return 0;
	if (packet_decode(body, n, &p) == 0 && !(p.head.stamp.term == 0 && p.head.stamp.seq != 0))
		again(&p);
	return 0;
}
