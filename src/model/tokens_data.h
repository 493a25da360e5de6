/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_data: the packed tables that tokens_table.c unpacks. Their form: scripts/tokens/pack.js. */
#ifndef SLUICE_MODEL_TOKENS_DATA_H
#define SLUICE_MODEL_TOKENS_DATA_H

#include "model/tokens.h"

struct str tokens_data_ranks(enum tokens_encoding);
struct str tokens_data_classes(void);

#endif
