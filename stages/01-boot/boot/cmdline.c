/*
 * The command line: reading words, and naming those that were mistyped.
 *
 * A wrong word that is passed over in silence is worse than none: who types
 * "chekc" wants nothing to be started, and would get a launch. Unknown words
 * are named, and otherwise ignored, since a loader may leave junk in the line;
 * but nothing is launched after a word whose value is wrong, or that looks like
 * one which would have kept us from launching.
 */
#include "boot/cmdline.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/words.h"

/* With so many letters wrong a word still resembles another. */
#define LETTERS_WRONG 2

/* Unknown words that are named; junk can have a hundred. */
#define UNKNOWN_SHOWN 8

#ifdef VELLUM_TEST
#define TEST_WORDS ""
#else
#define TEST_WORDS " (builds with TEST=1 know more)"
#endif

extern const struct word __start_words[], __stop_words[];

static bool ends_in_elf(const char *word, size_t length)
{
	return length >= 4 && !memcmp(word + length - 4, ".elf", 4);
}

static bool has_value(const char *word, size_t length)
{
	while (length && word[length - 1] != '=')
		length--;
	return length;
}

/*
 * The words, behind the image's file name: a Multiboot loader may put that
 * first (0.6.96, 3.3). QEMU does, GRUB 2 does not. A path can have spaces in
 * it, and then is several words.
 */
static const char *words(void)
{
	const char *line = boot_info.cmdline, *word;
	bool is_path = *line == '/' || *line == '(';
	size_t length;

	while ((word = next_word(line, &length))) {
		line = word + length;
		if (ends_in_elf(word, length))
			return line;
		if (!is_path || has_value(word, length))
			break;
	}
	word = next_word(boot_info.cmdline, &length);
	return is_path ? word + length : boot_info.cmdline;
}

bool cmdline_has(const struct word *word)
{
	return find_word(words(), word->name);
}

/* The number in the @length characters at @text, if it is one up to @max. */
static bool read_number(const char *text, size_t length, u32 max, u32 *number)
{
	uint base = 10, digit;
	u64 value = 0;

	if (length > 2 && text[0] == '0' && (text[1] | 0x20) == 'x') {
		base = 16;
		text += 2;
		length -= 2;
	}
	for (size_t i = 0; i < length; i++) {
		char c = text[i] | 0x20;

		digit = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
					       : 16;
		value = value * base + digit;
		if (digit >= base || value > max)
			return false;
	}
	*number = value;
	return length;
}

/*
 * The numbers of @word in "key:0x10,0x20", of @length characters at @text; the
 * first @room of them go to @numbers. "key:" may stand before each. How many;
 * -EINVAL where it is anything else.
 */
static int read_numbers(const struct word *word, const char *text,
			size_t length, u32 *numbers, uint room)
{
	size_t key = strlen(word->key) + 1, end;
	u32 number;

	for (uint n = 0;; text += end + 1, length -= end + 1) {
		if (length > key && text[key - 1] == ':' &&
		    !memcmp(text, word->key, key - 1)) {
			text += key;
			length -= key;
		} else if (!n) {
			return -EINVAL;
		}
		for (end = 0; end < length && text[end] != ','; end++)
			;
		if (!read_number(text, end, word->max, &number))
			return -EINVAL;
		if (n++ < room)
			numbers[n - 1] = number;
		if (end == length)
			return n;
	}
}

static size_t name_length(const char *word, size_t length)
{
	size_t n = 0;

	while (n < length && word[n] != '=')
		n++;
	return n;
}

static bool is_named(const struct word *word, const char *text, size_t length)
{
	return strlen(word->name) == length &&
	       !memcmp(word->name, text, length);
}

uint cmdline_numbers(const struct word *word, u32 *numbers)
{
	const char *line = words(), *text;
	size_t length, name;
	uint n = 0;
	int more;

	while ((text = next_word(line, &length))) {
		uint room = numbers && n < word->most ? word->most - n : 0;

		line = text + length;
		name = name_length(text, length) + 1;
		if (name > length || !is_named(word, text, name - 1))
			continue;
		more = read_numbers(word, text + name, length - name,
				    room ? numbers + n : NULL, room);
		n += MAX(more, 0);
	}
	return n;
}

/*
 * Which choice are the @length characters at @text? Up to a colon, where a
 * number may follow: that is behind the first *@n then, else *@n is @length.
 */
static int find_choice(const struct word *word, const char *text, size_t length,
		       size_t *n)
{
	const char *name;
	u32 number;

	for (*n = 0; *n < length && (text[*n] != ':' || !word->max); ++*n)
		;
	if (*n < length &&
	    !read_number(text + *n + 1, length - *n - 1, word->max, &number))
		return -ENOENT;
	for (uint i = 0; (name = word->choice(i)); i++)
		if (strlen(name) == *n && !memcmp(name, text, *n))
			return i;
	return -ENOENT;
}

u32 cmdline_number(const struct word *word, u32 otherwise)
{
	const char *rest = find_word(words(), word->name);
	size_t length, skip = 0;
	u32 number;

	if (!rest || *rest != '=' || !next_word(rest, &length))
		return otherwise;
	rest++;
	length--;
	if (word->takes == WORD_CHOICE) {
		if (find_choice(word, rest, length, &skip) < 0 ||
		    skip == length)
			return otherwise;
		skip++;
	}
	if (!read_number(rest + skip, length - skip, word->max, &number))
		return otherwise;
	return number;
}

int cmdline_choice(const struct word *word)
{
	const char *rest = find_word(words(), word->name);
	size_t length, n;

	if (!rest || *rest != '=' || !next_word(rest, &length))
		return -ENOENT;
	return find_choice(word, rest + 1, length - 1, &n);
}

