/* SPDX-License-Identifier: Apache-2.0 */
/* image: sizes from the heads of files, tokens by the providers' rules. */
#include "model/image.h"

#include "model/model_in.h"

/* --- sizes */

static int base64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

/* Byte i of what the text stands for, or -1: any place can be read without decoding what is before. */
static int byte_at(struct str base64, size_t i)
{
	size_t at = i / 3 * 4 + i % 3;

	if (at + 1 >= base64.n)
		return -1;
	int a = base64_value(base64.p[at]), b = base64_value(base64.p[at + 1]);
	if (a < 0 || b < 0)
		return -1;
	unsigned shift = 2 * (unsigned)(i % 3) + 2;
	return (a << shift | b >> (6 - shift)) & 0xff;
}

/* `n` bytes from i on as a number, or -1. */
static int64_t big_endian(struct str base64, size_t i, int n)
{
	int64_t v = 0;

	for (int k = 0; k < n; k++) {
		int c = byte_at(base64, i + (size_t)k);
		if (c < 0)
			return -1;
		v = v << 8 | c;
	}
	return v;
}

static int64_t little_endian(struct str base64, size_t i, int n)
{
	int64_t v = 0;

	for (int k = n; k-- > 0;) {
		int c = byte_at(base64, i + (size_t)k);
		if (c < 0)
			return -1;
		v = v << 8 | c;
	}
	return v;
}

static bool is_size(int64_t width, int64_t height, struct image_size *out)
{
	if (width <= 0 || height <= 0 || width > UINT16_MAX * 16 || height > UINT16_MAX * 16)
		return false;
	*out = (struct image_size){ (uint32_t)width, (uint32_t)height };
	return true;
}

/* ITU T.81, B.1.1: segments of a marker and a length; the size is in the frame's header, SOF0 to SOF15. */
static bool size_of_jpeg(struct str base64, struct image_size *out)
{
	size_t at = 2;

	for (int segments = 0; segments < 200; segments++) {
		int marker = byte_at(base64, at + 1);
		int64_t length = big_endian(base64, at + 2, 2);
		if (byte_at(base64, at) != 0xff || length < 2)
			return false;
		if (marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc)
			return is_size(big_endian(base64, at + 7, 2), big_endian(base64, at + 5, 2), out);
		at += 2 + (size_t)length;
	}
	return false;
}

