HOST_TESTS += boot-memmap boot-multiboot boot-settings

boot-memmap.sources := boot/test/memmap_test.c boot/memmap.c
boot-multiboot.sources := boot/test/multiboot_test.c boot/multiboot.c \
	boot/memmap.c lib/words.c
boot-settings.sources := boot/test/settings_test.c boot/settings.c lib/words.c
