HOST_TESTS += vmx-caps

vmx-caps.sources := vmx/test/caps_test.c vmx/caps.c vmx/test/good_caps.c

# The test has MTRRs of its own.
HOST_TESTS += vmx-mtrr
vmx-mtrr.sources := vmx/test/mtrr_test.c vmm/test/mtrr_model.c vmx/mtrr.c \
	vmm/mtrr.c
vmx-mtrr.flags := -Wl,--wrap=mtrr_read
