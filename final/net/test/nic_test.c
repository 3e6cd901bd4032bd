/*
 * The network card's driver with a card that is well, and with cards that are
 * not: gone at any moment, deaf, or lying in all that they write.
 */
#include "card.h"
#include "lib/errno.h"
#include "net/e1000.h"

#define DD    0x01
#define EOP   0x02
#define WHOLE (DD | EOP)

#define RX_BASE   0x2800
#define TX_LENGTH 0x3808
#define RCTL      0x0100
#define IMC       0x00d8

static struct nic *nic;
static u8 frame[FRAME_MAX], got[FRAME_MAX];

static struct nic *open_by(const char *net)
{
	struct nic_choice choice;

	assert_int_equal(nic_parse(net, strlen(net), &choice), 0);
	return nic_open(&choice);
}

static int set_up(void **state)
{
	card_reset();
	nic = open_by("on");
	for (uint i = 0; i < sizeof(frame); i++)
		frame[i] = i * 7;
	return nic ? 0 : -1;
}

static void assert_wire(const u8 *bytes, size_t length)
{
	assert_int_equal(card.frame_length, length);
	assert_memory_equal(card.frame, bytes, length);
}

static void the_values_of_net_are_told_apart(void **state)
{
	static const char *const bad[] = {
		"",
		"o",
		"ON",
		"on ",
		"03:04",
		"03:04.8",
		"03:20.0",
		"3:4.1",
		"03:0g.0",
		"525400123456",
		"0:0:0:0:0:0",
		"52:54:00:12:34:5",
	};
	struct nic_choice c = {.by = NIC_MAC};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(nic_parse(bad[i], strlen(bad[i]), &c),
				 -EINVAL);
	assert_int_equal(c.by, NIC_MAC);
	assert_int_equal(nic_parse("off", 3, &c), 0);
	assert_int_equal(c.by, NIC_NONE);
	assert_int_equal(nic_parse("on  log.udp", 2, &c), 0);
	assert_int_equal(c.by, NIC_FIRST);
	assert_int_equal(nic_parse("fF:1f.7", 7, &c), 0);
	assert_true(c.by == NIC_BDF && c.bdf == 0xffff);
	assert_int_equal(nic_parse("52:54:00:12:34:aB", 17, &c), 0);
	assert_true(c.by == NIC_MAC && c.mac[0] == 0x52 && c.mac[5] == 0xab);
}

static void the_card_is_found_by_what_net_names(void **state)
{
	card_reset();
	assert_null(open_by("off"));
	assert_string_equal(host_printed, "");
	assert_non_null(open_by("03:04.1"));
	card_reset();
	assert_null(open_by("03:04.0")); /* a disk controller */
	assert_non_null(strstr(host_printed, "no such card"));
	card_reset();
	assert_null(open_by("52:54:00:12:34:57"));
	assert_int_equal(card.command, 7); /* it was left as it was */
	assert_int_equal(card.resets, 0);
	assert_non_null(open_by("52:54:00:12:34:56"));
	card_reset();
	card.device = 0x15b8;
	assert_null(open_by("on"));
	assert_non_null(strstr(host_printed, "no driver for 03:04.1, "
					     "8086:15b8"));
}

