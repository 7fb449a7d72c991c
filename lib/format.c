/* SPDX-License-Identifier: MIT */
/*
 * format.c - printf into a buffer, with nothing underneath.
 *
 * Problem.    newlib's printf allocates for %f, keeps state in a struct _reent
 *             and is compiled with SSE: none of that may happen in an
 *             interrupt, under a lock, or while the kernel is dying.
 * Idea.       One pass over the format.  Each directive is read into a struct
 *             spec, its argument taken, and its text emitted byte by byte into
 *             an output that counts on past the end of the buffer; so the
 *             length of the whole text comes out for free.
 * Invariant.  Nothing is written at or beyond buf + size, and the terminator
 *             lies within.
 * Symbols.    Their table belongs to a higher floor, which hangs a function
 *             here (format_set_symbol_hook).
 * Rejected.   Hashing %p: the reader of this kernel's console is its owner.
 *
 * Context: any.
 */
#include <string.h>

#include <lib/atomic.h>
#include <lib/format.h>
#include <lib/math.h>

/* No field is wider: a wild argument must not print for a minute. */
#define FIELD_MAX 4096

/* Room for a symbol, its offset and its size. */
#define SYMBOL_MAX 96

/* 22 digits hold any 64-bit number in octal. */
#define DIGITS_MAX 22

struct output {
	char *buf;
	size_t size;
	size_t len; /* of the text so far, stored or not */
};

/* In a struct, because a va_list parameter has no address worth passing. */
struct args {
	va_list ap;
};

/* One directive: %[flags][width][.precision][length]conversion. */
struct spec {
	bool minus, plus, space, zero, alternate;
	int width;
	int precision; /* -1: none given */
	int bits;      /* of the integer argument */
	char conversion;
};

static format_symbol_fn *symbol_hook;

format_symbol_fn *format_set_symbol_hook(format_symbol_fn *hook)
{
	return xchg(&symbol_hook, hook);
}

static void put_char(struct output *out, char c)
{
	if (out->len < out->size)
		out->buf[out->len] = c;
	out->len++;
}

static void put_chars(struct output *out, const char *s, size_t n)
{
	while (n--)
		put_char(out, *s++);
}

static void put_repeated(struct output *out, char c, int n)
{
	while (n-- > 0)
		put_char(out, c);
}

/* @n characters of text in a field of the directive's width. */
static void put_field(struct output *out, const struct spec *spec,
		      const char *s, size_t n)
{
	int padding = spec->width - (int)n;

	if (!spec->minus)
		put_repeated(out, ' ', padding);
	put_chars(out, s, n);
	if (spec->minus)
		put_repeated(out, ' ', padding);
}

static void put_string(struct output *out, const struct spec *spec,
		       const char *s)
{
	if (!s)
		s = "(null)";
	/* With a precision the string need not be terminated. */
	put_field(out, spec, s,
		  spec->precision < 0 ? strlen(s)
				      : strnlen(s, spec->precision));
}

/* Digits of @value, last one first; none at all for 0. */
static int make_digits(char *digits, u64 value, unsigned int base, bool upper)
{
	const char *alphabet = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	int n = 0;

	for (; value; value /= base)
		digits[n++] = alphabet[value % base];
	return n;
}

/*
 * [padding][prefix][zeros][digits][padding], in this order: the prefix is a
 * sign or 0x, the zeros fill up to the precision, or to the width under the
 * 0 flag.
 */
static void put_number(struct output *out, const struct spec *spec, u64 value,
		       unsigned int base, const char *prefix)
{
	char digits[DIGITS_MAX];
	int n = make_digits(digits, value, base, spec->conversion == 'X');
	int prefix_len = (int)strlen(prefix);
	int zeros, padding;

	/* Without a precision a number has at least one digit. */
	zeros = (spec->precision < 0 ? 1 : spec->precision) - n;
	if (zeros < 0)
		zeros = 0;
	/* %#o wants a leading zero, and just one. */
	if (spec->conversion == 'o' && spec->alternate && !zeros)
		zeros = 1;

	padding = spec->width - prefix_len - zeros - n;
	if (spec->zero && !spec->minus && spec->precision < 0 && padding > 0) {
		zeros += padding;
		padding = 0;
	}

	if (!spec->minus)
		put_repeated(out, ' ', padding);
	put_chars(out, prefix, prefix_len);
	put_repeated(out, '0', zeros);
	while (n)
		put_char(out, digits[--n]);
	if (spec->minus)
		put_repeated(out, ' ', padding);
}

/* The integer argument, extended from its own width to 64 bits. */
static u64 take_integer(struct args *args, int bits, bool is_signed)
{
	int shift = 64 - bits;
	u64 value;

	value = bits == 64 ? va_arg(args->ap, u64)
			   : va_arg(args->ap, unsigned int);
	value <<= shift;
	return is_signed ? (u64)((s64)value >> shift) : value >> shift;
}

static const char *sign_of(const struct spec *spec, s64 value)
{
	if (value < 0)
		return "-";
	if (spec->plus)
		return "+";
	return spec->space ? " " : "";
}

static void put_signed(struct output *out, const struct spec *spec, s64 value)
{
	/* Negated as unsigned, where even the lowest number has an opposite. */
	put_number(out, spec, value < 0 ? -(u64)value : (u64)value, 10,
		   sign_of(spec, value));
}

static void put_hex(struct output *out, const struct spec *spec, u64 value)
{
	const char *prefix = "";

	if (spec->alternate && value)
		prefix = spec->conversion == 'X' ? "0X" : "0x";
	put_number(out, spec, value, 16, prefix);
}

