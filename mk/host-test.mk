# Host tests: the program's own .c files, unchanged, built for this machine's
# Linux and driven by cmocka. `make host-test` builds and runs all of them.
#
# FOLDER/test/test.mk lists the test programs of a folder:
#
#	HOST_TESTS += page-pool
#	page-pool.sources := page/test/pool_test.c page/page.c page/check.c
#
# The first word of a name is the folder, so that names do not collide. Paths
# start at the stage's directory, and a source may come from the folder itself
# or from earlier ones. Optional, with their defaults:
#
#	page-pool.sanitize := address,undefined	  or thread, or "none"
#	page-pool.flags :=			  more compiler flags (-D, -I)
#	page-pool.libs :=			  more libraries
#	page-pool.optimize := -O1
#
# A C test's file is called *_test.c (test_*.py are for pytest); its functions'
# names are sentences about behaviour. Each program is linked with
# tests/host/stubs.c, which has printf, panic and a source of random numbers,
# and with tests/host/cpu.c, the CPU: lib/cpu.h is that of tests/host/fake,
# where CPUID, MSRs and ports are what a test sets. Each file is compiled with
# tests/host/names.h in front of it: that renames our free, realloc and printf,
# so that they do not clash with the C library's.
# Tests include "host.h" for all that. __VELLUM__ is not defined.
#
# Property tests print their seed; SEED=n in the environment repeats one, and
# OPS=n sets the number of operations. ONLY=name runs the tests it matches.
#
# Only the tests of the folders in TEST_FOLDERS run: `make host-test
# TEST_FOLDERS=page`; TESTS="page-pool lib-list" chooses single programs.

HOST_BUILD := $(OUT)/host/$(STAGE)
HOST_DIR := tests/host
HOST_STUBS := $(HOST_DIR)/stubs.c $(HOST_DIR)/cpu.c

HOST_TESTS :=
include $(foreach d,$(TEST_FOLDERS),$(wildcard $(d)/test/test.mk))
TESTS ?= $(HOST_TESTS)

HOST_CC ?= gcc
HOST_CFLAGS := -std=gnu11 -g -fno-omit-frame-pointer -fno-strict-aliasing \
	-Wall -Wextra -Wno-unused-parameter $(LAB_CFLAGS) \
	$(if $(WERROR),-Werror) \
	-DVMMSIZE_ALL='(CONFIG_VMMSIZE_ALL * 0x100000UL)' \
	-DVELLUM_STAGE='"$(STAGE)"' -DMM_FAIL_AT=0 \
	-include $(HOST_BUILD)/config.h -I$(HERE)/$(HOST_DIR)/fake -I$(HERE) \
	-I$(HERE)/$(HOST_DIR) -include $(HERE)/$(HOST_DIR)/names.h
# The options have their defaults here, whatever .config says.
HOST_CONFIG := $(HOST_BUILD)/config.mk
$(HOST_CONFIG): $(KCONFIG_SOURCES)
	@$(KCONFIG) generate $(@D) /dev/null
# A changed switch rebuilds what it is compiled into.
HOST_STAMP := $(HOST_BUILD)/flags
$(call STAMP,$(HOST_STAMP),$(HOST_CC) $(HOST_CFLAGS))

# The first finding of a sanitizer ends the test.
HOST_SANITIZE = $(if $(filter none,$(1)),,-fsanitize=$(1) \
	-fno-sanitize-recover=all)

.PHONY: host-test
host-test: $(TESTS:%=run-host-%)

# $(call HOST_TEST_RULES,name): objects of its own for each program, as each
# may have flags of its own.
define HOST_TEST_RULES
$(1).sanitize ?= address,undefined
$(1).optimize ?= -O1
$(1).objects := $$(patsubst %.c,$(HOST_BUILD)/$(1).o/%.o,\
	$$($(1).sources) $(HOST_STUBS))
$(1).all-flags := $(HOST_CFLAGS) $$($(1).optimize) \
	$$(call HOST_SANITIZE,$$($(1).sanitize)) $$($(1).flags)

$(HOST_BUILD)/$(1).o/%.o: %.c $(HOST_STAMP) mk/host-test.mk \
		$(wildcard $(addsuffix /test/test.mk,$(TEST_FOLDERS))) \
		| $(HOST_CONFIG)
	@mkdir -p $$(@D)
	@$(HOST_CC) $$($(1).all-flags) -MMD -MP -c -o $$@ $(HERE)/$$<

$(HOST_BUILD)/$(1): $$($(1).objects)
	@echo "  HOSTCC  $(STAGE)/$(1)"
	@$(HOST_CC) $$($(1).all-flags) -o $$@ $$($(1).objects) -lcmocka \
		-lpthread $$($(1).libs)

.PHONY: run-host-$(1) build-host-$(1)
build-host-$(1): $(HOST_BUILD)/$(1)
run-host-$(1): $(HOST_BUILD)/$(1)
	@if $$< > $$<.log 2>&1; then \
		echo "  TEST    $(STAGE)/$(1):" \
			"$$$$(grep -c '^\[       OK \]' $$<.log) passed"; \
	else \
		cat $$<.log; \
		echo "  FAILED  $(STAGE)/$(1): run" \
			"$$$$(realpath $$<) to repeat" \
			"$$$$(grep -m1 -o 'SEED=[0-9]*' $$<.log)"; \
		exit 1; \
	fi

-include $$($(1).objects:.o=.d)
endef

$(foreach t,$(HOST_TESTS),$(eval $(call HOST_TEST_RULES,$(t))))
