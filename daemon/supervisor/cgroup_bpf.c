/*
 * cgroup_bpf.c - programs of a group (cgroup_in.h): what is in it, or below it, asks them,
 * for as long as the group is there.
 */
#include <linux/bpf.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../base/own.h"
#include "cgroup_in.h"

int
cgroup_bpf(int cmd, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, cmd, attr, sizeof *attr);
}

int
cgroup_bpf_attach(int group, const char *name, unsigned prog_type, unsigned attach_type,
    const struct bpf_insn *insns, unsigned count)
{
	union bpf_attr attr = {.prog_type = prog_type,
	    .insns = (uintptr_t)insns,
	    .insn_cnt = count,
	    .license = (uintptr_t)"Apache-2.0",
	    .expected_attach_type = attach_type};

	strncpy(attr.prog_name, name, sizeof attr.prog_name - 1);
	AUTO_CLOSE int program = cgroup_bpf(BPF_PROG_LOAD, &attr);
	if (program < 0)
		return -1;
	memset(&attr, 0, sizeof attr);
	attr.target_fd = (uint32_t)group;
	attr.attach_bpf_fd = (uint32_t)program;
	attr.attach_type = attach_type;
	attr.attach_flags = BPF_F_ALLOW_OVERRIDE; /* another daemon's group may be below */
	return cgroup_bpf(BPF_PROG_ATTACH, &attr);
}