/* 0x and all 16 digits. */
static void put_address(struct output *out, const struct spec *spec, u64 value)
{
	struct spec full = *spec;

	full.precision = 16;
	put_number(out, &full, value, 16, "0x");
}

static void put_symbol(struct output *out, const struct spec *spec,
		       unsigned long addr)
{
	format_symbol_fn *hook = READ_ONCE(symbol_hook);
	char name[SYMBOL_MAX];

	if (hook && hook(name, sizeof(name), addr))
		put_field(out, spec, name, strnlen(name, sizeof(name)));
	else
		put_address(out, spec, addr);
}

/* %p and its relatives.  Returns what follows the directive. */
static const char *put_pointer(struct output *out, const struct spec *spec,
			       const char *fmt, struct args *args)
{
	const void *ptr = va_arg(args->ap, const void *);

	switch (*fmt) {
	case 'S':
		put_symbol(out, spec, (unsigned long)ptr);
		return fmt + 1;
	case 'a':
		put_address(out, spec, *(const phys_addr_t *)ptr);
		return fmt + 1;
	default:
		put_address(out, spec, (unsigned long)ptr);
		return fmt;
	}
}

/* A width or precision: digits, or * for the next argument. */
static const char *parse_field(const char *fmt, struct args *args, int *field)
{
	s64 n = 0;

	if (*fmt == '*') {
		n = va_arg(args->ap, int);
		fmt++;
	}
	while (*fmt >= '0' && *fmt <= '9') {
		n = min_t(s64, n * 10 + (*fmt - '0'), FIELD_MAX);
		fmt++;
	}
	*field = (int)clamp_t(s64, n, -FIELD_MAX, FIELD_MAX);
	return fmt;
}

static const char *parse_flags(const char *fmt, struct spec *spec)
{
	for (;; fmt++) {
		switch (*fmt) {
		case '-':
			spec->minus = true;
			break;
		case '+':
			spec->plus = true;
			break;
		case ' ':
			spec->space = true;
			break;
		case '0':
			spec->zero = true;
			break;
		case '#':
			spec->alternate = true;
			break;
		default:
			return fmt;
		}
	}
}

/* From l up, every length is 64 bits here. */
static const char *parse_length(const char *fmt, struct spec *spec)
{
	spec->bits = 32;
	switch (*fmt) {
	case 'h':
		spec->bits = fmt[1] == 'h' ? 8 : 16;
		return fmt + (fmt[1] == 'h' ? 2 : 1);
	case 'l':
		spec->bits = 64;
		return fmt + (fmt[1] == 'l' ? 2 : 1);
	case 'z':
	case 'j':
	case 't':
		spec->bits = 64;
		return fmt + 1;
	default:
		return fmt;
	}
}

/* Reads what follows the %, up to and including the conversion. */
static const char *parse_spec(const char *fmt, struct spec *spec,
			      struct args *args)
{
	*spec = (struct spec){.precision = -1};

	fmt = parse_flags(fmt, spec);
	fmt = parse_field(fmt, args, &spec->width);
	if (spec->width < 0) {
		spec->minus = true;
		spec->width = -spec->width;
	}
	if (*fmt == '.') {
		fmt = parse_field(fmt + 1, args, &spec->precision);
		/* A negative one, from *, counts as none. */
		if (spec->precision < 0)
			spec->precision = -1;
	}
	fmt = parse_length(fmt, spec);

	spec->conversion = *fmt;
	return *fmt ? fmt + 1 : fmt;
}

/* One directive, @fmt just past its %.  Returns what follows it. */
static const char *put_directive(struct output *out, const char *fmt,
				 struct args *args)
{
	const char *start = fmt;
	struct spec spec;
	char c;

	fmt = parse_spec(fmt, &spec, args);
	switch (spec.conversion) {
	case 'd':
	case 'i':
		put_signed(out, &spec,
			   (s64)take_integer(args, spec.bits, true));
		break;
	case 'u':
		put_number(out, &spec, take_integer(args, spec.bits, false), 10,
			   "");
		break;
	case 'o':
		put_number(out, &spec, take_integer(args, spec.bits, false), 8,
			   "");
		break;
	case 'x':
	case 'X':
		put_hex(out, &spec, take_integer(args, spec.bits, false));
		break;
	case 'c':
		c = (char)va_arg(args->ap, int);
		put_field(out, &spec, &c, 1);
		break;
	case 's':
		put_string(out, &spec, va_arg(args->ap, const char *));
		break;
	case 'p':
		return put_pointer(out, &spec, fmt, args);
	case '%':
		put_char(out, '%');
		break;
	default:
		/* Not ours: show it, so that it is noticed. */
		put_char(out, '%');
		put_chars(out, start, fmt - start);
		break;
	}
	return fmt;
}

int format_v(char *buf, size_t size, const char *fmt, va_list ap)
{
	struct output out = {.buf = buf, .size = size};
	struct args args;

	va_copy(args.ap, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = put_directive(&out, fmt + 1, &args);
		else
			put_char(&out, *fmt++);
	}
	va_end(args.ap);

	if (size)
		buf[min(out.len, size - 1)] = '\0';
	return (int)out.len;
}

int format(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = format_v(buf, size, fmt, ap);
	va_end(ap);
	return len;
}

int vscnprintf(char *buf, size_t size, const char *fmt, va_list ap)
{
	size_t len = (size_t)format_v(buf, size, fmt, ap);

	if (len < size)
		return (int)len;
	return size ? (int)(size - 1) : 0;
}

int scnprintf(char *buf, size_t size, const char *fmt, ...)
{
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vscnprintf(buf, size, fmt, ap);
	va_end(ap);
	return len;
}
