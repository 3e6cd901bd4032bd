HOST_TESTS += shell-session shell-command shell-dump shell-commands shell-cpus \
	shell-last-log shell-input shell-reboot shell-panic

# These tests include the file that they test, and play what that calls.
shell-session.sources := shell/test/session_test.c

HOST_TESTS += shell-door
shell-door.sources := shell/test/door_test.c

shell-last-log.sources := shell/test/last_log_test.c shell/last_log.c \
	console/log.c paging/range.c page/page.c page/check.c page/mm.c \
	page/fail.c

shell-command.sources := shell/test/command_test.c shell/command.c

shell-dump.sources := shell/test/dump_test.c shell/command.c shell/dump.c \
	paging/direct.c
# What is at address 0 it finds out by reading there.
shell-dump.flags := -fno-sanitize=null

shell-commands.sources := shell/test/commands_test.c shell/command.c \
	shell/memory_commands.c shell/vellum_commands.c page/runs.c \
	boot/settings.c settings/sources.c settings/conf.c console/log.c \
	lib/words.c heap/heap.c heap/check.c \
	heap/debug.c heap/init.c page/page.c page/check.c page/mm.c page/fail.c

shell-input.sources := shell/test/input_test.c shell/input.c
shell-reboot.sources := shell/test/reboot_test.c shell/reboot.c

# It ends by a signal, of which the address sanitizer has its own opinion.
shell-panic.sources := shell/test/panic_test.c boot/settings.c lib/words.c
shell-panic.sanitize := undefined

shell-cpus.sources := shell/test/cpu_commands_test.c shell/command.c \
	shell/cpu_commands.c console/backtrace.c
