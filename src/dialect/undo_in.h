/* SPDX-License-Identifier: Apache-2.0 */
/*
 * undo_in: the two machines of undo that take a text apart while it streams: one watches for stop sequences, the other
 * takes a value out of the object that was put around it. Both give the same for any cut of the text.
 */
#ifndef SLUICE_DIALECT_UNDO_IN_H
#define SLUICE_DIALECT_UNDO_IN_H

#include "base/buf.h"
#include "model/chat.h"

struct arena;

/*
 * Stop sequences (rule P7). The one that is complete first ends the text, which is then everything before it. Sequences
 * are plain text; the watched text is escaped, however the provider likes to spell its escapes.
 */
struct stop_watch {
	const struct str *stops;     /* plain, none empty */
	unsigned n;
};

struct stop_hit {
	size_t free_n;               /* bytes that may go: all, up to a sequence, or up to what may become one */
	int stop;                    /* which sequence begins at free_n; -1: none is whole */
};
struct stop_hit stop_watch_look(const struct stop_watch *, struct jstr text);

/* Finds the value of the object's only member in a document that comes in pieces. */
enum unwrap_state { UNWRAP_START, UNWRAP_QUOTE, UNWRAP_NAME, UNWRAP_COLON, UNWRAP_BEGIN, UNWRAP_VALUE, UNWRAP_END,
	UNWRAP_ODD };
struct unwrap {
	struct str name;             /* of the member */
	bool as_string;              /* its value is a string, of which the contents are wanted; else the raw value */
	uint8_t state;               /* enum unwrap_state */
	uint8_t name_n;              /* letters of the name seen */
	bool in_string, escaped;     /* of a raw value */
	uint32_t depth;
	uint8_t escape_n;            /* as_string: an escape that is not whole yet */
	char escape[6];
	struct buf seen;             /* what came before the value began: all of it, if it looks otherwise */
};

/* Zeroed and with name and as_string set before its first use. */
void unwrap_fini(struct unwrap *);
/* Takes a piece of the document, as the contents of a JSON string, and gives what of it belongs to the value, in the
 * arena; empty: nothing yet. p == NULL: a ceiling. */
struct jstr unwrap_add(struct unwrap *, struct arena *, struct jstr piece);
/* At the document's end: what is still to be given. p == NULL: a ceiling. */
struct jstr unwrap_end(struct unwrap *, struct arena *);
/* All at once. A document that looks otherwise is given whole. p == NULL: a ceiling. */
struct jstr unwrap_whole(struct arena *, struct str name, bool as_string, struct jstr document);

#endif
