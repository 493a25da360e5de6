/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of translation. */

#include "dialect/settings.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

#define STRUCT translation_settings
static const struct setting translation_rows[] = {
	{ .name = "strict", .type = SETTING_BOOL, AT(strict),
	  .help = "Refuse a request with 400 unsupported_parameter when the provider's dialect has no word for something in "
	          "it; otherwise that is left out and listed in x-sluice-dropped." },
};
#undef STRUCT
const struct settings translation_settings = {
	.name = "translation", .size = sizeof(struct translation_settings), .rows = translation_rows,
	.n = COUNT_OF(translation_rows),
};
