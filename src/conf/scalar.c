/* SPDX-License-Identifier: Apache-2.0 */
/* One value of a setting: reading, ranges, defaults, and how to say what is allowed. */

#include <assert.h>

#include "base/log.h"
#include "conf/conf_in.h"
#include "conf/value.h"

/* By type: what messages and the manual call it, and examples. Numbers have a reader to int64_t. */
static const struct type_info {
	const char *name, *noun, *examples;
	bool (*read)(struct str, int64_t *);
} types[] = {
	[SETTING_BOOL] = { "boolean", "true or false", NULL, NULL },
	[SETTING_INT] = { "number", "a whole number", NULL, value_read_int },
	[SETTING_RATIO] = { "decimal", "a decimal number", "0.5", NULL },
	[SETTING_DURATION] = { "duration", "a duration", "500ms, 5s, 10m, 24h, 30d", value_read_duration },
	[SETTING_MICROS] = { "short duration", "a short duration", "50us, 1ms", value_read_micros },
	[SETTING_SIZE] = { "size", "a size", "512, 64KiB, 32MiB, 1GiB", value_read_size },
	[SETTING_MONEY] = { "US dollars", "an amount of US dollars", "50, 2.50", value_read_money },
	[SETTING_PRICE] = { "price", "a price in US dollars per million tokens", "0.25", value_read_price },
	[SETTING_TEXT] = { "text", "a text", NULL, NULL },
	[SETTING_SECRET] = { "secret", "a text or file:PATH", NULL, NULL },
	[SETTING_WORD] = { "word", "one of", NULL, NULL },
	[SETTING_WORDS] = { "words", "a list of", NULL, NULL },
	[SETTING_TEXTS] = { "texts", "a list of texts", NULL, NULL },
	[SETTING_SECTION] = { "section", "a section", NULL, NULL },
	[SETTING_LIST] = { "list", "a list", NULL, NULL },
	[SETTING_MAP] = { "map", "a section of named entries", NULL, NULL },
};

const char *setting_type_name(enum setting_type type)
{
	return types[type].name;
}

bool scalar_is(enum setting_type type)
{
	return type < SETTING_WORDS;
}

int word_index(const char *const *words, struct str s)
{
	for (int i = 0; words[i]; i++)
		if (str_eq(str_from_z(words[i]), s))
			return i;
	return -1;
}

/* A bound from a table: it must be readable, or the table is wrong. */
static int64_t bound(const struct setting *row, const char *z, int64_t none)
{
	int64_t v = none;
	if (z && !types[row->type].read(str_from_z(z), &v))
		log_panic("setting %s: bad bound %s", row->name, z);
	return v;
}

static bool read_number(const struct setting *row, struct str text, int64_t *out)
{
	int64_t v;
	if (row->also && str_eq(str_from_z(row->also), text)) {
		*out = 0;
		return true;
	}
	if (!types[row->type].read(text, &v))
		return false;
	if (v < bound(row, row->min, 0) || v > bound(row, row->max, INT64_MAX))
		return false;
	*out = v;
	return true;
}

static bool read_ratio(const struct setting *row, struct str text, double *out)
{
	double v, least = 0, most = 0;
	if (!value_read_ratio(text, &v))
		return false;
	bool bounded = (!row->min || value_read_ratio(str_from_z(row->min), &least)) &&
	               (!row->max || value_read_ratio(str_from_z(row->max), &most));
	assert(bounded);
	if (v < least || (row->max && v > most))
		return false;
	*out = v;
	return true;
}

bool scalar_read(const struct setting *row, struct str text, void *member)
{
	switch (row->type) {
	case SETTING_BOOL: return value_read_bool(text, member);
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_MICROS:
	case SETTING_SIZE:
	case SETTING_MONEY:
	case SETTING_PRICE: return read_number(row, text, member);
	case SETTING_RATIO: return read_ratio(row, text, member);
	case SETTING_TEXT:
	case SETTING_SECRET:
		if (row->words && word_index(row->words, text) < 0)
			return false;
		*(struct str *)member = text;
		return true;
	case SETTING_WORD: {
		int i = word_index(row->words, text);
		if (i >= 0)
			*(int *)member = i;
		return i >= 0;
	}
	case SETTING_WORDS:
	case SETTING_TEXTS:
	case SETTING_SECTION:
	case SETTING_LIST:
	case SETTING_MAP: break;
	}
	assert(!"not a scalar");
	return false;
}

void scalar_default(const struct setting *row, void *member)
{
	if (row->value) {
		if (!scalar_read(row, str_from_z(row->value), member))
			log_panic("setting %s: bad default %s", row->name, row->value);
		return;
	}
	if (types[row->type].read)
		*(int64_t *)member = SETTING_UNSET;
	else if (row->type == SETTING_RATIO)
		*(double *)member = SETTING_UNSET;
	else if (row->type == SETTING_WORD)
		*(int *)member = SETTING_UNSET;
	else if (row->type == SETTING_BOOL)
		*(bool *)member = false;
	else
		*(struct str *)member = (struct str){ 0 };
}

bool scalar_is_default(const struct setting *row, const void *member)
{
	union {
		int64_t number;
		double ratio;
		bool flag;
		int word;
		struct str text;
	} other;
	scalar_default(row, &other);
	if (types[row->type].read)
		return *(const int64_t *)member == other.number;
	if (row->type == SETTING_RATIO)
		return *(const double *)member == other.ratio;
	if (row->type == SETTING_WORD)
		return *(const int *)member == other.word;
	if (row->type == SETTING_BOOL)
		return *(const bool *)member == other.flag;
	return str_eq(*(const struct str *)member, other.text);
}

static void append_words(const char *const *words, struct buf *out)
{
	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			buf_append(out, words[i + 1] ? STR(", ") : STR(" or "));
		buf_append(out, str_from_z(words[i]));
	}
}

void scalar_allowed(const struct setting *row, struct buf *out)
{
	const struct type_info *type = &types[row->type];
	buf_append(out, str_from_z(row->type == SETTING_TEXT && row->words ? types[SETTING_WORD].noun : type->noun));
	if (row->words) {
		buf_append_c(out, ' ');
		append_words(row->words, out);
	}
	if (row->min && row->max)
		buf_printf(out, " from %s to %s", row->min, row->max);
	else if (row->min)
		buf_printf(out, " of %s or more", row->min);
	else if (row->max)
		buf_printf(out, " up to %s", row->max);
	if (type->examples)
		buf_printf(out, " (such as %s)", type->examples);
	if (row->also)
		buf_printf(out, ", or %s", row->also);
}
