# Targets that test, bench, install: included by the Makefile.
.PHONY: all deps tidy tidy-test unit unit_programs golden sim fuzz containers cluster test demo bench install clean format

deps:
	@sh tests/deps.sh
tidy:
	@sh tests/tidy/tidy.sh .
tidy-test:
	@sh tests/tidy/test.sh
unit: unit_programs
	@sh tests/run.sh unit $(UNIT)
sim: $(B)/mesh-sim
	@sh tests/run.sh sim $(B)/mesh-sim
format:
	clang-format -i $(wildcard gossip/*.[ch] daemon/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch])
clean:
	rm -rf build build-*
