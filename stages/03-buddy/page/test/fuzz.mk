FUZZ_TARGETS += page-fuzz
page-fuzz.sources := page/test/page_fuzz.c page/page.c page/pool.c page/check.c
page-fuzz.flags := -fno-sanitize-coverage=trace-cmp
page-fuzz.options := -max_len=32768 -len_control=0
