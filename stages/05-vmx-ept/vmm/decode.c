/*
 * How every instruction of a guest begins: prefixes, in any order and number
 * up to 15 bytes, and the opcode.
 *
 *	| 66 67 F0 F2 F3 26 2E 36 3E 64 65 ... | REX | opcode | ...
 *
 * SDM 2A chapter 2. Book: chapter 5, "The guest's next instruction".
 */
#include "vmm/decode.h"

u8 decode_byte(struct instruction *i)
{
	if (i->at < i->size)
		return i->code[i->at++];
	i->cut = true;
	return 0;
}

static bool is_prefix(u8 byte)
{
	static const u8 prefixes[] = {0x66, 0x67, 0xf0, 0xf2, 0xf3, 0x26,
				      0x2e, 0x36, 0x3e, 0x64, 0x65};

	for (uint i = 0; i < ARRAY_SIZE(prefixes); i++)
		if (byte == prefixes[i])
			return true;
	return false;
}

static void note_prefix(struct instruction *i)
{
	u8 prefix = i->opcode;

	i->rex = 0;
	i->operand_changed |= prefix == 0x66;
	i->address_changed |= prefix == 0x67;
	if ((prefix & 0xfe) == 0xf2)
		i->repeat = prefix;
	if (prefix < 0x40) /* 26 2E 36 3E */
		i->segment = prefix >> 3 & 3;
	else if (prefix < 0x66) /* 64 65 */
		i->segment = prefix & 7;
}

/* A REX prefix counts only in 64-bit code and right before the opcode: each
 * that comes later takes its place, and so does any other prefix. */
struct instruction decode_opcode(const u8 *code, uint size, uint mode)
{
	struct instruction i = {
		.code = code,
		.size = MIN(size, (uint)INSTRUCTION_MOST),
		.segment = NO_SEGMENT,
	};

	for (;;) {
		i.opcode = decode_byte(&i);
		if (mode == 8 && (i.opcode & 0xf0) == 0x40) {
			i.rex = i.opcode;
			continue;
		}
		if (!is_prefix(i.opcode))
			return i;
		note_prefix(&i);
	}
}
