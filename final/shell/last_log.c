/*
 * The log of the last run: what a warm reset has left of it, read with care.
 *
 *	| image, tables ...       our range       | 16 MiB, the last ones  |
 *	                                          | kept log |
 *
 * The place must be the same in each run and in each version of Vellum. The
 * image is put at the start of the range; firmware and boot loaders take their
 * memory from the top of RAM downwards. 16 MiB below the end of the range is
 * far from both. Book: chapter 12, "A log that outlives a reset".
 */
#include "shell/last_log.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"
#include "page/page.h"
#include "paging/range.h"

/* What the allocator gives first for a block of the highest order. */
#define PLACE_ALIGN ((u64)MAX_ALLOC_PAGES * PAGE_SIZE)

static const char none[] = "no previous log here";
static struct last_log last; /* without a value: that would be in the image */
static phys_t place;         /* of the last run's log and of this one's */

static bool is_text(char c)
{
	return (c >= ' ' && c <= '~') || c == '\n' || c == '\t';
}

/* Copy what @end says is there, and then see whether it was. */
static bool take_text(struct last_log *log, const struct kept_log *kept,
		      const struct kept_end *end)
{
	u64 from = kept_start(end->written), sum = 0;

	log->length = end->written - from;
	for (size_t i = 0; i < log->length; i++)
		log->text[i] = kept->text[(from + i) % LOG_SIZE];
	for (size_t i = 0; i < log->length; i++) {
		sum += kept_mix(from + i, (u8)log->text[i]);
		if (!is_text(log->text[i]))
			log->text[i] = '?';
	}
	return sum == end->sum;
}

/* The newer of the two records that are whole; NULL: none is. */
static const struct kept_end *choose_end(const struct kept_end end[2])
{
	const struct kept_end *found = NULL;

	for (uint i = 0; i < 2; i++)
		if (end[i].check == kept_end_check(&end[i]) &&
		    (!found || end[i].written > found->written))
			found = &end[i];
	return found;
}

void last_log_parse(const struct kept_log *kept, phys_t phys,
		    struct last_log *log)
{
	struct kept_head head;
	struct kept_end ends[2];
	const struct kept_end *end;

	memcpy(&head, &kept->head, sizeof(head));
	memcpy(ends, kept->end, sizeof(ends));
	end = choose_end(ends);
	if (head.magic != KEPT_MAGIC)
		log->missing = none;
	else if (head.check != kept_head_check(&head))
		log->missing = "refused: its head is damaged";
	else if (head.address != phys.v)
		log->missing = "no previous log here, but one from elsewhere";
	else if (head.size != LOG_SIZE)
		log->missing = "refused: it is of another size";
	else if (!end)
		log->missing = "refused: both records of its end are damaged";
	else if (!take_text(log, kept, end))
		log->missing = "refused: its text is damaged";
	else
		log->missing = log->length ? NULL : none;
	if (log->missing)
		log->length = 0;
}

/* Does [*@at, @end) begin with @word? Then go behind it. */
static bool take_word(const char **at, const char *end, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(end - *at) < n || memcmp(*at, word, n))
		return false;
	*at += n;
	return true;
}

/* What comes in the line [@line, @end) behind "panic(CPU0): "; NULL: it does
 * not begin like that. */
static const char *message_of(const char *line, const char *end)
{
	if (!take_word(&line, end, "panic(CPU"))
		return NULL;
	while (line < end && *line >= '0' && *line <= '9')
		line++;
	return take_word(&line, end, "): ") ? line : NULL;
}

const char *last_log_panic(const struct last_log *log, size_t *length)
{
	const char *end = log->text + log->length, *next;

	for (const char *line = log->text; line < end; line = next + 1) {
		const char *message;

		for (next = line; next < end && *next != '\n'; next++)
			;
		message = message_of(line, next);
		if (message) {
			*length = next - message;
			return message;
		}
	}
	return NULL;
}

/* Where the range will be; of size 0: nowhere. */
static struct mem_range coming_range(void)
{
	u64 size = ALIGN_UP(VMMSIZE_ALL, RANGE_ALIGN), largest;
	phys_t base = boot_info.vmm_base;

	if (boot_info.range_from_loader)
		size = boot_info.vmm_size;
	else if (range_choose(&boot_info.map, &boot_info.module, size, &base,
			      &largest))
		size = 0;
	return (struct mem_range){.base = base.v, .size = size};
}

static void report(void)
{
	char message[160];
	size_t length;
	const char *panic = last_log_panic(&last, &length);

	if (last.missing) {
		printf("last log: %s\n", last.missing);
		return;
	}
	if (panic) {
		length = MIN(length, sizeof(message) - 1);
		memcpy(message, panic, length);
		message[length] = '\0';
		printf("last log: the last run ended in a panic: %s\n",
		       message);
	} else {
		printf("last log: the last run ended without a panic\n");
	}
	printf("last log: unverified, %zu characters: vellumctl log --last\n",
	       last.length);
}

void last_log_find(void)
{
	struct mem_range range = coming_range();
	struct kept_log *kept;

	if (range.size < PLACE_ALIGN)
		return;
	place = PHYS(range.base + ALIGN_DOWN(range.size, PLACE_ALIGN) -
		     PLACE_ALIGN);
	kept = phys_to_direct(place);
	last_log_parse(kept, place, &last);
	kept->head.magic = 0;
	report();
}

void last_log_keep(void)
{
	phys_t phys;
	void *virt = new_pages(&phys, MAX_ALLOC_PAGES);

	if (virt)
		shrink_pages(virt, KEPT_PAGES);
	if (!virt || phys.v != place.v) {
		printf("last log: this run's is not kept: its place is not to "
		       "be had\n");
		if (virt)
			free_page(virt);
		return;
	}
	log_keep(virt, phys);
}

size_t last_log_read(u64 offset, char *buffer, size_t size)
{
	if (offset >= last.length)
		return 0;
	size = MIN(size, last.length - offset);
	memcpy(buffer, &last.text[offset], size);
	return size;
}

const char *last_log_missing(void)
{
	return last.length ? NULL : last.missing ? last.missing : none;
}
