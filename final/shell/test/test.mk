HOST_TESTS += shell-session

# Includes session.c, and plays the programs that it runs.
shell-session.sources := shell/test/session_test.c
