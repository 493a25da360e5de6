/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's clocks, and dates as text. */
#include "base/clock.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

static _Atomic int64_t moved_ms;

static inline uint64_t moved_us(void)
{
	return (uint64_t)atomic_load_explicit(&moved_ms, memory_order_relaxed) * 1000;
}

static inline uint64_t read_us(clockid_t id)
{
	struct timespec now;
	int rc = clock_gettime(id, &now);

	assert(rc == 0);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

uint64_t clock_now_us(void)
{
	return read_us(CLOCK_MONOTONIC) + moved_us();
}

uint64_t clock_now_ms(void)
{
	return clock_now_us() / 1000;
}

uint64_t clock_real_ms(void)
{
	return (read_us(CLOCK_REALTIME) + moved_us()) / 1000;
}

void clock_move_ms(int64_t by_ms)
{
	atomic_fetch_add_explicit(&moved_ms, by_ms, memory_order_relaxed);
}

/* Two digits and the separator that follows. */
static inline char *put2(char *p, unsigned v, char then)
{
	p[0] = (char)('0' + v / 10);
	p[1] = (char)('0' + v % 10);
	p[2] = then;
	return p + 3;
}

/* Days to a date as Howard Hinnant's civil_from_days has it (howardhinnant.github.io/date_algorithms.html): years that
 * begin in March put the leap day last, so that months need no table. */
void clock_rfc3339(char out[CLOCK_RFC3339_LEN], uint64_t real_ms)
{
	uint64_t seconds = real_ms / 1000;
	unsigned ms = (unsigned)(real_ms % 1000), second = (unsigned)(seconds % 86400);
	uint64_t days = seconds / 86400 + 719468; /* since 0000-03-01 */
	uint64_t era = days / 146097;
	unsigned day_of_era = (unsigned)(days - era * 146097);
	unsigned year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned shifted = (5 * day_of_year + 2) / 153; /* month, counted from March */
	unsigned month = shifted < 10 ? shifted + 3 : shifted - 9;
	unsigned year = year_of_era + (unsigned)era * 400 + (month <= 2);
	char *p = out;

	assert(year <= 9999);
	p[0] = (char)('0' + year / 1000);
	p[1] = (char)('0' + year / 100 % 10);
	p = put2(p + 2, year % 100, '-');
	p = put2(p, month, '-');
	p = put2(p, day_of_year - (153 * shifted + 2) / 5 + 1, 'T');
	p = put2(p, second / 3600, ':');
	p = put2(p, second / 60 % 60, ':');
	p = put2(p, second % 60, '.');
	p[0] = (char)('0' + ms / 100);
	p = put2(p + 1, ms % 100, 'Z');
	assert(p == out + CLOCK_RFC3339_LEN);
}

void clock_http_date(char out[CLOCK_HTTP_DATE_LEN], uint64_t real_ms)
{
	static const char days[] = "SunMonTueWedThuFriSat";
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	char date[CLOCK_RFC3339_LEN]; /* 2026-11-27T23:05:01.123Z */
	unsigned month;

	clock_rfc3339(date, real_ms);
	month = (unsigned)(date[5] - '0') * 10 + (unsigned)(date[6] - '0') - 1;
	memcpy(out, days + (real_ms / 86400000 + 4) % 7 * 3, 3);
	memcpy(out + 3, ", ", 2);
	memcpy(out + 5, date + 8, 2);
	out[7] = ' ';
	memcpy(out + 8, months + month * 3, 3);
	out[11] = ' ';
	memcpy(out + 12, date, 4);
	out[16] = ' ';
	memcpy(out + 17, date + 11, 8);
	memcpy(out + 25, " GMT", 4);
}
