/* SPDX-License-Identifier: Apache-2.0 */
/* conf/value.h, row by row: what is read, exactly, and what is refused. */
#include "lib/check.h"

#include "conf/value.h"

enum { WRONG = -999 };

struct number_case {
	const char *text;
	int64_t want;
};

static void check_numbers(bool (*read)(struct str, int64_t *), const struct number_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int64_t out = WRONG;
		bool good = read(str_from_z(cases[i].text), &out);
		check(cases[i].text, good == (cases[i].want != WRONG));
		check(cases[i].text, out == cases[i].want);
	}
}

static void reads_durations(void **state)
{
	static const struct number_case cases[] = {
		{ "500ms", 500 },
		{ "5s", 5000 },
		{ "10m", 600000 },
		{ "24h", 86400000 },
		{ "30d", 2592000000 },
		{ "0", 0 },
		{ "0s", 0 },
		{ "1.5s", 1500 },
		{ "0.001s", 1 },
		{ "0.25m", 15000 },
		{ "9223372036854ms", 9223372036854 },
		{ "5", WRONG },
		{ "", WRONG },
		{ "s", WRONG },
		{ "5 s", WRONG },
		{ " 5s", WRONG },
		{ "5s ", WRONG },
		{ "-5s", WRONG },
		{ "+5s", WRONG },
		{ "5S", WRONG },
		{ "5sec", WRONG },
		{ "1h30m", WRONG },
		{ "0.5ms", WRONG },
		{ "0.0001s", WRONG },
		{ "1e3s", WRONG },
		{ "99999999999999999999s", WRONG },
		{ "9223372036854775807d", WRONG },
		{ "1.2.3s", WRONG },
		{ ".s", WRONG },
	};
	check_numbers(value_read_duration, cases, COUNT_OF(cases));
}

static void reads_micros(void **state)
{
	static const struct number_case cases[] = {
		{ "50us", 50 },   { "1ms", 1000 }, { "1s", 1000000 },  { "0", 0 },
		{ "0.5ms", 500 }, { "50", WRONG }, { "0.5us", WRONG }, { "1m", WRONG },
	};
	check_numbers(value_read_micros, cases, COUNT_OF(cases));
}

static void reads_sizes(void **state)
{
	static const struct number_case cases[] = {
		{ "512", 512 },         { "512B", 512 },           { "64KiB", 65536 },      { "32MiB", 33554432 },
		{ "1GiB", 1073741824 }, { "1TiB", 1099511627776 }, { "1.5KiB", 1536 },      { "0", 0 },
		{ "64kb", WRONG },      { "64KB", WRONG },         { "64kib", WRONG },      { "-1", WRONG },
		{ "1.5", WRONG },       { "0.0001KiB", WRONG },    { "9000000TiB", WRONG }, { "0x10", WRONG },
		{ "1_000", WRONG },
	};
	check_numbers(value_read_size, cases, COUNT_OF(cases));
}

static void reads_money(void **state)
{
	static const struct number_case nusd[] = {
		{ "50", 50000000000 }, { "2.50", 2500000000 },    { "0.000000001", 1 }, { "0", 0 },
		{ "$5", WRONG },       { "0.0000000001", WRONG }, { "-1", WRONG },      { "1e2", WRONG },
		{ "1,50", WRONG },     { "99999999999", WRONG },
	};
	static const struct number_case pusd[] = {
		{ "0.20", 200000 },
		{ "15", 15000000 },
		{ "0.000001", 1 },
		{ "0.0000001", WRONG },
	};
	check_numbers(value_read_money, nusd, COUNT_OF(nusd));
	check_numbers(value_read_price, pusd, COUNT_OF(pusd));
}

static void reads_ints(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0 },
		{ "12", 12 },
		{ "-12", -12 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", WRONG },
		{ "", WRONG },
		{ "-", WRONG },
		{ "--1", WRONG },
		{ "1.0", WRONG },
		{ "0x1", WRONG },
		{ "1 ", WRONG },
	};
	check_numbers(value_read_int, cases, COUNT_OF(cases));
}

static void reads_bools_and_ratios(void **state)
{
	static const struct {
		const char *text;
		bool ok, want;
	} bools[] = {
		{ "true", true, true },   { "True", true, true }, { "yes", true, true },  { "on", true, true },
		{ "false", true, false }, { "no", true, false },  { "OFF", true, false }, { "1", false, false },
		{ "", false, false },     { "y", false, false },
	};
	for (size_t i = 0; i < COUNT_OF(bools); i++) {
		bool out = !bools[i].want;
		check(bools[i].text, value_read_bool(str_from_z(bools[i].text), &out) == bools[i].ok);
		check(bools[i].text, !bools[i].ok || out == bools[i].want);
	}
	double d = -1;
	check("0.95", value_read_ratio(STR("0.95"), &d) && d == 0.95);
	check("1", value_read_ratio(STR("1"), &d) && d == 1);
	check("words", !value_read_ratio(STR("half"), &d) && !value_read_ratio(STR("nan"), &d) && d == 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_durations), cmocka_unit_test(reads_micros),
		cmocka_unit_test(reads_sizes),     cmocka_unit_test(reads_money),
		cmocka_unit_test(reads_ints),      cmocka_unit_test(reads_bools_and_ratios),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
