/* SPDX-License-Identifier: Apache-2.0 */
/*
 * clock: time. Monotonic time is for waiting and measuring, real time for what people and ledgers read. Both can be
 * moved by tests. All read the kernel's clock through the vDSO; a loop reads it once a turn.
 */
#ifndef SLUICE_BASE_CLOCK_H
#define SLUICE_BASE_CLOCK_H

#include <stdint.h>

uint64_t clock_now_us(void);           /* monotonic */
uint64_t clock_now_ms(void);           /* monotonic */
uint64_t clock_real_ms(void);          /* milliseconds since 1970-01-01 UTC */

/* Moves both clocks forward for the whole process; for tests. */
void clock_move_ms(int64_t by_ms);

/* "2026-11-27T23:05:01.123Z" (24 bytes, not terminated) for years 1970 to 9999. */
#define CLOCK_RFC3339_LEN 24
void clock_rfc3339(char out[CLOCK_RFC3339_LEN], uint64_t real_ms);

/* "Sun, 06 Nov 1994 08:49:37 GMT" (29 bytes, not terminated): IMF-fixdate of RFC 9110 section 5.6.7. */
#define CLOCK_HTTP_DATE_LEN 29
void clock_http_date(char out[CLOCK_HTTP_DATE_LEN], uint64_t real_ms);

#endif
