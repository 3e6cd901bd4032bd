FUZZ_TARGETS += page-fuzz

# Of the inputs, what they reach tells more than what they compare.
page-fuzz.sources := page/test/page_fuzz.c $(page-code)
page-fuzz.flags := -fno-sanitize-coverage=trace-cmp
page-fuzz.options := -max_len=32768 -len_control=0
