FUZZ_TARGETS += efi-map-fuzz load-options-fuzz

efi-map-fuzz.sources := efi/test/efi_map_fuzz.c efi/efi_map.c boot/memmap.c
load-options-fuzz.sources := efi/test/load_options_fuzz.c \
	efi/loader/load_options.c
