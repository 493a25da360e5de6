/* SPDX-License-Identifier: Apache-2.0 */
/* Tests of http1: heads and chunked bodies from hostile peers, whole and in pieces of every size. */
#include "net/http1.h"

#include <stdio.h>

#include "base/buf.h"
#include "lib/check.h"
#include "lib/head.h"

static const struct http1_limits limits = { 256, 64, 6 };

#define GOOD 0
#define MORE (-1)
#define NONE (-1) /* no content-length */
#define CHUNKED (-2)

/* ---- heads ---- */

struct head_case {
	const char *name, *text;
	int status;          /* GOOD, MORE, or that of the refusal */
	int64_t length;
	bool keep;
};

#define REQUEST "POST /x HTTP/1.1\r\nhost: a\r\n"
#define LINE_50 "x: 0123456789012345678901234567890123456789012345\r\n"

static const struct head_case requests[] = {
	{ "plain", REQUEST "\r\n", GOOD, NONE, true },
	{ "length", REQUEST "content-length: 12\r\n\r\n123", GOOD, 12, true },
	{ "zeros before the length", REQUEST "content-length: 00012\r\n\r\n", GOOD, 12, true },
	{ "largest length", REQUEST "content-length: 9223372036854775807\r\n\r\n", GOOD, INT64_MAX, true },
	{ "chunked", REQUEST "transfer-encoding: chunked\r\n\r\n", GOOD, CHUNKED, true },
	{ "chunked, in capitals", REQUEST "Transfer-Encoding:\tCHUNKED \r\n\r\n", GOOD, CHUNKED, true },
	{ "close", REQUEST "connection: close\r\n\r\n", GOOD, NONE, false },
	{ "close among others", REQUEST "connection: x, Close\t,y\r\n\r\n", GOOD, NONE, false },
	{ "close in the second field", REQUEST "connection: x\r\nconnection: close\r\n\r\n", GOOD, NONE, false },
	{ "1.0", "GET / HTTP/1.0\r\n\r\n", GOOD, NONE, false },
	{ "1.0 that stays", "GET / HTTP/1.0\r\nconnection: keep-alive\r\n\r\n", GOOD, NONE, true },
	{ "an empty line first", "\r\n" REQUEST "\r\n", GOOD, NONE, true },
	{ "obs-text in a value", REQUEST "x: \303\244\r\n\r\n", GOOD, NONE, true },
	{ "underscore in a name", REQUEST "a_b: c\r\n\r\n", GOOD, NONE, true },
	{ "unknown method", "FOO /x HTTP/1.1\r\nhost: a\r\n\r\n", GOOD, NONE, true },
	{ "unknown method and a tab", "FOO /x HTTP/1.1\r\nhost:\ta\r\n\r\n", GOOD, NONE, true },
	{ "absolute target", "GET http://a/x HTTP/1.1\r\nhost: A\r\n\r\n", GOOD, NONE, true },
	{ "another host in the target", "GET http://b/ HTTP/1.1\r\nhost: a\r\n\r\n", GOOD, NONE, true },
	{ "largest port", "GET / HTTP/1.1\r\nhost: a:65535\r\n\r\n", GOOD, NONE, true },
	{ "as long as may be", REQUEST LINE_50 LINE_50 LINE_50 LINE_50 "x: 012345678901234567\r\n\r\n",
	  GOOD, NONE, true },
	{ "as many fields as may be", REQUEST "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\n\r\n", GOOD, NONE, true },
	{ "nothing", "", MORE, 0, false },
	{ "cut line", "POST /x", MORE, 0, false },
	{ "cut fields", REQUEST "x: y\r\n", MORE, 0, false },
	{ "cut end", REQUEST "\r", MORE, 0, false },

	{ "TLS", "\026\003\001", 400, 0, false },
	{ "two empty lines first", "\r\n\r\n" REQUEST "\r\n", 400, 0, false },
	{ "bare CR first", "\rPOST", 400, 0, false },
	{ "bare LF", "POST /x HTTP/1.1\nhost: a\n\n", 400, 0, false },
	{ "bare CR in a value", REQUEST "x: a\rb\r\n\r\n", 400, 0, false },
	{ "NUL in a value", REQUEST "x: a\001b\r\n\r\n", 400, 0, false },
	{ "folded", REQUEST "x: a\r\n b\r\n\r\n", 400, 0, false },
	{ "space before the fields", "POST /x HTTP/1.1\r\n host: a\r\n\r\n", 400, 0, false },
	{ "space before the colon", REQUEST "x : a\r\n\r\n", 400, 0, false },
	{ "no colon", REQUEST "xyz\r\n\r\n", 400, 0, false },
	{ "no name", REQUEST ": a\r\n\r\n", 400, 0, false },
	{ "not ASCII in a name", REQUEST "\303\244: a\r\n\r\n", 400, 0, false },
	{ "no host", "GET / HTTP/1.1\r\n\r\n", 400, 0, false },
	{ "two hosts", REQUEST "Host: a\r\n\r\n", 400, 0, false },
	{ "empty host", "GET / HTTP/1.1\r\nhost:\r\n\r\n", 400, 0, false },
	{ "host with a user", "GET / HTTP/1.1\r\nhost: a@b\r\n\r\n", 400, 0, false },
	{ "port above the largest", "GET / HTTP/1.1\r\nhost: a:65536\r\n\r\n", 400, 0, false },
	{ "host with a bad port", "GET / HTTP/1.1\r\nhost: a:8o\r\n\r\n", 400, 0, false },
	{ "length and coding", REQUEST "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 400, 0, false },
	{ "two lengths", REQUEST "content-length: 1\r\ncontent-length: 1\r\n\r\n", 400, 0, false },
	{ "list of lengths", REQUEST "content-length: 1, 1\r\n\r\n", 400, 0, false },
	{ "signed length", REQUEST "content-length: +1\r\n\r\n", 400, 0, false },
	{ "length in hex", REQUEST "content-length: 0x1\r\n\r\n", 400, 0, false },
	{ "empty length", REQUEST "content-length:\r\n\r\n", 400, 0, false },
	{ "length too large", REQUEST "content-length: 9223372036854775808\r\n\r\n", 400, 0, false },
	{ "two codings", REQUEST "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n", 400, 0, false },
	{ "chunked twice", REQUEST "transfer-encoding: chunked, chunked\r\n\r\n", 400, 0, false },
	{ "chunked is not last", REQUEST "transfer-encoding: chunked, gzip\r\n\r\n", 400, 0, false },
	{ "coding that is not known", REQUEST "transfer-encoding: gzip, chunked\r\n\r\n", 501, 0, false },
	{ "chunked, nearly", REQUEST "transfer-encoding: xchunked\r\n\r\n", 400, 0, false },
	{ "coding in 1.0", "POST / HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n", 400, 0, false },
	{ "expectation", REQUEST "expect: something\r\n\r\n", 417, 0, false },
	{ "1.2", "GET / HTTP/1.2\r\n", 505, 0, false },
	{ "2.0", "GET / HTTP/2.0\r\n", 505, 0, false },
	{ "no version", "GET /\r\n", 400, 0, false },
	{ "small http", "GET / http/1.1\r\n", 400, 0, false },
	{ "two spaces", "GET  / HTTP/1.1\r\n", 400, 0, false },
	{ "space behind the version", "GET / HTTP/1.1 \r\n", 400, 0, false },
	{ "star for get", "GET * HTTP/1.1\r\nhost: a\r\n\r\n", 400, 0, false },
	{ "no slash", "GET x HTTP/1.1\r\nhost: a\r\n\r\n", 400, 0, false },
	{ "fragment", "GET /x#y HTTP/1.1\r\nhost: a\r\n\r\n", 400, 0, false },
	{ "NUL in disguise", "GET /%00 HTTP/1.1\r\nhost: a\r\n\r\n", 400, 0, false },
	{ "line too long", "GET /0123456789012345678901234567890123456789012345678901234567890", 414, 0, false },
	{ "one byte too long", REQUEST LINE_50 LINE_50 LINE_50 LINE_50 "x: 0123456789012345678\r\n\r\n",
	  431, 0, false },
	{ "one field too many", REQUEST "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\n\r\n", 431, 0, false },
	{ "one odd field too many", REQUEST "a:\r\nb:\r\nc:\r\nd:\r\ne:\tx\r\nf:\r\n\r\n", 431, 0, false },
};

#define ANSWER "HTTP/1.1 200 OK\r\n"

static const struct head_case answers[] = {
	{ "plain", ANSWER "\r\n", GOOD, NONE, true },
	{ "no reason", "HTTP/1.1 200 \r\n\r\n", GOOD, NONE, true },
	{ "no space behind the status", "HTTP/1.1 200\r\n\r\n", GOOD, NONE, true },
	{ "reason in Latin-1", "HTTP/1.1 200 \344\r\n\r\n", GOOD, NONE, true },
	{ "length", ANSWER "content-length: 7\r\n\r\n", GOOD, 7, true },
	{ "chunked", ANSWER "transfer-encoding: chunked\r\n\r\n", GOOD, CHUNKED, true },
	{ "close", ANSWER "Connection: close\r\n\r\n", GOOD, NONE, false },
	{ "1.0", "HTTP/1.0 200 OK\r\n\r\n", GOOD, NONE, false },
	{ "interim", "HTTP/1.1 100 Continue\r\n\r\n" ANSWER "\r\n", GOOD, NONE, true },
	{ "cut", "HTTP/1.1 2", MORE, 0, false },
	{ "cut fields", ANSWER "a: b\r\n", MORE, 0, false },

	{ "status of two digits", "HTTP/1.1 20 OK\r\n\r\n", 502, 0, false },
	{ "status of four digits", "HTTP/1.1 2000 OK\r\n\r\n", 502, 0, false },
	{ "status too large", "HTTP/1.1 600 OK\r\n\r\n", 502, 0, false },
	{ "2.0", "HTTP/2.0 200 OK\r\n\r\n", 502, 0, false },
	{ "control in the reason", "HTTP/1.1 200 \001\r\n\r\n", 502, 0, false },
	{ "an empty line first", "\r\n" ANSWER "\r\n", 400, 0, false },
	{ "length and coding", ANSWER "content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n", 502, 0, false },
	{ "two lengths", ANSWER "content-length: 1\r\ncontent-length: 2\r\n\r\n", 502, 0, false },
	{ "coding that is not known", ANSWER "transfer-encoding: gzip\r\n\r\n", 502, 0, false },
	{ "coding in 1.0", "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n", 502, 0, false },
	{ "folded", ANSWER "x: a\r\n\tb\r\n\r\n", 400, 0, false },
	{ "not a token", ANSWER "x y: a\r\n\r\n", 502, 0, false },
	{ "too many fields", ANSWER "a:\r\nb:\r\nc:\r\nd:\r\ne:\r\nf:\r\ng:\r\n\r\n", 502, 0, false },
};

static void check_head(const struct head_case *c, bool request, size_t step)
{
	struct head_read *r = head_read_in_steps(str_from_z(c->text), step, &limits, request);
	char row[128];

	snprintf(row, sizeof row, "%s, %zu at a time", c->name, step);
	if (c->status == MORE) {
		check(row, r->found == HTTP1_MORE);
	} else if (c->status != GOOD) {
		check(row, r->found == HTTP1_BAD);
		check_u64(row, r->err.status, c->status);
		check(row, r->err.text[0]);
	} else {
		check(row, r->found == HTTP1_WHOLE);
		check(row, r->head.chunked == (c->length == CHUNKED));
		check(row, r->head.content_length == (c->length == CHUNKED ? NONE : c->length));
		check(row, r->head.keep_alive == c->keep);
	}
	head_read_free(r);
}

static void reads_heads_in_pieces_of_every_size(void **state)
{
	for (size_t i = 0; i < COUNT_OF(requests); i++)
		for (size_t step = 1; step < 260; step += step < 20 ? 1 : 80)
			check_head(&requests[i], true, step);
	for (size_t i = 0; i < COUNT_OF(answers); i++)
		for (size_t step = 1; step < 260; step += step < 20 ? 1 : 80)
			check_head(&answers[i], false, step);
}

/* The short cut for ordinary heads, and what reads all others. */
static void reads_heads_the_same_both_ways(void **state)
{
	for (size_t i = 0; i < COUNT_OF(requests) + COUNT_OF(answers); i++) {
		bool request = i < COUNT_OF(requests);
		const struct head_case *c = request ? &requests[i] : &answers[i - COUNT_OF(requests)];
		struct str text = str_from_z(c->text);
		struct head_read *a = head_read_in_steps(text, text.n, &limits, request);
		struct head_read *b = head_read_carefully(text, &limits, request);

		check(c->name, a->found == b->found);
		if (a->found == HTTP1_WHOLE)
			check_str(c->name, str_from_z(head_difference(&a->head, &b->head)), STR(""));
		head_read_free(a);
		head_read_free(b);
	}
}

static void reads_one_of_several_messages(void **state)
{
	struct str in = STR("\r\nGET /1 HTTP/1.1\r\nhost: a\r\n\r\nGET /2 HTTP/1.1\r\nhost: a\r\n\r\nGET");
	struct http_field fields[6];
	struct http_head h;
	struct err e;
	uint32_t scanned = 0;
	size_t len;

	assert_int_equal(http1_take_request(in, &scanned, &limits, fields, &h, &len, &e), HTTP1_WHOLE);
	check_str("first", h.path, STR("/1"));
	in = str_slice(in, len, in.n);
	assert_int_equal(http1_take_request(in, &scanned, &limits, fields, &h, &len, &e), HTTP1_WHOLE);
	check_str("second", h.path, STR("/2"));
	in = str_slice(in, len, in.n);
	assert_int_equal(http1_take_request(in, &scanned, &limits, fields, &h, &len, &e), HTTP1_MORE);
	assert_int_equal(scanned, 3);
}

/* ---- chunked bodies ---- */

static const struct chunk_case {
	const char *name, *text;
	enum http1_body result;
	const char *body, *left;
} bodies[] = {
	{ "empty", "0\r\n\r\n", HTTP1_BODY_END, "", "" },
	{ "one chunk", "3\r\nabc\r\n0\r\n\r\n", HTTP1_BODY_END, "abc", "" },
	{ "two chunks", "3\r\nabc\r\n2\r\n\r\n\r\n0\r\n\r\n", HTTP1_BODY_END, "abc\r\n", "" },
	{ "hex", "1A\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n", HTTP1_BODY_END, "abcdefghijklmnopqrstuvwxyz", "" },
	{ "many zeros", "00000000000000000000000003\r\nabc\r\n0\r\n\r\n", HTTP1_BODY_END, "abc", "" },
	{ "blank before an extension", "3 ;a\r\nabc\r\n0\t ;a=b\r\n\r\n", HTTP1_BODY_END, "abc", "" },
	{ "zeros", "0003\r\nabc\r\n000\r\n\r\n", HTTP1_BODY_END, "abc", "" },
	{ "what follows", "1\r\na\r\n0\r\n\r\nGET /", HTTP1_BODY_END, "a", "GET /" },
	{ "extensions", "1;a;b=c;d=\"e\\\"f\"; g\t=\th ;i\r\na\r\n0;x\r\n\r\n", HTTP1_BODY_END, "a", "" },
	{ "trailers", "0\r\nx: y\r\nz:\r\n\r\n", HTTP1_BODY_END, "", "" },
	{ "trailer with a harmless name", "0\r\nhosts: y\r\ncontent-len: 1\r\n\r\n", HTTP1_BODY_END, "", "" },
	{ "cut size", "1", HTTP1_BODY_MORE, "", "" },
	{ "cut data", "5\r\nab", HTTP1_BODY_MORE, "ab", "" },
	{ "cut end", "1\r\na\r\n0\r\n", HTTP1_BODY_MORE, "a", "" },
	{ "largest size", "7fffffffffffffff\r\nab", HTTP1_BODY_MORE, "ab", "" },
	{ "zeros up to sixteen digits", "0000000000000001\r\na", HTTP1_BODY_MORE, "a", "" },

	{ "no size", "\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "sign", "+1\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "prefix", "0x1\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "space before the size", " 1\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "space behind the size", "1 \r\na", HTTP1_BODY_BAD, "", NULL },
	{ "size too large", "8000000000000000\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "size of seventeen digits", "10000000000000000\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "blank behind the size, and no extension", "1 a\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "blanks behind the size", "1\t \r\na", HTTP1_BODY_BAD, "", NULL },
	{ "size ended by a bare LF", "1\na\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "size ended by a bare CR", "1\ra\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "data longer than told", "1\r\nab\r\n", HTTP1_BODY_BAD, "a", NULL },
	{ "data ended by a bare LF", "1\r\na\n0", HTTP1_BODY_BAD, "a", NULL },
	{ "extension without a name", "1;\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "extension without a value", "1;a=\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "bare LF in an extension", "1;a\n\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "LF in a quoted value", "1;a=\"b\n\"\r\na", HTTP1_BODY_BAD, "", NULL },
	{ "trailer that frames", "0\r\nContent-Length: 1\r\n\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "trailer that routes", "0\r\nhost: a\r\n\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "trailer without a colon", "0\r\nx\r\n\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "folded trailer", "0\r\nx: y\r\n z\r\n\r\n", HTTP1_BODY_BAD, "", NULL },
	{ "end with a bare LF", "0\r\n\n", HTTP1_BODY_BAD, "", NULL },
};

static void check_body(const struct chunk_case *c, size_t step)
{
	struct str text = str_from_z(c->text), data;
	struct http1_chunks chunks = { 0 };
	enum http1_body got = HTTP1_BODY_MORE;
	struct buf body = buf_make(1000);
	char row[128];
	size_t left = 0;

	snprintf(row, sizeof row, "%s, %zu at a time", c->name, step);
	for (size_t at = 0; at < text.n && got == HTTP1_BODY_MORE; at += step) {
		struct str in = str_slice(text, at, at + step);
		size_t end = at + in.n;

		while ((got = http1_chunks_read(&chunks, &in, &data)) == HTTP1_BODY_DATA)
			check(row, data.n > 0 && buf_append(&body, data));
		left = text.n - end + in.n;
	}
	check(row, got == c->result);
	check_str(row, buf_str(&body), str_from_z(c->body));
	if (c->left)
		check_str(row, str_slice(text, text.n - left, text.n), str_from_z(c->left));
	buf_fini(&body);
}

static void reads_chunks_in_pieces_of_every_size(void **state)
{
	for (size_t i = 0; i < COUNT_OF(bodies); i++)
		for (size_t step = 1; step < 60; step++)
			check_body(&bodies[i], step);
}

/* Neither extensions nor trailers may go on for ever. */
static void bounds_what_is_thrown_away(void **state)
{
	static const struct { const char *name, *start, *more; } cases[] = {
		{ "extension", "1;a", "a" }, { "quoted", "1;a=\"", "a" }, { "trailer", "0\r\nx:", "y" },
		{ "trailers", "0\r\n", "x:\r\n" }, { "chunks", "1;a\r\n", "x\r\n1;a\r\n" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct str in = str_from_z(cases[i].start), data;
		struct http1_chunks chunks = { 0 };
		enum http1_body got;
		size_t total = 0;

		for (;;) {
			while ((got = http1_chunks_read(&chunks, &in, &data)) == HTTP1_BODY_DATA)
				continue;
			if (got == HTTP1_BODY_BAD)
				break;
			check(cases[i].name, got == HTTP1_BODY_MORE && total < 64000);
			in = str_from_z(cases[i].more);
			total += in.n;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_heads_in_pieces_of_every_size),
		cmocka_unit_test(reads_heads_the_same_both_ways),
		cmocka_unit_test(reads_one_of_several_messages),
		cmocka_unit_test(reads_chunks_in_pieces_of_every_size),
		cmocka_unit_test(bounds_what_is_thrown_away),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
