# The Lua library is part of meshd-script, as text and as Lua compiles it (bake.c).
$(B)/bake: daemon/script/bake.c daemon/script/stdlib_files.h | $(if $(absent),absent)
	@mkdir -p $(@D)
	$(CC) -std=c11 -D_GNU_SOURCE $(WARN) -O1 $(cflags_script) -o $@ $< $(call a,lua5.4) -lm -ldl
$(B)/stdlib.baked: $(B)/bake $(LUA_LIB) scheduler-scripts/schema/contract.lua
	$< $@
$(B)/o/daemon/script/stdlib.o: $(LUA_LIB) $(B)/stdlib.baked templates/processes.yaml.tmpl
$(B)/o/daemon/script/stdlib.o: ALL_CFLAGS += -DSTDLIB_BAKED='"$(B)/stdlib.baked"'
