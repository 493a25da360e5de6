/* SPDX-License-Identifier: Apache-2.0 */
/*
 * catalogue: prices, limits and capabilities of models, by provider and name. Layers, each laid over the one before:
 *
 *	1. the family's facts (model/facts.h) and the built-in price list: dated, unpacked at first use
 *	2. a file: `catalogue.file`
 *	3. what the admin API keeps
 *	4. a deployment's own settings, which route/ lays over the entry
 *
 * Facts are laid over one by one. So are prices, unless a layer names `input` or `output`: then it has a price list of
 * its own, and of what lies below only what is not paid by the token still holds.
 *
 * A catalogue is made with each configuration, in its arena, and read by all threads. NULL stands for one without
 * layers 2 and 3.
 *
 *	struct model_entry e;
 *	catalogue_entry(c, STR("openai"), STR("gpt-4o"), arena, &e);
 */
#ifndef SLUICE_MODEL_CATALOGUE_H
#define SLUICE_MODEL_CATALOGUE_H

#include "model/facts.h"
#include "model/price.h"

struct arena;
struct buf;
struct catalogue;
struct err;
struct json_writer;

enum catalogue_origin {
	ORIGIN_NONE,         /* nobody knows */
	ORIGIN_BUILTIN, ORIGIN_FILE, ORIGIN_API, ORIGIN_CONFIG,
	CATALOGUE_ORIGINS
};
const char *catalogue_origin_name(enum catalogue_origin);      /* "none", "builtin", "file", "api", "config" */

struct model_entry {
	struct model_facts facts;
	struct price price;          /* may be unknown */
	uint8_t price_from;          /* enum catalogue_origin: the highest layer that named a price */
	uint8_t facts_from;          /* the same of facts */
};

/* What is laid over the built-in list; texts of the catalogue's form (catalogue_import_json makes them), empty: none.
 * They are copied. `file_name` is for messages. NULL: ERR_CONFIG tells the line. */
MUST_USE struct catalogue *catalogue_new(struct arena *, struct str file_name, struct str file, struct str api,
                                         struct err *);

/* The entry of a provider's model, as the provider calls it; cases of the price are made in the arena. */
void catalogue_entry(const struct catalogue *, struct str provider, struct str model, struct arena *,
                     struct model_entry *out);

/*
 * The same for names that clients make up ("provider/model"), which must not cost a search each time: kept as long as
 * the catalogue. `lay` (may be NULL) lays what `owner` says over an entry; entries are told apart by their owner too.
 * NULL: there is no room for more. Any thread.
 */
const struct model_entry *catalogue_keep(const struct catalogue *, struct str provider, struct str model,
                                         const void *owner,
                                         void (*lay)(const void *owner, struct arena *, struct model_entry *));

/* Lays a price over an entry's, as described above. */
void catalogue_lay_price(struct price *, const struct price *over, struct arena *);

/* Date and source of the built-in list: "2026-11-28 @pydantic/genai-prices 0.1.8". */
struct str catalogue_version(void);

/* Does the built-in list know the provider? */
bool catalogue_has(struct str provider);
/* Calls fn for each model of the built-in list that belongs to the provider, with the list's name for it. False: it has
 * none of the provider. */
bool catalogue_each(struct str provider, void (*fn)(void *arg, struct str model), void *arg);

/* A price as an object of decimal texts with its cases, null if it is unknown; and the members of an entry, of which
 * facts are some, inside an object that is open. */
void catalogue_write_price(struct json_writer *, const struct price *);
void catalogue_write_facts(struct json_writer *, const struct model_facts *);
void catalogue_write_entry(struct json_writer *, const struct model_entry *);

/*
 * JSON to the catalogue's text, appended to *out: our own form (docs/catalogue.md) or LiteLLM's
 * model_prices_and_context_window.json, told apart by their looks. Blocks for some milliseconds a megabyte.
 */
MUST_USE bool catalogue_import_json(struct str json, struct buf *out, struct err *);

/*
 * One model's object of our own form (`price`, `context_window`, `max_output`, `capabilities`) to the line that stands
 * for it, with the section's line before it. Unknown members are refused by name.
 */
MUST_USE bool catalogue_import_model(struct str provider, struct str model, struct str json, struct buf *out,
                                     struct err *);

/* What a file holds: the catalogue's own text, or one of the JSON forms. Appended to *out. */
MUST_USE bool catalogue_import(struct str contents, struct buf *out, struct err *);

#endif
