HOST_TESTS += shell-session

# Includes session.c, and plays the programs that it runs.
shell-session.sources := shell/test/session_test.c

HOST_TESTS += shell-last-log

shell-last-log.sources := shell/test/last_log_test.c shell/last_log.c \
	console/log.c paging/range.c page/page.c page/check.c page/mm.c \
	page/fail.c
