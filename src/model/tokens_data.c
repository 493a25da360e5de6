/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_data: the packed tables, as bytes of the program. */
#include "base/embed.h"
#include "model/tokens_data.h"

EMBED(tokens_data_o200k_base, "src/model/o200k_base.bin");
EMBED(tokens_data_cl100k_base, "src/model/cl100k_base.bin");
EMBED(tokens_data_unicode, "src/model/unicode.bin");

struct str tokens_data_ranks(enum tokens_encoding encoding)
{
	switch (encoding) {
	case TOKENS_O200K: return EMBEDDED(tokens_data_o200k_base);
	case TOKENS_CL100K: return EMBEDDED(tokens_data_cl100k_base);
	case TOKENS_ENCODINGS: break;
	}
	return str_of(NULL, 0);
}

struct str tokens_data_classes(void) { return EMBEDDED(tokens_data_unicode); }
