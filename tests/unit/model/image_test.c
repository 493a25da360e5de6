/* SPDX-License-Identifier: Apache-2.0 */
/* image: sizes out of heads of files, tokens as in the providers' own examples. */
#include "base/buf.h"
#include "base/text.h"
#include "lib/check.h"
#include "model/image.h"

#define HEAD(bytes) { "" bytes, sizeof(bytes) - 1 }

static const struct {
	const char *name;
	struct str bytes;
	uint32_t width, height;      /* 0: refused */
} heads[] = {
	{ "PNG", HEAD("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0\x03\0\x08\2\0\0\0"), 1024, 768 },
	{ "PNG, cut", HEAD("\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x04\0\0\0"), 0, 0 },
	{ "GIF", HEAD("GIF89a\x40\x01\xc8\0\0\0\0"), 320, 200 },
	{ "JPEG", HEAD("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xc0\0\x11\x08\x02\x58\x03\x20\3\1\"\0"),
	  800, 600 },
	{ "JPEG without a frame", HEAD("\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0\xff\xd9"), 0, 0 },
	{ "JPEG that stands still", HEAD("\xff\xd8\xff\xe0\0\0\0\0\0"), 0, 0 },
	{ "WebP, lossy", HEAD("RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\x9d\1\x2a\x80\x02\xe0\x01\0"), 640, 480 },
	{ "WebP, lossless", HEAD("RIFF\0\0\0\0WEBPVP8L\0\0\0\0\x2f\x7f\xc2\x77\0\0"), 640, 480 },
	{ "WebP, extended", HEAD("RIFF\0\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0\x7f\x02\0\xdf\x01\0\0"), 640, 480 },
	{ "text", HEAD("hello, world; hello, world; hello, world"), 0, 0 },
	{ "nothing", HEAD(""), 0, 0 },
};

static void sizes_are_read(void **state)
{
	for (size_t i = 0; i < COUNT_OF(heads); i++) {
		struct buf base64 = buf_make(4096);
		struct image_size size = { 0 };
		text_base64(&base64, heads[i].bytes);
		bool found = image_size(buf_str(&base64), &size);
		check(heads[i].name, found == (heads[i].width > 0));
		check(heads[i].name, size.width == heads[i].width && size.height == heads[i].height);
		for (size_t n = 0; n < base64.n; n++)
			found = image_size(str_of(base64.p, n), &size);
		buf_fini(&base64);
	}
}

static void tokens_follow_the_rules(void **state)
{
	static const struct {
		const char *model;
		struct image_size size;
		enum image_detail detail;
		uint32_t tokens;
	} rows[] = {
		/* OpenAI, "Images and vision": 1024 x 1024, 2048 x 4096, low detail */
		{ "gpt-4o", { 1024, 1024 }, IMAGE_HIGH, 765 },
		{ "gpt-4o", { 2048, 4096 }, IMAGE_HIGH, 1105 },
		{ "gpt-4o", { 4096, 8192 }, IMAGE_LOW, 85 },
		{ "gpt-4o", { 0, 0 }, IMAGE_AUTO, 765 },
		{ "gpt-4o-mini", { 1024, 1024 }, IMAGE_HIGH, 25501 },
		{ "o3", { 512, 512 }, IMAGE_AUTO, 225 },
		{ "gpt-5", { 512, 512 }, IMAGE_AUTO, 210 },
		/* patches: 1024 of them, and the ceiling of 1536 */
		{ "gpt-4.1-mini", { 1024, 1024 }, IMAGE_AUTO, 1658 },
		{ "gpt-5-nano", { 4096, 4096 }, IMAGE_AUTO, 2304 },
		/* Anthropic, "Vision": 200 x 200, 1000 x 1000 */
		{ "claude-sonnet-4-5", { 200, 200 }, IMAGE_AUTO, 54 },
		{ "claude-sonnet-4-5", { 1000, 1000 }, IMAGE_AUTO, 1334 },
		{ "claude-sonnet-4-5", { 8000, 8000 }, IMAGE_AUTO, 1600 },
		/* Google, "Understand and count tokens" */
		{ "gemini-2.5-flash", { 384, 384 }, IMAGE_AUTO, 258 },
		{ "gemini-2.5-flash", { 960, 540 }, IMAGE_AUTO, 1548 },
		{ "gemini-3-pro-preview", { 960, 540 }, IMAGE_AUTO, 1120 },
		{ "some-other", { 1, 1 }, IMAGE_AUTO, 1 },
		{ "gpt-4o", { 1, 1000000 }, IMAGE_AUTO, 765 },
	};

	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		uint32_t got = image_tokens(str_from_z(rows[i].model), rows[i].size, rows[i].detail);
		if (got != rows[i].tokens)
			print_error("%s %u x %u: %u\n", rows[i].model, rows[i].size.width, rows[i].size.height, got);
		check(rows[i].model, got == rows[i].tokens);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(tokens_follow_the_rules),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
