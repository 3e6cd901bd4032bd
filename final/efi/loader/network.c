/*
 * The network card that Vellum will take, out of the firmware's hands.
 *
 * The firmware has a driver for it, perhaps, which polls the card now and then,
 * and has given it memory to receive into. It will go on running, as a part of
 * our guest, and would find the card gone. So it is asked to stop first, as it
 * is when an operating system is about to come; what is built on it goes too.
 * Later it can't come back: in configuration space the card is not there.
 */
#include "efi/loader/loader.h"
#include "lib/string.h"
#include "lib/words.h"
#include "net/nic.h"

#define MAC_REGISTER 0x5400 /* RAL0 of net/e1000.c */

static const struct efi_guid pci_io_protocol = EFI_PCI_IO_GUID;
static efi_handle released;

/* The card's address, though nobody may have let its memory answer yet. */
static bool has_mac(struct efi_pci_io *io, const u8 *mac)
{
	u32 address[2], command, on;

	if (io->read_config(io, EFI_PCI_IO_32, PCI_COMMAND, 1, &command))
		return false;
	command &= 0xffff; /* to the status, zeros do nothing */
	on = command | PCI_COMMAND_MEMORY;
	io->write_config(io, EFI_PCI_IO_32, PCI_COMMAND, 1, &on);
	if (io->read_memory(io, EFI_PCI_IO_32, 0, MAC_REGISTER, 2, address))
		address[0] = 0;
	io->write_config(io, EFI_PCI_IO_32, PCI_COMMAND, 1, &command);
	return !memcmp(address, mac, MAC_SIZE);
}

/* Is this the card, and where? It is Vellum that chooses; this must agree. */
static bool is_chosen(efi_handle handle, const struct nic_choice *choice,
		      u16 *bdf)
{
	struct efi_pci_io *io;
	u64 segment, bus, device, function;
	u32 id;

	if (efi_boot->handle_protocol(handle, &pci_io_protocol, &io) ||
	    io->location(io, &segment, &bus, &device, &function) || segment ||
	    io->read_config(io, EFI_PCI_IO_32, PCI_ID, 1, &id) ||
	    !nic_model(id, id >> 16))
		return false;
	*bdf = PCI_BDF(bus, device, function);
	return choice->by == NIC_FIRST ||
	       (choice->by == NIC_BDF && *bdf == choice->bdf) ||
	       (choice->by == NIC_MAC && has_mac(io, choice->mac));
}

/* The first of the @count functions in the order of Vellum's search. */
static efi_handle find_card(const struct nic_choice *choice,
			    const efi_handle *functions, u64 count)
{
	efi_handle card = NULL;
	u16 bdf, first = 0;

	for (u64 i = 0; i < count; i++)
		if (is_chosen(functions[i], choice, &bdf) &&
		    (!card || bdf < first)) {
			card = functions[i];
			first = bdf;
		}
	return card;
}

static bool has_driver(efi_handle card)
{
	struct efi_protocol_user *users;
	bool found = false;
	u64 count;

	if (efi_boot->protocol_users(card, &pci_io_protocol, &users, &count))
		return false;
	for (u64 i = 0; i < count; i++)
		found |= users[i].attributes & EFI_OPEN_BY_DRIVER;
	efi_boot->free_pool(users);
	return found;
}

/* Does @words choose a card? A wrong value does not: Vellum names it. */
static bool read_choice(const char *words, struct nic_choice *choice)
{
	const char *value = find_word(words, "net");
	size_t length;

	if (!value || value[0] != '=')
		return false;
	value = next_word(value + 1, &length);
	return value && !nic_parse(value, length, choice);
}

void network_release(const char *const *texts)
{
	struct nic_choice choice;
	efi_handle *functions, card;
	u64 count;

	while (*texts && !read_choice(*texts, &choice))
		texts++;
	if (!*texts || choice.by == NIC_NONE ||
	    efi_boot->locate_handle_buffer(EFI_BY_PROTOCOL, &pci_io_protocol,
					   NULL, &count, &functions))
		return;
	card = find_card(&choice, functions, count);
	efi_boot->free_pool(functions);
	if (!card || !has_driver(card))
		return;
	/* Its status does not tell: a driver of several parts may have let go
	 * with the first, and refuse the second. */
	efi_boot->disconnect_controller(card, NULL, NULL);
	released = card;
	if (has_driver(card))
		loader_print("vellum.efi: the firmware's driver does not let "
			     "go of the network card\n");
}

void network_give_back(void)
{
	if (released)
		efi_boot->connect_controller(released, NULL, NULL, true);
}
