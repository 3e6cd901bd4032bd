/*
 * The UEFI protocols that the loader uses, each with its section in the UEFI
 * Specification 2.10; see uefi.h.
 */
#ifndef EFI_LOADER_PROTOCOLS_H
#define EFI_LOADER_PROTOCOLS_H

#include "efi/loader/uefi.h"

#define EFI_LOADED_IMAGE_GUID                                              \
	EFI_GUID(0x5b1b31a1, 0x9562, 0x11d2, 0x8e, 0x3f, 0x00, 0xa0, 0xc9, \
		 0x69, 0x72, 0x3b)
#define EFI_FILE_SYSTEM_GUID                                               \
	EFI_GUID(0x964e5b22, 0x6459, 0x11d2, 0x8e, 0x39, 0x00, 0xa0, 0xc9, \
		 0x69, 0x72, 0x3b)
#define EFI_DEVICE_PATH_GUID                                               \
	EFI_GUID(0x09576e91, 0x6d3f, 0x11d2, 0x8e, 0x39, 0x00, 0xa0, 0xc9, \
		 0x69, 0x72, 0x3b)
#define EFI_GRAPHICS_OUTPUT_GUID                                           \
	EFI_GUID(0x9042a9de, 0x23dc, 0x4a38, 0x96, 0xfb, 0x7a, 0xde, 0xd0, \
		 0x80, 0x51, 0x6a)
#define EFI_MEMORY_ATTRIBUTE_GUID                                          \
	EFI_GUID(0xf4560cf6, 0x40ec, 0x4b4a, 0xa1, 0x92, 0xbf, 0x1d, 0x57, \
		 0xd0, 0xb1, 0x89)

/* EFI_SHELL_PARAMETERS_PROTOCOL (UEFI Shell Specification 2.2, 2.3) */
#define EFI_SHELL_PARAMETERS_GUID                                          \
	EFI_GUID(0x752f3136, 0x4e16, 0x4fdc, 0xa2, 0x2a, 0xe5, 0xf4, 0x68, \
		 0x12, 0xf4, 0xca)

struct efi_shell_parameters {
	u16 **argv; /* the command itself first */
	u64 argc;
};

/* One node of a device path (10.2); the next is @length bytes on. */
struct efi_device_path {
	u8 type, subtype;
	u16 length;
} __packed;

#define EFI_PATH_MEDIA      4
#define EFI_PATH_MEDIA_FILE 4 /* subtype: a UTF-16 string follows */
#define EFI_PATH_END        0x7f
#define EFI_PATH_END_ENTIRE 0xff

/* EFI_LOADED_IMAGE_PROTOCOL (9.1) */
struct efi_loaded_image {
	u32 revision;
	efi_handle parent;
	struct efi_system_table *system_table;
	efi_handle device;
	struct efi_device_path *file_path;
	void *reserved;
	u32 options_size; /* bytes */
	void *options;
	void *base;
	u64 size;
};

/* EFI_FILE_PROTOCOL (13.5) */
struct efi_file {
	u64 revision;
	efi_status(EFIAPI *open)(struct efi_file *self, struct efi_file **file,
				 const u16 *name, u64 mode, u64 attributes);
	efi_status(EFIAPI *close)(struct efi_file *self);
	void *unused;
	efi_status(EFIAPI *read)(struct efi_file *self, u64 *size,
				 void *buffer);
};

#define EFI_FILE_MODE_READ 1

/* EFI_SIMPLE_FILE_SYSTEM_PROTOCOL (13.4) */
struct efi_file_system {
	u64 revision;
	efi_status(EFIAPI *open_volume)(struct efi_file_system *self,
					struct efi_file **root);
};

enum efi_pixel_format {
	EFI_PIXEL_RGB,
	EFI_PIXEL_BGR,
	EFI_PIXEL_BIT_MASK,
	EFI_PIXEL_BLT_ONLY, /* there is no framebuffer to write to */
};

struct efi_graphics_info {
	u32 version;
	u32 width, height;
	u32 format;
	u32 masks[4];
	u32 pixels_per_line;
};

struct efi_graphics_mode {
	u32 max_mode, mode;
	struct efi_graphics_info *info;
	u64 info_size;
	u64 framebuffer;
	u64 framebuffer_size;
};

/* EFI_GRAPHICS_OUTPUT_PROTOCOL (12.9) */
struct efi_graphics_output {
	void *unused[3];
	struct efi_graphics_mode *mode;
};

/* EFI_MEMORY_ATTRIBUTE_PROTOCOL (37.4); from UEFI 2.10 on */
struct efi_memory_attribute {
	void *get;
	efi_status(EFIAPI *set)(struct efi_memory_attribute *self, u64 base,
				u64 size, u64 attributes);
	efi_status(EFIAPI *clear)(struct efi_memory_attribute *self, u64 base,
				  u64 size, u64 attributes);
};

/* EFI_MP_SERVICES_PROTOCOL (PI Specification 1.8, volume 2, 13.4) */
#define EFI_MP_SERVICES_GUID                                               \
	EFI_GUID(0x3fdda605, 0xa76e, 0x4f46, 0xad, 0x29, 0x12, 0xf4, 0x53, \
		 0x1b, 0x3d, 0x08)

typedef void(EFIAPI *efi_ap_procedure)(void *argument);

struct efi_processor {
	u64 apic_id;
	u32 status;
	u32 location[3];
	u64 unused[8]; /* newer firmware writes more */
};

struct efi_mp_services {
	efi_status(EFIAPI *count)(struct efi_mp_services *self, u64 *all,
				  u64 *enabled);
	efi_status(EFIAPI *processor)(struct efi_mp_services *self, u64 number,
				      struct efi_processor *processor);
	efi_status(EFIAPI *start_all)(struct efi_mp_services *self,
				      efi_ap_procedure procedure,
				      bool one_by_one, void *event,
				      u64 microseconds, void *argument,
				      u64 **failed);
	void *unused[3];
	efi_status(EFIAPI *who_am_i)(struct efi_mp_services *self, u64 *number);
};

/* EFI_PCI_IO_PROTOCOL (14.4): one for each PCI function */
#define EFI_PCI_IO_GUID                                                    \
	EFI_GUID(0x4cf5b200, 0x68b8, 0x4ca5, 0x9e, 0xec, 0xb2, 0x3e, 0x3f, \
		 0x50, 0x02, 0x9a)

#define EFI_PCI_IO_32 2 /* width: registers of 32 bits */

struct efi_pci_io {
	void *unused1[2];
	efi_status(EFIAPI *read_memory)(struct efi_pci_io *self, u32 width,
					u8 bar, u64 offset, u64 count,
					void *buffer);
	void *unused2[3];
	efi_status(EFIAPI *read_config)(struct efi_pci_io *self, u32 width,
					u32 offset, u64 count, void *buffer);
	efi_status(EFIAPI *write_config)(struct efi_pci_io *self, u32 width,
					 u32 offset, u64 count, void *buffer);
	void *unused3[6];
	efi_status(EFIAPI *location)(struct efi_pci_io *self, u64 *segment,
				     u64 *bus, u64 *device, u64 *function);
};

_Static_assert(offsetof(struct efi_pci_io, location) == 14 * 8, "UEFI 14.4");

#define EFI_MEMORY_XP BIT(14) /* not executable */
#define EFI_MEMORY_RO BIT(17)

#endif
