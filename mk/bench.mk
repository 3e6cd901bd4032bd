# The program that `make bench-memory` measures (tools/bench_memory.py). What is
# measured is compiled exactly as for the machine, but for three names that the
# C library has too; what measures is compiled for the host.

ifneq ($(wildcard pool/test/memory_bench.c),)

BENCH_BUILD := $(OUT)/bench
BENCH_SOURCES := pool/mempool.c $(below-pool)
BENCH_CODE_FLAGS := $(filter-out -D__VELLUM__ -DVELLUM_TEST -DMM_FAIL_AT%,\
	$(CFLAGS))
BENCH_NAMES := $(foreach n,free realloc printf,--redefine-sym $(n)=vellum_$(n))
BENCH_HOST_FLAGS := $(filter-out -DMM_FAIL_AT%,$(HOST_CFLAGS)) -O2 \
	-fno-pic -fno-pie
BENCH_CODE := $(BENCH_SOURCES:%.c=$(BENCH_BUILD)/%.o)
BENCH_HOST := $(patsubst %.c,$(BENCH_BUILD)/%.o,pool/test/memory_bench.c \
	$(HOST_STUBS))
BENCH_PROGRAM := $(BENCH_BUILD)/memory-bench

.PHONY: memory-bench
memory-bench: $(BENCH_PROGRAM)
	@:

$(BENCH_CODE): $(BENCH_BUILD)/%.o: %.c mk/bench.mk
	@mkdir -p $(@D)
	@$(CC) $(BENCH_CODE_FLAGS) -MMD -MP -c -o $@ $<
	@objcopy $(BENCH_NAMES) $@

$(BENCH_HOST): $(BENCH_BUILD)/%.o: %.c mk/bench.mk | $(HOST_CONFIG)
	@mkdir -p $(@D)
	@$(HOST_CC) $(BENCH_HOST_FLAGS) -MMD -MP -c -o $@ $<

$(BENCH_PROGRAM): $(BENCH_CODE) $(BENCH_HOST)
	@echo "  HOSTCC  $(SHOWN)"
	@$(HOST_CC) -no-pie -o $@ $^ -lcmocka

-include $(BENCH_CODE:.o=.d) $(BENCH_HOST:.o=.d)

endif
