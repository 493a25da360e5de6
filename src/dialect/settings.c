/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of translation. */

#include "dialect/settings.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

#define STRUCT translation_settings
static const struct setting translation_rows[] = {
	{ .name = "strict", .type = SETTING_BOOL, AT(strict),
	  .help = "Refuse a request with 400 unsupported_parameter when the provider's dialect has no word for "
	          "something in "
	          "it; otherwise that is left out and listed in x-sluice-dropped." },
	{ .name = "fetch_media", .type = SETTING_BOOL, AT(fetch_media), .value = "true",
	  .help = "Fetch images and documents that a message names by address when the provider takes only their bytes;"
	          " "
	          "otherwise such a request is refused." },
	{ .name = "fetch_private", .type = SETTING_BOOL, AT(fetch_private),
	  .help = "Fetch also by http and from addresses that are not public. Clients can then reach what the gateway "
	          "reaches: only where all of them may." },
	{ .name = "fetch_max", .type = SETTING_SIZE, AT(fetch_max_bytes), .value = "20MiB", .min = "1KiB",
	  .max = "256MiB", .help = "Largest image or document that is fetched." },
	{ .name = "fetch_timeout", .type = SETTING_DURATION, AT(fetch_timeout_ms), .value = "10s", .min = "100ms",
	  .max = "5m", .help = "Longest time for fetching one of them." },
};
#undef STRUCT
const struct settings translation_settings = {
	.name = "translation", .size = sizeof(struct translation_settings), .rows = translation_rows,
	.n = COUNT_OF(translation_rows),
};
