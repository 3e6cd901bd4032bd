FUZZ_TARGETS += memmap-fuzz multiboot-fuzz settings-fuzz

memmap-fuzz.sources := boot/test/memmap_fuzz.c boot/memmap.c
multiboot-fuzz.sources := boot/test/multiboot_fuzz.c boot/multiboot.c \
	boot/memmap.c lib/words.c
settings-fuzz.sources := boot/test/settings_fuzz.c boot/settings.c lib/words.c
