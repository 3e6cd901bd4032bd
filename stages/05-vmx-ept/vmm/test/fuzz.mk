FUZZ_TARGETS += acpi-fuzz

acpi-fuzz.sources := vmm/test/acpi_fuzz.c vmm/acpi.c vmm/acpi_sleep.c
