/*
 * The settings: the command line is what a shell, a boot option or GRUB gives
 * us as load options; the file vellum.conf is in our own directory.
 */
#include "efi/loader/load_options.h"
#include "efi/loader/loader.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "settings/conf.h"

#define CONF "vellum.conf"

static const struct efi_guid shell_parameters = EFI_SHELL_PARAMETERS_GUID;

/* A shell has divided its command line into words already. */
static int shell_words(const struct efi_shell_parameters *shell, char *words,
		       size_t size)
{
	size_t used = 0;
	bool skip = false;
	int error;

	for (u64 i = 1; i < shell->argc; i++) {
		if (used + 1 >= size)
			return -E2BIG;
		if (used)
			words[used++] = ' ';
		error = options_parse(shell->argv[i], length16(shell->argv[i]),
				      &skip, words + used, size - used);
		if (error)
			return error;
		used += strlen(words + used);
	}
	return 0;
}

/* What our shell says, or NULL. */
static const struct efi_shell_parameters *find_shell(void)
{
	struct efi_shell_parameters *shell;

	if (efi_boot->handle_protocol(efi_image, &shell_parameters, &shell))
		return NULL;
	return shell;
}

bool started_by_shell(void)
{
	return find_shell() != NULL;
}

static int load_options(char *words, size_t size)
{
	const struct efi_shell_parameters *shell = find_shell();
	bool skip = true;
	int error;

	words[0] = '\0';
	if (shell)
		return shell_words(shell, words, size);
	error = options_parse(efi_self->options, efi_self->options_size / 2,
			      &skip, words, size);
	if (skip)
		loader_print("vellum.efi: the file name in front of the load "
			     "options is skipped\n");
	return error;
}

efi_status conf_read(char *text)
{
	u16 path[PATH_MAX];
	u64 length = CONF_MAX + 1;
	efi_status status = EFI_NOT_FOUND;
	uint line;

	text[0] = '\0';
	if (path_beside_us(u"" CONF, path, ARRAY_SIZE(path)))
		status = read_file(path, text, &length);
	if (status == EFI_NOT_FOUND)
		return EFI_SUCCESS;
	if (status) {
		loader_print("vellum.efi: " CONF " can't be read (status "
			     "0x%lx)\n",
			     status);
		return status;
	}
	if (length > CONF_MAX) {
		loader_print("vellum.efi: " CONF " is too long: at most %u "
			     "bytes\n",
			     CONF_MAX);
		return EFI_INVALID;
	}
	if (conf_clean(text, length, &line)) {
		loader_print("vellum.efi: " CONF " line %u is no plain text: "
			     "is the file corrupt?\n",
			     line);
		return EFI_INVALID;
	}
	return EFI_SUCCESS;
}

efi_status options_read(char *words, size_t size)
{
	switch (load_options(words, size)) {
	case 0:
		break;
	case -E2BIG:
		loader_print("vellum.efi: load options are too long: at most "
			     "%lu characters\n",
			     size - 1);
		return EFI_INVALID;
	default:
		/* Firmware may put its own notes there, in binary. */
		loader_print("vellum.efi: load options are no plain text "
			     "(UTF-16; efibootmgr wants -u): ignored\n");
		words[0] = '\0';
	}
	return EFI_SUCCESS;
}
