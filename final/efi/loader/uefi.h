/*
 * The part of the UEFI Specification (2.10) that the loader uses: types,
 * tables and protocols, each with its section. Functions that are not called
 * are left as a count of pointers, so that the others stand where they belong.
 */
#ifndef EFI_LOADER_UEFI_H
#define EFI_LOADER_UEFI_H

#include "efi/efi_map.h"
#include "lib/types.h"

/* All of UEFI is called as Microsoft's compilers call (2.3.4). */
#define EFIAPI __attribute__((ms_abi))

typedef u64 efi_status;
typedef void *efi_handle;

/* Status codes (appendix D). */
#define EFI_ERROR_BIT          BIT(63)
#define EFI_SUCCESS            0UL
#define EFI_LOAD_ERROR         (EFI_ERROR_BIT | 1)
#define EFI_INVALID            (EFI_ERROR_BIT | 2)
#define EFI_UNSUPPORTED        (EFI_ERROR_BIT | 3)
#define EFI_OUT_OF_RESOURCES   (EFI_ERROR_BIT | 9)
#define EFI_NOT_FOUND          (EFI_ERROR_BIT | 14)
#define EFI_ACCESS_DENIED      (EFI_ERROR_BIT | 15)
#define EFI_ALREADY_STARTED    (EFI_ERROR_BIT | 20)
#define EFI_ABORTED            (EFI_ERROR_BIT | 21)
#define EFI_SECURITY_VIOLATION (EFI_ERROR_BIT | 26)
#define EFI_CRC_ERROR          (EFI_ERROR_BIT | 27)

struct efi_guid {
	u32 a;
	u16 b, c;
	u8 d[8];
};

/* Initializer of one: 01234567-89ab-cdef-0011-223344556677. */
#define EFI_GUID(a, b, c, ...)      \
	{                           \
		a, b, c,            \
		{                   \
			__VA_ARGS__ \
		}                   \
	}

struct efi_table_header {
	u64 signature;
	u32 revision, size, crc32, reserved;
};

/* How AllocatePages chooses (7.2.1). */
enum efi_allocate {
	EFI_ANY_PAGES,
	EFI_MAX_ADDRESS,
	EFI_AT_ADDRESS,
};

/* What OpenProtocolInformation tells (7.3.14). */
struct efi_protocol_user {
	efi_handle agent, controller;
	u32 attributes;
	u32 open_count;
};

#define EFI_OPEN_BY_DRIVER BIT(4)

#define EFI_BY_PROTOCOL 2 /* how LocateHandleBuffer looks for them (7.3.10) */

/* EFI_BOOT_SERVICES (4.4) */
struct efi_boot_services {
	struct efi_table_header header;
	void *unused1[2];
	efi_status(EFIAPI *allocate_pages)(enum efi_allocate how,
					   enum efi_memory_type type, u64 pages,
					   u64 *address);
	efi_status(EFIAPI *free_pages)(u64 address, u64 pages);
	efi_status(EFIAPI *get_memory_map)(u64 *size, void *map, u64 *key,
					   u64 *step, u32 *version);
	void *unused2;
	efi_status(EFIAPI *free_pool)(void *buffer);
	void *unused3[9];
	efi_status(EFIAPI *handle_protocol)(efi_handle handle,
					    const struct efi_guid *protocol,
					    void *interface);
	void *unused4[5];
	efi_status(EFIAPI *load_image)(bool boot_policy, efi_handle parent,
				       const void *device_path,
				       const void *source, u64 source_size,
				       efi_handle *image);
	efi_status(EFIAPI *start_image)(efi_handle image, u64 *data_size,
					u16 **data);
	void *unused_exit;
	efi_status(EFIAPI *unload_image)(efi_handle image);
	void *unused5[4];
	efi_status(EFIAPI *connect_controller)(efi_handle controller,
					       efi_handle *drivers,
					       const void *remaining_path,
					       bool recursive);
	efi_status(EFIAPI *disconnect_controller)(efi_handle controller,
						  efi_handle driver,
						  efi_handle child);
	void *unused6[2];
	efi_status(EFIAPI *protocol_users)(efi_handle handle,
					   const struct efi_guid *protocol,
					   struct efi_protocol_user **users,
					   u64 *count);
	void *unused7;
	efi_status(EFIAPI *locate_handle_buffer)(
		u32 how, const struct efi_guid *protocol, void *key, u64 *count,
		efi_handle **handles);
	efi_status(EFIAPI *locate_protocol)(const struct efi_guid *protocol,
					    void *registration,
					    void *interface);
	void *unused8[2];
	efi_status(EFIAPI *calculate_crc32)(const void *data, u64 size,
					    u32 *crc);
};

_Static_assert(offsetof(struct efi_boot_services, handle_protocol) ==
		       24 + 16 * 8,
	       "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, disconnect_controller) ==
		       24 + 31 * 8,
	       "UEFI 4.4");
_Static_assert(offsetof(struct efi_boot_services, calculate_crc32) ==
		       24 + 40 * 8,
	       "UEFI 4.4");

/* EFI_SIMPLE_TEXT_OUTPUT_PROTOCOL (12.4) */
struct efi_text_output {
	void *reset;
	efi_status(EFIAPI *output_string)(struct efi_text_output *self,
					  const u16 *text);
};

struct efi_configuration_table {
	struct efi_guid guid;
	void *table;
};

/* EFI_SYSTEM_TABLE (4.3) */
struct efi_system_table {
	struct efi_table_header header;
	const u16 *firmware_vendor;
	u32 firmware_revision;
	efi_handle console_in_handle;
	void *console_in;
	efi_handle console_out_handle;
	struct efi_text_output *console_out;
	efi_handle error_handle;
	void *error_out;
	void *runtime_services;
	struct efi_boot_services *boot_services;
	u64 table_count;
	struct efi_configuration_table *table;
};

/* EFI_ACPI_20_TABLE_GUID, ACPI_TABLE_GUID (4.6.1) */
#define EFI_ACPI_20_GUID                                                   \
	EFI_GUID(0x8868e871, 0xe4f1, 0x11d3, 0xbc, 0x22, 0x00, 0x80, 0xc7, \
		 0x3c, 0x88, 0x81)
#define EFI_ACPI_10_GUID                                                   \
	EFI_GUID(0xeb9d2d30, 0x2d88, 0x11d3, 0x9a, 0x16, 0x00, 0x90, 0x27, \
		 0x3f, 0xc1, 0x4d)

#endif
