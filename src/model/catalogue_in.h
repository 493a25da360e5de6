/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue_in: the catalogue's text, which all its layers have in common: the built-in one, a file, what the admin API
 * keeps. A text is lines; the first is "# sluice catalogue 1 DATE SOURCE", others that begin with # are comments.
 *
 *	>ID \t NAMES \t FALLBACKS \t SERVICES     a section: whose models follow. NAMES: our providers, with commas;
 *	                                          * stands for all. FALLBACKS: ids of sections to look in next.
 *	ID \t MATCH \t FACTS \t PRICES                 a model
 *
 *	MATCH     patterns of small letters: * any run, # a digit, & both, ! not, | either
 *	FACTS     context=N output=N caps=tools,-vision      (a minus: known to lack), context_guess=N
 *	PRICES    sets separated by "; ". The first is the price; a set that begins with from=2026-03-13 or
 *	          daily=01:00-04:00 holds then. Behind a set: above=200000 (what is different above), service=flex
 *	          (a price of its own, or times=0.5). Members are named as in the configuration; US dollars.
 *
 * docs/catalogue.md tells it to users.
 */
#ifndef SLUICE_MODEL_CATALOGUE_IN_H
#define SLUICE_MODEL_CATALOGUE_IN_H

#include "model/catalogue.h"
#include "model/model_in.h"

struct arena;
struct buf;
struct err;

#define CATALOGUE_HEAD "# sluice catalogue 1 "
/* A line; longer ones are refused in files, and no line of ours is near it. */
enum { CATALOGUE_LINE_MAX = 16384 };

struct catalogue_section {
	struct str id, names, fallbacks, services;
	struct str lines;            /* of its models */
};

struct catalogue_text {
	const struct catalogue_section *sections;
	size_t n;
	struct str version;          /* "2026-11-28 @pydantic/genai-prices 0.1.8" */
};

struct catalogue_line {
	struct str id, match, facts, prices;
};

/* Takes the text apart; it is borrowed. `check`: every line is read once, so that later reading cannot fail:
 * ERR_CONFIG with the line's number. */
MUST_USE bool catalogue_text_read(struct catalogue_text *, struct str text, bool check, struct arena *, struct err *);

/* The next model of a section's lines. False: no more. */
bool catalogue_line_next(struct str *rest, struct catalogue_line *);

/* Does the name (small letters) match? */
bool catalogue_match(struct str match, struct str name);

/* `caps` of facts go over what stands in *f. */
MUST_USE bool catalogue_facts_read(struct str facts, struct model_facts *f);
/* Cases are made in the arena. `services`: of the section, for sets that say nothing of a service themselves. */
MUST_USE bool catalogue_prices_read(struct str prices, struct str services, struct arena *, struct price *);

/* The name of a member of a price: enum usage_counter, then USAGE_COUNTERS + enum price_each. */
struct str catalogue_price_name(unsigned member);
enum { PRICE_MEMBERS = USAGE_COUNTERS + EACHES };
static inline int64_t *price_member(struct price *p, unsigned member)
{
	return member < USAGE_COUNTERS ? &p->token_pusd[member] : &p->each_nusd[member - USAGE_COUNTERS];
}
static inline int price_member_scale(unsigned member)
{
	return member < USAGE_COUNTERS ? 6 : 9; /* digits of US dollars a million tokens, or each */
}

/* catalogue_data.c: the built-in text, unpacked at first use and kept. */
struct str catalogue_builtin_text(void);

#endif
