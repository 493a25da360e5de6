/* SPDX-License-Identifier: Apache-2.0 */
/* Exact reading of numbers with units. */

#include "conf/value.h"

#include "base/text.h"

struct unit {
	struct str name;
	int64_t factor;
};

static const struct unit durations[] = {
	{ STR_INIT("ms"), 1 },
	{ STR_INIT("s"), 1000 },
	{ STR_INIT("m"), 60 * 1000 },
	{ STR_INIT("h"), 3600 * 1000 },
	{ STR_INIT("d"), 24 * 3600 * 1000 },
};
static const struct unit micros[] = {
	{ STR_INIT("us"), 1 },
	{ STR_INIT("ms"), 1000 },
	{ STR_INIT("s"), 1000 * 1000 },
};
static const struct unit sizes[] = {
	{ STR_INIT(""), 1 },          { STR_INIT("B"), 1 },         { STR_INIT("KiB"), 1 << 10 },
	{ STR_INIT("MiB"), 1 << 20 }, { STR_INIT("GiB"), 1 << 30 }, { STR_INIT("TiB"), (int64_t)1 << 40 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Millionths are enough for every fraction that gives a whole number of our smallest units. */
static bool read_with_unit(struct str s, const struct unit *units, size_t n, int64_t *out)
{
	size_t digits = 0;
	while (digits < s.n && (is_digit(s.p[digits]) || s.p[digits] == '.'))
		digits++;
	struct str number = str_slice(s, 0, digits), name = str_slice(s, digits, s.n);
	int64_t millionths;
	if (!text_to_fixed(number, 6, &millionths))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!str_eq(units[i].name, name))
			continue;
		__int128 v = (__int128)millionths * units[i].factor;
		if (v % 1000000 != 0 || v / 1000000 > INT64_MAX)
			return false;
		*out = (int64_t)(v / 1000000);
		return true;
	}
	if (name.n == 0 && millionths == 0) {
		*out = 0;
		return true;
	}
	return false;
}

bool value_read_bool(struct str s, bool *out)
{
	static const struct {
		struct str word;
		bool value;
	} words[] = {
		{ STR_INIT("true"), true },   { STR_INIT("yes"), true }, { STR_INIT("on"), true },
		{ STR_INIT("false"), false }, { STR_INIT("no"), false }, { STR_INIT("off"), false },
	};
	for (size_t i = 0; i < COUNT_OF(words); i++)
		if (str_ieq(words[i].word, s)) {
			*out = words[i].value;
			return true;
		}
	return false;
}

bool value_read_int(struct str s, int64_t *out)
{
	bool minus = s.n > 0 && s.p[0] == '-';
	uint64_t v;
	if (!str_to_u64(minus ? str_slice(s, 1, s.n) : s, &v) || v > INT64_MAX)
		return false;
	*out = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

bool value_read_ratio(struct str s, double *out)
{
	int64_t v;
	if (!text_to_fixed(s, 9, &v))
		return false;
	*out = (double)v / 1e9;
	return true;
}

bool value_read_duration(struct str s, int64_t *ms)
{
	return read_with_unit(s, durations, COUNT_OF(durations), ms);
}
bool value_read_micros(struct str s, int64_t *us)
{
	return read_with_unit(s, micros, COUNT_OF(micros), us);
}
bool value_read_size(struct str s, int64_t *bytes)
{
	return read_with_unit(s, sizes, COUNT_OF(sizes), bytes);
}
bool value_read_money(struct str s, int64_t *nusd)
{
	return text_to_fixed(s, 9, nusd);
}
bool value_read_price(struct str s, int64_t *pusd)
{
	return text_to_fixed(s, 6, pusd);
}
