HOST_TESTS += svm-caps svm-reset

svm-caps.sources := svm/test/caps_test.c svm/caps.c

svm-reset.sources := svm/test/reset_test.c svm/reset.c

HOST_TESTS += svm-types
svm-types.sources := svm/test/types_test.c svm/nested.c vmm/nested_map.c \
	vmm/nested_tree.c vmm/mtrr.c vmm/mmio.c vmm/test/nested_host.c \
	vmm/test/mtrr_model.c
