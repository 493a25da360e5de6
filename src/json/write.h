/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write: JSON text into a buffer, piece by piece, with commas put where they belong. Used for log lines, errors and
 * admin answers. Cheap: a string without anything to escape is one search and one copy.
 *
 * The writer holds no memory of its own. Errors are the buffer's: check buf->failed (json_write_done does) at the
 * end. Using it wrongly (a value without key in an object, an end too many, more than 64 levels) is asserted.
 *
 *	struct json_writer w = json_writer_make(&buf);
 *	json_open(&w, '{');
 *	json_key_lit(&w, "tokens");
 *	json_i64(&w, 12);
 *	json_key_lit(&w, "tags");
 *	json_open(&w, '[');
 *	json_str(&w, tag);
 *	json_close(&w);
 *	json_close(&w);
 */
#ifndef SLUICE_JSON_WRITE_H
#define SLUICE_JSON_WRITE_H

#include "base/buf.h"
#include "base/str.h"

enum { JSON_WRITE_LEVELS = 64 };

struct json_writer {
	struct buf *out;
	uint64_t objects;  /* bit n: level n + 1 is an object */
	uint8_t level;     /* open arrays and objects */
	bool in_object;    /* the innermost is an object */
	bool comma;        /* a comma goes before what comes next */
	bool keyed;        /* a key was written: a value must follow */
};

static inline struct json_writer json_writer_make(struct buf *out) { return (struct json_writer){ .out = out }; }

void json_open(struct json_writer *, char bracket);      /* '{' or '[' */
void json_close(struct json_writer *);                   /* the innermost */
void json_key(struct json_writer *, struct str);         /* escaped as json_str does */
/* A key that is a literal without anything to escape: a few stores. For the log and other hot places. */
#define json_key_lit(w, literal) json_key_const((w), ",\"" literal "\":", sizeof(literal) + 3)
void json_key_text(struct json_writer *, struct str text); /* `text` is comma, key in its quotes, and colon */
/* Bytes that are no UTF-8 become U+FFFD, one for each byte. */
void json_str(struct json_writer *, struct str);
void json_i64(struct json_writer *, int64_t);
void json_u64(struct json_writer *, uint64_t);
void json_bool(struct json_writer *, bool);
void json_null(struct json_writer *);
void json_raw(struct json_writer *, struct str json);    /* one whole valid value, as it is */

/* Behind json_key_lit: `text` and n are known to the compiler, so that the copies become stores. */
static inline __attribute__((always_inline)) void json_key_const(struct json_writer *w, const char *text, size_t n)
{
	struct buf *b = w->out;

	if (unlikely(!b->p || b->cap - b->n < n || !w->in_object || w->keyed)) {
		json_key_text(w, str_of(text, n)); /* makes room, or asserts */
		return;
	}
	if (likely(w->comma))
		memcpy(b->p + b->n, text, n);
	else
		memcpy(b->p + b->n, text + 1, n - 1);
	b->n += n - !w->comma;
	w->comma = false;
	w->keyed = true;
}

/* Is the text whole: all closed, nothing refused by the buffer? */
MUST_USE bool json_write_done(const struct json_writer *);

/* Appends `text` as a JSON string with its quotes, outside of any writer. */
bool json_append_str(struct buf *, struct str text);

#endif
