/*
 * machine.h - what people call the machines of ELF programs.
 */
#ifndef BASE_MACHINE_H
#define BASE_MACHINE_H

#include <elf.h>

static inline const char *
machine_name(unsigned machine)
{
	switch (machine) {
	case EM_X86_64:
		return "x86_64";
	case EM_386:
		return "i386";
	case EM_AARCH64:
		return "arm64";
	case EM_ARM:
		return "arm";
	case EM_RISCV:
		return "riscv64";
	case EM_PPC64:
		return "ppc64";
	case EM_S390:
		return "s390x";
	default:
		return "of another machine";
	}
}

#endif
