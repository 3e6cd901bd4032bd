/*
 * Reading network addresses and sizes.
 *
 * All are numbers with something in between, so one function takes a number
 * off the front of a text, and the rest says what must follow it.
 */
#include "settings/types.h"

#include "console/printf.h"
#include "lib/string.h"

/* What is left to be read of a value. */
struct rest {
	const char *text;
	size_t length;
};

/* Take a number up to @max of at most @digits digits off the front. */
static bool take_number(struct rest *rest, uint base, uint digits, u32 max,
			u32 *number)
{
	u64 value = 0;
	uint n = 0;

	for (; n < rest->length && n < digits; n++) {
		char c = rest->text[n] | 0x20;
		uint digit = c >= '0' && c <= '9'   ? c - '0'
			     : c >= 'a' && c <= 'f' ? c - 'a' + 10
						    : 16;

		if (digit >= base)
			break;
		value = value * base + digit;
	}
	rest->text += n;
	rest->length -= n;
	*number = value;
	/* In base 10, what begins with a 0 is octal to many a program. */
	return n && value <= max &&
	       !(base == 10 && n > 1 && rest->text[-(int)n] == '0');
}

static bool take_char(struct rest *rest, char c)
{
	if (!rest->length || *rest->text != c)
		return false;
	rest->text++;
	rest->length--;
	return true;
}

bool read_ipv4(const char *text, size_t length, u32 *address, u16 *port)
{
	struct rest rest = {text, length};
	u32 sum = 0, number;

	for (uint i = 0; i < 4; i++) {
		if ((i && !take_char(&rest, '.')) ||
		    !take_number(&rest, 10, 3, 255, &number))
			return false;
		sum = sum << 8 | number;
	}
	if (port && take_char(&rest, ':')) {
		if (!take_number(&rest, 10, 5, UINT16_MAX, &number) || !number)
			return false;
		*port = number;
	}
	*address = sum;
	return !rest.length;
}

bool read_mac(const char *text, size_t length, u8 mac[6])
{
	struct rest rest = {text, length};
	u32 number, any = 0;

	for (uint i = 0; i < 6; i++) {
		if ((i && !take_char(&rest, ':')) ||
		    !take_number(&rest, 16, 2, UINT8_MAX, &number))
			return false;
		mac[i] = number;
		any |= number;
	}
	return !rest.length && any && !(mac[0] & 1);
}

bool read_size(const char *text, size_t length, u64 *size)
{
	static const char units[] = "KMG";
	struct rest rest = {text, length};
	u32 number;

	if (!take_number(&rest, 10, 10, UINT32_MAX, &number))
		return false;
	*size = number;
	for (uint i = 0; units[i] && rest.length == 1; i++)
		if (take_char(&rest, units[i]) ||
		    take_char(&rest, units[i] | 0x20))
			*size <<= 10 * (i + 1);
	return !rest.length;
}

static bool ipv4_takes(const struct setting *s, const char *text, size_t length)
{
	u32 address;

	return read_ipv4(text, length, &address, NULL);
}

static void ipv4_form(const struct setting *s)
{
	printf("=A.B.C.D");
}

const struct setting_type ipv4_type = {ipv4_takes, ipv4_form};

static bool ipv4_port_takes(const struct setting *s, const char *text,
			    size_t length)
{
	u32 address;
	u16 port;

	return read_ipv4(text, length, &address, &port);
}

static void ipv4_port_form(const struct setting *s)
{
	printf("=A.B.C.D[:1..65535]");
}

const struct setting_type ipv4_port_type = {ipv4_port_takes, ipv4_port_form};

static bool mac_takes(const struct setting *s, const char *text, size_t length)
{
	u8 mac[6];

	return read_mac(text, length, mac);
}

static void mac_form(const struct setting *s)
{
	printf("=52:54:00:12:34:56");
}

const struct setting_type mac_type = {mac_takes, mac_form};

static bool size_takes(const struct setting *s, const char *text, size_t length)
{
	u64 size;

	return read_size(text, length, &size) && size <= s->max;
}

static void size_form(const struct setting *s)
{
	printf("=0..%u[K|M|G]", s->max);
}

const struct setting_type size_type = {size_takes, size_form};

bool setting_ipv4(const struct setting *s, u32 *address, u16 *port)
{
	size_t length;
	const char *text = setting_text(s, &length);

	return text && read_ipv4(text, length, address, port);
}

bool setting_mac(const struct setting *s, u8 mac[6])
{
	size_t length;
	const char *text = setting_text(s, &length);

	return text && read_mac(text, length, mac);
}

u64 setting_size(const struct setting *s, u64 otherwise)
{
	size_t length;
	const char *text = setting_text(s, &length);
	u64 size = otherwise;

	if (text)
		read_size(text, length, &size);
	return size;
}
