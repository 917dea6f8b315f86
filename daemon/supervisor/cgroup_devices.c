/*
 * cgroup_devices.c - which devices may be opened, or made, below our group: those
 * of a container's /dev.
 *
 * It stands behind mounts without devices and capabilities that nobody has.  On
 * cgroup2, with v1 beside it or not, this is a program of the group itself; it is
 * built here, of as many instructions as there are nodes, and holds for all that
 * is in the group or below it, for as long as the group is there: also when we are
 * not.  One for all costs a start nothing but the kernel's look at it.
 */
#include "cgroup_in.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdint.h>
#include <unistd.h>

#include "../base/log.h"
#include "../base/own.h"
#include "../base/weak.h"

#define NAME "mesh_devices"

enum {
	TTY_MAJOR = 5,
	PTMX_MINOR = 2,
	PTS_MAJOR = 136,
	HEAD = 5,
	TAIL = 7,
	PROGRAMS_MAX = 8,
	INSNS = HEAD + 2 * CGROUP_NODES + TAIL,
};

const struct cgroup_node cgroup_nodes[CGROUP_NODES] = {{"null", 1, 3},
    {"zero", 1, 5}, {"full", 1, 7}, {"random", 1, 8}, {"urandom", 1, 9},
    {"tty", TTY_MAJOR, 0}};

/* A field of what the kernel asks about, to a register. */
static struct bpf_insn
load(unsigned reg, size_t at)
{
	return (struct bpf_insn){.code = BPF_LDX | BPF_MEM | BPF_W,
	    .dst_reg = reg & 0xf,
	    .src_reg = BPF_REG_1,
	    .off = (int16_t)at};
}

/* To instruction to, if reg is, or is not, number. */
static void
jump(struct bpf_insn *all, size_t at, unsigned op, unsigned reg,
    unsigned number, size_t to)
{
	all[at] = (struct bpf_insn){.code = (uint8_t)(BPF_JMP | BPF_K | op),
	    .dst_reg = reg & 0xf,
	    .off = (int16_t)(to - at - 1),
	    .imm = (int32_t)number};
}

static struct bpf_insn
put(unsigned op, unsigned reg, unsigned number)
{
	return (struct bpf_insn){.code = (uint8_t)(BPF_ALU64 | BPF_K | op),
	    .dst_reg = reg & 0xf,
	    .imm = (int32_t)number};
}

static void
build(struct bpf_insn all[INSNS])
{
	const size_t no = INSNS - 4, yes = INSNS - 2;
	size_t n = 0;

	all[n++] = load(BPF_REG_2, offsetof(struct bpf_cgroup_dev_ctx, access_type));
	all[n++] = load(BPF_REG_3, offsetof(struct bpf_cgroup_dev_ctx, major));
	all[n++] = load(BPF_REG_4, offsetof(struct bpf_cgroup_dev_ctx, minor));
	all[n++] = put(BPF_AND, BPF_REG_2, 0xffff); /* its upper half: for what */
	jump(all, n++, BPF_JNE, BPF_REG_2, BPF_DEVCG_DEV_CHAR, no);
	for (size_t i = 0; i < CGROUP_NODES; i++) {
		jump(all, n, BPF_JNE, BPF_REG_3, cgroup_nodes[i].major, n + 2);
		jump(all, n + 1, BPF_JEQ, BPF_REG_4, cgroup_nodes[i].minor, yes);
		n += 2;
	}
	jump(all, n++, BPF_JEQ, BPF_REG_3, PTS_MAJOR, yes);
	jump(all, n++, BPF_JNE, BPF_REG_3, TTY_MAJOR, no);
	jump(all, n++, BPF_JEQ, BPF_REG_4, PTMX_MINOR, yes);
	assert(n == no);
	all[no] = put(BPF_MOV, BPF_REG_0, 0);
	all[no + 1] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
	all[yes] = put(BPF_MOV, BPF_REG_0, 1);
	all[yes + 1] = (struct bpf_insn){.code = BPF_JMP | BPF_EXIT};
}

/* Is the program that the kernel numbers so one of ours? */
static bool
is_ours(uint32_t id)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.prog_id = id};
	AUTO_CLOSE int program = cgroup_bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (program < 0)
		return false;
	memset(&attr, 0, sizeof attr);
	attr.info.bpf_fd = (uint32_t)program;
	attr.info.info_len = sizeof info;
	attr.info.info = (uintptr_t)&info;
	return cgroup_bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
	    strcmp(info.name, NAME) == 0;
}

bool
cgroup_devices_of(const struct cgroups *g, const char *leaf)
{
	uint32_t ids[PROGRAMS_MAX] = {0};
	union bpf_attr attr = {0};
	AUTO_CLOSE int group = openat(g->unified, leaf,
	    O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	attr.query.target_fd = (uint32_t)group;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.query_flags = BPF_F_QUERY_EFFECTIVE;
	attr.query.prog_ids = (uintptr_t)ids;
	attr.query.prog_cnt = PROGRAMS_MAX;
	if (group < 0 || cgroup_bpf(BPF_PROG_QUERY, &attr) < 0)
		return false;
	for (size_t i = 0; i < PROGRAMS_MAX && ids[i] != 0; i++)
		if (is_ours(ids[i]))
			return true;
	return false;
}

void
cgroup_devices(const struct cgroups *g)
{
	struct bpf_insn all[INSNS];

	build(all);
	if (HOLDS("devices") &&
	    cgroup_bpf_attach(g->unified, NAME, BPF_PROG_TYPE_CGROUP_DEVICE, BPF_CGROUP_DEVICE, all, INSNS) < 0)
		log_warn("devices can't be limited by cgroup (%s): what keeps containers from them are mounts and capabilities alone",
		    strerror(errno));
}
