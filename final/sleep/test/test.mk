sleep-code := sleep/states.c vmm/sleep.c vmm/io.c vmm/acpi.c

HOST_TESTS += sleep-sleep
sleep-sleep.sources := sleep/test/sleep_test.c $(sleep-code)
