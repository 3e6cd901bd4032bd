/*
 * What comes after Vellum: the program that `next=' names, or our caller.
 *
 * A path that begins with a slash, either way round, is one on our own volume;
 * any other lies beside us. We run as a guest now, but the firmware's services
 * are the same as before. UEFI 2.10, 3.1.1: a boot option that returns success
 * ends the boot order, any other status lets the next option have its turn.
 */
#include "efi/loader/conf.h"
#include "efi/loader/loader.h"
#include "lib/string.h"

#define DEVICE_PATH_MAX 1024

static const struct efi_guid device_path_protocol = EFI_DEVICE_PATH_GUID;
static const struct efi_guid loaded_image = EFI_LOADED_IMAGE_GUID;

static const struct efi_device_path end = {
	.type = EFI_PATH_END,
	.subtype = EFI_PATH_END_ENTIRE,
	.length = sizeof(end),
};

/* Append @size bytes at @from; false when @path is full. */
static bool append(u8 *path, size_t *used, const void *from, size_t size)
{
	if (size > DEVICE_PATH_MAX - *used)
		return false;
	memcpy(path + *used, from, size);
	*used += size;
	return true;
}

/* Make the device path of the file @name: our device's, and a node for it. */
static bool make_device_path(const u16 *name, u8 *path)
{
	struct efi_device_path *node,
		file = {
			.type = EFI_PATH_MEDIA,
			.subtype = EFI_PATH_MEDIA_FILE,
			.length = sizeof(file) + 2 * (length16(name) + 1),
		};
	size_t used = 0;

	if (efi_boot->handle_protocol(efi_self->device, &device_path_protocol,
				      &node))
		return false;
	for (; node->type != EFI_PATH_END;
	     node = (void *)((u8 *)node + node->length))
		if (node->length < sizeof(*node) ||
		    !append(path, &used, node, node->length))
			return false;
	return append(path, &used, &file, sizeof(file)) &&
	       append(path, &used, name, 2 * (length16(name) + 1)) &&
	       append(path, &used, &end, sizeof(end));
}

/* The words of @text, up to a space if @one_word, as UTF-16. */
static void widen(const char *text, bool one_word, u16 *wide, size_t size)
{
	size_t n = 0;

	for (; text[n] && n + 1 < size && !(one_word && text[n] == ' '); n++)
		wide[n] = text[n];
	wide[n] = 0;
}

static bool make_path(const char *next, u16 *path)
{
	u16 name[PATH_MAX];

	widen(next, true, name, PATH_MAX);
	for (size_t i = 0; name[i]; i++)
		if (name[i] == '/')
			name[i] = '\\';
	if (name[0] != '\\')
		return path_beside_us(name, path, PATH_MAX);
	memcpy(path, name, sizeof(name));
	return name[1];
}

static efi_status start(const u8 *device_path, const char *options)
{
	static u16 wide[sizeof(((struct efi_handoff *)0)->cmdline)];
	struct efi_loaded_image *image;
	efi_handle handle = NULL;
	efi_status status;

	status = efi_boot->load_image(false, efi_image, device_path, NULL, 0,
				      &handle);
	if (status) {
		loader_print("vellum.efi: next= can't be loaded (status "
			     "0x%lx)\n",
			     status);
		if (handle) /* loaded, but Secure Boot does not trust it */
			efi_boot->unload_image(handle);
		return status;
	}
	widen(options, false, wide, ARRAY_SIZE(wide));
	if (wide[0] &&
	    !efi_boot->handle_protocol(handle, &loaded_image, &image)) {
		image->options = wide;
		image->options_size = 2 * (length16(wide) + 1);
	}
	return efi_boot->start_image(handle, NULL, NULL);
}

/* A boot loader starts us from a file of its own; the firmware's boot manager,
 * which goes through the boot order, is no file on a volume. */
static bool started_by_file(void)
{
	struct efi_loaded_image *parent;

	return efi_self->parent &&
	       !efi_boot->handle_protocol(efi_self->parent, &loaded_image,
					  &parent) &&
	       parent->file_path && parent->file_path->type == EFI_PATH_MEDIA &&
	       parent->file_path->subtype == EFI_PATH_MEDIA_FILE;
}

efi_status start_next(const char *words, const char *options)
{
	static u8 device_path[DEVICE_PATH_MAX] __aligned(8);
	const char *next = find_word(words, "next");
	u16 path[PATH_MAX];

	if (!next)
		return started_by_shell() || started_by_file() ? EFI_SUCCESS
							       : EFI_ABORTED;
	if (*next != '=' || !make_path(next + 1, path) ||
	    !make_device_path(path, device_path)) {
		loader_print("vellum.efi: next= must name a file on the volume "
			     "that I am on\n");
		return EFI_INVALID;
	}
	return start(device_path, options);
}
