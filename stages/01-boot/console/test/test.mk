HOST_TESTS += console-printf console-log

console-printf.sources := console/test/printf_test.c console/printf.c
# Formats are built at run time, and some are wrong on purpose.
console-printf.flags := -Wno-format -Wno-format-security

console-log.sources := console/test/log_test.c console/log.c
