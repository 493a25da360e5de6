/* SPDX-License-Identifier: Apache-2.0 */
/*
 * head: comparing message heads, for the unit tests and fuzzers that read the same bytes in more than one way.
 */
#ifndef SLUICE_TESTS_LIB_HEAD_H
#define SLUICE_TESTS_LIB_HEAD_H

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "net/http1.h"

/* The first member in which they differ; NULL: none. */
static inline const char *head_difference(const struct http_head *a, const struct http_head *b)
{
	if (a->method != b->method || !str_eq(a->method_text, b->method_text))
		return "method";
	if (!str_eq(a->path, b->path) || !str_eq(a->query, b->query))
		return "target";
	if (!str_eq(a->host, b->host))
		return "host";
	if (a->status != b->status || a->http10 != b->http10)
		return "start line";
	if (a->content_length != b->content_length || a->chunked != b->chunked)
		return "framing";
	if (a->keep_alive != b->keep_alive || a->expect_continue != b->expect_continue)
		return "connection";
	if (a->n_fields != b->n_fields || a->names != b->names)
		return "number of fields";
	for (unsigned i = 0; i < a->n_fields; i++)
		if (a->fields[i].id != b->fields[i].id || !str_eq(a->fields[i].name, b->fields[i].name) ||
		    !str_eq(a->fields[i].value, b->fields[i].value))
			return "a field";
	return NULL;
}

/* What reading one head gave; the head borrows from `bytes`, which is head_read's own. */
struct head_read {
	enum http1_found found;
	size_t len;
	struct http_head head;
	struct http_field fields[HTTP1_FIELDS_MAX];
	struct err err;
	char *bytes;
};

static inline void head_read_free(struct head_read *r)
{
	free(r->bytes);
	free(r);
}

static inline enum http1_found head_take(struct str in, uint32_t *scanned, const struct http1_limits *limits,
                                         bool request, struct head_read *r)
{
	return request ? http1_take_request(in, scanned, limits, r->fields, &r->head, &r->len, &r->err)
	               : http1_take_answer(in, scanned, limits, r->fields, &r->head, &r->len, &r->err);
}

/* Reads the head as its bytes would come: `step` at a time, each time in an allocation that ends with them, so that a
 * sanitizer sees what is read behind. */
static inline struct head_read *head_read_in_steps(struct str all, size_t step, const struct http1_limits *limits,
                                                   bool request)
{
	struct head_read *r = mem_zalloc(sizeof *r);
	uint32_t scanned = 0;

	for (size_t n = 0; r->found == HTTP1_MORE && n < all.n;) {
		n = n + step < all.n ? n + step : all.n;
		free(r->bytes);
		r->bytes = mem_alloc(n);
		memcpy(r->bytes, all.p, n);
		r->found = head_take(str_of(r->bytes, n), &scanned, limits, request, r);
	}
	return r;
}

/* Reads it by llhttp and the rules alone. */
static inline struct head_read *head_read_carefully(struct str all, const struct http1_limits *limits, bool request)
{
	struct head_read *r = mem_zalloc(sizeof *r);
	uint32_t scanned = 0;
	struct str head;

	r->bytes = mem_alloc(all.n);
	memcpy(r->bytes, all.p, all.n);
	r->found = http1_find_head(str_of(r->bytes, all.n), &scanned, limits, request, &r->len, &r->err);
	if (r->found != HTTP1_WHOLE)
		return r;
	head = str_of(r->bytes, r->len);
	if (!(request ? http1_read_request(head, limits, r->fields, &r->head, &r->err)
	              : http1_read_answer(head, limits, r->fields, &r->head, &r->err)))
		r->found = HTTP1_BAD;
	return r;
}

/* How often a line of the head begins with this name and a colon; a plain search, in any case. */
static inline unsigned head_count_lines(struct str head, struct str name)
{
	unsigned n = 0;

	for (size_t at = 0; at + 1 + name.n < head.n; at++)
		n += head.p[at] == '\n' && head.p[at + 1 + name.n] == ':' &&
		     str_ieq(str_slice(head, at + 1, at + 1 + name.n), name);
	return n;
}

#endif
