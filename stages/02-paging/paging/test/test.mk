HOST_TESTS += paging-range paging-pagetable paging-direct

paging-range.sources := paging/test/range_test.c paging/range.c

paging-pagetable.sources := paging/test/pagetable_test.c paging/pagetable.c

paging-direct.sources := paging/test/direct_test.c paging/direct.c
