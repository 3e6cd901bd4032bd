FUZZ_TARGETS += conf-fuzz

conf-fuzz.sources := settings/test/conf_fuzz.c settings/conf.c \
	settings/sources.c settings/types.c boot/settings.c lib/words.c
