/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a text: both encodings count between a token for each of the longest one's bytes and one a byte, never
 * read past the end, and count the same from the text as JSON's string, whose bytes that are no UTF-8 are replaced.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "json/scan.h"
#include "json/write.h"
#include "model/tokens.h"

enum { MAX = 1 << 16, LONGEST = 128 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n > MAX)
		return 0;
	char *copy = malloc(n ? n : 1);
	struct buf json = buf_make(8 * MAX), valid = buf_make(8 * MAX);

	if (n > 0)
		memcpy(copy, data, n);
	json_append_str(&json, str_of(copy, n));
	assert(json_to_buf(buf_str(&json), &valid));
	for (unsigned e = 0; e < TOKENS_ENCODINGS; e++) {
		size_t count = tokens_count(e, str_of(copy, n));
		assert(count <= n && count * LONGEST >= n);
		(void)tokens_count_json(e, str_of(copy, n));
		count = tokens_count(e, buf_str(&valid));
		assert(tokens_count_json(e, str_slice(buf_str(&json), 1, json.n - 1)) == count);
	}
	buf_fini(&json);
	buf_fini(&valid);
	free(copy);
	return 0;
}
