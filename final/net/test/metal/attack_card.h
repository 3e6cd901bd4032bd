/*
 * Where the hidden card is, for those parts of the attack guest that look for
 * it.
 */
#ifndef NET_TEST_METAL_ATTACK_CARD_H
#define NET_TEST_METAL_ATTACK_CARD_H

#include "lib/types.h"

/* The card, as Vellum's log names it. */
struct card {
	u32 bdf;
	u64 registers, ecam; /* 0: it has none */
};

/* False, with a note: no card is hidden. */
bool find_card(struct card *card);

/* A register of the function @bdf, by ports. */
u32 read_pci(u32 bdf, uint reg);
void write_pci(u32 bdf, uint reg, u32 value);

#endif
