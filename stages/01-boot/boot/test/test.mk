HOST_TESTS += boot-memmap boot-multiboot boot-cmdline

boot-memmap.sources := boot/test/memmap_test.c boot/memmap.c
boot-multiboot.sources := boot/test/multiboot_test.c boot/multiboot.c \
	boot/memmap.c
boot-cmdline.sources := boot/test/cmdline_test.c boot/cmdline.c lib/words.c
