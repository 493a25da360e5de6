/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as the head of a request (tests/fuzz/http1_head.h tells what must hold). */
#include "http1_head.h"

static void request_is_sound(const struct head_read *r, struct str head)
{
	const struct http_head *h = &r->head;
	unsigned hosts = head_count_lines(head, STR("host"));

	assert(hosts == 1 || (hosts == 0 && h->http10));
	assert(http_is_token(h->method_text) && http_method_of(h->method_text) == h->method);
	assert(h->host.n == 0 ? h->http10 : http_is_authority(h->host));
	assert(h->path.n > 0 && (h->path.p[0] == '/' || str_eq(h->path, STR("*"))));
	assert(http_is_path(h->path) && str_find_chr(h->path, '?') == STR_NPOS);
	for (size_t i = 0; i < h->query.n; i++) /* control characters may stand in it, but only as %0a and the like */
		assert(h->query.p[i] > ' ' && h->query.p[i] < 0x7f);
	assert(!h->expect_continue || !h->http10);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	head_fuzz(data, size, true, request_is_sound);
	return 0;
}
