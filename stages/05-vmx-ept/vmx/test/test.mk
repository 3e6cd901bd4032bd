HOST_TESTS += vmx-caps

vmx-caps.sources := vmx/test/caps_test.c vmx/caps.c vmx/test/good_caps.c

HOST_TESTS += vmx-cpuid
vmx-cpuid.sources := vmx/test/cpuid_test.c vmx/cpuid.c
