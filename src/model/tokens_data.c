/* SPDX-License-Identifier: Apache-2.0 */
/* tokens_data: the packed tables, as read-only bytes of the program: pages of its file, not memory of the process. */
#include "model/tokens_data.h"

/* Paths are relative to the folder that make runs in. */
#define EMBED(name)                                                                                                    \
	__asm__(".pushsection .rodata." #name ",\"a\"\n"                                                               \
	        ".globl tokens_data_" #name "\n.hidden tokens_data_" #name "\n"                                        \
	        ".globl tokens_data_" #name "_end\n.hidden tokens_data_" #name "_end\n"                                \
	        ".balign 16\n"                                                                                         \
	        "tokens_data_" #name ":\n.incbin \"src/model/" #name ".bin\"\n"                                        \
	        "tokens_data_" #name "_end:\n.byte 0\n"                                                                \
	        ".popsection\n")

EMBED(o200k_base);
EMBED(cl100k_base);
EMBED(unicode);

#define BYTES(name) str_of((const char *)tokens_data_##name, (size_t)(tokens_data_##name##_end - tokens_data_##name))

extern const uint8_t tokens_data_o200k_base[], tokens_data_o200k_base_end[];
extern const uint8_t tokens_data_cl100k_base[], tokens_data_cl100k_base_end[];
extern const uint8_t tokens_data_unicode[], tokens_data_unicode_end[];

struct str tokens_data_ranks(enum tokens_encoding encoding)
{
	switch (encoding) {
	case TOKENS_O200K: return BYTES(o200k_base);
	case TOKENS_CL100K: return BYTES(cl100k_base);
	case TOKENS_ENCODINGS: break;
	}
	return str_of(NULL, 0);
}

struct str tokens_data_classes(void) { return BYTES(unicode); }
