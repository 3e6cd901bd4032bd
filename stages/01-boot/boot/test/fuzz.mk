FUZZ_TARGETS += memmap-fuzz multiboot-fuzz cmdline-fuzz

memmap-fuzz.sources := boot/test/memmap_fuzz.c boot/memmap.c
multiboot-fuzz.sources := boot/test/multiboot_fuzz.c boot/multiboot.c \
	boot/memmap.c
cmdline-fuzz.sources := boot/test/cmdline_fuzz.c boot/cmdline.c lib/words.c
