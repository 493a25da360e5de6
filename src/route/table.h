/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table: a configuration's models, deployments and providers, made ready for routing: names are resolved, addresses
 * taken apart, credentials written as the headers they travel in. Built once for each configuration snapshot in its
 * arena, immutable, read by all loops.
 */
#ifndef SLUICE_ROUTE_TABLE_H
#define SLUICE_ROUTE_TABLE_H

#include "base/map.h"
#include "base/setting.h"
#include "dialect/dialect.h"
#include "model/catalogue.h"
#include "model/price.h"
#include "net/http.h"
#include "provider/places.h"
#include "route/settings.h"

struct arena;
struct custom;
struct err;
struct health;
struct health_key;
struct health_limits;
struct origin;

/* Where one provider speaks some dialects. */
struct route_face {
	unsigned dialects;               /* DIALECT_BIT */
	struct origin *origin;
	struct str base_path;            /* with the dialect's version, no slash at the end; may be empty */
	enum provider_auth auth;
	enum envelope envelope;
	struct str query;                /* of every request; usually empty */
	struct str models;               /* patterns of the models that are served here; empty: all */
	bool cloud;                      /* requests are wrapped or signed: gateway/cloud.c */
};

struct route_credential {
	struct str key;                  /* the secret itself, for finding it in a provider's error texts */
	struct credential *source;       /* NULL: all is in `lines`; else where the rest comes from. Counted */
	/* Per face: the lines of a request's head that are the same for every request: host, credential, the
	 * configuration's headers, content type; each with its CR LF. */
	struct str lines[PROVIDER_FACES];
	uint32_t weight;
	struct health_key *health;       /* NULL: it is the only one */
};

struct route_provider {
	struct str name;
	const struct provider_settings *settings;
	unsigned quirks;                 /* enum quirk */
	bool stops_billing;              /* provider_stops_billing */
	struct route_face faces[PROVIDER_FACES];
	unsigned n_faces;
	struct provider_places places;   /* of a cloud */
	const struct route_credential *credentials;      /* at least one; it may send nothing */
	unsigned n_credentials;
	const struct http_field *headers; /* of the configuration; they replace the client's of the same name */
	unsigned n_headers;
	const struct str *hide;          /* what must not reach a client: credentials, host */
	size_t n_hide;
};

struct deployment {
	const struct deployment_settings *settings;   /* NULL: made for "provider/model" names */
	struct str name;                 /* "openai/gpt-4o": in logs, metrics and headers */
	const struct route_provider *provider;
	struct str model;                /* the provider's name */
	bool has_star;                   /* of which a '*' takes what the client's name had there */
	int64_t order;
	uint32_t weight;                 /* its own; where none is set, rpm or tpm */
	uint64_t id;                     /* from the name, the same in every process: for hashing onto deployments */
	/* What the catalogue and the configuration know. `by_name`: of the model that a request gets, so that only
	 * deployment_facts and deployment_cost_by_name know it. */
	struct price price;
	const struct model_facts *facts;
	uint8_t price_from, facts_from;  /* enum catalogue_origin */
	bool by_name;
	const struct catalogue *catalogue; /* may be NULL */
	struct health *health;           /* NULL: has_star, see health_of */
	const struct health_limits *limits; /* NULL: none */
	struct timeout_settings timeouts; /* all resolved */
	struct hedge_when hedge;         /* the same; never HEDGE_UNSET */
	struct hedge_meter *hedge_meter; /* its model's; NULL: it is never hedged */
};

/* Models that are asked when one cannot answer: for which failures is in route/failure.h. */
enum route_list { LIST_GENERAL, LIST_CONTEXT_WINDOW, LIST_CONTENT_POLICY, ROUTE_LISTS };

struct route_fallback {
	const struct route_model *model;
	struct str name, matched;        /* as clients would ask for it; what a pattern's star stood for */
};

struct route_fallbacks {
	const struct route_fallback *items;
	unsigned n;
};

