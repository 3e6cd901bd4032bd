# Fuzz targets: a layer's own .c files, unchanged, driven by libFuzzer under the
# address and the undefined-behaviour sanitizer. `make fuzz` searches;
# `make fuzz-corpus`, a part of the host tests, only runs the kept inputs.
#
# FOLDER/test/fuzz.mk lists the targets of a folder, as test.mk does the tests:
#
#	FUZZ_TARGETS += page-fuzz
#	page-fuzz.sources := page/test/page_fuzz.c page/page.c ...
#
# Optional: page-fuzz.flags for the compiler, page-fuzz.options for libFuzzer.
# Inputs worth keeping are files in FOLDER/test/corpus/TARGET/;
# tests/host/fuzz.h has what targets share.

FUZZ_BUILD := $(OUT)/fuzz/$(STAGE)
FUZZ_CC ?= clang
FUZZ_SANITIZE := -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=all

FUZZ_TARGETS :=
include $(foreach d,$(TEST_FOLDERS),$(wildcard $(d)/test/fuzz.mk))

FUZZ_CFLAGS := $(HOST_CFLAGS) -O2 $(FUZZ_SANITIZE)
FUZZ_STAMP := $(FUZZ_BUILD)/flags
ifneq ($(FUZZ_TARGETS),)
$(call STAMP,$(FUZZ_STAMP),$(FUZZ_CC) $(FUZZ_CFLAGS))
endif

.PHONY: fuzz-targets fuzz-corpus fuzz-list
fuzz-targets: $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/%)
	@:
fuzz-corpus: $(FUZZ_TARGETS:%=run-%)
# Whoever asks for single host tests (TESTS=) gets those alone.
ifneq ($(origin TESTS),command line)
host-test: fuzz-corpus
endif
fuzz-list:
	@:$(foreach t,$(FUZZ_TARGETS),; \
		echo '$(t) $($(t).corpus) $($(t).options)')

# $(call FUZZ_RULES,name)
define FUZZ_RULES
$(1).objects := $$(patsubst %.c,$(FUZZ_BUILD)/$(1).o/%.o,\
	$$($(1).sources) $(HOST_STUBS) $(HOST_DIR)/fuzz.c)
$(1).corpus := $$(dir $$(firstword $$($(1).sources)))corpus/$(1)

$(FUZZ_BUILD)/$(1).o/%.o: %.c $(FUZZ_STAMP) | $(HOST_CONFIG)
	@mkdir -p $$(@D)
	@$(FUZZ_CC) $(FUZZ_CFLAGS) $$($(1).flags) -MMD -MP -c -o $$@ $(HERE)/$$<

$(FUZZ_BUILD)/$(1): $$($(1).objects)
	@echo "  FUZZCC  $(STAGE)/$(1)"
	@$(FUZZ_CC) $(FUZZ_CFLAGS) -o $$@ $$($(1).objects) -lcmocka

.PHONY: run-$(1)
run-$(1): $(FUZZ_BUILD)/$(1)
	@if $$< -runs=0 -artifact_prefix=$$<- $$($(1).corpus) \
			> $$<.log 2>&1; then \
		echo "  TEST    $(STAGE)/$(1):" \
			"$$$$(ls $$($(1).corpus) | wc -l) kept inputs passed"; \
	else \
		cat $$<.log; \
		echo "  FAILED  $(STAGE)/$(1): $$< -runs=0 $$($(1).corpus)"; \
		exit 1; \
	fi

-include $$($(1).objects:.o=.d)
endef

$(foreach t,$(FUZZ_TARGETS),$(eval $(call FUZZ_RULES,$(t))))
