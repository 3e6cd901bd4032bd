HOST_TESTS += vmentry-rules

vmentry-rules.sources := vmentry/test/rules_test.c vmentry/rules.c vmx/vmcs.c \
	vmx/caps.c vmx/test/good_caps.c
