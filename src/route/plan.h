/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan: for one request, the candidates in the order in which they are tried, with the reason for each place and each
 * exclusion.
 *
 *	struct plan_ask ask = { .model = …, .now_ms = … };
 *	if (!plan_make(&plan, &table, &ask, arena, &err)) …404, 403, 400…
 *	while (plan_next(&plan, failed, now, arena, &candidate, &wait) == PLAN_TRY) …try it after `wait`; failed = &how…
 *
 * A model's deployments form a group. They are filtered first (dialect, capability, policy, wishes, health, limits),
 * then put in order by the model's strategy inside each `order`, then moved by affinity and preferences. Inside a group
 * there are 1 + retries.attempts tries: those that are in, one after the other without waiting; then from the beginning
 * again with back-off. What a failure means decides how it goes on (route/failure.h): another try, another
 * deployment, the next model of one of the three lists of fallbacks, or the end.
 *
 * If all of a group are out by health only, the least bad one is tried once (routing.last_resort). If all that are left
 * are at their limits, the answer is PLAN_FULL, and the request may wait for room (route/admission.h).
 *
 * A provider that does not speak the client's dialect is a candidate all the same if the call can be translated.
 * Nothing is allocated outside of the request's arena. The plan lives on the request's loop.
 */
#ifndef SLUICE_ROUTE_PLAN_H
#define SLUICE_ROUTE_PLAN_H

#include "model/facts.h"
#include "route/failure.h"
#include "route/health.h"
#include "route/table.h"
#include "route/wishes.h"

struct affinity;
struct plan_past;

#define PLAN_GROUP_MAX 256
#define PLAN_GONE_MAX  8

/* Why a candidate stands where it stands. */
enum plan_place {
	PLACE_ONLY,                      /* there is no other */
	PLACE_STRATEGY,                  /* the model's strategy put it there */
	PLACE_WISH,                      /* the request's order or sort did */
	PLACE_AFFINITY,                  /* it holds the conversation's prompt cache */
	PLACE_STATE,                     /* it holds an answer that the request refers to */
	PLACE_OUTPUT,                    /* behind those that can answer as long as is asked for */
	PLACE_SLOW,                      /* a preference moved it to the end */
	PLACE_PROBE,                     /* one request is to show that it works again */
	PLACE_LAST_RESORT,               /* all are out, and it is the least bad */
	PLACES
};
/* Why one is none. */
enum plan_exclusion {
	EXCLUDED_NOT,
	EXCLUDED_DIALECT,                /* it cannot be given this call at all */
	EXCLUDED_CAPABILITY, EXCLUDED_CONTEXT_WINDOW, EXCLUDED_MAX_OUTPUT, EXCLUDED_QUANTIZATION, EXCLUDED_PRICE,
	EXCLUDED_REGION, EXCLUDED_ZDR, EXCLUDED_DATA_COLLECTION,
	EXCLUDED_WISH,                   /* not in `only`, in `ignore`, behind allow_fallbacks: false */
	EXCLUDED_COOLING, EXCLUDED_BROKEN,
	EXCLUDED_LIMIT,                  /* rpm, tpm, max_parallel: no room now */
	EXCLUDED_FAILED,                 /* this request tried it, and another try is of no use */
	EXCLUSIONS
};
const char *plan_place_name(enum plan_place);            /* "strategy" */
const char *plan_exclusion_name(enum plan_exclusion);    /* "context_window" */

struct candidate {
	const struct deployment *deployment;
	const struct route_face *face;
	struct health *health;
	const struct dialect *dialect;   /* that is spoken there; not the client's: to be translated */
	struct str model;                /* the upstream's name for it */
	unsigned face_index;
	uint8_t place, excluded;         /* enum plan_place, plan_exclusion */
	uint8_t tries;                   /* by this request */
	bool limited;                    /* it answered 429 */
	uint32_t room_ms;                /* EXCLUDED_LIMIT: until there is room */
	uint32_t ready_ms;               /* since ask.now_ms: not before, by its own Retry-After */
};

/* What key, team and request allow: only added up, never widened by a request. */
struct plan_policy {
	struct wish_names regions;       /* of the team; none: any. A deployment without a region is in none */
	bool zdr;
};
/* Is it kept from the deployment by its policy? EXCLUDED_NOT: no; EXCLUDED_REGION, _ZDR. */
enum plan_exclusion plan_policy_excludes(const struct plan_policy *, const struct deployment *);

