HOST_TESTS += smp-madt smp-decode-store smp-ipi smp-many-cpus

smp-madt.sources := smp/test/madt_test.c smp/test/madt_fuzz.c smp/madt.c

# The decoder's PUSHF would write where the host's code keeps its variables.
smp-decode-store.sources := smp/test/decode_store_test.c smp/decode_store.c \
	vmm/decode.c
smp-decode-store.flags := -mno-red-zone

smp-ipi.sources := smp/test/ipi_test.c smp/ipi.c

smp-many-cpus.sources := smp/test/many_cpus_test.c vmm/nested_root.c \
	vmm/nested_map.c vmm/nested_tree.c vmm/mtrr.c vmm/mmio.c \
	vmm/test/nested_host.c
