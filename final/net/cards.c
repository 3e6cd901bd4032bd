/*
 * Which network cards there is a driver for, and which of them net= means.
 *
 * All are Intel's, of one family, and look alike to a driver that uses of them
 * what the first had: one ring to send, one to receive, descriptors of the old
 * ("legacy") form, a PHY for copper that sets itself up, the address loaded
 * from the EEPROM at reset. That is why these are here, and why others are not:
 * the 82541, 82547 and 82573 want their PHYs or EEPROMs handled; those inside
 * chipsets (82566 to I219) share them with firmware that runs on; I210 and
 * newer have other rings. The numbers: 317453 table 5-1; 82574 datasheet.
 *
 * Pure, and without any state, as the loader for UEFI has a copy: it must let
 * go of the same card that Vellum takes. Book: chapter 14.
 */
#include "lib/errno.h"
#include "lib/string.h"
#include "net/nic.h"

#define INTEL 0x8086

static const struct {
	u16 device;
	char name[10];
} cards[] = {
	{0x100e, "82540EM"}, /* PRO/1000 MT Desktop; QEMU's and Bochs' e1000 */
	{0x1015, "82540EM"}, /* the same, on a main board */
	{0x100f, "82545EM"}, /* PRO/1000 MT Server; VMware's */
	{0x1026, "82545GM"}, /* its successor */
	{0x1010, "82546EB"}, /* two of these in one device */
	{0x1079, "82546GB"}, /* its successor */
	{0x10d3, "82574L"},  /* Gigabit CT, many servers'; QEMU's e1000e */
	{0x10f6, "82574LA"},
};

const char *nic_model(u16 vendor, u16 device)
{
	for (uint i = 0; CONFIG_NET_E1000 && i < ARRAY_SIZE(cards); i++)
		if (vendor == INTEL && cards[i].device == device)
			return cards[i].name;
	return NULL;
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Is the text of the form of @form, where each x is a hexadecimal digit? Their
 * values come into @digits. */
static bool matches(const char *text, size_t length, const char *form,
		    u8 *digits)
{
	if (length != strlen(form))
		return false;
	for (size_t i = 0; i < length; i++)
		if (form[i] != 'x' ? text[i] != form[i] : digit(text[i]) < 0)
			return false;
		else if (form[i] == 'x')
			*digits++ = digit(text[i]);
	return true;
}

int nic_parse(const char *text, size_t length, struct nic_choice *choice)
{
	struct nic_choice c = {.by = NIC_NONE};
	u8 d[2 * MAC_SIZE];

	if (matches(text, length, "on", d)) {
		c.by = NIC_FIRST;
	} else if (matches(text, length, "xx:xx.x", d)) {
		if (d[2] > 1 || d[4] > 7)
			return -EINVAL;
		c.by = NIC_BDF;
		c.bdf = PCI_BDF(d[0] << 4 | d[1], d[2] << 4 | d[3], d[4]);
	} else if (matches(text, length, "xx:xx:xx:xx:xx:xx", d)) {
		c.by = NIC_MAC;
		for (uint i = 0; i < MAC_SIZE; i++)
			c.mac[i] = d[2 * i] << 4 | d[2 * i + 1];
	} else if (!matches(text, length, "off", d)) {
		return -EINVAL;
	}
	*choice = c;
	return 0;
}
