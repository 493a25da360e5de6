/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http1_head: what must hold for any bytes read as a head: the same however they are cut and whichever way they are
 * read, and nothing accepted that two readers could understand differently.
 */
#ifndef SLUICE_TESTS_FUZZ_HTTP1_HEAD_H
#define SLUICE_TESTS_FUZZ_HTTP1_HEAD_H

#include "lib/head.h"

static inline void agree(const struct head_read *a, const struct head_read *b)
{
	assert(a->found == b->found);
	if (a->found == HTTP1_WHOLE)
		assert(a->len == b->len && !head_difference(&a->head, &b->head));
}

/* By a plain look at its bytes. */
static inline void head_is_sound(const struct head_read *r, const struct http1_limits *limits)
{
	struct str head = str_of(r->bytes, r->len);
	const struct http_head *h = &r->head;
	unsigned lengths = head_count_lines(head, STR("content-length"));
	unsigned codings = head_count_lines(head, STR("transfer-encoding"));

	assert(r->len <= limits->head_max_bytes + 2 && h->n_fields <= limits->fields_max);
	assert(str_ends(head, STR("\r\n\r\n")) && str_find(str_slice(head, 2, head.n), STR("\r\n\r\n")) == head.n - 6);
	for (size_t i = 0; i < head.n; i++)
		assert((head.p[i] == '\n') == (i > 0 && head.p[i - 1] == '\r'));
	assert(lengths <= 1 && codings <= 1 && lengths + codings <= 1);
	assert((h->content_length >= 0) == (lengths == 1) && h->chunked == (codings == 1));
	assert(!h->chunked || !h->http10);
	for (unsigned i = 0; i < h->n_fields; i++) {
		const struct http_field *f = &h->fields[i];

		assert(http_is_token(f->name) && http_is_field_value(f->value) && f->id == http_name_of(f->name));
		assert(str_eq(f->value, str_trim(f->value)) && h->names >> f->id & 1);
	}
}

/* The first two bytes choose the limits and how the rest is cut. */
static inline void head_fuzz(const uint8_t *data, size_t size, bool request,
                             void (*more)(const struct head_read *, struct str head))
{
	static const struct http1_limits all_limits[] = { { 8192, 2048, 32 }, { 200, 60, 4 } };
	const struct http1_limits *limits;
	struct head_read *whole, *pieces, *careful;
	struct str in;

	if (size < 3 || size > 20000)
		return;
	limits = &all_limits[data[0] & 1];
	in = str_of((const char *)data + 2, size - 2);
	whole = head_read_in_steps(in, in.n, limits, request);
	pieces = head_read_in_steps(in, 1 + data[1] % 61, limits, request);
	careful = head_read_carefully(in, limits, request);
	agree(whole, pieces);
	agree(whole, careful);
	if (whole->found == HTTP1_WHOLE) {
		head_is_sound(whole, limits);
		more(whole, str_of(whole->bytes, whole->len));
	} else if (whole->found == HTTP1_BAD) {
		assert(whole->err.text[0] && whole->err.status >= 400);
	}
	head_read_free(whole);
	head_read_free(pieces);
	head_read_free(careful);
}

#endif
