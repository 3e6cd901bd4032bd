/*
 * Turning a format and its arguments into characters.
 *
 * One small engine hands each character to a function; printf sends it to
 * the consoles, snprintf into a buffer. Integers only: the FPU belongs to the
 * guest. Runs on the host too, where its output is compared with the C
 * library's. Book: chapter 1.
 */
#include "console/printf_engine.h"

#include "console/printf.h"
#include "lib/string.h"

/* One conversion: what stood between the % and its letter. */
struct spec {
	bool left; /* - */
	bool zero; /* 0 */
	uint width;
	uint longs; /* l, ll, z: 64 bits all of them */
};

static uint pad(struct sink *out, char c, uint n)
{
	for (uint i = 0; i < n; i++)
		out->putc(out, c);
	return n;
}

/* Print @prefix and @digits in the field that @spec asks for. */
static uint emit(struct sink *out, const struct spec *spec, const char *prefix,
		 const char *text, uint length)
{
	uint prefix_length = strlen(prefix);
	uint total = prefix_length + length;
	uint fill = spec->width > total ? spec->width - total : 0;
	uint count = 0;

	if (!spec->left && !spec->zero)
		count += pad(out, ' ', fill);
	for (uint i = 0; i < prefix_length; i++)
		out->putc(out, prefix[i]);
	if (!spec->left && spec->zero)
		count += pad(out, '0', fill);
	for (uint i = 0; i < length; i++)
		out->putc(out, text[i]);
	if (spec->left)
		count += pad(out, ' ', fill);
	return count + total;
}

static uint emit_number(struct sink *out, const struct spec *spec,
			const char *prefix, u64 value, uint base, bool upper)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char buffer[20]; /* 2^64 has 20 decimal digits */
	uint at = sizeof(buffer);

	do {
		buffer[--at] = digits[value % base];
		value /= base;
	} while (value);
	return emit(out, spec, prefix, buffer + at, sizeof(buffer) - at);
}

static const char *parse_spec(const char *f, struct spec *spec)
{
	*spec = (struct spec){0};
	for (;; f++) {
		if (*f == '-')
			spec->left = true;
		else if (*f == '0')
			spec->zero = true;
		else
			break;
	}
	for (; *f >= '0' && *f <= '9'; f++)
		spec->width = spec->width * 10 + (*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		spec->longs++;
	return f;
}

static u64 next_unsigned(const struct spec *spec, va_list *args)
{
	return spec->longs ? va_arg(*args, u64) : va_arg(*args, u32);
}

static uint convert_signed(struct sink *out, const struct spec *spec,
			   va_list *args)
{
	s64 v = spec->longs ? va_arg(*args, s64) : va_arg(*args, int);
	u64 magnitude = v < 0 ? -(u64)v : (u64)v;

	return emit_number(out, spec, v < 0 ? "-" : "", magnitude, 10, false);
}

static uint convert_text(struct sink *out, struct spec spec, const char *text,
			 uint length)
{
	spec.zero = false;
	return emit(out, &spec, "", text, length);
}

static uint convert(struct sink *out, char letter, const struct spec *spec,
		    va_list *args)
{
	const char *s;
	char c;

	switch (letter) {
	case 'd':
	case 'i':
		return convert_signed(out, spec, args);
	case 'u':
		return emit_number(out, spec, "", next_unsigned(spec, args), 10,
				   false);
	case 'x':
	case 'X':
		return emit_number(out, spec, "", next_unsigned(spec, args), 16,
				   letter == 'X');
	case 'p':
		return emit_number(out, spec, "0x", (u64)va_arg(*args, void *),
				   16, false);
	case 'c':
		c = va_arg(*args, int);
		return convert_text(out, *spec, &c, 1);
	case 's':
		s = va_arg(*args, const char *);
		s = s ? s : "(null)";
		return convert_text(out, *spec, s, strlen(s));
	default: /* %% and mistakes: print the letter itself */
		out->putc(out, letter);
		return 1;
	}
}

int format_to(struct sink *out, const char *format, va_list args)
{
	uint count = 0;
	struct spec spec;
	va_list ap;

	va_copy(ap, args);
	for (; *format; format++) {
		if (*format != '%') {
			out->putc(out, *format);
			count++;
			continue;
		}
		format = parse_spec(format + 1, &spec);
		if (!*format)
			break;
		count += convert(out, *format, &spec, &ap);
	}
	va_end(ap);
	return count;
}

struct buffer_sink {
	struct sink sink;
	char *buffer;
	size_t size, used;
};

static void buffer_putc(struct sink *sink, char c)
{
	struct buffer_sink *b = container_of(sink, struct buffer_sink, sink);

	if (b->used + 1 < b->size)
		b->buffer[b->used++] = c;
}

int vsnprintf(char *buffer, size_t size, const char *format, va_list args)
{
	struct buffer_sink b = {{buffer_putc}, buffer, size, 0};
	int count = format_to(&b.sink, format, args);

	if (size)
		buffer[b.used] = '\0';
	return count;
}

int snprintf(char *buffer, size_t size, const char *format, ...)
{
	va_list args;
	int count;

	va_start(args, format);
	count = vsnprintf(buffer, size, format, args);
	va_end(args);
	return count;
}