/* The model sees to it that DMA is not allowed before the rings are ours. */
static void a_card_that_firmware_has_left_receiving_is_ours_and_quiet(void **s)
{
	assert_int_equal(card.resets, 1);
	assert_int_equal(card.command, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY |
					       PCI_COMMAND_NO_INT);
	assert_int_equal(card_register(IMC), ~0U);
	assert_int_equal(pci_read(CARD_SLOT, 0x44) & 3, 0); /* awake */
	assert_false(pci_read(CARD_SLOT, 0x50) & BIT(16));  /* no MSI, */
	assert_false(pci_read(CARD_SLOT, 0x60) & BIT(31));  /* no MSI-X */
	assert_false(pci_read(CARD_SLOT, PCI_ROM) & 1);
	assert_int_equal(nic->pci.bars[0].base, CARD_BAR);
	assert_int_equal(nic->pci.bars[0].size, 0x20000);
	assert_int_equal(nic->pci.bars[1].size, 0);
	assert_true(nic->pci.bars[2].io && nic->pci.bars[2].size == 32);
	assert_int_equal(nic->pci.bars[2].base, 0xc000);
	assert_memory_equal(nic->mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_string_equal(nic->name, "82574L");
	assert_true(nic_link(nic));
}

static void what_the_guest_had_chosen_at_cf8_stays(void **state)
{
	outl(PCI_ADDRESS, 0x80001234);
	pci_read(CARD_SLOT, PCI_ID);
	pci_write(CARD_SLOT, PCI_ROM, 0);
	assert_int_equal(inl(PCI_ADDRESS), 0x80001234);
}

static void a_card_that_cannot_be_started_does_no_dma_and_says_why(void **s)
{
	static const struct {
		struct card card;
		const char *why;
	} cases[] = {
		{{.bar = 0}, "no addresses"},
		{{.bar = CARD_BAR, .is_gone = true, .gone_value = ~0U},
		 "does not answer"},
		{{.bar = CARD_BAR, .is_gone = true}, "no address of its"},
		{{.bar = CARD_BAR, .hangs = true}, "does not answer"},
		{{.bar = CARD_BAR, .no_address = true}, "no address of its"},
		{{.bar = CARD_BAR, .no_memory = true}, "no memory"},
	};

	for (uint i = 0; i < ARRAY_SIZE(cases); i++) {
		card_reset();
		card = cases[i].card;
		card.device = 0x100e;
		card.command = PCI_COMMAND_MASTER;
		assert_null(open_by("on"));
		assert_non_null(strstr(host_printed, cases[i].why));
		assert_false(card.command & PCI_COMMAND_MASTER);
	}
}

static void every_frame_goes_out_as_it_is(void **state)
{
	for (uint i = 0; i < 1000; i++) {
		size_t length = FRAME_MIN + i % (FRAME_MAX - FRAME_MIN + 1);

		frame[0] = i;
		assert_int_equal(nic_send(nic, frame, length), 0);
		assert_wire(frame, length);
	}
	assert_int_equal(card.frames, 1000);
	assert_int_equal(nic->sent, 1000);
	assert_int_equal(nic_drain(nic), 0);
	assert_int_equal(nic_send(nic, frame, FRAME_MIN - 1), -EINVAL);
	assert_int_equal(nic_send(nic, frame, FRAME_MAX + 1), -EINVAL);
	assert_int_equal(nic->unsent, 2);
	assert_int_equal(card.waited, 10000 + 20000); /* from D3, a reset */
}

static void a_card_that_takes_nothing_is_waited_for_once(void **state)
{
	u64 before;
	uint n = 0;

	card.never_advances = true;
	while (!nic_send(nic, frame, 60))
		n++;
	assert_in_range(n, 16, 64);
	before = card.accesses;
	for (uint i = 0; i < 100; i++)
		assert_int_equal(nic_send(nic, frame, 60), -EAGAIN);
	assert_true(card.accesses - before < 500);
	assert_int_equal(nic_drain(nic), -EAGAIN);
	assert_true(card.accesses - before < 20000);
	assert_int_equal(nic->unsent, 101);
	/* What was taken is kept, and goes out when it can. */
	card.never_advances = false;
	card_set_register(IMC, 0);
	assert_int_equal(card.frames, n);
	assert_int_equal(nic_send(nic, frame, 61), 0);
	assert_wire(frame, 61);
}

static void without_a_link_nothing_is_waited_for(void **state)
{
	u64 before = card.accesses;

	card.no_link = true;
	assert_false(nic_link(nic));
	while (!nic_send(nic, frame, 60))
		;
	assert_int_equal(nic_send(nic, frame, 60), -EAGAIN);
	assert_int_equal(nic_drain(nic), -EAGAIN);
	assert_true(card.accesses - before < 200);
	assert_false(nic->lost);
}

/* As when a bridge above it is reset: at any access of any function. */
static void a_card_that_vanishes_is_noticed_and_nothing_hangs(void **state)
{
	for (uint n = 1; n < 800; n++) {
		card_reset();
		card.goes_at = n / 2;
		card.gone_value = n % 2 ? ~0U : 0;
		nic = open_by("on");
		if (!nic)
			continue;
		for (uint i = 0; i < 100; i++) {
			nic_receive(nic, got, sizeof(got));
			nic_send(nic, frame, 60);
		}
		card.is_gone = true;
		assert_int_equal(nic_send(nic, frame, 60), -ENODEV);
		assert_true(nic->lost && !nic_link(nic));
		assert_int_equal(nic_receive(nic, got, sizeof(got)), -ENODEV);
		assert_int_equal(nic_drain(nic), -ENODEV);
		assert_int_equal(nic_restore(nic), -ENODEV);
		assert_true(card.accesses < 200000);
	}
}

static void a_frame_that_arrives_is_copied(void **state)
{
	for (uint i = 0; i < 200; i++) {
		size_t length = FRAME_MIN + (i * 37) % 1501;

		frame[3] = i;
		assert_int_equal(nic_receive(nic, got, sizeof(got)), 0);
		assert_true(card_receives(frame, length, length, WHOLE, 0));
		assert_int_equal(nic_receive(nic, got, sizeof(got)), length);
		assert_memory_equal(got, frame, length);
	}
	assert_int_equal(nic->received, 200);
	assert_int_equal(nic->dropped, 0);
}

static void what_makes_no_sense_is_dropped_and_counted(void **state)
{
	static const struct {
		u16 length;
		u8 status, errors;
	} bad[] = {
		{0, WHOLE, 0},
		{FRAME_MIN - 1, WHOLE, 0},
		{FRAME_MAX + 1, WHOLE, 0},
		{0xffff, WHOLE, 0},
		{60, WHOLE, 0x01},
		{60, WHOLE, 0x80},
		{101, WHOLE, 0}, /* larger than there is room for */
		{60, DD, 0},
		{60, WHOLE, 0}, /* of one frame */
	};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_true(card_receives(frame, 60, bad[i].length,
					  bad[i].status, bad[i].errors));
		assert_int_equal(nic_receive(nic, got, 100), -EINVAL);
	}
	assert_int_equal(nic->dropped, ARRAY_SIZE(bad));
	assert_true(card_receives(frame, 100, 100, WHOLE, 0));
	assert_int_equal(nic_receive(nic, got, 100), 100);
}

