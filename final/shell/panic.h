/*
 * The end of a panic: shell or reboot?
 */
#ifndef SHELL_PANIC_H
#define SHELL_PANIC_H

/*
 * On the CPU that panics, all others have stopped, and the message is printed:
 * ask, run the shell, and do what panic= says. Called again by each panic that
 * comes of it; it goes on with what is left to do.
 */
void panic_end(void) __attribute__((noreturn));

/* Make ready what it needs: a guard for its stack, and ways to reset. CPU 0, in
 * phase device. */
void panic_init(void);

#endif
