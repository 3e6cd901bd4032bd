HOST_TESTS += vmx-caps vmx-check

vmx-judge := vmx/caps.c vmx/test/good_caps.c

vmx-caps.sources := vmx/test/caps_test.c $(vmx-judge)

vmx-check.sources := vmx/test/check_test.c vmx/check.c vmx/check_controls.c \
	vmx/check_event.c vmx/check_host.c vmx/check_guest.c \
	vmx/check_segments.c vmx/check_run_state.c vmx/vmcs.c $(vmx-judge)