static void a_full_ring_loses_what_comes_later_and_goes_on(void **state)
{
	uint n = 0, in = 0;

	while (card_receives(frame, 60, 60, WHOLE, 0))
		n++;
	while (nic_receive(nic, got, sizeof(got)) == 60)
		in++;
	assert_int_equal(in, n);
	assert_in_range(n, 16, 64);
	assert_true(card_receives(frame, 60, 60, WHOLE, 0));
	assert_int_equal(nic_receive(nic, got, sizeof(got)), 60);
}

/* The sanitizer, and the model, see to it that nothing else is touched. */
static void a_card_that_lies_in_all_it_writes_does_no_harm(void **state)
{
	u64 n = host_operations(20000);

	host_seed();
	for (u64 i = 0; i < n; i++) {
		u8 *desc = card_descriptor(host_random(2), host_random(32));
		int length;

		for (uint j = 8; j < 16; j++)
			desc[j] = host_random(4) ? host_random(256) : WHOLE;
		length = nic_receive(nic, got, sizeof(got));
		assert_true(length == 0 || length == -EINVAL ||
			    (length >= FRAME_MIN && length <= FRAME_MAX));
		nic_send(nic, frame, FRAME_MIN + host_random(1501));
	}
	assert_false(nic->lost);
}

/* Where is a CPU when a panic stops it? At any access of the card. */
static void a_cpu_stopped_anywhere_leaves_a_card_that_goes_on(void **s)
{
	for (uint n = 1; n < 12; n++) {
		set_up(NULL);
		for (uint i = 0; i < 30; i++) {
			assert_true(card_receives(frame, 60, 60, WHOLE, 0));
			nic_receive(nic, got, sizeof(got));
			nic_send(nic, frame, 60);
		}
		card_receives(frame, 60, 60, WHOLE, 0);
		card.stopped_at = card.accesses + n;
		if (!setjmp(card.stopped)) {
			nic_receive(nic, got, sizeof(got));
			nic_send(nic, frame, 60);
			nic_drain(nic);
		}
		assert_int_equal(nic_restore(nic), 0);
		assert_int_equal(card.resets, 1); /* nothing was wrong */
		while (nic_receive(nic, got, sizeof(got)) > 0)
			;
		for (uint i = 0; i < 100; i++) {
			frame[5] = i;
			assert_int_equal(nic_send(nic, frame, 70), 0);
			assert_wire(frame, 70);
			assert_true(card_receives(frame, 80, 80, WHOLE, 0));
			assert_int_equal(nic_receive(nic, got, sizeof(got)),
					 80);
			assert_int_equal(got[5], i);
		}
	}
}

