HOST_TESTS += vmx-caps

vmx-caps.sources := vmx/test/caps_test.c vmx/caps.c vmx/test/good_caps.c
