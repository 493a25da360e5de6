/* SPDX-License-Identifier: Apache-2.0 */
/*
 * value: numbers with units as people write them in configurations and in headers, read exactly: no rounding, no
 * floating point on the way, no overflow. A fraction is fine when the result is whole ("1.5s" is 1500 ms, "0.5ms" is
 * not). All write their result only on success, and accept nothing around the value.
 */
#ifndef SLUICE_CONF_VALUE_H
#define SLUICE_CONF_VALUE_H

#include "base/str.h"

MUST_USE bool value_read_bool(struct str, bool *);               /* true yes on, false no off */
MUST_USE bool value_read_int(struct str, int64_t *);             /* -12 */
MUST_USE bool value_read_ratio(struct str, double *);            /* 0.95; up to nine digits behind the point */
MUST_USE bool value_read_duration(struct str, int64_t *ms);      /* 500ms 5s 10m 24h 30d; 0 needs no unit */
MUST_USE bool value_read_micros(struct str, int64_t *us);        /* 50us 1ms 1s; 0 needs no unit */
MUST_USE bool value_read_size(struct str, int64_t *bytes);       /* 512 512B 64KiB 32MiB 1GiB 1TiB */
MUST_USE bool value_read_money(struct str, int64_t *nusd);       /* 2.50 US dollars */
MUST_USE bool value_read_price(struct str, int64_t *pusd);       /* 0.25 US dollars a million tokens */

#endif