struct route_model {
	struct str name;                 /* public name, or a pattern */
	bool pattern;
	bool plain;                      /* one deployment, of one model, without limits: there is nothing to choose */
	uint8_t strategy;                /* enum strategy_setting: how those of one order are chosen among */
	bool by_name, limited;           /* a deployment is by_name; one has rpm, tpm or max_parallel */
	bool counted;                    /* one has tpm: what a request's tokens come to must be known */
	uint8_t hash_by;                 /* enum hash_setting */
	uint32_t latency_buffer;         /* thousandths */
	uint32_t window_least;           /* the smallest known context window; 0: none is known */
	uint32_t lacks_differ;           /* enum model_cap: what some are known to lack, and others not */
	struct custom *custom;           /* the script of the strategy custom; NULL: none */
	const struct deployment *deployments;            /* by order */
	unsigned n_deployments;
	struct route_fallbacks lists[ROUTE_LISTS];       /* its own, else those of `routing` */
	bool continues;                  /* streams that are cut go on elsewhere */
};

struct route_table {
	struct map exact;                /* name → struct route_model */
	const struct route_model **patterns;             /* as written: the first match wins */
	size_t n_patterns;
	const struct route_model *models;                /* all, as written */
	size_t n_models;
	const struct route_model **wildcards;            /* those of `providers`, as written */
	size_t n_wildcards;
	struct map providers;            /* name → struct route_model "NAME/…" with pattern "NAME/" + '*' */
	const struct routing_settings *routing;
};

struct route_table_source {
	struct setting_array providers;  /* struct provider_settings */
	struct setting_array models;     /* struct model_settings */
	const struct routing_settings *routing;          /* outlives the table */
	const struct catalogue *catalogue;               /* the same; NULL: the built-in one */
};

/* The settings are checked already (known names, no loops); what can still be wrong is an address, a certificate
 * file or a dialect: ERR_CONFIG. The maps are freed by the arena. */
MUST_USE bool route_table_init(struct route_table *, const struct route_table_source *, struct arena *, struct err *);

/* The model of a client's name: exact, then patterns, then "provider/model". NULL: unknown. `*matched` is what a
 * pattern's star stood for. */
const struct route_model *route_find(const struct route_table *, struct str name, struct str *matched);

/* Names near to `name`, for messages: "did you mean …"; empty when none is near. In the arena. */
struct str route_nearest(const struct route_table *, struct str name, struct arena *);

/* A credential that a request brings, for one face: plain visible text. In the arena; false: it is full. */
MUST_USE bool route_credential_init(struct route_credential *, const struct route_provider *, unsigned face,
                                    struct str key, struct arena *);

/* What is known of the model that a request gets from this deployment. */
const struct model_facts *deployment_facts(const struct deployment *, struct str upstream_model);

/* The price of the model that a request gets; for deployments that are `by_name`. NULL: nothing is known. */
const struct price *deployment_price(const struct deployment *, struct str upstream_model);

/* As price_cost, with the price of the model that the request got; for deployments that are `by_name`. */
MUST_USE bool deployment_cost_by_name(const struct deployment *, struct str upstream_model, const struct usage *,
                                      int64_t at_ms, int64_t *nusd);

/* FNV-1a (draft-eastlake-fnv): the same in every process, for hashing onto deployments; no seed of ours is in it, so it
 * is nothing for tables. */
static inline uint64_t route_stable_hash(struct str s)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3;
	return h;
}

/* Fills in what is known of the deployment, whose settings, provider and model are set. */
void deployment_know(struct deployment *, const struct catalogue *, struct arena *);

/* The face that speaks the dialect and serves the provider's model of that name; NULL: none. */
static ALWAYS_INLINE const struct route_face *route_face_of(const struct route_provider *p, enum dialect_id dialect,
                                                            struct str upstream_model, unsigned *index)
{
	for (unsigned i = 0; i < p->n_faces; i++) {
		const struct route_face *face = &p->faces[i];

		if (face->dialects & DIALECT_BIT(dialect) &&
		    (likely(face->models.n == 0) || provider_serves(face->models, upstream_model))) {
			*index = i;
			return face;
		}
	}
	return NULL;
}
/* The face to which a call of the client's dialect can be translated, and the dialect that is spoken there; NULL:
 * none. */
const struct route_face *route_face_translated(const struct route_provider *, enum dialect_id client,
                                               enum dialect_call, struct str upstream_model,
                                               enum dialect_id *spoken, unsigned *index);

#endif
