/*
 * Text on the firmware's console, which takes UTF-16 and wants CR before LF.
 * The formatting is console/printf.c's, compiled once more for the loader.
 */
#include "console/printf.h"
#include "efi/loader/loader.h"

static void put(const u16 *text)
{
	if (efi_system->console_out)
		efi_system->console_out->output_string(efi_system->console_out,
						       text);
}

void loader_print(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	for (const char *p = text; *p; p++) {
		u16 c[2] = {(u8)*p, 0};

		put(*p == '\n' ? u"\r\n" : c);
	}
}