/* What must be looked up of a request, since its bytes do not tell. */
enum plan_look { LOOK_NEEDS = 1, LOOK_TOKENS = 2, LOOK_CONVERSATION = 4, LOOK_WHO = 8, LOOK_HASH = 16 };

/* Who asks, as a script may see it; empty: not told. */
struct plan_who {
	struct str key, team, user;
	struct str tags;                 /* joined by commas */
	struct str metadata;             /* x-sluice-metadata, as it came: JSON, perhaps */
};

/* What the plan must know of a request. */
struct plan_ask {
	struct str model;
	enum dialect_id dialect;
	enum dialect_call call;
	bool stream;
	uint64_t now_ms;                 /* monotonic; later on when the group under way was made */
	int64_t at_ms;                   /* real, for prices that change with the hour */
	const struct route_wishes *wishes;       /* NULL: none */
	const struct plan_policy *policy;        /* NULL: all is allowed */
	struct affinity *affinity;       /* NULL: none */
	uint64_t conversation;           /* its key in there; 0: not known. After LOOK_CONVERSATION */
	uint64_t hash;                   /* what the strategy hash goes by; 0: nothing, a draw. After LOOK_HASH */
	uint64_t body_bytes;             /* no prompt of text has more tokens */
	int64_t max_output;              /* tokens asked for; -1: not said */
	/* Filled by `look` when a filter or strategy needs them; which is only so where the deployments differ. */
	uint8_t looked;                  /* enum plan_look */
	uint32_t needs;                  /* enum model_cap */
	uint32_t prompt_tokens;
	const struct plan_who *who;      /* LOOK_WHO */
	bool tokens_guessed;             /* something is in it whose size is not known */
	void (*look)(struct plan_ask *, unsigned what); /* NULL: nothing can be known */
	void *arg;                       /* for `look` */
};

/* How the last try ended. */
struct plan_failed {
	enum failure_class class;
	bool retryable;
	int status;                      /* the provider's; 0: no answer, 504: not in time */
	int64_t retry_after_ms;          /* that the answer asked for; -1: nothing */
	const struct deployment *deployment;             /* whose; NULL: of the one that was given last */
};

struct plan {
	const struct route_table *table;
	const struct route_model *first; /* what was asked for */
	const struct route_model *model; /* of the group under way */
	struct str matched;              /* what a pattern's star stood for, of `first` */
	const struct wish_target *target; /* of the group under way; NULL: none */
	unsigned targets_begun;
	uint8_t sort;                    /* enum wish_sort: of the name's suffix */
	uint8_t empty;                   /* n is 0: the most telling enum plan_exclusion */
	struct candidate *group;         /* the group under way: n to be tried in order, then those excluded */
	struct candidate *many;          /* where it lies if it is of more than one, and how many have room there */
	unsigned room;
	unsigned n, n_all;
	bool last_resort;                /* the group under way is all out */
	uint32_t room_ms;                /* PLAN_FULL: when there may be room */
	/* of tries.c */
	unsigned at, tries;              /* the candidate that was given last; calls that count, of this group */
	unsigned tries_first;            /* and of the first group, once it was left */
	unsigned n_fallbacks;            /* models that were begun besides the first one */
	uint32_t list_at[ROUTE_LISTS];   /* how far the lists of `first` are used up */
	uint8_t list;                    /* the one under way, enum route_list */
	bool elsewhere;                  /* the group is not the first one */
	bool first_untried, first_full;  /* nobody of the first group was asked; some were at their limits */
	bool again;                      /* it was full: it is to be made anew */
	struct plan_past *past;          /* what was learned of the first group's deployments */
	unsigned n_past;
	uint8_t n_gone;
	/* What follows is not zeroed. */
	struct plan_ask ask;
	struct candidate only;           /* the group, where there is nothing to choose */
	const struct health *gone[PLAN_GONE_MAX];        /* over for this request, whichever model they stand for */
};

