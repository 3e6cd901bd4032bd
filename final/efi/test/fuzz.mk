FUZZ_TARGETS += efi-map-fuzz conf-fuzz

efi-map-fuzz.sources := efi/test/efi_map_fuzz.c efi/efi_map.c boot/memmap.c
conf-fuzz.sources := efi/test/conf_fuzz.c efi/loader/conf.c
