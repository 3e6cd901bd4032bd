/*
 * Multiboot information, good and bad. "Physical memory" is an array.
 */
#include "boot/memmap.h"
#include "boot/multiboot.h"
#include "host.h"

#define INFO   0x1000
#define MMAP   0x2000
#define STRING 0x3000

static u8 memory[0x8000];
static struct boot_info boot;

static const void *at(phys_t p)
{
	assert_true(p.v < sizeof(memory));
	return memory + p.v;
}

static struct multiboot_info *info(void)
{
	return (struct multiboot_info *)(memory + INFO);
}

static int clear(void **state)
{
	memset(memory, 0, sizeof(memory));
	memset(&boot, 0, sizeof(boot));
	host_printed[0] = '\0';
	return 0;
}

static u32 add_mmap(u32 offset, u32 size, u64 base, u64 length, u32 type)
{
	struct multiboot_mmap e = {size, base, length, type};

	memcpy(memory + MMAP + offset, &e, sizeof(e));
	info()->flags |= MULTIBOOT_INFO_MEM_MAP;
	info()->mmap_addr = MMAP;
	info()->mmap_length = offset + 4 + size;
	return offset + 4 + size;
}

static int parse(void)
{
	return multiboot_parse(&boot, MULTIBOOT_BOOTLOADER_MAGIC, INFO, at);
}

static void a_wrong_magic_number_is_refused_by_name(void **state)
{
	assert_int_equal(multiboot_parse(&boot, 0x1234, INFO, at), -EINVAL);
	assert_non_null(strstr(host_printed, "EAX is 0x1234"));
}

static void a_good_memory_map_is_taken_over(void **state)
{
	u32 next = add_mmap(0, 20, 0, 0x9fc00, 1);

	add_mmap(next, 20, 0x100000, 0x7f00000, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_int_equal(mem_map_ram(&boot.map), 0x9fc00 + 0x7f00000);
	assert_string_equal(host_printed, "");
}

static void entries_longer_than_ours_are_stepped_over_whole(void **state)
{
	u32 next = add_mmap(0, 28, 0, 0x9fc00, 1);

	add_mmap(next, 20, 0x100000, 0x100000, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
}

static void an_entry_with_a_size_too_small_ends_the_map_by_name(void **state)
{
	u32 next = add_mmap(0, 20, 0, 0x9fc00, 1);

	next = add_mmap(next, 20, 0x100000, 0x100000, 1);
	add_mmap(next, 8, 0x200000, 0x100000, 1);
	info()->mmap_length = next + 24;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_non_null(strstr(host_printed, "entry at offset 48 has size 8"));
}

static void an_entry_longer_than_the_map_ends_it_by_name(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	add_mmap(24, 0xfffffff0, 0x100000, 0x100000, 1);
	info()->mmap_length = 48;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 1);
	assert_non_null(strstr(host_printed, "the rest is ignored"));
}

static void stray_bytes_after_the_map_are_named(void **state)
{
	info()->mmap_length = add_mmap(0, 20, 0, 0x9fc00, 1) + 5;
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "5 stray bytes"));
}

static void a_map_that_ends_above_4_gib_is_ignored_by_name(void **state)
{
	info()->flags = MULTIBOOT_INFO_MEM_MAP | MULTIBOOT_INFO_MEMORY;
	info()->mmap_addr = 0xfffffff0;
	info()->mmap_length = 0x100;
	info()->mem_lower = 639;
	info()->mem_upper = 1024;
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "ends above 4 GiB"));
	assert_int_equal(mem_map_ram(&boot.map), (639 + 1024) * KIB);
}

static void without_a_map_the_two_sizes_are_used(void **state)
{
	info()->flags = MULTIBOOT_INFO_MEMORY;
	info()->mem_lower = 639;
	info()->mem_upper = 65536;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.count, 2);
	assert_int_equal(boot.map.range[0].size, 639 * KIB);
	assert_int_equal(boot.map.range[1].base, MIB);
	assert_int_equal(boot.map.range[1].size, 64 * MIB);
	assert_non_null(strstr(host_printed, "no memory map"));
}

static void lower_memory_is_never_more_than_640_kib(void **state)
{
	info()->flags = MULTIBOOT_INFO_MEMORY;
	info()->mem_lower = 4000000000;
	info()->mem_upper = 1024;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.range[0].size, 640 * KIB);
}

static void no_memory_information_at_all_is_an_error(void **state)
{
	assert_int_equal(parse(), -ENOMEM);
	assert_non_null(strstr(host_printed, "no memory map and no memory "
					     "sizes"));
}

static void unknown_flags_are_named_and_ignored(void **state)
{
	info()->flags = 0x80000000;
	add_mmap(0, 20, 0, 0x9fc00, 1);
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "unknown bits in flags"));
}

static void type_zero_is_taken_for_reserved(void **state)
{
	u32 next = add_mmap(0, 20, 0, 0x1000, 0);

	add_mmap(next, 20, 0x1000, 0x1000, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.map.range[0].type, MEM_RESERVED);
}

