HOST_TESTS += guest-bios-map
guest-bios-map.sources := guest/test/bios_map_test.c guest/bios_map.c
