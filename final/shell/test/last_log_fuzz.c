/*
 * Fuzz target: the log of the last run. An input is what lies in memory: the
 * head, both ends, and text at the start and at the end of the ring. Its first
 * byte says which sums are made right, so that the search gets behind them, and
 * whether the ends may be anywhere: to sum up a whole ring takes its time.
 */
#include "shell/last_log.h"

#include "boot/boot_info.h"
#include "fuzz.h"

#define PLACE 0x1ec00000UL

struct boot_info boot_info;
static struct last_log last;

static void fill(struct kept_log *kept, u32 mend, struct fuzz_input *in)
{
	size_t left;

	for (uint i = 0; i < 4; i++)
		((u64 *)&kept->head)[i] = fuzz_number(in, 8);
	for (uint i = 0; i < 2; i++) {
		kept->end[i].written = fuzz_number(in, 8);
		kept->end[i].sum = fuzz_number(in, 8);
		kept->end[i].check = fuzz_number(in, 8);
	}
	left = in->end - in->at;
	memcpy(kept->text, in->at, MIN(left, LOG_SIZE / 2));
	memcpy(kept->text + LOG_SIZE - MIN(left, LOG_SIZE / 2), in->at,
	       MIN(left, LOG_SIZE / 2));
	if (mend & 1)
		kept->head = (struct kept_head){KEPT_MAGIC, PLACE, LOG_SIZE, 0};
	if (mend & 2)
		kept->head.check = kept_head_check(&kept->head);
	for (uint i = 0; i < 2; i++) {
		struct kept_end *end = &kept->end[i];

		if (!(mend & 64))
			end->written %= PAGE_SIZE;
		if (mend & 4 << i)
			end->sum =
				kept_sum(kept->text, kept_start(end->written),
					 end->written);
		if (mend & 16 << i)
			end->check = kept_end_check(end);
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct fuzz_input in = {data, data + size};
	u32 mend = fuzz_byte(&in);
	struct kept_log *kept = aligned_alloc(PAGE_SIZE, sizeof(*kept));
	const char *message;
	size_t length;

	require(kept);
	memset(kept, 0, sizeof(*kept));
	fill(kept, mend, &in);
	last_log_parse(kept, PHYS(PLACE), &last);
	fuzz_operations++;
	require(last.missing ? !last.length
			     : last.length && last.length <= KEPT_SIZE);
	require(last.missing || kept->head.address == PLACE);
	for (size_t i = 0; i < last.length; i++)
		require(last.text[i] == '\n' || last.text[i] == '\t' ||
			(last.text[i] >= ' ' && last.text[i] <= '~'));
	message = last_log_panic(&last, &length);
	if (message) {
		require(message >= last.text && length <= last.length);
		require(message + length <= last.text + last.length);
		require(!memchr(message, '\n', length));
	}
	libc_free(kept);
	return 0;
}
