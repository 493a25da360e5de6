/* SPDX-License-Identifier: Apache-2.0 */
/* provider_in: the table, for the functions that search it. */
#ifndef SLUICE_PROVIDER_PROVIDER_IN_H
#define SLUICE_PROVIDER_PROVIDER_IN_H

#include "provider/providers.h"

extern const struct provider provider_table[];   /* in the order of the names (str_cmp) */
extern const size_t provider_table_n;

#endif
