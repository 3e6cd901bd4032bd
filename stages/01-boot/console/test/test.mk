HOST_TESTS += console-printf console-log console-panic console-keys \
	console-scan

console-printf.sources := console/test/printf_test.c console/printf.c
# Formats are built at run time, and some are wrong on purpose.
console-printf.flags := -Wno-format -Wno-format-security

console-log.sources := console/test/log_test.c console/log.c

# It ends by a signal, of which the address sanitizer has its own opinion.
console-panic.sources := console/test/panic_test.c console/panic.c
console-panic.sanitize := undefined

console-keys.sources := console/test/keys_test.c console/keys.c

# It includes console/backtrace.c, as built without frame pointers.
console-scan.sources := console/test/scan_test.c