/* Does @word take the @length characters at @rest, which stand behind its
 * name: "=value", or nothing? */
static bool takes(const struct word *word, const char *rest, size_t length)
{
	size_t n;
	u32 number;

	if (word->takes == WORD_NOTHING)
		return !length;
	if (length < 2)
		return false;
	if (word->takes == WORD_NUMBER)
		return read_number(rest + 1, length - 1, word->max, &number);
	if (word->takes == WORD_CHOICE)
		return find_choice(word, rest + 1, length - 1, &n) >= 0;
	if (word->takes == WORD_NUMBERS)
		return read_numbers(word, rest + 1, length - 1, NULL, 0) > 0;
	return true;
}

/* How to write @word. */
static void print_form(const struct word *word)
{
	const char *name;

	printf("%s", word->name);
	if (word->takes == WORD_NUMBER)
		printf("=0..0x%x", word->max);
	if (word->takes == WORD_NUMBERS)
		printf("=%s:0..0x%x,...", word->key, word->max);
	if (word->takes == WORD_TEXT)
		printf("=...");
	if (word->takes == WORD_CHOICE) {
		for (uint i = 0; (name = word->choice(i)); i++)
			printf("%c%s", i ? '|' : '=', name);
		if (word->max)
			printf("[:0..%u]", word->max);
	}
}

static void print_known(void)
{
	printf("command line: " VELLUM_STAGE " knows these words" TEST_WORDS
	       "\n");
	for (const struct word *w = __start_words; w != __stop_words; w++) {
		printf("  ");
		print_form(w);
		printf(": %s\n", w->help);
	}
}

/* Copy a word to @text for printing; its end, if it is long, to "...". */
static void quote(char *text, size_t size, const char *word, size_t length)
{
	size_t n = MIN(length, size - 1);

	memcpy(text, word, n);
	text[n] = '\0';
	if (n < length)
		memcpy(text + n - 3, "...", 3);
}

static const struct word *find_known(const char *name, size_t length)
{
	for (const struct word *w = __start_words; w != __stop_words; w++)
		if (is_named(w, name, length))
			return w;
	return NULL;
}

/* The known word that is nearest to the @length characters at @name, if half
 * of its letters are right at least; else NULL. */
static const struct word *find_nearest(const char *name, size_t length)
{
	const struct word *nearest = NULL;
	uint least = WORD_MAX;

	for (const struct word *w = __start_words; w != __stop_words; w++) {
		uint distance = word_distance(name, length, w->name);

		if (distance < least && distance * 2 <= strlen(w->name)) {
			least = distance;
			nearest = w;
		}
	}
	return nearest;
}

/* Does any part of an unknown word, as in "mode=chekc", resemble one that
 * would hold us back? That one, or NULL. */
static const struct word *find_held_back(const char *word, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && word[i] != '=' && word[i] != ',')
			continue;
		for (const struct word *w = __start_words; w != __stop_words;
		     w++)
			if (w->holds_back &&
			    word_distance(word + start, i - start, w->name) <=
				    LETTERS_WRONG)
				return w;
		start = i + 1;
	}
	return NULL;
}

/* Name an unknown word, if it is to be shown at all; true if we must not go
 * on after it. */
static bool check_unknown(const char *word, size_t length, bool show)
{
	const struct word *held_back = find_held_back(word, length);
	const struct word *nearest =
		find_nearest(word, name_length(word, length));
	char text[48];

	if (!show && !held_back)
		return false;
	quote(text, sizeof(text), word, length);
	printf("command line: `%s` is unknown", text);
	if (held_back) {
		printf(", and may stand for `%s`: nothing will be launched",
		       held_back->name);
	} else if (nearest) {
		printf("; did you mean `");
		print_form(nearest);
		printf("`?");
	}
	printf("\n");
	return held_back;
}

/* Name what is wrong with a known word, which is at the start of the @length
 * characters at @text; @more stands behind it. True if we must not go on. */
static bool check_known(const struct word *known, const char *text,
			size_t length, const char *more)
{
	size_t n = strlen(known->name);
	char quoted[48];

	quote(quoted, sizeof(quoted), text, length);
	if (!takes(known, text + n, length - n)) {
		printf("command line: `%s` is wrong: it must be ", quoted);
		print_form(known);
		printf("\n");
		return true;
	}
	if (known->only && !(known->only & BIT(boot_info.firmware)))
		printf("command line: `%s` is of no use on a machine with %s\n",
		       quoted,
		       boot_info.firmware == BOOT_UEFI ? "UEFI" : "a BIOS");
	if (known->takes == WORD_NUMBERS) {
		if (cmdline_numbers(known, NULL) <= known->most)
			return false;
		printf("command line: `%s`: there are more than %u\n", quoted,
		       known->most);
		return true;
	}
	if (find_word(more, known->name))
		printf("command line: `%s` is not the only one: the last one "
		       "counts\n",
		       quoted);
	return false;
}

const char *cmdline_check(void)
{
	const struct word *known;
	const char *line = words(), *word;
	bool wrong = boot_info.cmdline_cut;
	uint unknown = 0;
	size_t length;

	while ((word = next_word(line, &length))) {
		line = word + length;
		known = find_known(word, name_length(word, length));
		if (known)
			wrong |= check_known(known, word, length, line);
		else
			wrong |= check_unknown(word, length,
					       ++unknown <= UNKNOWN_SHOWN);
	}
	if (unknown > UNKNOWN_SHOWN)
		printf("command line: %u unknown words in all\n", unknown);
	if (boot_info.cmdline_cut)
		printf("command line: it is longer than %lu characters, so "
		       "some of it is lost\n",
		       sizeof(boot_info.cmdline) - 1);
	if (unknown || wrong)
		print_known();
	return wrong ? "nothing was launched: correct the command line" : NULL;
}
