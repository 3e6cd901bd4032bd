HOST_TESTS += svm-caps svm-reset

svm-caps.sources := svm/test/caps_test.c svm/caps.c

svm-reset.sources := svm/test/reset_test.c svm/reset.c
