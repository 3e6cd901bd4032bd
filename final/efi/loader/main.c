/*
 * vellum.efi: from the firmware to the hypervisor, and back.
 *
 * The firmware loads this program, checks its signature where Secure Boot asks
 * for one, and calls efi_main(). The hypervisor is inside, so the signature
 * covers it as well. What happens, in order:
 *
 *	options, the next program, a network card taken from the firmware, a
 *	range of memory, the image copied there, early page tables, what the
 *	firmware knows of the machine; the switch
 *
 * Until the switch any trouble is a message and an error status: all memory
 * goes back, and the firmware goes on as if nothing had been. Book: chapter 7.
 */
#include "efi/loader/loader.h"
#include "lib/cpu.h"
#include "lib/string.h"
#include "lib/words.h"
#include "settings/conf.h"

efi_handle efi_image;
struct efi_system_table *efi_system;
struct efi_boot_services *efi_boot;
struct efi_loaded_image *efi_self;

static const struct efi_guid loaded_image = EFI_LOADED_IMAGE_GUID;

/*
 * Cut @words at the word "--": what follows is not for Vellum, but for the
 * program that next= names, where it stands in front.
 */
static const char *split_options(char *words)
{
	char *p = words;

	for (; *p; p++)
		if ((p == words || p[-1] <= ' ') && p[0] == '-' &&
		    p[1] == '-' && p[2] <= ' ') {
			const char *options = p[2] ? p + 3 : p + 2;

			p[p > words ? -1 : 0] = '\0'; /* the space, too */
			return options;
		}
	return p;
}

efi_status EFIAPI efi_main(efi_handle image, struct efi_system_table *system);

/* Called by the firmware: the entry point that the PE header names. */
efi_status EFIAPI efi_main(efi_handle image, struct efi_system_table *system)
{
	static char conf[CONF_MAX + 1];
	char words[sizeof(((struct efi_handoff *)0)->cmdline)];
	char *texts[] = {words, conf, defconfig_text, NULL};
	const char *options[ARRAY_SIZE(texts)];
	const char *next = NULL;
	efi_status status;
	uint i, line;
	u64 result;

	efi_image = image;
	efi_system = system;
	efi_boot = system->boot_services;
	if (cpu_has_vellum()) {
		loader_print("vellum.efi: Vellum is running already, and this "
			     "firmware is its guest: start your system\n");
		return EFI_ALREADY_STARTED;
	}
	status = efi_boot->handle_protocol(image, &loaded_image, &efi_self);
	if (status)
		return status;
	status = options_read(words, sizeof(words));
	if (!status)
		status = conf_read(conf);
	if (status)
		return status;
	if (!words[0] && !conf[0])
		loader_print("vellum.efi: no load options and no vellum.conf "
			     "beside me: no options\n");
	conf_clean(defconfig_text, defconfig_size, &line);
	for (i = 0; texts[i]; i++)
		options[i] = split_options(texts[i]);
	for (i = 0; texts[i] && !next; i++)
		next = find_word(texts[i], "next");
	status = next_load(next);
	if (status)
		return status;
	if (CONFIG_NET)
		network_release((const char *const *)texts);
	status = launch(words, conf, &result);
	if (!status && result == HANDOFF_REFUSED)
		status = EFI_UNSUPPORTED;
	if (status || result == HANDOFF_DONE) {
		if (CONFIG_NET)
			network_give_back();
		next_unload();
		return status;
	}
	return next_start(next ? options[i - 1] : "");
}
