/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes into the PROXY header's parser; the answer must not depend on how they were cut. */
#include "net/proxyproto.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str all = str_of((const char *)data, size);
	struct proxyproto whole = { 0 }, part = { 0 };
	enum proxyproto_state want = proxyproto_parse(all, &whole);
	assert(want != PROXYPROTO_DONE || (whole.consumed <= size && whole.consumed <= PROXYPROTO_MAX_BYTES));
	assert(want != PROXYPROTO_MORE || size < PROXYPROTO_MAX_BYTES);

	for (size_t n = 0; n < size && n <= PROXYPROTO_MAX_BYTES; n++) {
		enum proxyproto_state s = proxyproto_parse(str_slice(all, 0, n), &part);
		if (s == PROXYPROTO_MORE)
			continue;
		assert(s == want && part.consumed == whole.consumed);
		break;
	}
	return 0;
}
