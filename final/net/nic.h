/*
 * A network card, whatever its maker: what a driver offers, and who may use it.
 *
 * A card is polled: it never interrupts. None of these functions waits for
 * long, prints, allocates or takes a lock; so each may be called at a panic, on
 * any CPU, whatever another was doing with the card when it was stopped. Only
 * one CPU at a time may be in them: the caller's lock (net/net.c) sees to that.
 * Book: chapter 14.
 */
#ifndef NET_NIC_H
#define NET_NIC_H

#include "lib/types.h"
#include "pci/pci.h"

#define MAC_SIZE 6

/* An Ethernet frame without its checksum, which the card adds and checks. */
#define FRAME_MIN 14   /* its header; what is shorter than 60 is padded */
#define FRAME_MAX 1514 /* header and 1500 bytes */

/* What net= has chosen. */
struct nic_choice {
	enum nic_chosen_by {
		NIC_NONE,  /* no card: leave all of them to the guest */
		NIC_FIRST, /* the first that there is a driver for */
		NIC_BDF,   /* the one at @bdf */
		NIC_MAC,   /* the one whose address is @mac */
	} by;
	u16 bdf;
	u8 mac[MAC_SIZE];
};

struct nic;

/* What a driver does: as the functions of the same names below, which have
 * checked the length and that the card isn't lost, and which count. */
struct nic_driver {
	int (*send)(struct nic *nic, const void *frame, size_t length);
	int (*drain)(struct nic *nic);
	int (*receive)(struct nic *nic, void *frame, size_t room);
	int (*link)(struct nic *nic); /* 1: there is one; 0; -ENODEV */
	int (*restore)(struct nic *nic);
	void (*stop)(struct nic *nic);
};

struct nic {
	u8 mac[MAC_SIZE];
	const char *name; /* of the model: "82574L" */
	struct pci_function pci;
	const struct nic_driver *driver;
	phys_t memory; /* all that it reads and writes, */
	u64 size;      /* so many bytes */

	/* It has vanished, or answers no more: for good, unless nic_restore()
	 * brings it back. */
	bool lost;

	/* Counted since nic_open(). */
	u64 sent;     /* frames given to the card */
	u64 unsent;   /* and those that nic_send() has refused */
	u64 received; /* frames that nic_receive() has returned */
	u64 dropped;  /* that had an error, or made no sense */
};

/*
 * The name of the card with this @vendor and @device number, if it has a
 * driver; else NULL. Pure.
 */
const char *nic_model(u16 vendor, u16 device);

/*
 * Read the value of net= at @text of @length characters: "off", "on",
 * "BB:DD.F" or "XX:XX:XX:XX:XX:XX", in hexadecimal. -EINVAL: it is none of
 * these; *@choice is as it was. Pure; the loader for UEFI has a copy.
 */
int nic_parse(const char *text, size_t length, struct nic_choice *choice);

/*
 * Find the chosen card, take it from firmware and guest, and start it. What was
 * found is printed, and if nothing was, why. NULL: there is none; then all are
 * as they were, unless one was found that could not be started: that one does
 * no DMA and raises no interrupt. The link may take seconds to come up
 * (nic_link()). Phase device, CPU 0, once.
 */
struct nic *nic_open(const struct nic_choice *choice);

/*
 * Send the Ethernet @frame of @length bytes (FRAME_MIN to FRAME_MAX). It is
 * copied: @frame is the caller's again, and goes out soon. Returns 0; -EINVAL
 * for another length; -EAGAIN when the card has no room, though this waited for
 * it a little (about 1 ms, and not at all while nothing has moved since the
 * last time, or without a link); -ENODEV when the card is lost.
 */
int nic_send(struct nic *nic, const void *frame, size_t length);

/*
 * Wait until all frames have gone out, a few ms: before a reset. 0;
 * -EAGAIN: some have not; -ENODEV: the card is lost.
 */
int nic_drain(struct nic *nic);

/*
 * Copy a frame that has arrived, for us or for all, to @frame of @room bytes.
 * Returns its length, FRAME_MIN or more; 0: there is none; -EINVAL: there was
 * one, it made no sense or had no room, and was dropped; -ENODEV: the card is
 * lost. Nothing that the copy contains is to be believed.
 */
int nic_receive(struct nic *nic, void *frame, size_t room);

/* Is there a link? False, too, when the card is lost. */
bool nic_link(struct nic *nic);

/*
 * At a panic, with all other CPUs stopped: make sure that the card can send.
 * If its registers and our descriptors are as they ought to be, it goes on;
 * else it is reset, and its link may take seconds. -ENODEV: the card is lost.
 */
int nic_restore(struct nic *nic);

/* The machine has slept, and the card has lost all that it was told: have it
 * run again. -ENODEV: the card is lost. CPU 0, alone. */
int nic_wake(struct nic *nic);

/*
 * Stop the card for good: it does no DMA any more, so our memory may become
 * somebody else's. For when no guest is started after all. CPU 0.
 */
void nic_stop(struct nic *nic);

#endif
