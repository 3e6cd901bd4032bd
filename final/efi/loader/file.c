/*
 * Files on the volume that we were started from: their paths, and reading them.
 */
#include "efi/loader/loader.h"
#include "lib/string.h"

static const struct efi_guid file_system = EFI_FILE_SYSTEM_GUID;

size_t length16(const u16 *text)
{
	size_t n = 0;

	while (text[n])
		n++;
	return n;
}

bool path_beside_us(const u16 *name, u16 *path, size_t size)
{
	const struct efi_device_path *node = efi_self->file_path;
	size_t used = 0, keep = 0;

	for (; node && node->type == EFI_PATH_MEDIA &&
	       node->subtype == EFI_PATH_MEDIA_FILE &&
	       node->length >= sizeof(*node);
	     node = (const void *)((const u8 *)node + node->length)) {
		const u16 *text = (const void *)(node + 1);
		size_t n = (node->length - sizeof(*node)) / 2;

		if (used && path[used - 1] != '\\' && used < size)
			path[used++] = '\\';
		for (size_t i = 0; i < n && text[i] && used < size; i++)
			path[used++] = text[i];
	}
	for (size_t i = 0; i < used; i++)
		if (path[i] == '\\')
			keep = i + 1;
	if (keep + length16(name) >= size)
		return false;
	memcpy(path + keep, name, (length16(name) + 1) * sizeof(*name));
	return true;
}

efi_status read_file(const u16 *path, void *buffer, u64 *size)
{
	struct efi_file_system *fs;
	struct efi_file *root, *file;
	efi_status status;

	status = efi_boot->handle_protocol(efi_self->device, &file_system, &fs);
	if (status)
		return EFI_NOT_FOUND; /* started from memory, or a network */
	status = fs->open_volume(fs, &root);
	if (status)
		return status;
	status = root->open(root, &file, path, EFI_FILE_MODE_READ, 0);
	if (!status) {
		status = file->read(file, size, buffer);
		file->close(file);
	}
	root->close(root);
	return status;
}