/* Tokens of the answer, for what it would cost: asked for, or a guess. */
static inline uint32_t plan_output_tokens(const struct plan_ask *ask)
{
	enum { GUESS = 500, MAX = 1 << 30 };

	return ask->max_output < 0 ? GUESS : ask->max_output > MAX ? MAX : (uint32_t)ask->max_output;
}

/* Tokens that a request takes of a deployment's tpm until it is known what it came to: its prompt, and of the answer
 * what is usual; a cap is rarely reached. Known after LOOK_TOKENS; before that the body is the guess. */
static inline uint32_t plan_tokens(const struct plan_ask *ask)
{
	enum { USUAL = 500, BYTES = 4, MAX = 1 << 30, GUESSED_MAX = 1 << 15 };
	bool known = (ask->looked & LOOK_TOKENS) != 0;
	uint64_t prompt = known ? ask->prompt_tokens : ask->body_bytes / BYTES;
	uint64_t max = known && !ask->tokens_guessed ? MAX : GUESSED_MAX; /* what is so large is pictures */
	uint32_t output = plan_output_tokens(ask);

	return (uint32_t)(prompt < max ? prompt : max) + (output < USUAL ? output : USUAL);
}

/*
 * Plans for ask->model, or the first of the request's targets. A name that ends in :nitro (by throughput) or :floor (by
 * price) and is no model's own is that model's without it. Where nothing is left of the first group, and no other may
 * follow it: ERR_POLICY: by the policy; ERR_CONTEXT_LENGTH: the prompt fits nowhere; ERR_INVALID_REQUEST: none speaks
 * the dialect, or the wishes leave none; ERR_UNSUPPORTED_PARAMETER: none is known to be able to; ERR_NO_DEPLOYMENT: all
 * are out; each with the list of them. ERR_MODEL_NOT_FOUND: unknown. The ask is copied, or is the plan's own already;
 * its parts must live as long as the plan.
 */
MUST_USE bool plan_make(struct plan *, const struct route_table *, const struct plan_ask *, struct arena *,
                        struct err *);

enum plan_got {
	PLAN_TRY,                        /* this one, after so many milliseconds */
	PLAN_FULL,                       /* room may come; plan->room_ms */
	PLAN_END,                        /* nothing is left */
};
/* The candidate of the next try, and how long to wait before it (milliseconds; 0: at once). `failed`: how the last one
 * ended; NULL: there was none, or it was no fault of the deployment (asked again after PLAN_FULL). */
MUST_USE enum plan_got plan_next(struct plan *, const struct plan_failed *, uint64_t now_ms, struct arena *,
                                 struct candidate *out, uint32_t *wait_ms);

/* The candidate that a deployment is for this ask, by nothing but its dialects. `matched`: what a pattern's star stood
 * for. A face of NULL: it cannot be given this call. False: no memory. */
MUST_USE bool plan_candidate(struct candidate *, const struct plan_ask *, const struct deployment *, struct str matched,
                             struct arena *);

/* Tells why nothing is left of the group under way, with each deployment's reason. False, as err_set. */
bool plan_refuse(const struct plan *, struct err *);
/* When the first of those that are out, or at their limits, may be back; -1: nothing tells. */
int64_t plan_back_in_ms(const struct plan *);
/* Tells why PLAN_END came though nobody was asked: of the model that was asked for. False, as err_set. */
bool plan_refuse_all(struct plan *, struct arena *, struct err *);

/* Is there a model left for what the provider refuses on content policy? */
static inline bool plan_has_policy_fallback(const struct plan *p)
{
	return unlikely(p->list_at[LIST_CONTENT_POLICY] < p->first->lists[LIST_CONTENT_POLICY].n) &&
	       p->n_fallbacks < (unsigned)p->table->routing->max_fallbacks;
}

/* Puts candidates that are this deployment first, then those of its provider. */
void plan_prefer(struct plan *, struct str deployment);

/* Another try in this group is of no use (it cannot be given this request): the next one is another deployment's. */
void plan_skip_deployment(struct plan *, const struct deployment *, enum plan_exclusion why);

/* The plan as text, for logs, headers and `sluice route-test`: "openai/gpt-4o strategy; azure/gpt-4o excluded:cooling".
 * Cut to the buffer's ceiling. */
struct buf;
void plan_tell(const struct plan *, struct buf *);

#endif
