FUZZ_TARGETS += last-log-fuzz

last-log-fuzz.sources := shell/test/last_log_fuzz.c shell/last_log.c \
	console/log.c paging/range.c page/page.c page/check.c page/mm.c \
	page/fail.c
