HOST_TESTS += smp-cpus smp-decode-store smp-store smp-lapic smp-lapic-reset \
	smp-init-sipi smp-renew smp-panic smp-many-cpus smp-delay smp-start

smp-cpus.sources := smp/test/cpus_test.c smp/test/cpus_fuzz.c smp/cpus.c \
	smp/delay.c

smp-decode-store.sources := smp/test/decode_store_test.c smp/decode_store.c \
	vmm/decode.c

# PUSHF would write where the host's code keeps its variables.
smp-store.sources := smp/test/store_test.c smp/store.c smp/store_result.c \
	smp/decode_store.c vmm/decode.c
smp-store.flags := -mno-red-zone

smp-lapic.sources := smp/test/lapic_test.c smp/lapic.c

smp-lapic-reset.sources := smp/test/lapic_reset_test.c smp/lapic_reset.c \
	smp/lapic.c

smp-renew.sources := smp/test/renew_test.c smp/renew.c
smp-init-sipi.sources := smp/test/init_sipi_test.c smp/init_sipi.c

smp-panic.sources := smp/test/panic_test.c smp/panic.c
smp-panic.sanitize := thread

smp-many-cpus.sources := smp/test/many_cpus_test.c vmm/nested_root.c \
	vmm/nested_map.c vmm/nested_tree.c vmm/mtrr.c vmm/mmio.c \
	vmm/test/nested_host.c

smp-delay.sources := smp/test/delay_test.c smp/delay.c

# What is not called here needs nobody to stand in for it.
smp-start.sources := smp/test/start_test.c
smp-start.flags := -ffunction-sections -Wl,--gc-sections
