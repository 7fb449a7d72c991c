# SPDX-License-Identifier: MIT
#
# host.mk - floor 0 and its tests as programs on the host, one per compiler,
# under the address and undefined-behaviour sanitizers.
#
#   make host-test     T= and SEED= as for make test; HOST_CCS=gcc for one only
#
# The host must be an x86-64 too: atomics are tested as they are.

HOST_CCS ?= gcc clang

HOST_SRC := $(SRC_lib) $(SRC_lib_tests) \
	tests/host/main.c \
	tests/host/format_libc_test.c \
	tests/host/threads_test.c

HOST_CPPFLAGS := -Itests/host/include -Iinclude -D_GNU_SOURCE
HOST_CFLAGS := -std=gnu11 -O1 -g -pthread -fno-omit-frame-pointer \
	-fsanitize=address,undefined -fno-sanitize-recover=all $(WARNINGS)

HOST_PROGRAMS := $(HOST_CCS:%=$(OUT)/host/tests-%)

.PHONY: host-test
host-test: $(HOST_PROGRAMS)
	@tests/host/run $(HOST_PROGRAMS)

define host_compiler
$(OUT)/host/$(1)/%.o: %.c $(OUT)/host/$(1)/flags
	@mkdir -p $$(@D)
	@echo "  HOSTCC  $$< ($(1))"
	@$(1) $$(HOST_CPPFLAGS) $$(HOST_CFLAGS) -MMD -MP -c -o $$@ $$<

$(OUT)/host/$(1)/flags: FORCE | doctor-ci
	@mkdir -p $$(@D)
	@echo '$$(HOST_CPPFLAGS) $$(HOST_CFLAGS) $$(HOST_SRC)' | \
		cmp -s - $$@ || \
		echo '$$(HOST_CPPFLAGS) $$(HOST_CFLAGS) $$(HOST_SRC)' > $$@

$(OUT)/host/tests-$(1): $(HOST_SRC:%.c=$(OUT)/host/$(1)/%.o)
	@echo "  HOSTLD  $$@"
	@$(1) $$(HOST_CFLAGS) -o $$@ $$^

-include $(HOST_SRC:%.c=$(OUT)/host/$(1)/%.d)
endef
$(foreach cc,$(HOST_CCS),$(eval $(call host_compiler,$(cc))))
