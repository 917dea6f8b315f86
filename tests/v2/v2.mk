# The container tests in a machine of cgroup v2 alone, under systemd: QEMU, minutes, not part of make test.
.PHONY: test-v2 deps-v2
test-v2: all weak # WHAT="FILE... -k NAME": these alone; SECONDS_MAX=1500
	@WHAT='$(WHAT)' sh tests/run.sh v2
deps-v2: # the kernel is unpacked into build/v2, this host keeps its own
	@V2=1 sh tests/deps.sh && sh tests/v2/kernel.sh build/v2/kernel
