FUZZ_TARGETS += acpi-fuzz

acpi-fuzz.sources := sleep/test/acpi_fuzz.c sleep/states.c vmm/sleep.c \
	vmm/chipset.c vmm/io.c vmm/acpi.c
