/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seam: where the stream of a later call joins what a client has got of an earlier one that was cut. Events of the
 * later call go in, those that the client's writer is to see come out, so that both are one stream: no second start,
 * blocks numbered on, a text that was open goes on, usage of all calls added up. Stands between the order of events
 * and the client's writer (gateway/translation.h). A pure machine: no network, no clock.
 *
 * What is cut out at the seam, and only there, at the very beginning of the later call's text:
 *
 *	after a prefill   the white space that was taken off the end of the prefill, as far as the text begins with it
 *	after a request   the longest end of the text so far (of its last SEAM_LOOK_BACK bytes, or all of it) that the
 *	to go on          later text repeats, byte for byte; not what may be meant: fewer than SEAM_REPEAT_MIN
 *	                  characters, what is itself a repetition ("-----", "0, 0, 0"), what stood there twice before
 *
 * While it is not known, the text waits; it never waits for more than was there before.
 */
#ifndef SLUICE_GATEWAY_SEAM_H
#define SLUICE_GATEWAY_SEAM_H

#include "model/chat.h"

#define SEAM_LOOK_BACK   1024
#define SEAM_REPEAT_MIN  16
#define SEAM_OPEN_MAX    8

/* A block that the client has seen begin and not end. */
struct seam_block { uint32_t number; uint8_t kind; };

struct seam_start {
	struct str text;                 /* plain: all of the text that is to go on; empty: there is none. Copied */
	struct str white;                /* plain: taken off the end of the prefill. Copied */
	bool prefilled;                  /* the later call goes on by itself: nothing is repeated */
	bool hide_thoughts;              /* the client has text already: thoughts would come behind it */
	struct seam_block open[SEAM_OPEN_MAX];
	unsigned n_open;
	uint32_t next_block;
	struct usage before;             /* of the calls so far */
};

struct seam;
struct seam *seam_new(const struct seam_start *);
void seam_free(struct seam *);           /* accepts NULL */
/* Takes the events and gives those that may go now, in the arena. False: a ceiling. */
MUST_USE bool seam_events(struct seam *, struct arena *, struct chat_events *in_out);

#endif