static void a_command_line_too_long_is_cut_by_name(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	info()->flags |= MULTIBOOT_INFO_CMDLINE;
	info()->cmdline = STRING;
	memset(memory + STRING, 'x', 2000);
	assert_int_equal(parse(), 0);
	assert_int_equal(strlen(boot.cmdline), sizeof(boot.cmdline) - 1);
	assert_non_null(strstr(host_printed, "command line is longer"));
	assert_true(boot.cmdline_cut);
}

static void what_cannot_be_printed_is_replaced(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	info()->flags |= MULTIBOOT_INFO_CMDLINE;
	info()->cmdline = STRING;
	strcpy((char *)memory + STRING, "a\tb\033[2J\nc\303\244\177");
	assert_int_equal(parse(), 0);
	assert_string_equal(boot.cmdline, "a b?[2J c???");
	assert_false(boot.cmdline_cut);
}

static void a_framebuffer_below_4_gib_is_taken(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	info()->flags |= MULTIBOOT_INFO_FRAMEBUFFER;
	info()->fb_base = 4 * GIB - 0x100000;
	info()->fb_width = 640;
	info()->fb_pitch = 4096;
	info()->fb_height = 256;
	info()->fb_bits_per_pixel = 32;
	info()->fb_type = MULTIBOOT_FB_RGB;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.fb.base.v, 4 * GIB - 0x100000);
	assert_int_equal(boot.fb.pitch, 4096);
}

static void other_framebuffers_are_left_alone(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	info()->flags |= MULTIBOOT_INFO_FRAMEBUFFER;
	info()->fb_base = 4 * GIB - 0x100000;
	info()->fb_width = 640;
	info()->fb_pitch = 4096;
	info()->fb_height = 257; /* would end above 4 GiB */
	info()->fb_bits_per_pixel = 32;
	info()->fb_type = MULTIBOOT_FB_RGB;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.fb.base.v, 0);
	info()->fb_height = 256;
	info()->fb_width = 1025; /* wider than a line is long */
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.fb.base.v, 0);
	info()->fb_width = 640;
	info()->fb_bits_per_pixel = 24;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.fb.base.v, 0);
	info()->fb_bits_per_pixel = 32;
	info()->fb_type = 2; /* text */
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.fb.base.v, 0);
}

static void strings_and_information_above_4_gib_are_refused(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	info()->flags |= MULTIBOOT_INFO_CMDLINE;
	info()->cmdline = 0xffffff00;
	assert_int_equal(parse(), 0);
	assert_non_null(strstr(host_printed, "command line at 0xffffff00"));
	assert_string_equal(boot.cmdline, "");
	assert_int_equal(multiboot_parse(&boot, MULTIBOOT_BOOTLOADER_MAGIC,
					 0xfffffff0, at),
			 -EINVAL);
}

static void the_boot_drive_comes_from_the_top_byte(void **state)
{
	add_mmap(0, 20, 0, 0x9fc00, 1);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.boot_drive, 0x80);
	info()->flags |= MULTIBOOT_INFO_BOOTDEV;
	info()->boot_device = 0xe0ffffff;
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.boot_drive, 0xe0);
}

#define MODULES 0x4000
#define STRINGS 0x4800

/* RAM up to 32 KiB, with @count modules, the first as given, the others empty;
 * its name is @name. */
static void set_module_named(u32 count, u32 start, u32 end, const char *name)
{
	struct multiboot_module m = {start, end, STRINGS, 0};

	add_mmap(0, 20, 0, 0x8000, 1);
	info()->flags |= MULTIBOOT_INFO_MODS;
	info()->mods_count = count;
	info()->mods_addr = MODULES;
	memcpy(memory + MODULES, &m, sizeof(m));
	strcpy((char *)memory + STRINGS, name);
}

static void set_module(u32 count, u32 start, u32 end)
{
	set_module_named(count, start, end, "");
}

static void a_module_is_taken_over(void **state)
{
	set_module(1, 0x5000, 0x5123);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module.base, 0x5000);
	assert_int_equal(boot.module.size, 0x123);
	assert_int_equal(boot.conf.size, 0);
	assert_string_equal(host_printed, "");
	clear(state);
	set_module(9, 0x5000, 0x8000);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module.size, 0x3000);
	assert_non_null(strstr(host_printed, "9 modules: all but the first 8"));
}

static void settings_are_known_by_the_name_of_their_file(void **state)
{
	static const char *const good[] = {
		"vellum.conf",
		"/boot/vellum/vellum.conf",
		"x.txt vellum.conf",
		"my.conf  a/vellum.conf  z",
	};
	static const char *const other[] = {
		"xvellum.conf",
		"vellum.conf.old",
		"vellum.con",
		"/vellum.conf/x",
	};

	for (uint i = 0; i < ARRAY_SIZE(good); i++) {
		clear(state);
		set_module_named(1, 0x5000, 0x5123, good[i]);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.conf.base, 0x5000);
		assert_int_equal(boot.conf.size, 0x123);
		assert_int_equal(boot.module.size, 0);
	}
	for (uint i = 0; i < ARRAY_SIZE(other); i++) {
		clear(state);
		set_module_named(1, 0x5000, 0x5123, other[i]);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.conf.size, 0);
		assert_int_equal(boot.module.size, 0x123);
	}
}

