HOST_TESTS += page-buddy page-list page-pool page-check page-page page-states \
	page-threads

page-code := page/page.c page/check.c page/mm.c page/fail.c

page-buddy.sources := page/test/buddy_test.c

page-list.sources := page/test/list_test.c

page-pool.sources := page/test/pool_test.c $(page-code)

page-check.sources := page/test/check_test.c $(page-code)

# The test has another CPU do something when a page has just been freed.
page-page.sources := page/test/page_test.c $(page-code)
page-page.flags := -Wl,--wrap=free_page

page-threads.sources := page/test/threads_test.c $(page-code)
page-threads.sanitize := thread

page-states.sources := page/test/states_test.c $(page-code)
page-states.optimize := -O2
