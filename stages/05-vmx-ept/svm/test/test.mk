HOST_TESTS += svm-caps

svm-caps.sources := svm/test/caps_test.c svm/caps.c
