/*
 * Backtraces, and names for addresses.
 *
 * Every function begins by pushing RBP and copying RSP to it, so RBP points at
 * a linked list of frames:
 *
 *	rbp -> [ caller's rbp | return address ]
 *		    |
 *		    +-> [ its caller's rbp | return address ] ...
 *
 * Without CONFIG_BACKTRACE there is no such list. Then the stack is searched
 * for return addresses: all of the list's are found, and with them those that
 * were left there by calls that have long returned.
 *
 * The names come from a table that the second link puts into the image
 * (mk/stage.mk), sorted by address. Book: chapter 1.
 */
#include "console/backtrace.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"
#include "lib/string.h"

const char *symbol_name(u64 address, u64 *offset)
{
	const struct symbol *low = symbols_start, *high = symbols_end;

	if (address < (u64)text_start || address >= (u64)text_end)
		return NULL;
	while (low < high) { /* the first symbol above @address */
		const struct symbol *middle = low + (high - low) / 2;

		if (middle->address <= address)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == symbols_start)
		return NULL;
	*offset = address - low[-1].address;
	return low[-1].name;
}

/* May @size bytes be read at @at? Only our own range holds stacks. */
static bool is_stack(u64 at, u64 size)
{
	return at >= VMM_VIRT && at % 8 == 0 &&
	       at + size <= VMM_VIRT + boot_info.vmm_size;
}

/*
 * A return address may lie behind its function's last instruction, when the
 * call was that, and then be the first of another function. So its name is
 * looked up one byte before, inside the call: @back is 1.
 */
static void print_named(u64 address, uint back)
{
	u64 offset;
	const char *name = symbol_name(address - back, &offset);

	if (name)
		printf("  0x%lx %s+0x%lx\n", address, name, offset + back);
	else
		printf("  0x%lx\n", address);
}

/* To @frames[1] and on: the chain of frames that begins at @rbp. */
static uint follow_frames(u64 rbp, u64 frames[BACKTRACE_MOST])
{
	uint count = 1;

	while (count < BACKTRACE_MOST && is_stack(rbp, 16)) {
		const u64 *frame = (const u64 *)rbp;

		if (!frame[1])
			break;
		frames[count++] = frame[1];
		if (frame[0] <= rbp) /* callers lie higher up */
			break;
		rbp = frame[0];
	}
	return count;
}

#define CALL      0xe8 /* CALL rel32: all our calls, by retpolines as well */
#define CALL_SIZE 5

/* Does @address follow a call of a function of ours? */
static bool is_return_address(u64 address)
{
	const u8 *call = (const u8 *)address - CALL_SIZE;
	int distance;

	if (address < (u64)text_start + CALL_SIZE || address >= (u64)text_end ||
	    *call != CALL)
		return false;
	memcpy(&distance, call + 1, sizeof(distance));
	address += distance;
	return address >= (u64)text_start && address < (u64)text_end;
}

bool (*backtrace_is_guard)(u64 address);

static bool is_guard(u64 address)
{
	return backtrace_is_guard && backtrace_is_guard(address);
}

/* Of CPU 0's stack it is known; no other has more than STACK_SIZE. */
static u64 stack_end(u64 rsp)
{
	return rsp >= (u64)stack_bottom && rsp <= (u64)stack_top
		       ? (u64)stack_top
		       : rsp + STACK_SIZE;
}

/*
 * To @frames[1] and on: what looks like a return address, from @rsp to where
 * the stack ends. A stack that has overflowed begins above its guard page; the
 * guard page of the next one ends it.
 */
static uint scan_stack(u64 rsp, u64 frames[BACKTRACE_MOST])
{
	u64 end;
	uint count = 1;

	rsp = ALIGN_UP(rsp, 8);
	if (is_guard(rsp))
		rsp = ALIGN_UP(rsp + 1, PAGE_SIZE);
	end = stack_end(rsp);
	for (; rsp < end && count < BACKTRACE_MOST; rsp += 8) {
		if (!is_stack(rsp, 8) ||
		    (rsp % PAGE_SIZE == 0 && is_guard(rsp)))
			break;
		if (is_return_address(*(const u64 *)rsp))
			frames[count++] = *(const u64 *)rsp;
	}
	return count;
}

uint backtrace_walk(u64 rip, u64 start, u64 frames[BACKTRACE_MOST])
{
	frames[0] = rip;
	return CONFIG_BACKTRACE ? follow_frames(start, frames)
				: scan_stack(start, frames);
}

void backtrace_print(u64 rip, u64 start)
{
	u64 frames[BACKTRACE_MOST];
	uint count = backtrace_walk(rip, start, frames);

	printf("%s", BACKTRACE_TITLE);
	for (uint i = 0; i < count; i++)
		printf("<-0x%lx", frames[i]);
	printf("\n");
	for (uint i = 0; i < count && CONFIG_SYMBOLS; i++)
		print_named(frames[i], i ? 1 : 0);
}
