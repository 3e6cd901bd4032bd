/* A test, which no chapter has to show. */
int test_that_is_not_shown;
