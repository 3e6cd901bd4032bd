/*
 * The log of the last run of Vellum, found after a warm reset.
 *
 * It is the one thing that we read of an earlier life. Nothing of it is
 * believed, since anybody may have written there since; so it is shown as
 * "unverified", and nothing ever depends on it. Book: chapter 12.
 */
#ifndef SHELL_LAST_LOG_H
#define SHELL_LAST_LOG_H

#include "lib/types.h"
#include "shell/kept_log.h"

struct last_log {
	const char *missing; /* why there is none; NULL: there is */
	size_t length;
	char text[KEPT_SIZE]; /* printable ASCII, newlines and tabs */
};

/*
 * Look for the log of the last run in the range that is to be ours, take a
 * copy, and print how that run ended, or why there is none. What was read is
 * marked, and told once. CPU 0, before paging_init(), while nothing has been
 * written into the range yet.
 */
void last_log_find(void);

/*
 * Keep this run's log for the next. CPU 0, just after page_init(): the
 * allocator then gives those pages where the next run will look.
 */
void last_log_keep(void);

/* As log_read(), of the last run's log: 0 where there is none. Any CPU. */
size_t last_log_read(u64 offset, char *buffer, size_t size);

/* Why there is no log of the last run; NULL: there is one. Any CPU. */
const char *last_log_missing(void);

/*
 * Read what lies at @kept, physical address @phys, into @last. Pure: for the
 * above, and for the host, where it is tested and fuzzed.
 */
void last_log_parse(const struct kept_log *kept, phys_t phys,
		    struct last_log *last);

/*
 * The message of the first panic in @last, of *@length characters; or NULL:
 * there was none.
 */
const char *last_log_panic(const struct last_log *last, size_t *length);

/* From now on the log lies in @to, at @phys, with all that is in it. While CPU
 * 0 is alone. (console/log.c) */
void log_keep(struct kept_log *to, phys_t phys);

/* Characters that were ever put into the log. (console/log.c) */
u64 log_written(void);

#endif
