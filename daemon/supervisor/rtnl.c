/*
 * rtnl.c - see rtnl.h.
 */
#include "rtnl.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <net/if.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	MESSAGE_CAP = 1024,
	ALIGN = 4, /* of all that is in a message */
	HEAD = sizeof(struct nlmsghdr),
	ATTR = sizeof(struct nlattr),
	TYPE_MASK = 0x3fff,
	OPER_UP = 6, /* of RFC 2863; linux/if.h and net/if.h do not go together */
};

static size_t
aligned(size_t len)
{
	return (len + ALIGN - 1) / ALIGN * ALIGN;
}

/* --- writing ---------------------------------------------------------------- */

/* Only what we say ourselves goes in, and it fits. */
struct message {
	_Alignas(ALIGN) uint8_t buf[MESSAGE_CAP];
	size_t len;
};

static void *
room(struct message *m, size_t bytes)
{
	uint8_t *at = m->buf + m->len;

	m->len += aligned(bytes);
	assert(m->len <= sizeof m->buf);
	return at;
}

static void
begin(struct message *m, uint16_t type, uint16_t flags, const void *body, size_t len)
{
	struct nlmsghdr *h;

	memset(m, 0, sizeof *m);
	h = room(m, HEAD);
	h->nlmsg_type = type;
	h->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	memcpy(room(m, len), body, len);
}

static void
put(struct message *m, uint16_t type, const void *value, size_t len)
{
	struct nlattr *a = room(m, ATTR);

	a->nla_type = type;
	a->nla_len = (uint16_t)(ATTR + len);
	if (len > 0)
		memcpy(room(m, len), value, len);
}

static void
put_u32(struct message *m, uint16_t type, uint32_t v)
{
	put(m, type, &v, sizeof v);
}

