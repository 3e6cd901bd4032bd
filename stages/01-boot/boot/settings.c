/*
 * Settings: reading them, and naming those that were mistyped.
 *
 * A wrong word that is passed over in silence is worse than none: who types
 * "chekc" wants nothing to be started, and would get a launch. Unknown words
 * are named, and otherwise ignored, since a loader may leave junk in the line;
 * but nothing is launched after a value on the command line that is wrong, or
 * after what looks like a setting which would have kept us from launching.
 *
 * A wrong value in a file is left out: whoever wrote it may be far away when
 * the machine starts, and to be without a setting is never less safe.
 */
#include "boot/settings.h"

#include "console/printf.h"
#include "lib/errno.h"
#include "lib/string.h"
#include "lib/words.h"

/* With so many letters wrong a word still resembles another. */
#define LETTERS_WRONG 2

/* Unknown words of a source that are named; junk can have a hundred. */
#define UNKNOWN_SHOWN 8

#ifdef VELLUM_TEST
#define TEST_SETTINGS ""
#else
#define TEST_SETTINGS " (builds with TEST=1 know more)"
#endif

/* What was found in the sources so far: anything to be named, and anything
 * after which nothing may be launched. */
static bool any_wrong, refused;

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

static bool number_takes(const struct setting *s, const char *text,
			 size_t length)
{
	u32 number;

	return read_number(text, length, s->max, &number);
}

static void number_form(const struct setting *s)
{
	printf("=0..0x%x", s->max);
}

const struct setting_type number_type = {number_takes, number_form};

/*
 * Which choice are the @length characters at @text? Up to a colon, where a
 * number may follow: that is behind the first *@n then, else *@n is @length.
 */
static int find_choice(const struct setting *s, const char *text, size_t length,
		       size_t *n)
{
	const char *name;
	u32 number;

	for (*n = 0; *n < length && (text[*n] != ':' || !s->max); ++*n)
		;
	if (*n < length &&
	    !read_number(text + *n + 1, length - *n - 1, s->max, &number))
		return -ENOENT;
	for (uint i = 0; (name = s->choice(i)); i++)
		if (strlen(name) == *n && !memcmp(name, text, *n))
			return i;
	return -ENOENT;
}

static bool choice_takes(const struct setting *s, const char *text,
			 size_t length)
{
	size_t n;

	return find_choice(s, text, length, &n) >= 0;
}

static void choice_form(const struct setting *s)
{
	const char *name;

	for (uint i = 0; (name = s->choice(i)); i++)
		printf("%c%s", i ? '|' : '=', name);
	if (s->max)
		printf("[:0..%u]", s->max);
}

const struct setting_type choice_type = {choice_takes, choice_form};

/*
 * The numbers of @s in "key:0x10,0x20", of @length characters at @text; the
 * first @room of them go to @numbers. "key:" may stand before each. How many;
 * -EINVAL where it is anything else.
 */
static int read_numbers(const struct setting *s, const char *text,
			size_t length, u32 *numbers, uint room)
{
	size_t key = strlen(s->key) + 1, end;
	u32 number;

	for (uint n = 0;; text += end + 1, length -= end + 1) {
		if (length > key && text[key - 1] == ':' &&
		    !memcmp(text, s->key, key - 1)) {
			text += key;
			length -= key;
		} else if (!n) {
			return -EINVAL;
		}
		for (end = 0; end < length && text[end] != ','; end++)
			;
		if (!read_number(text, end, s->max, &number))
			return -EINVAL;
		if (n++ < room)
			numbers[n - 1] = number;
		if (end == length)
			return n;
	}
}

static bool list_takes(const struct setting *s, const char *text, size_t length)
{
	return read_numbers(s, text, length, NULL, 0) > 0;
}

static void list_form(const struct setting *s)
{
	printf("=%s:0..0x%x,...", s->key, s->max);
}

const struct setting_type list_type = {list_takes, list_form};

static bool text_takes(const struct setting *s, const char *text, size_t length)
{
	return true;
}

static void text_form(const struct setting *s)
{
	printf("=...");
}

const struct setting_type text_type = {text_takes, text_form};

/* What may follow the name of a flag: nothing, or "yes", or "no". */
static bool flag_takes(const char *text, size_t length)
{
	return !text || (length == 3 && !memcmp(text, "yes", 3)) ||
	       (length == 2 && !memcmp(text, "no", 2));
}

const char *setting_text(const struct setting *s, size_t *length)
{
	if (!s->value->source) {
		*length = s->initial ? strlen(s->initial) : 0;
		return s->initial;
	}
	*length = s->value->length;
	return s->value->text;
}

bool setting_flag(const struct setting *s)
{
	return s->value->source && !(s->value->text && *s->value->text == 'n');
}

u32 setting_number(const struct setting *s, u32 otherwise)
{
	size_t length, skip = 0;
	const char *text = setting_text(s, &length);
	u32 number;

	if (!text)
		return otherwise;
	if (s->type == &choice_type) {
		find_choice(s, text, length, &skip);
		if (skip == length)
			return otherwise;
		skip++;
	}
	read_number(text + skip, length - skip, s->max, &number);
	return number;
}

int setting_choice(const struct setting *s)
{
	size_t length, n;
	const char *text = setting_text(s, &length);

	return text ? find_choice(s, text, length, &n) : -ENOENT;
}

uint setting_list(const struct setting *s)
{
	return s->value->count;
}

static size_t name_length(const char *word, size_t length)
{
	size_t n = 0;

	while (n < length && word[n] != '=')
		n++;
	return n;
}

static bool is_named(const struct setting *s, const char *text, size_t length)
{
	return strlen(s->name) == length && !memcmp(s->name, text, length);
}

