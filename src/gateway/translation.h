/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translation: an answer of one dialect on its way to a client of another. A machine without a network: the provider's
 * bytes go in, the client's come out.
 *
 *	bytes → frames → provider's reader → undo → order → client's writer → bytes
 *
 * One struct translation for each stream that is translated, on the heap, owned by its request; what it holds does not
 * grow with the stream's length, but for what the client's dialect asks to be repeated at the end, up to a ceiling.
 */
#ifndef SLUICE_GATEWAY_TRANSLATION_H
#define SLUICE_GATEWAY_TRANSLATION_H

#include "base/buf.h"
#include "dialect/chat.h"
#include "model/usage.h"

struct translation;

/* Sees each event of an answer before the client's writer does; a whole answer's too. */
struct translation_tap {
	void (*on_event)(void *arg, const struct chat_event *);
	void *arg;
};

struct translation_options {
	const struct chat_codec *provider, *client;
	struct chat_source source;       /* copied */
	const struct chat_undo *undo;    /* copied */
	struct chat_reply reply;         /* copied */
	struct translation_tap tap;      /* on_event may be NULL */
	size_t frame_max_bytes;
	/* Of what the client gets, kept so that another provider can go on with it (translation_resume); 0: nothing */
	size_t keep_max_bytes;
};

/* NULL: a ceiling is reached. */
MUST_USE struct translation *translation_new(const struct translation_options *);
void translation_free(struct translation *);    /* NULL is fine */

enum translated {
	TRANSLATED_ON,                   /* it goes on */
	TRANSLATED_END,                  /* the answer is whole; its last bytes are in `out` */
	TRANSLATED_ERROR,                /* the provider reports an error: described */
	TRANSLATED_BROKEN,               /* the provider's bytes are wrong, or too many: err tells */
};

/* Takes a run of the provider's bytes; appends the client's to `out`. The arena is left as it was. */
enum translated translation_take(struct translation *, struct arena *, struct str bytes, struct buf *out,
                                 struct dialect_error *, struct err *);
/* The provider's transport has ended, well as far as it is concerned. Never TRANSLATED_ON. */
enum translated translation_finish(struct translation *, struct arena *, struct buf *out, struct dialect_error *,
                                   struct err *);

/*
 * The provider's stream was cut, and another call goes on with the answer. What the client has got of it so far, as
 * one answer of one choice; NULL: more than was to be kept, or that cannot be gone on with: several choices, and
 * anything but texts and thoughts. Valid until the next bytes are taken.
 */
const struct chat_response *translation_sent(struct translation *);
/* What is told of how the earlier calls' part and the next one fit together (gateway/seam.h). */
struct translation_join {
	bool prefilled;
	struct str white;                /* plain; with prefilled */
	struct usage before;             /* of all calls so far */
};
/* The provider's side is made anew; the client's goes on. Of the options only what is the provider's is looked at.
 * False: a ceiling; nothing can be done with the translation then but to write an error. */
MUST_USE bool translation_resume(struct translation *, const struct translation_options *,
                                 const struct translation_join *);
/* The provider has said how the answer ends, and its own end mark is still to come. */
bool translation_finished(const struct translation *);
/* Ends the client's stream, whose provider was cut behind that; it may not have told the usage. False: a ceiling. */
MUST_USE bool translation_end(struct translation *, struct arena *, const struct usage *, struct buf *out);

/* Something that means something to a client was read: no start of a message, no ping. */
bool translation_started(const struct translation *);
const struct usage *translation_usage(const struct translation *);
/* Bytes of the texts, thoughts and calls that came so far, for when nobody tells their tokens. */
uint64_t translation_text_bytes(const struct translation *);

/* The last event of a stream that fails; a keep-alive. False: the buffer is full. */
bool translation_write_error(struct translation *, const struct err *, struct str request_id, struct buf *out);
bool translation_write_ping(struct translation *, struct buf *out);

/* A whole answer. `body` is valid JSON. False: err tells. */
MUST_USE bool translation_whole(const struct translation_options *, struct arena *, struct str body, struct buf *out,
                                struct chat_drops *, struct err *);

#endif
