HOST_TESTS += vmm-mtrr vmm-nested-map vmm-nested-fault vmm-nested-threads

nested-code := vmm/nested_map.c vmm/nested_tree.c vmm/mtrr.c vmm/mmio.c \
	vmm/test/nested_host.c

vmm-mtrr.sources := vmm/test/mtrr_test.c vmm/test/mtrr_model.c vmm/mtrr.c

HOST_TESTS += vmm-guest-mtrr
vmm-guest-mtrr.sources := vmm/test/guest_mtrr_test.c vmm/test/mtrr_model.c \
	vmm/guest_mtrr.c vmm/mtrr.c
vmm-guest-mtrr.flags := -Wl,--wrap=mtrr_read -Wl,--wrap=mtrr_write

vmm-nested-map.sources := vmm/test/nested_map_test.c \
	vmm/test/mtrr_model.c $(nested-code)
vmm-nested-map.optimize := -O2

vmm-nested-fault.sources := vmm/test/nested_fault_test.c $(nested-code)

vmm-nested-threads.sources := vmm/test/nested_threads_test.c $(nested-code)
vmm-nested-threads.sanitize := thread

HOST_TESTS +=

HOST_TESTS += vmm-cpuid
vmm-cpuid.sources := vmm/test/cpuid_test.c vmm/cpuid.c \
	vmm/msr_rules.c lib/version.c
vmm-cpuid.flags := -DVELLUM_VERSION='"v12.34-567-g89abcde-dirty"'

HOST_TESTS += vmm-acpi
vmm-acpi.sources := vmm/test/acpi_test.c vmm/acpi.c

HOST_TESTS += vmm-decode
vmm-decode.sources := vmm/test/decode_test.c vmm/decode.c

HOST_TESTS += vmm-guest-memory vmm-exit
vmm-guest-memory.sources := vmm/test/guest_memory_test.c vmm/guest_memory.c
vmm-exit.sources := vmm/test/exit_test.c vmm/exit.c

HOST_TESTS += vmm-io
vmm-io.sources := vmm/test/io_test.c vmm/io.c

HOST_TESTS += vmm-nested-root
vmm-nested-root.sources := vmm/test/nested_root_test.c vmm/nested_root.c \
	$(nested-code)

HOST_TESTS += vmm-machine-check
vmm-machine-check.sources := vmm/test/machine_check_test.c \
	vmm/machine_check.c paging/address.c

HOST_TESTS += vmm-msr-rules
vmm-msr-rules.sources := vmm/test/msr_rules_test.c vmm/msr_rules.c
vmm-msr-rules.sanitize := none
vmm-msr-rules.optimize := -O2

HOST_TESTS += vmm-msr
vmm-msr.sources := vmm/test/msr_test.c vmm/msr.c vmm/msr_rules.c \
	boot/settings.c lib/words.c
vmm-msr.libs := -Wl,-T,$(HERE)/vmm/test/msr_tables.ld