static void
put_text(struct message *m, uint16_t type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

/* What follows is inside of it, until its end. */
static size_t
open_nest(struct message *m, uint16_t type)
{
	size_t at = m->len;

	put(m, type, NULL, 0);
	return at;
}

static void
close_nest(struct message *m, size_t at)
{
	uint16_t len = (uint16_t)(m->len - at);

	memcpy(m->buf + at + offsetof(struct nlattr, nla_len), &len, sizeof len);
}

/* --- reading ---------------------------------------------------------------- */

/* Attributes one after the other, within bounds. */
struct attrs {
	const uint8_t *at;
	size_t left;
};

struct attr {
	uint16_t type;
	const uint8_t *value;
	size_t len;
};

static bool
next(struct attrs *s, struct attr *out)
{
	struct nlattr a;
	size_t whole;

	if (s->left < ATTR)
		return false;
	memcpy(&a, s->at, sizeof a);
	if (a.nla_len < ATTR || a.nla_len > s->left)
		return false;
	*out = (struct attr){a.nla_type & TYPE_MASK, s->at + ATTR, (size_t)a.nla_len - ATTR};
	whole = aligned(a.nla_len);
	if (whole > s->left)
		whole = s->left;
	s->at += whole;
	s->left -= whole;
	return true;
}

static uint32_t
number(const struct attr *a)
{
	uint32_t v = 0;

	if (a->len == sizeof v)
		memcpy(&v, a->value, sizeof v);
	return v;
}

static void
words(const struct attr *a, char *out, size_t cap)
{
	size_t n = strnlen((const char *)a->value, a->len);

	if (n >= cap)
		n = cap - 1;
	memcpy(out, a->value, n);
	out[n] = '\0';
}

static int
read_link(const uint8_t *body, size_t len, struct rtnl_link *out)
{
	struct ifinfomsg ifi;
	struct attrs all, info;
	struct attr a;

	memset(out, 0, sizeof *out);
	if (len < sizeof ifi)
		return -EPROTO;
	memcpy(&ifi, body, sizeof ifi);
	out->index = ifi.ifi_index;
	all = (struct attrs){body + sizeof ifi, len - sizeof ifi};
	while (next(&all, &a)) {
		if (a.type == IFLA_MTU)
			out->mtu = number(&a);
		if (a.type == IFLA_OPERSTATE && a.len == 1)
			out->up = a.value[0] == OPER_UP;
		if (a.type == IFLA_MASTER)
			out->master = (int)number(&a);
		if (a.type == IFLA_IFALIAS)
			words(&a, out->alias, sizeof out->alias);
		if (a.type != IFLA_LINKINFO)
			continue;
		info = (struct attrs){a.value, a.len};
		while (next(&info, &a))
			if (a.type == IFLA_INFO_KIND)
				words(&a, out->kind, sizeof out->kind);
	}
	return out->index > 0 ? 0 : -EPROTO;
}

int
rtnl_read(const void *buf, size_t len, uint32_t seq, struct rtnl_link *link)
{
	const uint8_t *body = (const uint8_t *)buf + HEAD;
	struct nlmsghdr h;
	int32_t code;

	if (len < HEAD)
		return -EPROTO;
	memcpy(&h, buf, sizeof h);
	if (h.nlmsg_len < HEAD || h.nlmsg_len > len || h.nlmsg_seq != seq)
		return -EPROTO;
	if (h.nlmsg_type == RTM_NEWLINK && link != NULL)
		return read_link(body, h.nlmsg_len - HEAD, link);
	if (h.nlmsg_type != NLMSG_ERROR || h.nlmsg_len < HEAD + sizeof code)
		return -EPROTO;
	memcpy(&code, body, sizeof code);
	/* Done, where an answer was due, is none. */
	return code > 0 || code < -4095 || (code == 0 && link != NULL) ? -EPROTO : code;
}

/* --- both ------------------------------------------------------------------- */

int
rtnl_open(struct rtnl *r)
{
	r->seq = 0;
	r->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	return r->fd < 0 ? -errno : 0;
}

void
rtnl_close(struct rtnl *r)
{
	if (r->fd >= 0)
		close(r->fd);
	r->fd = -1;
}

static int
talk(struct rtnl *r, struct message *m, struct rtnl_link *link)
{
	struct sockaddr_nl kernel = {.nl_family = AF_NETLINK}, from;
	_Alignas(ALIGN) uint8_t answer[RTNL_ANSWER_CAP];
	struct iovec iov = {m->buf, m->len};
	struct msghdr msg = {.msg_name = &kernel, .msg_namelen = sizeof kernel,
	    .msg_iov = &iov, .msg_iovlen = 1};
	uint32_t seq = ++r->seq, len = (uint32_t)m->len;
	ssize_t n;

	memcpy(m->buf + offsetof(struct nlmsghdr, nlmsg_seq), &seq, sizeof seq);
	memcpy(m->buf + offsetof(struct nlmsghdr, nlmsg_len), &len, sizeof len);
	if (sendmsg(r->fd, &msg, 0) < 0)
		return -errno;
	for (int tries = 0; tries < 16; tries++) {
		iov = (struct iovec){answer, sizeof answer};
		msg = (struct msghdr){.msg_name = &from, .msg_namelen = sizeof from,
		    .msg_iov = &iov, .msg_iovlen = 1};
		n = recvmsg(r->fd, &msg, MSG_DONTWAIT);
		if (n < 0 && errno != EINTR)
			return -errno;
		/* Any process may send to this socket. */
		if (n < 0 || msg.msg_namelen != sizeof from || from.nl_pid != 0)
			continue;
		return msg.msg_flags & MSG_TRUNC ? -EMSGSIZE :
						   rtnl_read(answer, (size_t)n, seq, link);
	}
	return -EPROTO;
}

int
rtnl_find(struct rtnl *r, const char *name, struct rtnl_link *out)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC};
	struct message m;

	begin(&m, RTM_GETLINK, 0, &ifi, sizeof ifi);
	put_text(&m, IFLA_IFNAME, name);
	put_u32(&m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	return talk(r, &m, out);
}

