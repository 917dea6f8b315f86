# The real programs with ASan and UBSan (the init, which is static: traps of UBSan alone)
# in all container tests and some of the cluster's.  Half an hour, not part of make test.
.PHONY: containers-san
containers-san: # as root; WHAT="FILE...": these test files alone
	@$(MAKE) SAN=address,undefined $(addprefix build-san/,meshd meshd-engine meshd-script meshd-conf meshd-http meshd-init mesh) weak
	@sh tests/run.sh containers_san $(WHAT)
# Of what is static: nothing can be told.
TRAP := -fsanitize=undefined -fsanitize-undefined-trap-on-error
ifneq ($(SAN),)
$(addprefix $(B)/,meshd meshd-engine meshd-script meshd-conf meshd-http mesh weak/meshd-dynamic): $(B)/o/tests/containers/san.o
$(addprefix $(B)/weak/,meshd meshd-conf): tests/containers/san.c
endif
