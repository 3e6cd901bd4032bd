HOST_TESTS += unload-segment

unload-segment.sources := unload/test/segment_test.c unload/segment.c \
	efi/cpu_state.c
