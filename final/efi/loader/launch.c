/*
 * Starting the hypervisor: its range, its image, its first page tables, and
 * the switch (switch.S). Everything that both address spaces must show alike
 * lies below 1 GiB. ExitBootServices is not called, since the firmware
 * goes on as the guest. Book: chapter 7.
 */
#include "boot/layout.h"
#include "console/printf.h"
#include "efi/loader/early_map.h"
#include "efi/loader/loader.h"
#include "lib/cpu.h"
#include "lib/pte.h"
#include "lib/string.h"
#include "settings/conf.h"

_Static_assert(VMMSIZE_ALL <= SIZE_1G, "the map has one GiB for it");

static const struct efi_guid memory_attribute = EFI_MEMORY_ATTRIBUTE_GUID;

#define TABLES_SIZE (EARLY_TABLES * PAGE_SIZE)
#define CODE_SIZE   PAGE_SIZE

/* What we allocate below 1 GiB. */
struct low_memory {
	struct efi_handoff *handoff;
	u64 (*tables)[512];
	void *code;
	char *conf;
	void *map;
	u64 map_size;
};

static bool image_is_intact(void)
{
	u32 crc = 0;

	efi_boot->calculate_crc32(image_bytes, image_bytes_end - image_bytes,
				  &crc);
	return crc == image_crc;
}

static void put_image(u64 base)
{
	u64 bytes = image_bytes_end - image_bytes;

	memcpy((void *)base, image_bytes, bytes);
	memset((u8 *)base + bytes, 0, image_size - bytes);
}

static int build_map(struct efi_handoff *h, u64 (*tables)[512])
{
	const struct framebuffer *fb = &h->framebuffer;
	u64 fb_start = ALIGN_DOWN(fb->base.v, SIZE_2M);
	u64 fb_end =
		ALIGN_UP(fb->base.v + (u64)fb->pitch * fb->height, SIZE_2M);
	struct early_map map = {
		.table = tables,
		.levels = read_cr4() & CR4_LA57 ? 5 : 4,
	};

	h->root = (u64)tables;
	/* With PWT alone: write-combining while the console draws. */
	return early_map(&map, 0, 0, 4 * GIB, 0) ||
	       early_map(&map, VMM_VIRT, h->range_base, h->range_size, 0) ||
	       early_map(&map, DIRECT_VIRT, 0, 4 * GIB, 0) ||
	       early_map(&map, DIRECT_VIRT + fb_start, fb_start,
			 fb_end - fb_start, PTE_PWT);
}

/*
 * The code for the switch is data of ours, and then a copy. Firmware that keeps
 * code and data apart must be told that it may be executed, and not written;
 * and the contrary before it gets the page back.
 */
static void set_code_rights(void *code, bool executable)
{
	struct efi_memory_attribute *attribute;

	if (efi_boot->locate_protocol(&memory_attribute, NULL, &attribute))
		return;
	if (executable) {
		attribute->set(attribute, (u64)code, CODE_SIZE, EFI_MEMORY_RO);
		attribute->clear(attribute, (u64)code, CODE_SIZE,
				 EFI_MEMORY_XP);
	} else {
		attribute->set(attribute, (u64)code, CODE_SIZE, EFI_MEMORY_XP);
		attribute->clear(attribute, (u64)code, CODE_SIZE,
				 EFI_MEMORY_RO);
	}
}

static void free_low_memory(struct low_memory *low)
{
	if (low->handoff)
		processors_forget(low->handoff);
	low_free(low->handoff, sizeof(*low->handoff));
	low_free(low->tables, TABLES_SIZE);
	low_free(low->code, CODE_SIZE);
	low_free(low->conf, CONF_MAX);
	low_free(low->map, low->map_size);
}

static efi_status allocate_low_memory(struct low_memory *low)
{
	low->map_size = machine_map_size();
	low->handoff = low_allocate(sizeof(*low->handoff), EFI_LOADER_DATA);
	low->tables = low_allocate(TABLES_SIZE, EFI_LOADER_DATA);
	low->code = low_allocate(CODE_SIZE, EFI_LOADER_CODE);
	low->conf = low_allocate(CONF_MAX, EFI_LOADER_DATA);
	low->map = low_allocate(low->map_size, EFI_LOADER_DATA);
	if (low->handoff && low->tables && low->code && low->conf && low->map &&
	    !processors_list(low->handoff))
		return EFI_SUCCESS;
	loader_print("vellum.efi: Not enough memory below 1 GiB\n");
	free_low_memory(low);
	return EFI_OUT_OF_RESOURCES;
}

/* With all memory allocated: fill the handoff, and go. */
static efi_status enter(struct low_memory *low, const char *words,
			const char *conf, u64 *result)
{
	struct efi_handoff *h = low->handoff;
	efi_status status = machine_describe(h, low->map, low->map_size);

	if (status) {
		loader_print("vellum.efi: no memory map (status 0x%lx)\n",
			     status);
		return status;
	}
	copy_string(h->cmdline, words, sizeof(h->cmdline));
	h->conf = (u64)low->conf;
	h->conf_size = strlen(conf);
	memcpy(low->conf, conf, h->conf_size);
	if (build_map(h, low->tables)) {
		loader_print("vellum.efi: too few early page tables\n");
		return EFI_OUT_OF_RESOURCES;
	}
	put_image(h->range_base);
	memcpy(low->code, switch_start, switch_end - switch_start);
	set_code_rights(low->code, true);
	h->entry = image_entry;
	cpu_save(&h->cpu);
	*result = ((switch_fn *)low->code)(h);
	if (*result == HANDOFF_IS_GUEST)
		processors_enter(h, (switch_fn *)low->code);
	set_code_rights(low->code, false);
	return EFI_SUCCESS;
}

efi_status launch(const char *words, const char *conf, u64 *result)
{
	struct low_memory low;
	efi_status status;
	u64 base, size, real_mode;

	*result = HANDOFF_REFUSED;
	if (!image_is_intact()) {
		loader_print("vellum.efi: the image inside me is corrupt\n");
		return EFI_CRC_ERROR;
	}
	status = range_allocate(&base, &size);
	if (status)
		return status;
	real_mode = real_mode_page();
	status = real_mode ? allocate_low_memory(&low) : EFI_OUT_OF_RESOURCES;
	if (!status) {
		low.handoff->range_base = base;
		low.handoff->range_size = size;
		low.handoff->low_page = real_mode;
		status = enter(&low, words, conf, result);
		free_low_memory(&low);
	}
	if (*result != HANDOFF_IS_GUEST) {
		range_free(base, size);
		real_mode_page_free(real_mode);
	}
	return status;
}
