HOST_TESTS += settings

settings.sources := settings/test/settings_test.c settings/conf.c \
	settings/sources.c settings/types.c boot/settings.c lib/words.c