static void damage(uint kind)
{
	switch (kind) {
	case 0:
		memset(card_memory, 0xee, 16); /* a stray write */
		break;
	case 1:
		memset(card_descriptor(CARD_RX, 31), 0, 16);
		break;
	case 2:
		card_set_register(TX_LENGTH, 0);
		break;
	case 3:
		card_set_register(RX_BASE, 0x7000);
		break;
	default:
		card_set_register(RCTL, 0);
	}
}

static void what_is_out_of_order_at_a_panic_is_set_up_anew(void **state)
{
	for (uint kind = 0; kind < 5; kind++) {
		set_up(NULL);
		nic_send(nic, frame, 60);
		damage(kind);
		assert_int_equal(nic_restore(nic), 0);
		assert_int_equal(card.resets, 2);
		for (uint i = 0; i < 100; i++) {
			assert_int_equal(nic_send(nic, frame, 70), 0);
			assert_wire(frame, 70);
			assert_true(card_receives(frame, 80, 80, WHOLE, 0));
			assert_int_equal(nic_receive(nic, got, sizeof(got)),
					 80);
		}
	}
}

static void a_card_that_came_back_is_used_again_at_a_panic(void **state)
{
	card.is_gone = true;
	assert_int_equal(nic_send(nic, frame, 60), -ENODEV);
	card.is_gone = false;
	assert_int_equal(nic_send(nic, frame, 60), -ENODEV);
	assert_int_equal(nic_restore(nic), 0);
	assert_int_equal(nic_send(nic, frame, 60), 0);
}

/* It has lost its place, its right to do DMA, and its rings. */
static void after_a_sleep_the_card_is_set_up_anew(void **state)
{
	card.bar = 0;
	card.command = 0;
	damage(0);
	assert_int_equal(nic_wake(nic), 0);
	assert_true(card.bar == CARD_BAR);
	assert_true(card.command & PCI_COMMAND_MASTER &&
		    card.command & PCI_COMMAND_MEMORY);
	assert_int_equal(nic_send(nic, frame, 60), 0);
	assert_wire(frame, 60);
}

static void a_card_that_was_stopped_reaches_no_memory(void **state)
{
	nic_stop(nic);
	assert_false(card.command & PCI_COMMAND_MASTER);
	assert_false(card_register(RCTL) & BIT(1));
	assert_int_equal(nic_send(nic, frame, 60), -ENODEV);
}