int
rtnl_add_veth(struct rtnl *r, const struct rtnl_veth *v)
{
	struct ifinfomsg here = {.ifi_family = AF_UNSPEC, .ifi_flags = IFF_UP,
	    .ifi_change = IFF_UP}, there = {.ifi_family = AF_UNSPEC};
	size_t info, data, peer;
	struct message m;

	begin(&m, RTM_NEWLINK, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &here, sizeof here);
	put_text(&m, IFLA_IFNAME, v->name);
	put(&m, IFLA_ADDRESS, v->mac, sizeof v->mac);
	put_u32(&m, IFLA_MTU, v->mtu);
	put_u32(&m, IFLA_MASTER, (uint32_t)v->bridge);
	info = open_nest(&m, IFLA_LINKINFO);
	put_text(&m, IFLA_INFO_KIND, "veth");
	data = open_nest(&m, IFLA_INFO_DATA);
	peer = open_nest(&m, VETH_INFO_PEER);
	memcpy(room(&m, sizeof there), &there, sizeof there);
	put_text(&m, IFLA_IFNAME, v->peer);
	put(&m, IFLA_ADDRESS, v->peer_mac, sizeof v->peer_mac);
	put_u32(&m, IFLA_MTU, v->mtu);
	put_u32(&m, IFLA_NET_NS_FD, (uint32_t)v->netns);
	close_nest(&m, peer);
	close_nest(&m, data);
	close_nest(&m, info);
	return talk(r, &m, NULL);
}

int
rtnl_set_alias(struct rtnl *r, int index, const char *alias)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct message m;

	begin(&m, RTM_SETLINK, NLM_F_ACK, &ifi, sizeof ifi);
	put(&m, IFLA_IFALIAS, alias, strnlen(alias, RTNL_ALIAS_CAP - 1));
	return talk(r, &m, NULL);
}

int
rtnl_set_up(struct rtnl *r, int index, int bridge)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index,
	    .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
	struct message m;

	begin(&m, RTM_SETLINK, NLM_F_ACK, &ifi, sizeof ifi);
	if (bridge != 0)
		put_u32(&m, IFLA_MASTER, (uint32_t)bridge);
	return talk(r, &m, NULL);
}

int
rtnl_set_mac(struct rtnl *r, int index, const uint8_t mac[RTNL_MAC_BYTES])
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct message m;

	begin(&m, RTM_SETLINK, NLM_F_ACK, &ifi, sizeof ifi);
	put(&m, IFLA_ADDRESS, mac, RTNL_MAC_BYTES);
	return talk(r, &m, NULL);
}

int
rtnl_delete(struct rtnl *r, int index)
{
	struct ifinfomsg ifi = {.ifi_family = AF_UNSPEC, .ifi_index = index};
	struct message m;

	begin(&m, RTM_DELLINK, NLM_F_ACK, &ifi, sizeof ifi);
	return talk(r, &m, NULL);
}

int
rtnl_add_address(struct rtnl *r, int index, uint32_t address, uint32_t prefix)
{
	struct ifaddrmsg ifa = {.ifa_family = AF_INET, .ifa_prefixlen = (uint8_t)prefix,
	    .ifa_scope = RT_SCOPE_UNIVERSE, .ifa_index = (uint32_t)index};
	struct message m;

	begin(&m, RTM_NEWADDR, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &ifa, sizeof ifa);
	put_u32(&m, IFA_LOCAL, htonl(address));
	put_u32(&m, IFA_ADDRESS, htonl(address));
	put_u32(&m, IFA_BROADCAST, htonl(address | (uint32_t)(UINT64_C(0xffffffff) >> prefix)));
	return talk(r, &m, NULL);
}

int
rtnl_add_default(struct rtnl *r, int index, uint32_t gateway)
{
	struct rtmsg rt = {.rtm_family = AF_INET, .rtm_table = RT_TABLE_MAIN,
	    .rtm_protocol = RTPROT_STATIC, .rtm_scope = RT_SCOPE_UNIVERSE,
	    .rtm_type = RTN_UNICAST};
	struct message m;

	begin(&m, RTM_NEWROUTE, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, &rt, sizeof rt);
	put_u32(&m, RTA_OIF, (uint32_t)index);
	put_u32(&m, RTA_GATEWAY, htonl(gateway));
	return talk(r, &m, NULL);
}
