/*
 * net.c - the engine's heartbeat: the only file that knows both uv and the
 * mesh machine.  On a packet: recv.  Then, when no more of them wait, and on the
 * timer, and after every act of ours on the machine (net_kick): tick, facts to
 * disk, packets out, one timer re-armed.  Nothing else drives the protocol, and the
 * simulator drives it in the same order.
 *
 * A leader of a hundred has a thousand packets a second, most of them at once: what
 * comes together is heard together, and what goes is handed over in one call.
 */
#include "net.h"

#include <time.h>

#include "addr.h"

enum {
	RECV_BYTES = 4 << 20,
	HEARD_MAX = 16, /* packets of one batch, at most: answers have room for these */
};

msec
net_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (msec)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void
on_alloc(uv_handle_t *handle, size_t hint, uv_buf_t *buf)
{
	struct net *n = handle->data;

	(void)hint;
	*buf = uv_buf_init((char *)n->rx, sizeof n->rx);
}

static void
on_recv(uv_udp_t *udp, ssize_t len, const uv_buf_t *buf, const struct sockaddr *sa, unsigned flags)
{
	struct net *n = udp->data;
	struct addr from;

	(void)flags;
	/* A receive error never ends the loop: the next packet is another one. */
	/* One of no bytes is a packet too, counted by the machine; without an
	 * address it is no packet: none waits any more. */
	if (len >= 0 && sa != NULL && addr_from_sockaddr(sa, &from) && n->mesh != NULL) {
		mesh_recv(n->mesh, net_now(), &from, (const uint8_t *)buf->base, (size_t)len);
		if (++n->heard < HEARD_MAX)
			return;
	}
	if (n->heard > 0)
		net_kick(n); /* ticks: what came in may be due at once */
}

static void
on_timer(uv_timer_t *timer)
{
	struct net *n = timer->data;

	net_kick(n);
}

/* Makes up to NET_SENDS datagrams; returns how many there were. */
static unsigned
gather(struct net *n, struct mmsghdr *out, struct iovec *bytes, struct sockaddr_storage *where)
{
	unsigned count = 0;
	struct addr to;
	size_t len;

	while (count < NET_SENDS && (len = mesh_poll(n->mesh, net_now(), &to, n->tx[count],
	    sizeof n->tx[count])) > 0) {
		bytes[count] = (struct iovec){.iov_base = n->tx[count], .iov_len = len};
		out[count].msg_hdr = (struct msghdr){.msg_name = &where[count],
		    .msg_namelen = addr_to_sockaddr(&to, &where[count]),
		    .msg_iov = &bytes[count], .msg_iovlen = 1};
		count++;
	}
	return count;
}

static void
send_all(struct net *n)
{
	struct sockaddr_storage where[NET_SENDS];
	struct iovec bytes[NET_SENDS];
	struct mmsghdr out[NET_SENDS];
	unsigned count;
	uv_os_fd_t fd;

	if (uv_fileno((uv_handle_t *)&n->udp, &fd) < 0)
		return;
	while ((count = gather(n, out, bytes, where)) > 0)
		for (unsigned at = 0; at < count;) {
			int sent = sendmmsg(fd, out + at, count - at, MSG_DONTWAIT);

			/* A full queue is a lost packet: the protocol lives with those. */
			if (sent <= 0) {
				n->send_failed++;
				sent = 1;
			}
			at += (unsigned)sent;
		}
}

void
net_kick(struct net *n)
{
	struct mesh_saved saved;
	msec now, due;

	if (n->mesh == NULL || n->kicking)
		return;
	n->kicking = true;
	n->heard = 0;
	mesh_tick(n->mesh, net_now());
	while (mesh_must_save(n->mesh, &saved)) {
		n->save(n->arg, &saved);
		mesh_saved(n->mesh);
	}
	send_all(n);
	n->kicking = false;
	now = net_now();
	due = mesh_deadline(n->mesh);
	uv_update_time(n->udp.loop);
	uv_timer_start(&n->timer, on_timer, due > now ? (uint64_t)(due - now) : 0, 0);
	n->moved(n->arg);
}

void
net_soon(struct net *n)
{
	if (n->mesh != NULL)
		uv_timer_start(&n->timer, on_timer, 0, 0);
}

int
net_init(struct net *n, uv_loop_t *loop, const struct addr *at, void *arg,
    void (*save)(void *, const struct mesh_saved *), void (*moved)(void *), struct err *err)
{
	struct sockaddr_storage ss;
	char text[ADDR_TEXT_CAP];
	int rc, rcvbuf = RECV_BYTES;

	memset(n, 0, sizeof *n);
	n->arg = arg;
	n->save = save;
	n->moved = moved;
	addr_to_sockaddr(at, &ss);
	addr_format(at, text, sizeof text);
	if ((rc = uv_udp_init(loop, &n->udp)) < 0 || (rc = uv_timer_init(loop, &n->timer)) < 0 ||
	    (rc = uv_udp_bind(&n->udp, (struct sockaddr *)&ss, 0)) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "bind %s: %s", text, strerror(-rc));
	/* Thousands echo a leader's beat at once, into a queue that holds a few hundred
	 * unless it asks; as far as this host lets it. */
	(void)uv_recv_buffer_size((uv_handle_t *)&n->udp, &rcvbuf);
	n->udp.data = n->timer.data = n;
	if ((rc = uv_udp_recv_start(&n->udp, on_alloc, on_recv)) < 0)
		return err_set(err, EXIT_ENVIRONMENT, "receive on %s: %s", text, strerror(-rc));
	return 0;
}

void
net_attach(struct net *n, struct mesh *m)
{
	n->mesh = m;
	net_kick(n);
}
