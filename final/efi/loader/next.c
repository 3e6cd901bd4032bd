/*
 * What comes after Vellum: the program that `next=' names, or our caller.
 *
 * A path that begins with a slash, either way round, is one on our own volume;
 * any other lies beside us. We run as a guest now, but the firmware's services
 * are the same as before. UEFI 2.10, 3.1.1: a boot option that returns success
 * ends the boot order, any other status lets the next option have its turn.
 */
#include "efi/loader/loader.h"
#include "lib/string.h"
#include "lib/words.h"
#include "settings/conf.h"

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

/* The @length characters at @text, as far as they fit, as UTF-16; what divides
 * words, a line's end for example, becomes a space. */
static void widen(const char *text, size_t length, u16 *wide, size_t size)
{
	length = MIN(length, size - 1);
	for (size_t i = 0; i < length; i++)
		wide[i] = MAX(text[i], ' ');
	wide[length] = 0;
}

static bool make_path(const char *next, u16 *path)
{
	u16 name[PATH_MAX];
	size_t length;

	next_word(next, &length);
	widen(next, length, name, PATH_MAX);
	for (size_t i = 0; name[i]; i++)
		if (name[i] == '/')
			name[i] = '\\';
	if (name[0] != '\\')
		return path_beside_us(name, path, PATH_MAX);
	memcpy(path, name, sizeof(name));
	return name[1];
}

/* Loaded, and not started yet; NULL: there is no next=. */
static efi_handle next_handle;

static const char *load_error(efi_status status)
{
	switch (status) {
	case EFI_NOT_FOUND:
		return "is not there, on the volume that I am on";
	case EFI_SECURITY_VIOLATION:
	case EFI_ACCESS_DENIED:
		return "is not signed by a key that Secure Boot trusts here";
	case EFI_LOAD_ERROR:
	case EFI_UNSUPPORTED:
		return "is no program for UEFI on x86-64";
	default:
		return NULL;
	}
}

static void explain(const char *next, efi_status status)
{
	const char *why = load_error(status);
	size_t length;
	char name[128];

	next_word(next, &length);
	copy_string(name, next, MIN(length + 1, sizeof(name)));
	loader_print("vellum.efi: next=%s ", name);
	if (why)
		loader_print("%s", why);
	else
		loader_print("can't be loaded (status 0x%lx)", status);
	loader_print("; nothing was launched\n");
}

efi_status next_load(const char *next)
{
	static u8 device_path[DEVICE_PATH_MAX] __aligned(8);
	u16 path[PATH_MAX];
	efi_status status;

	if (!next)
		return EFI_SUCCESS;
	if (*next != '=' || !make_path(next + 1, path) ||
	    !make_device_path(path, device_path)) {
		loader_print("vellum.efi: next= must name a file on the volume "
			     "that I am on; nothing was launched\n");
		return EFI_INVALID;
	}
	status = efi_boot->load_image(false, efi_image, device_path, NULL, 0,
				      &next_handle);
	if (status) {
		explain(next + 1, status);
		next_unload(); /* it may be loaded, but not trusted */
	}
	return status;
}

void next_unload(void)
{
	if (next_handle)
		efi_boot->unload_image(next_handle);
	next_handle = NULL;
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

efi_status next_start(const char *options)
{
	static u16 wide[CONF_MAX + 1];
	struct efi_loaded_image *image;

	if (!next_handle)
		return started_by_shell() || started_by_file() ? EFI_SUCCESS
							       : EFI_ABORTED;
	widen(options, strlen(options), wide, ARRAY_SIZE(wide));
	if (wide[0] &&
	    !efi_boot->handle_protocol(next_handle, &loaded_image, &image)) {
		image->options = wide;
		image->options_size = 2 * (length16(wide) + 1);
	}
	return efi_boot->start_image(next_handle, NULL, NULL);
}