static void settings_and_boot_code_come_in_any_order(void **state)
{
	struct multiboot_module m[] = {{0x5000, 0x5100, 0, 0},
				       {0x6000, 0x6200, STRINGS, 0},
				       {0x7000, 0x7300, 0, 0},
				       {0x7400, 0x7500, STRINGS, 0}};

	for (uint first = 0; first < 2; first++) {
		clear(state);
		set_module_named(4 - first, 0, 0, "vellum.conf");
		memcpy(memory + MODULES, m + first, sizeof(m) - first * 16);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.conf.base, 0x6000);
		assert_int_equal(boot.module.base, first ? 0x7000 : 0x5000);
		assert_non_null(
			strstr(host_printed, "0x7400-0x7500 is one too many"));
	}
}

static void a_list_of_no_modules_has_none(void **state)
{
	set_module(0, 0x5000, 0x5123);
	assert_int_equal(parse(), 0);
	assert_int_equal(boot.module.size, 0);
}

static void a_module_that_can_not_be_is_ignored_by_name(void **state)
{
	static const struct {
		u32 start, end;
		const char *text;
	} bad[] = {
		{0x5000, 0x5000, "is empty"},
		{0x5000, 0x4fff, "is empty"},
		{0x5000, 0x8001, "is not in RAM"},
		{0xfffff000, 0xffffffff, "is not in RAM"},
		{0x5000, 0x6001, "overlaps Vellum"},
		{0x6fff, 0x7001, "overlaps Vellum"},
	};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		clear(state);
		boot.vmm_base = PHYS(0x6000);
		boot.vmm_size = 0x1000;
		set_module(1, bad[i].start, bad[i].end);
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.module.size, 0);
		assert_non_null(strstr(host_printed, bad[i].text));
	}
}

static void a_list_of_modules_out_of_ram_is_not_read(void **state)
{
	static const u32 bad[] = {0x7ff8, 0x8000, 0xfffffff8};

	for (uint i = 0; i < ARRAY_SIZE(bad); i++) {
		clear(state);
		set_module(1, 0x5000, 0x6000);
		info()->mods_addr = bad[i];
		assert_int_equal(parse(), 0);
		assert_int_equal(boot.module.size, 0);
		assert_non_null(strstr(host_printed, "list of modules"));
	}
}

static void random_bytes_never_make_ram_out_of_bounds(void **state)
{
	host_seed();
	for (uint round = 0; round < 2000; round++) {
		clear(state);
		for (uint i = 0; i < 4096; i++)
			memory[MMAP + i] =
				host_random(4) ? 0 : host_random(256);
		info()->flags = MULTIBOOT_INFO_MEM_MAP;
		info()->mmap_addr = MMAP;
		info()->mmap_length = host_random(4096);
		parse();
		assert_true(boot.map.count <= BOOT_MEM_RANGES);
		for (uint i = 0; i < boot.map.count; i++)
			assert_true(boot.map.range[i].base +
					    boot.map.range[i].size >
				    boot.map.range[i].base);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(name) cmocka_unit_test_setup(name, clear)
		T(a_wrong_magic_number_is_refused_by_name),
		T(a_good_memory_map_is_taken_over),
		T(entries_longer_than_ours_are_stepped_over_whole),
		T(an_entry_with_a_size_too_small_ends_the_map_by_name),
		T(an_entry_longer_than_the_map_ends_it_by_name),
		T(stray_bytes_after_the_map_are_named),
		T(a_map_that_ends_above_4_gib_is_ignored_by_name),
		T(without_a_map_the_two_sizes_are_used),
		T(lower_memory_is_never_more_than_640_kib),
		T(no_memory_information_at_all_is_an_error),
		T(unknown_flags_are_named_and_ignored),
		T(type_zero_is_taken_for_reserved),
		T(a_command_line_too_long_is_cut_by_name),
		T(what_cannot_be_printed_is_replaced),
		T(a_framebuffer_below_4_gib_is_taken),
		T(other_framebuffers_are_left_alone),
		T(strings_and_information_above_4_gib_are_refused),
		T(the_boot_drive_comes_from_the_top_byte),
		T(a_module_is_taken_over),
		T(settings_are_known_by_the_name_of_their_file),
		T(settings_and_boot_code_come_in_any_order),
		T(a_list_of_no_modules_has_none),
		T(a_module_that_can_not_be_is_ignored_by_name),
		T(a_list_of_modules_out_of_ram_is_not_read),
		T(random_bytes_never_make_ram_out_of_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
