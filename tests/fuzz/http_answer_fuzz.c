/* SPDX-License-Identifier: Apache-2.0 */
/* libFuzzer: any bytes as the head of a provider's answer (tests/fuzz/http1_head.h tells what must hold). */
#include "http1_head.h"

static void answer_is_sound(const struct head_read *r, struct str head)
{
	assert(r->head.status >= 100 && r->head.status <= 599);
	assert(str_starts(head, r->head.http10 ? STR("HTTP/1.0 ") : STR("HTTP/1.1 ")));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	head_fuzz(data, size, false, answer_is_sound);
	return 0;
}