/* How to write @s. */
static void print_form(const struct setting *s)
{
	printf("%s", s->name);
	if (s->type)
		s->type->print_form(s);
}

static void print_known(void)
{
	printf("settings: " VELLUM_STAGE " knows these" TEST_SETTINGS "\n");
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++) {
		printf("  ");
		print_form(s);
		printf(": %s\n", s->help);
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

/* A word of a source. */
struct word {
	const struct setting_source *source;
	uint line;
	const char *text;
	size_t length;
};

/* The beginning of a message about @word: where it is, and what it says. */
static void name_word(const struct word *word)
{
	char text[48];

	quote(text, sizeof(text), word->text, word->length);
	printf("%s:", word->source->name);
	if (word->source->is_file)
		printf("%u:", word->line);
	printf(" `%s`", text);
}

static const struct setting *find_known(const char *name, size_t length)
{
	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++)
		if (is_named(s, name, length))
			return s;
	return NULL;
}

/* The known word that is nearest to the @length characters at @name, if half
 * of its letters are right at least; else NULL. */
static const struct setting *find_nearest(const char *name, size_t length)
{
	const struct setting *nearest = NULL;
	uint least = WORD_MAX;

	for (const struct setting *s = __start_settings; s != __stop_settings;
	     s++) {
		uint distance = word_distance(name, length, s->name);

		if (distance < least && distance * 2 <= strlen(s->name)) {
			least = distance;
			nearest = s;
		}
	}
	return nearest;
}

/* Does any part of an unknown word, as in "mode=chekc", resemble one that
 * would hold us back? That one, or NULL. */
static const struct setting *find_held_back(const char *word, size_t length)
{
	size_t start = 0;

	for (size_t i = 0; i <= length; i++) {
		if (i < length && word[i] != '=' && word[i] != ',')
			continue;
		for (const struct setting *s = __start_settings;
		     s != __stop_settings; s++)
			if (s->holds_back &&
			    word_distance(word + start, i - start, s->name) <=
				    LETTERS_WRONG)
				return s;
		start = i + 1;
	}
	return NULL;
}

/* Name an unknown word, if it is to be shown at all. */
static void check_unknown(const struct word *word, bool show)
{
	const struct setting *held_back =
		find_held_back(word->text, word->length);
	const struct setting *nearest =
		find_nearest(word->text, name_length(word->text, word->length));

	any_wrong = true;
	if (!show && !held_back)
		return;
	name_word(word);
	printf(" is unknown");
	if (held_back) {
		refused = true;
		printf(", and may stand for `%s`: nothing will be launched",
		       held_back->name);
	} else if (nearest) {
		printf("; did you mean `");
		print_form(nearest);
		printf("`?");
	}
	printf("\n");
}

/* Name what is wrong with the value of @s, if anything is. */
static bool value_is_right(const struct setting *s, const struct word *word,
			   const char *text, size_t length)
{
	bool right = s->type ? length && s->type->takes(s, text, length)
			     : flag_takes(text, length);

	if (right && s->type == &list_type &&
	    read_numbers(s, text, length, NULL, 0) + s->value->count >
		    s->most) {
		name_word(word);
		printf(": there are more than %u", s->most);
		right = false;
	} else if (!right) {
		name_word(word);
		printf(" is wrong: it must be ");
		print_form(s);
		printf("%s", s->type ? "" : "[=no]");
	}
	if (right)
		return true;
	any_wrong = true;
	if (!word->source->is_file || s->holds_back)
		refused = true;
	printf("%s\n", word->source->is_file ? "; it is left out" : "");
	return false;
}

/* Take over what @word says of @s, if it makes sense. */
static void read_known(const struct setting *s, const struct word *word)
{
	size_t name = strlen(s->name);
	bool bare = word->length == name;
	const char *text = bare ? NULL : word->text + name + 1;
	size_t length = bare ? 0 : word->length - name - 1;
	uint count = s->value->count;

	if (!value_is_right(s, word, text, length))
		return;
	if (s->only && !(s->only & BIT(boot_info.firmware))) {
		name_word(word);
		printf(" is of no use on a machine with %s\n",
		       boot_info.firmware == BOOT_UEFI ? "UEFI" : "a BIOS");
	}
	if (s->type == &list_type) {
		count += read_numbers(s, text, length, s->numbers + count,
				      s->most - count);
	} else if (find_word(word->text + word->length, s->name)) {
		name_word(word);
		printf(" is not the only one: the last one counts\n");
	}
	*s->value = (struct setting_value){word->source, word->line, text,
					   length, count};
}

void settings_read(const struct setting_source *source)
{
	struct word word = {.source = source, .line = 1};
	const char *at = source->text;
	const struct setting *known;
	uint unknown = 0;

	while ((word.text = next_word(at, &word.length))) {
		for (; at != word.text; at++)
			word.line += *at == '\n';
		at += word.length;
		known = find_known(word.text,
				   name_length(word.text, word.length));
		if (known)
			read_known(known, &word);
		else
			check_unknown(&word, ++unknown <= UNKNOWN_SHOWN);
	}
	if (unknown > UNKNOWN_SHOWN)
		printf("%s: %u unknown words in all\n", source->name, unknown);
	if (source->is_broken) {
		refused = true;
		printf("%s: some of it is lost: nothing will be launched\n",
		       source->name);
	}
}

const char *settings_check(void)
{
	static struct setting_source line = {.name = "command line"};
	bool refuse;

	line.text = words();
	line.is_broken = boot_info.cmdline_cut;
	settings_read(&line);
	if (any_wrong)
		print_known();
	refuse = refused;
	any_wrong = refused = false;
	return refuse ? "nothing was launched: correct the settings" : NULL;
}
