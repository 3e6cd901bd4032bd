HOST_TESTS += efi-map efi-load-options efi-early-map efi-font \
	efi-framebuffer efi-display efi-cpu-state

efi-map.sources := efi/test/efi_map_test.c efi/efi_map.c boot/memmap.c
efi-load-options.sources := efi/test/load_options_test.c \
	efi/loader/load_options.c
efi-early-map.sources := efi/test/early_map_test.c efi/loader/early_map.c
efi-font.sources := efi/test/font_test.c efi/font.c
efi-framebuffer.sources := efi/test/framebuffer_test.c efi/font.c \
	efi/display.c
efi-display.sources := efi/test/display_test.c efi/display.c
efi-cpu-state.sources := efi/test/cpu_state_test.c efi/cpu_state.c
