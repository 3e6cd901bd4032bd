/*
 * A machine with one network card, for host tests: PCI configuration space
 * behind its two ports, the registers of an e1000, and a card that works on the
 * rings as Intel's manual says; and that misbehaves as a test wants.
 */
#ifndef NET_TEST_CARD_H
#define NET_TEST_CARD_H

#include "host.h"
#include "net/nic.h"

#define CARD_BAR  0xfebc0000UL
#define CARD_SLOT PCI_BDF(3, 4, 1)

struct card {
	/* What it is like. */
	u16 device;
	u64 bar;
	const char *iommu;   /* the ACPI table that tells of one, */
	bool iommu_is_ours;  /* and Vellum uses it */
	const char *alias;   /* why its number is not its own */
	bool no_memory;      /* for its rings */
	bool is_gone;        /* writes are lost, and all registers read as */
	u32 gone_value;      /* this: all ones, or zeros */
	bool never_advances; /* it takes no frame */
	bool hangs;          /* in a reset, for ever */
	bool no_link;
	bool no_address;
	bool not_loaded; /* its address is in the EEPROM alone */

	/* It goes, or the CPU is stopped, at the n-th access from now on. */
	u64 goes_at, stopped_at;
	jmp_buf stopped;

	/* What was seen. */
	u64 accesses;      /* of registers */
	u64 waited;        /* microseconds in delay() */
	u64 resets;        /* of the card */
	u8 frame[2048];    /* the last that was sent, */
	uint frame_length; /* its length, */
	u64 frames;        /* and how many were */
	u32 command;       /* in its PCI configuration space */
};

extern struct card card;

/* A card that is well, which firmware has left receiving. */
void card_reset(void);

/* A value of the register at @offset. */
u32 card_register(uint offset);
void card_set_register(uint offset, u32 value);

/* The card's view of the ring at RX (0) or TX (1): descriptor @i, as memory. */
void *card_descriptor(bool tx, uint i);
#define CARD_RX 0
#define CARD_TX 1

/*
 * A frame arrives, and the card puts it into the next free buffer, saying of it
 * @length, @status and @errors, whatever @size its bytes have. False: there was
 * no buffer.
 */
bool card_receives(const void *bytes, size_t size, u16 length, u8 status,
		   u8 errors);

/* The rings' memory: nothing outside may be touched. */
extern u8 *card_memory;
extern size_t card_memory_size;

#endif
