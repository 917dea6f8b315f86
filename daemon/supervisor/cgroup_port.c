/*
 * cgroup_port.c - the mesh's own port, which no container may have on the host's network.
 *
 * The engine listens there as an ordinary user, and is away for a moment when it is
 * restarted: who takes the port meanwhile, by UDP or TCP, keeps the node out of its mesh.
 * Landlock knows no UDP, and allow-tcp-ports is for the administrator to say.  So it is
 * a program of our group, as in cgroup_devices.c: of this port, in the network that
 * meshd is in, only the engine's user binds.
 */
#include "cgroup_in.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <sys/socket.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"

#ifndef SO_NETNS_COOKIE /* Linux 5.14 */
#define SO_NETNS_COOKIE 71
#endif

enum { INSNS = 15, YES = INSNS - 2 };

/* The number of our network that no other one has. */
static bool
own_network(uint64_t *cookie)
{
	AUTO_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t len = sizeof *cookie;

	return fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, cookie, &len) == 0;
}

static struct bpf_insn
op(unsigned code, unsigned dst, unsigned src, int off, uint32_t imm)
{
	return (struct bpf_insn){.code = (uint8_t)code, .dst_reg = dst & 0xf, .src_reg = src & 0xf,
	    .off = (int16_t)off, .imm = (int32_t)imm};
}

/* To YES from instruction at. */
#define TO_YES(at) ((int)(YES - (at)-1))

static void
build(struct bpf_insn all[INSNS], unsigned port, uint32_t uid, uint64_t network)
{
	size_t n = 0;

	all[n++] = op(BPF_ALU64 | BPF_MOV | BPF_X, BPF_REG_6, BPF_REG_1, 0, 0);
	all[n++] = op(BPF_LDX | BPF_MEM | BPF_W, BPF_REG_2, BPF_REG_6,
	    offsetof(struct bpf_sock_addr, user_port), 0);
	all[n] = op(BPF_JMP | BPF_JNE | BPF_K, BPF_REG_2, 0, TO_YES(n), htons((uint16_t)port));
	n++;
	all[n++] = op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_netns_cookie);
	all[n++] = op(BPF_LD | BPF_DW | BPF_IMM, BPF_REG_2, 0, 0, (uint32_t)network);
	all[n++] = op(0, 0, 0, 0, (uint32_t)(network >> 32));
	all[n] = op(BPF_JMP | BPF_JNE | BPF_X, BPF_REG_0, BPF_REG_2, TO_YES(n), 0);
	n++;
	all[n++] = op(BPF_JMP | BPF_CALL, 0, 0, 0, BPF_FUNC_get_current_uid_gid);
	all[n++] = op(BPF_ALU | BPF_MOV | BPF_X, BPF_REG_0, BPF_REG_0, 0, 0); /* its lower half */
	all[n++] = op(BPF_ALU | BPF_MOV | BPF_K, BPF_REG_2, 0, 0, uid);
	all[n] = op(BPF_JMP | BPF_JEQ | BPF_X, BPF_REG_0, BPF_REG_2, TO_YES(n), 0);
	n++;
	all[n++] = op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0);
	all[n++] = op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
	assert(n == YES);
	all[n++] = op(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 1);
	all[n] = op(BPF_JMP | BPF_EXIT, 0, 0, 0, 0);
}

static int
attach(int group, const struct bpf_insn all[INSNS], enum bpf_attach_type type)
{
	return cgroup_bpf_attach(group, "mesh_port", BPF_PROG_TYPE_CGROUP_SOCK_ADDR, type, all, INSNS);
}

void
cgroup_keep_port(const struct cgroups *g, unsigned port, uid_t engine)
{
	struct bpf_insn all[INSNS];
	uint64_t network = 0;

	if (!HOLDS("own-port") || g->unified < 0 || port == 0)
		return;
	errno = ENOSYS;
	if (own_network(&network)) {
		build(all, port, engine, network);
		if (attach(g->unified, all, BPF_CGROUP_INET4_BIND) == 0 &&
		    attach(g->unified, all, BPF_CGROUP_INET6_BIND) == 0)
			return;
	}
	log_warn("port %u can't be kept for the mesh by cgroup (%s): a container on the host's network may take it while the engine is away",
	    port, strerror(errno));
}
