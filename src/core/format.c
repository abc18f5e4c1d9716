/*
 * snprintf for code that has no libc.
 */
#include "core/format.h"

#include <stdbool.h>
#include <stdint.h>

struct output {
	char *to;
	size_t size;
	size_t length;
};

struct spec {
	bool left, zero, plus, space, prefix;
	int width;
	int precision; /* -1: none */
	int longs;     /* -2 hh, -1 h, 0 int, 1 long */
};

static void put_char(struct output *out, char c)
{
	if (out->length + 1 < out->size)
		out->to[out->length] = c;
	out->length++;
}

static void put_padding(struct output *out, char c, long count)
{
	while (count-- > 0)
		put_char(out, c);
}

static void put_string(struct output *out, const struct spec *spec, const char *s)
{
	long length = 0;

	if (!s)
		s = "(null)";
	while ((spec->precision < 0 || length < spec->precision) && s[length])
		length++;
	if (!spec->left)
		put_padding(out, ' ', spec->width - length);
	for (long i = 0; i < length; i++)
		put_char(out, s[i]);
	if (spec->left)
		put_padding(out, ' ', spec->width - length);
}

/* sign: '-', '+', ' ', or 0 for none; prefix: "0x" and the like. */
static void put_number(struct output *out, const struct spec *spec, uint64_t value, unsigned base, bool upper,
		       char sign, const char *prefix)
{
	char digits[24];
	long count = 0, zeros, length;

	do {
		unsigned digit = (unsigned)(value % base);

		digits[count++] = (char)(digit < 10 ? '0' + digit : (upper ? 'A' : 'a') + digit - 10);
		value /= base;
	} while (value);
	if (spec->precision == 0 && count == 1 && digits[0] == '0')
		count = 0;
	zeros = spec->precision > count ? spec->precision - count : 0;
	length = count + zeros + (sign != 0);
	for (const char *p = prefix; *p; p++)
		length++;
	if (spec->zero && !spec->left && spec->precision < 0 && spec->width > length) {
		zeros += spec->width - length;
		length = spec->width;
	}
	if (!spec->left)
		put_padding(out, ' ', spec->width - length);
	if (sign)
		put_char(out, sign);
	while (*prefix)
		put_char(out, *prefix++);
	put_padding(out, '0', zeros);
	while (count)
		put_char(out, digits[--count]);
	if (spec->left)
		put_padding(out, ' ', spec->width - length);
}

static const char *parse_number(const char *format, int *number, va_list *args)
{
	int n = 0;

	if (*format == '*') {
		*number = va_arg(*args, int);
		return format + 1;
	}
	for (; *format >= '0' && *format <= '9'; format++)
		if (n < 1 << 24)
			n = n * 10 + (*format - '0');
	*number = n;
	return format;
}

static const char *parse_spec(const char *format, struct spec *spec, va_list *args)
{
	for (;; format++) {
		if (*format == '-')
			spec->left = true;
		else if (*format == '0')
			spec->zero = true;
		else if (*format == '+')
			spec->plus = true;
		else if (*format == ' ')
			spec->space = true;
		else if (*format == '#')
			spec->prefix = true;
		else
			break;
	}
	format = parse_number(format, &spec->width, args);
	if (spec->width < 0) {
		spec->left = true;
		spec->width = -spec->width;
	}
	spec->precision = -1;
	if (*format == '.')
		format = parse_number(format + 1, &spec->precision, args);
	for (;; format++) {
		if (*format == 'h')
			spec->longs--;
		else if (*format == 'l' || *format == 'z' || *format == 't' || *format == 'j')
			spec->longs = 1;
		else
			return format;
	}
}

static int64_t signed_argument(const struct spec *spec, va_list *args)
{
	long value = spec->longs > 0 ? va_arg(*args, long) : va_arg(*args, int);

	if (spec->longs == -1)
		return (short)value;
	return spec->longs < -1 ? (signed char)value : value;
}

static uint64_t unsigned_argument(const struct spec *spec, va_list *args)
{
	unsigned long value = spec->longs > 0 ? va_arg(*args, unsigned long) : va_arg(*args, unsigned);

	if (spec->longs == -1)
		return (unsigned short)value;
	return spec->longs < -1 ? (unsigned char)value : value;
}

static void put_conversion(struct output *out, struct spec *spec, char conversion, va_list *args)
{
	int64_t value;

	switch (conversion) {
	case 'd':
	case 'i':
		value = signed_argument(spec, args);
		put_number(out, spec, value < 0 ? 0 - (uint64_t)value : (uint64_t)value, 10, false,
			   value < 0 ? '-' : spec->plus ? '+' : spec->space ? ' ' : '\0', "");
		break;
	case 'u':
		put_number(out, spec, unsigned_argument(spec, args), 10, false, '\0', "");
		break;
	case 'o':
		put_number(out, spec, unsigned_argument(spec, args), 8, false, '\0', spec->prefix ? "0" : "");
		break;
	case 'x':
	case 'X':
		put_number(out, spec, unsigned_argument(spec, args), 16, conversion == 'X', '\0',
			   !spec->prefix ? "" : conversion == 'X' ? "0X" : "0x");
		break;
	case 'p':
		put_number(out, spec, (uintptr_t)va_arg(*args, void *), 16, false, '\0', "0x");
		break;
	case 's':
		put_string(out, spec, va_arg(*args, const char *));
		break;
	case 'c': {
		char text[2] = { (char)va_arg(*args, int), '\0' };

		spec->precision = 1;
		put_string(out, spec, text);
		break;
	}
	default:
		put_char(out, '%');
		if (conversion && conversion != '%')
			put_char(out, conversion);
	}
}

long core_format(char *to, size_t size, const char *format, va_list args)
{
	struct output out = { to, size, 0 };
	va_list copy;

	va_copy(copy, args);
	while (*format) {
		struct spec spec = { 0 };

		if (*format != '%') {
			put_char(&out, *format++);
			continue;
		}
		format = parse_spec(format + 1, &spec, &copy);
		put_conversion(&out, &spec, *format, &copy);
		if (*format)
			format++;
	}
	va_end(copy);
	if (size)
		to[out.length < size ? out.length : size - 1] = '\0';
	return (long)out.length;
}

long core_print(char *to, size_t size, const char *format, ...)
{
	va_list args;
	long length;

	va_start(args, format);
	length = core_format(to, size, format, args);
	va_end(args);
	return length;
}