static void the_address_is_read_though_nobody_uses_the_card(void **state)
{
	u8 mac[MAC_SIZE];

	card_reset();
	card.command = 0;
	assert_int_equal(e1000_read_mac(&nic->pci, mac), 0);
	assert_memory_equal(mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(card.command, 0);
	card_set_register(0x5404, 0); /* only in the EEPROM */
	memset(mac, 0, sizeof(mac));
	assert_int_equal(e1000_read_mac(&nic->pci, mac), 0);
	assert_memory_equal(mac, "\x52\x54\x00\x12\x34\x56", 6);
	card.bar = 0;
	assert_int_equal(e1000_read_mac(&nic->pci, mac), -ENODEV);
}

static void an_address_that_is_in_the_eeprom_alone_is_found_there(void **s)
{
	card_reset();
	card.not_loaded = true;
	nic = open_by("on");
	assert_non_null(nic);
	assert_memory_equal(nic->mac, "\x52\x54\x00\x12\x34\x56", 6);
	assert_int_equal(card_register(0x5400), 0x12005452);
	assert_int_equal(card_register(0x5404), BIT(31) | 0x5634);
}

/* By a bridge above it: its registers answer, and have forgotten us. */
static void a_card_that_was_reset_behind_our_back_is_lost(void **state)
{
	card_set_register(TX_LENGTH, 0);
	assert_false(nic_link(nic));
	assert_true(nic->lost);
	assert_int_equal(nic_send(nic, frame, 60), -ENODEV);
	assert_int_equal(nic_restore(nic), 0);
	assert_int_equal(nic_send(nic, frame, 60), 0);
}

static void an_iommu_that_the_guest_may_use_is_warned_of(void **state)
{
	assert_null(strstr(host_printed, "IOMMU"));
	for (uint i = 0; i < 2; i++) {
		card_reset();
		card.iommu = i ? "IVRS" : "DMAR";
		assert_non_null(open_by("on"));
		assert_non_null(strstr(host_printed, card.iommu));
	}
}

/* Nothing is known of it to the guest then. */
static void an_iommu_of_ours_is_not(void **state)
{
	card_reset();
	host_printed[0] = '\0';
	card.iommu = "DMAR";
	card.iommu_is_ours = true;
	assert_non_null(open_by("on"));
	assert_null(strstr(host_printed, "IOMMU"));
}

/* Only where that matters; and nothing is done to it. */
static void a_card_that_shares_its_number_is_the_guests(void **state)
{
	card_reset();
	card.alias = "a bridge speaks for it";
	assert_non_null(open_by("on"));
	card_reset();
	card.alias = "a bridge speaks for it";
	card.iommu = "IVRS";
	card.iommu_is_ours = true;
	card.command = 7;
	assert_null(open_by("on"));
	assert_int_equal(card.command, 7);
	assert_int_equal(card.resets, 0);
	assert_non_null(strstr(host_printed, card.alias));
}

static void its_rings_are_all_that_it_is_said_to_reach(void **state)
{
	assert_int_equal(nic->size, card_memory_size);
	assert_int_equal(nic->size % PAGE_SIZE, 0);
	assert_int_equal(nic->memory.v % PAGE_SIZE, 0);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(the_values_of_net_are_told_apart),
		TEST(the_card_is_found_by_what_net_names),
		TEST(a_card_that_firmware_has_left_receiving_is_ours_and_quiet),
		TEST(what_the_guest_had_chosen_at_cf8_stays),
		TEST(a_card_that_cannot_be_started_does_no_dma_and_says_why),
		TEST(every_frame_goes_out_as_it_is),
		TEST(a_card_that_takes_nothing_is_waited_for_once),
		TEST(without_a_link_nothing_is_waited_for),
		TEST(a_card_that_vanishes_is_noticed_and_nothing_hangs),
		TEST(a_frame_that_arrives_is_copied),
		TEST(what_makes_no_sense_is_dropped_and_counted),
		TEST(a_full_ring_loses_what_comes_later_and_goes_on),
		TEST(a_card_that_lies_in_all_it_writes_does_no_harm),
		TEST(a_cpu_stopped_anywhere_leaves_a_card_that_goes_on),
		TEST(what_is_out_of_order_at_a_panic_is_set_up_anew),
		TEST(a_card_that_came_back_is_used_again_at_a_panic),
		TEST(a_card_that_was_reset_behind_our_back_is_lost),
		TEST(an_iommu_that_the_guest_may_use_is_warned_of),
		TEST(an_iommu_of_ours_is_not),
		TEST(a_card_that_shares_its_number_is_the_guests),
		TEST(its_rings_are_all_that_it_is_said_to_reach),
		TEST(after_a_sleep_the_card_is_set_up_anew),
		TEST(a_card_that_was_stopped_reaches_no_memory),
		TEST(an_address_that_is_in_the_eeprom_alone_is_found_there),
		TEST(the_address_is_read_though_nobody_uses_the_card),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
