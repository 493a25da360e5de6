/* SPDX-License-Identifier: Apache-2.0 */
/* prices: the catalogue of a configuration: with its file, and with what the admin API keeps. */
#ifndef SLUICE_MAIN_PRICES_H
#define SLUICE_MAIN_PRICES_H

#include "main/settings.h"
#include "model/catalogue.h"

/* In the configuration's arena. `with_api`: with what data_dir holds, if it exists. Blocking. NULL: ERR_CONFIG
 * tells. */
MUST_USE struct catalogue *prices_load(struct config *, bool with_api, struct err *);

#endif
