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
 * The names come from a table that the second link puts into the image
 * (mk/stage.mk), sorted by address. Book: chapter 1.
 */
#include "console/backtrace.h"

#include "boot/boot_info.h"
#include "boot/layout.h"
#include "console/printf.h"

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

/* May two words be read at @rbp? Only our own range holds stacks. */
static bool is_frame(u64 rbp)
{
	return rbp >= VMM_VIRT && rbp % 8 == 0 &&
	       rbp + 16 <= VMM_VIRT + boot_info.vmm_size;
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

uint backtrace_walk(u64 rip, u64 rbp, u64 frames[BACKTRACE_MOST])
{
	uint count = 1;

	frames[0] = rip;
	while (count < BACKTRACE_MOST && is_frame(rbp)) {
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

void backtrace_print(u64 rip, u64 rbp)
{
	u64 frames[BACKTRACE_MOST];
	uint count = backtrace_walk(rip, rbp, frames);

	printf("backtrace");
	for (uint i = 0; i < count; i++)
		printf("<-0x%lx", frames[i]);
	printf("\n");
	for (uint i = 0; i < count; i++)
		print_named(frames[i], i ? 1 : 0);
}
