# The ports of configuration space are played, with bridges and functions.
HOST_TESTS += pci-hide
pci-hide.sources := pci/test/hide_test.c pci/bridge.c pci/ecam.c pci/pci.c
