/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: a file as read-only bytes of the program: pages of its file, not memory of the process.
 *
 *	EMBED(tokens_data_unicode, "src/model/unicode.bin");
 *	struct str s = EMBEDDED(tokens_data_unicode);
 *
 * Once in a source file and at its top level. The path is relative to the folder that make runs in, also at the link,
 * where the optimiser assembles again. Behind the bytes stands a NUL that is not counted.
 */
#ifndef SLUICE_BASE_EMBED_H
#define SLUICE_BASE_EMBED_H

#include <stdint.h>

#include "base/str.h"

#define EMBED(name, path)                                                                                      \
	extern const uint8_t name[];                                                                           \
	extern const uint32_t name##_size;                                                                     \
	__asm__(".pushsection .rodata." #name ",\"a\"\n"                                                       \
	        ".globl " #name "\n.hidden " #name "\n"                                                        \
	        ".globl " #name "_size\n.hidden " #name "_size\n"                                              \
	        ".balign 16\n" #name ":\n.incbin \"" path "\"\n77:\n.byte 0\n"                                 \
	        ".balign 4\n" #name "_size:\n.long 77b - " #name "\n"                                          \
	        ".popsection\n")

#define EMBEDDED(name) str_of((const char *)name, name##_size)

#endif
