/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as an event stream, cut at places taken from the input: framer and reader must dispatch what the
 * algorithm of the HTML standard, 9.2.6, does when it is written down plainly, and forward the bytes that came.
 */
#include <assert.h>
#include <stdlib.h>

#include "base/buf.h"
#include "net/sse.h"

enum { MAX = 1 << 16 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void dispatch(struct buf *log, struct str name, struct str id, struct str data)
{
	buf_append(log, name);
	buf_append_c(log, '\1');
	buf_append(log, id);
	buf_append_c(log, '\2');
	buf_append(log, data);
	buf_append_c(log, '\3');
}

/* The standard, word for word. */
struct plain {
	struct buf data, name, id, line;
};

static void plain_line(struct plain *s, struct buf *log)
{
	struct str line = buf_str(&s->line), field = line, value = { NULL, 0 };
	uint64_t ms;

	if (line.n == 0) {
		if (s->data.n > 0) {
			s->data.n--; /* the last LF */
			dispatch(log, buf_str(&s->name), buf_str(&s->id), buf_str(&s->data));
		}
		buf_clear(&s->data);
		buf_clear(&s->name);
		return;
	}
	size_t colon = str_find_chr(line, ':');
	if (colon == 0)
		return;
	if (colon != STR_NPOS) {
		field = str_slice(line, 0, colon);
		value = str_slice(line, colon + 1, line.n);
		if (value.n > 0 && value.p[0] == ' ')
			value = str_slice(value, 1, value.n);
	}
	if (str_eq(field, STR("event"))) {
		buf_clear(&s->name);
		buf_append(&s->name, value);
	} else if (str_eq(field, STR("data"))) {
		buf_append(&s->data, value);
		buf_append_c(&s->data, '\n');
	} else if (str_eq(field, STR("id")) && str_find_chr(value, '\0') == STR_NPOS) {
		buf_clear(&s->id);
		buf_append(&s->id, value);
	} else if (str_eq(field, STR("retry")) && str_to_u64(value, &ms)) {
		buf_append(log, STR("retry"));
		buf_append_u64(log, ms);
	}
}

static void read_plainly(struct str text, struct buf *log)
{
	struct plain s = { buf_make(MAX), buf_make(MAX), buf_make(MAX), buf_make(MAX) };

	if (str_starts(text, STR("\xef\xbb\xbf")))
		text = str_slice(text, 3, text.n);
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] != '\n' && text.p[i] != '\r') {
			buf_append_c(&s.line, text.p[i]);
			continue;
		}
		if (text.p[i] == '\r' && i + 1 < text.n && text.p[i + 1] == '\n')
			i++;
		plain_line(&s, log);
		buf_clear(&s.line);
	}
	buf_fini(&s.data);
	buf_fini(&s.name);
	buf_fini(&s.id);
	buf_fini(&s.line);
}

struct reader {
	struct sse_framer framer;
	struct buf held, id, joined, forwarded, log;
	bool started;
};

static void read_event(struct reader *r)
{
	struct sse_event e;
	enum sse_read what = sse_read(buf_str(&r->held), !r->started, &r->joined, &e);

	assert(what != SSE_TOO_LONG);
	r->started = true;
	if (e.has_id) {
		buf_clear(&r->id);
		buf_append(&r->id, e.id);
	}
	if (e.has_retry) {
		buf_append(&r->log, STR("retry"));
		buf_append_u64(&r->log, e.retry_ms);
	}
	if (what == SSE_EVENT)
		dispatch(&r->log, e.name, buf_str(&r->id), e.data);
	buf_append(&r->forwarded, buf_str(&r->held));
	buf_clear(&r->held);
}

static void read_run(struct reader *r, struct str run)
{
	char *copy = malloc(run.n);
	size_t end;

	if (run.n > 0)
		memcpy(copy, run.p, run.n);
	run.p = copy;
	while ((end = sse_frame(&r->framer, run)) != SSE_PARTIAL) {
		assert(end > 0 && end <= run.n);
		buf_append(&r->held, str_slice(run, 0, end));
		read_event(r);
		run = str_slice(run, end, run.n);
	}
	buf_append(&r->held, run);
	free(copy);
}

/* Retries of a last event without its blank line are not seen by the reader: it gets whole events only. Nor is a
 * retry in an event counted more than once. So streams with `retry` are compared without it. */
static bool has_retry(struct str s) { return str_find(s, STR("retry")) != STR_NPOS; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	if (n < 4 || n > MAX / 4)
		return 0;
	struct str text = str_of((const char *)data + 4, n - 4);
	uint32_t cuts;
	memcpy(&cuts, data, 4);
	struct reader r = { .held = buf_make(MAX), .id = buf_make(MAX), .joined = buf_make(MAX),
		            .forwarded = buf_make(MAX), .log = buf_make(4 * MAX) };
	struct buf want = buf_make(4 * MAX);

	for (size_t at = 0; at < text.n;) {
		cuts = cuts * 1664525 + 1013904223;
		size_t len = 1 + (cuts >> 24) % (1 + (cuts >> 16) % 80);
		read_run(&r, str_slice(text, at, at + len));
		at += len;
	}
	read_plainly(text, &want);
	if (!has_retry(text))
		assert(str_eq(buf_str(&r.log), buf_str(&want)));
	buf_append(&r.forwarded, buf_str(&r.held));
	assert(str_eq(buf_str(&r.forwarded), text));
	/* A byte order mark alone, or half of one, is held back and still no event cut short. */
	assert(sse_at_boundary(&r.framer) == (r.held.n == 0) || str_starts(STR("\xef\xbb\xbf"), buf_str(&r.held)));
	buf_fini(&r.held);
	buf_fini(&r.id);
	buf_fini(&r.joined);
	buf_fini(&r.forwarded);
	buf_fini(&r.log);
	buf_fini(&want);
	return 0;
}
