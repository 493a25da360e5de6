/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tokens: how fast texts are counted: MB (1,000,000 bytes) a second of CPU time on one core, for the files given, read
 * as one text. `make bench-tokens` gives it this repository's documentation (English) and its source (code).
 *
 *	tokens NAME FILE… [-- NAME FILE…]…
 */
#include <stdio.h>
#include <time.h>

#include "base/buf.h"
#include "json/write.h"
#include "model/tokens.h"

enum { TEXT_MAX = 64 << 20 };

static double cpu_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool read_file(const char *path, struct buf *out)
{
	FILE *f = fopen(path, "rb");
	char piece[65536];
	size_t n;

	if (!f) {
		perror(path);
		return false;
	}
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		buf_append(out, str_of(piece, n));
	fclose(f);
	return !out->failed;
}

static void measure(const char *name, const char *form, enum tokens_encoding encoding, struct str text,
                    size_t (*count)(enum tokens_encoding, struct str))
{
	size_t tokens = 0, rounds = 0;
	double begin = cpu_seconds(), spent;

	do {
		tokens = count(encoding, text);
		rounds++;
	} while ((spent = cpu_seconds() - begin) < 1.0);
	printf("%-8s %-5s %-12s %8zu bytes %8zu tokens %7.1f MB/s\n", name, form, tokens_encoding_name(encoding),
	       text.n, tokens, (double)text.n * (double)rounds / spent / 1e6);
}

static void measure_all(const char *name, struct str text)
{
	struct buf json = buf_make(2 * TEXT_MAX);

	json_append_str(&json, text);
	struct str escaped = str_slice(buf_str(&json), 1, json.n - 1);
	for (unsigned e = 0; e < TOKENS_ENCODINGS; e++) {
		measure(name, "text", e, text, tokens_count);
		measure(name, "JSON", e, escaped, tokens_count_json);
	}
	buf_fini(&json);
}

int main(int argc, char **argv)
{
	for (unsigned e = 0; e < TOKENS_ENCODINGS; e++) {
		double begin = cpu_seconds();
		(void)tokens_count(e, STR("a"));
		printf("%s: unpacked in %.1f ms\n", tokens_encoding_name(e), (cpu_seconds() - begin) * 1e3);
	}
	for (int i = 1; i < argc; i++) {
		const char *name = argv[i++];
		struct buf text = buf_make(TEXT_MAX);
		for (; i < argc && str_cmp(str_from_z(argv[i]), STR("--")) != 0; i++)
			if (!read_file(argv[i], &text))
				return 1;
		measure_all(name, buf_str(&text));
		buf_fini(&text);
	}
	return 0;
}