/* RFC 9649: a file begins with a simple lossy, a simple lossless or an extended chunk. */
static bool size_of_webp(struct str base64, struct image_size *out)
{
	int64_t kind = big_endian(base64, 12, 4), bits;

	switch (kind) {
	case 0x56503820: /* "VP8 " */
		return is_size(little_endian(base64, 26, 2) & 0x3fff, little_endian(base64, 28, 2) & 0x3fff, out);
	case 0x5650384c: /* "VP8L" */
		bits = little_endian(base64, 21, 4);
		return bits >= 0 && is_size((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1, out);
	case 0x56503858: /* "VP8X" */
		if (little_endian(base64, 27, 3) < 0)
			return false;
		return is_size(little_endian(base64, 24, 3) + 1, little_endian(base64, 27, 3) + 1, out);
	default:
		return false;
	}
}

bool image_size(struct str base64, struct image_size *out)
{
	int64_t head = big_endian(base64, 0, 4);

	if (head == 0x89504e47) /* PNG's IHDR comes first */
		return is_size(big_endian(base64, 16, 4), big_endian(base64, 20, 4), out);
	if (head == 0x47494638) /* "GIF8" */
		return is_size(little_endian(base64, 6, 2), little_endian(base64, 8, 2), out);
	if (head == 0x52494646 && big_endian(base64, 8, 4) == 0x57454250) /* "RIFF", "WEBP" */
		return size_of_webp(base64, out);
	return head >> 8 == 0xffd8ff && size_of_jpeg(base64, out);
}

/* --- tokens */

enum image_rule {
	RULE_TILES,           /* a: base, b: each tile of 512 */
	RULE_PATCHES,         /* a: hundredths of a token for each patch of 32, b: most patches */
	RULE_AREA,            /* a: longest edge, b: most tokens: width * height / 750 */
	RULE_GEMINI,          /* a: each tile */
	RULE_FIXED,           /* a: each picture */
};

/* On the plain name; the first match counts. */
static const struct {
	struct str pattern;
	enum image_rule rule;
	uint32_t a, b;
} rules[] = {
	{ STR_INIT("gpt-4o-mini*"), RULE_TILES, 2833, 5667 },
	{ STR_INIT("gpt-4.1-mini*"), RULE_PATCHES, 162, 1536 },
	{ STR_INIT("gpt-4.1-nano*"), RULE_PATCHES, 246, 1536 },
	{ STR_INIT("gpt-5-mini*"), RULE_PATCHES, 120, 1536 },
	{ STR_INIT("gpt-5-nano*"), RULE_PATCHES, 150, 1536 },
	{ STR_INIT("o4-mini*"), RULE_PATCHES, 172, 1536 },
	{ STR_INIT("gpt-5*"), RULE_TILES, 70, 140 },
	{ STR_INIT("gpt-*"), RULE_TILES, 85, 170 },
	{ STR_INIT("chatgpt-*"), RULE_TILES, 85, 170 },
	{ STR_INIT("computer-use-*"), RULE_TILES, 65, 129 },
	{ STR_INIT("o#*"), RULE_TILES, 75, 150 },
	{ STR_INIT("gemini-3*"), RULE_FIXED, 1120, 0 },
	{ STR_INIT("gemini*"), RULE_GEMINI, 258, 0 },
	{ STR_INIT("gemma*"), RULE_FIXED, 258, 0 },
	{ STR_INIT("claude-*-4-7*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-*-4-8*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-opus-5*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-sonnet-5*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-haiku-5*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-fable-*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("claude-mythos-*"), RULE_AREA, 2576, 4784 },
	{ STR_INIT("*"), RULE_AREA, 1568, 1600 },
};

static uint64_t up(uint64_t n, uint64_t by) { return (n + by - 1) / by; }

/* Both edges times to / from, when from > to. */
static void shrink(uint64_t *width, uint64_t *height, uint64_t from, uint64_t to)
{
	if (from <= to)
		return;
	*width = *width * to / from > 0 ? *width * to / from : 1;
	*height = *height * to / from > 0 ? *height * to / from : 1;
}

static uint64_t longer(uint64_t a, uint64_t b) { return a > b ? a : b; }
static uint64_t shorter(uint64_t a, uint64_t b) { return a < b ? a : b; }

/* Fitted into 2048 by 2048, then the shorter edge into 768. */
static uint64_t tiles(uint64_t width, uint64_t height, uint32_t base, uint32_t tile)
{
	shrink(&width, &height, longer(width, height), 2048);
	shrink(&width, &height, shorter(width, height), 768);
	return base + up(width, 512) * up(height, 512) * tile;
}

static uint64_t patches(uint64_t width, uint64_t height, uint32_t hundredths, uint32_t most)
{
	uint64_t n = up(width, 32) * up(height, 32);

	return (n < most ? n : most) * hundredths / 100;
}

static uint64_t area(uint64_t width, uint64_t height, uint32_t edge, uint32_t most)
{
	shrink(&width, &height, longer(width, height), edge);
	uint64_t n = up(width * height, 750);
	return n < most ? n : most;
}

/* Up to 384 by 384 one tile; larger ones are cut into squares of about two thirds of their shorter edge. */
static uint64_t gemini(uint64_t width, uint64_t height, uint32_t tile)
{
	if (longer(width, height) <= 384)
		return tile;
	uint64_t unit = shorter(width, height) * 2 / 3;
	unit = unit < 256 ? 256 : unit > 768 ? 768 : unit;
	return up(width, unit) * up(height, unit) * tile;
}

uint32_t image_tokens(struct str model, struct image_size size, enum image_detail detail)
{
	char room[MODEL_NAME_MAX];
	struct str name = model_name_plain(model, room);
	uint64_t width = size.width ? size.width : 1024, height = size.height ? size.height : 1024, n = 0;
	size_t i = 0;

	while (!model_name_match(rules[i].pattern, name))
		i++; /* the last one takes all */
	uint32_t a = rules[i].a, b = rules[i].b;
	switch (rules[i].rule) {
	case RULE_TILES: n = detail == IMAGE_LOW ? a : tiles(width, height, a, b); break;
	case RULE_PATCHES: n = patches(width, height, a, b); break;
	case RULE_AREA: n = area(width, height, a, b); break;
	case RULE_GEMINI: n = gemini(width, height, a); break;
	case RULE_FIXED: n = a; break;
	}
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}
