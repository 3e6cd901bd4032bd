HOST_TESTS += smp-acpi
smp-acpi.sources := smp/test/acpi_test.c smp/acpi.c
