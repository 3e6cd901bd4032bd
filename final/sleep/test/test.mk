sleep-code := sleep/states.c vmm/sleep.c vmm/chipset.c vmm/io.c vmm/acpi.c

HOST_TESTS += sleep-sleep
sleep-sleep.sources := sleep/test/sleep_test.c $(sleep-code)

HOST_TESTS += sleep-tables
sleep-tables.sources := sleep/test/tables_test.c $(sleep-code)

HOST_TESTS += sleep-fch
sleep-fch.sources := sleep/test/fch_test.c sleep/fch.c vmm/mmio.c \
	vmm/sleep.c vmm/chipset.c vmm/io.c vmm/acpi.c

HOST_TESTS += sleep-facs
sleep-facs.sources := sleep/test/facs_test.c
