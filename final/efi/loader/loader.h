/*
 * What the files of the loader share. The loader is a program of its own,
 * vellum.efi; nothing of it is part of vellum.elf.
 */
#ifndef EFI_LOADER_LOADER_H
#define EFI_LOADER_LOADER_H

#include "efi/handoff.h"
#include "efi/loader/protocols.h"
#include "efi/loader/uefi.h"

/* From our caller, for everybody; set first of all. */
extern efi_handle efi_image;
extern struct efi_system_table *efi_system;
extern struct efi_boot_services *efi_boot;
extern struct efi_loaded_image *efi_self;

/* Print on the firmware's console, as printf does. (print.c) */
void loader_print(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/*
 * Fill @words of @size bytes with the load options, and @text of CONF_MAX + 1
 * bytes with the words of vellum.conf, which lies beside us; nothing if there
 * is none. What can't be read or makes no sense is named in a message; then the
 * status is an error. (options.c)
 */
efi_status options_read(char *words, size_t size);
efi_status conf_read(char *text);

/* The settings that are built in, as bytes. (settings/defconfig.S) */
extern char defconfig_text[];
extern const u32 defconfig_size;

/* Longest path of a file, in characters. */
#define PATH_MAX 256

/* Characters of a UTF-16 string before its NUL. (file.c) */
size_t length16(const u16 *text);

/*
 * Write to @path of @size characters where the file @name lies in our own
 * directory, which our device path tells. False when that is too long. (file.c)
 */
bool path_beside_us(const u16 *name, u16 *path, size_t size);

/*
 * Read at most *@size bytes of the file @path on our own volume; *@size becomes
 * what was read. EFI_NOT_FOUND: there is no such file, or no volume. (file.c)
 */
efi_status read_file(const u16 *path, void *buffer, u64 *size);

/*
 * Allocate our range: VMMSIZE_ALL bytes below 4 GiB, aligned to 4 MiB, of a
 * type that no operating system touches. Says what is missing when there is
 * too little memory. (memory.c)
 */
efi_status range_allocate(u64 *base, u64 *size);
void range_free(u64 base, u64 size);

/*
 * @size bytes in whole pages below 1 GiB, zeroed, of @type. NULL: there is no
 * such memory. low_free() takes NULL, too. (memory.c)
 */
void *low_allocate(u64 size, enum efi_memory_type type);
void low_free(void *block, u64 size);

/* A page below 1 MiB of a type that no operating system touches; 0: there is
 * none. (memory.c) */
u64 real_mode_page(void);
void real_mode_page_free(u64 page);

/* The hypervisor's image, as image.S holds it. */
extern const u8 image_bytes[], image_bytes_end[];
extern const u32 image_crc;   /* of these bytes */
extern const u64 image_size;  /* in memory, .bss included */
extern const u64 image_entry; /* virtual */
/* The same for the machine's further CPUs; 0: it wants only one. */
extern const u64 image_cpu_entry;

/* The code that changes maps, to be copied below 1 GiB. (switch.S) */
extern const u8 switch_start[], switch_end[];
typedef u64 switch_fn(struct efi_handoff *handoff);

/* Fill in what the firmware knows: the memory map into @map of @map_size
 * bytes, ACPI, the screen. (machine.c) */
efi_status machine_describe(struct efi_handoff *handoff, void *map,
			    u64 map_size);

/* Bytes that the memory map takes now, and some to spare. (machine.c) */
u64 machine_map_size(void);

/* Note the CPU's state, but for what changes until the switch. (cpu.c) */
void cpu_save(struct efi_cpu *cpu);

/* Does this CPU run under Vellum? (cpu.c) */
bool cpu_has_vellum(void);

/*
 * Note the APIC IDs of all processors that the firmware knows, enabled or not,
 * in @handoff. Without the protocol for it there are none. (processors.c)
 */
efi_status processors_list(struct efi_handoff *handoff);
void processors_forget(const struct efi_handoff *handoff);

/*
 * Have the firmware run @code, a copy of the switch, on each of its other CPUs
 * in turn, with @handoff: each comes back as a guest, as this one has. Those
 * that do not, because they are disabled for example, are taken from the
 * firmware by an INIT. (processors.c)
 */
void processors_enter(struct efi_handoff *handoff, switch_fn *code);

/*
 * Have the firmware let go of the network card that net= chooses, if it does,
 * in the first of the @texts, up to NULL, that has it: stop its driver, which
 * would go on with a card that Vellum has, and all that runs on top of that.
 * Trouble is a message. (network.c)
 */
void network_release(const char *const *texts);
void network_give_back(void); /* if Vellum was not started after all */

/*
 * Start the hypervisor with the command line @words and the words @conf of
 * vellum.conf. *@result says what came of it, HANDOFF_... An error status: it
 * was not started, and a message said why. (launch.c)
 */
efi_status launch(const char *words, const char *conf, u64 *result);

/*
 * The program that a setting names, of which @next is what follows the name: a
 * path on our own volume. NULL: there is none. It is loaded first, so that what
 * is wrong is told before anything has happened; an error status then, and a
 * message. (next.c)
 */
efi_status next_load(const char *next);
void next_unload(void);

/*
 * Start it, with @options as its load options, and return its status. Without
 * a next=: what our caller must hear to go on. (next.c)
 */
efi_status next_start(const char *options);

/* Were we started by a shell? (options.c) */
bool started_by_shell(void);

#endif
