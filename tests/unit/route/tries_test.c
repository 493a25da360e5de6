/* SPDX-License-Identifier: Apache-2.0 */
/* tries: the order of tries, back-off, fallbacks, what is skipped. */
#include "routes.h"

#include <stdio.h>

#include "base/rand.h"
#include "route/plan.h"

#define PROVIDERS                                                       \
	"auth: none\n"                                                  \
	"providers:\n"                                                  \
	"  p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1'}\n" \
	"  q: {dialect: openai-chat, base_url: 'http://127.0.0.1:2'}\n" \
	"  claude: {dialect: anthropic, base_url: 'http://127.0.0.1:3'}\n"
#define RETRIES(n)                                                                     \
	"routing: {retries: {attempts: " #n ", base: 100ms, max: 350ms, jitter: none," \
	" respect_retry_after: 2s}}\n"
#define MODELS(list)          "models: [" list "]\n"
#define MODEL(name, more, ds) "{name: '" name "', " more "deployments: [" ds "]}"
#define ON(provider, model)   "{provider: " provider ", model: '" model "'}"
#define A                     ON("p", "a")
#define B                     ON("q", "b")
#define ONE                   MODELS(MODEL("m", "", A))
#define TWO                   MODELS(MODEL("m", "strategy: ordered, ", A ", " B))
#define FALLBACK              MODELS(MODEL("m", "fallbacks: [n], ", A) ", " MODEL("n", "", B))

#define AT(provider, model, window) "{provider: " provider ", model: '" model "', context_window: " #window "}"
#define THREE                                                                                              \
	MODELS(MODEL("m", "strategy: ordered, fallbacks: [g], context_window_fallbacks: [w, v], "          \
	             "content_policy_fallbacks: [q1, q2], ",                                               \
	             AT("p", "a", 100) ", " AT("q", "b", 100) ", " AT("p", "c", 900)) ", "                  \
	       MODEL("g", "", ON("p", "g")) ", " MODEL("w", "", ON("p", "w")) ", " MODEL("v", "", ON("p", "v")) ", " \
	       MODEL("q1", "", ON("p", "q1")) ", " MODEL("q2", "", ON("p", "q2")))
#define MANY "routing: {retries: {attempts: 1, base: 100ms, max: 350ms, jitter: none}, max_fallbacks: 2, "

/*
 * What happens at each try, for at most so many tries: x transient, l over its rate limit, k credential refused, m no
 * such model, w the prompt is too long, p content policy, c the client's own fault, s the plan is told to skip the
 * deployment. A small letter comes with the row's Retry-After; a large one without.
 */
static const struct {
	const char *name, *settings, *model;
	const char *happens;
	int64_t retry_after_ms;
	const char *want; /* "model@wait …" */
} cases[] = {
	{ "one deployment, again with back-off", RETRIES(5) ONE, "m", "xxxxxxxxxxxx", -1,
	  "a@0 a@100 a@200 a@350 a@350 a@350" },
	{ "no retries", RETRIES(0) ONE, "m", "xxxx", -1, "a@0" },
	{ "one after the other without waiting", RETRIES(3) TWO, "m", "xxxxxx", -1, "a@0 b@0 a@100 b@100" },
	{ "by order",
	  RETRIES(1) MODELS(MODEL("m", "", "{provider: p, model: a, order: 2}, {provider: q, model: b, order: 1}")),
	  "m", "xxxx", -1, "b@0 a@0" },
	{ "weight 0 comes last", RETRIES(1) MODELS(MODEL("m", "", "{provider: p, model: a, weight: 0}, " B)), "m",
	  "xxxx", -1, "b@0 a@0" },
	{ "what the provider asks for is waited for", RETRIES(2) ONE, "m", "xxxx", 1500, "a@0 a@1500 a@1500" },
	{ "unless it is less than the back-off", RETRIES(2) ONE, "m", "xxxx", 150, "a@0 a@150 a@200" },
	{ "or too much", RETRIES(2) FALLBACK, "m", "xxxx", 5000, "a@0 b@0" },
	{ "others are asked at once all the same", RETRIES(2) TWO, "m", "xxxx", 5000, "a@0 b@0" },
	{ "fallbacks follow, and theirs do not",
	  RETRIES(1) MODELS(MODEL("m", "fallbacks: [n, o], ", A) ", " MODEL("n", "fallbacks: [z], ", B) ", " MODEL(
		  "o", "", ON("q", "c")) ", " MODEL("z", "", ON("q", "never"))),
	  "m", "xxxxxxxxx", -1, "a@0 a@100 b@0 b@100 c@0 c@100" },
	{ "a fallback of another dialect is translated for",
	  RETRIES(0) MODELS(
		  MODEL("m", "fallbacks: [n, o], ", A) ", " MODEL("n", "", ON("claude", "x")) ", " MODEL("o", "", B)),
	  "m", "xxxx", -1, "a@0 x@0 b@0" },
	{ "so is a first one",
	  RETRIES(0) MODELS(MODEL("m", "fallbacks: [o], ", ON("claude", "x")) ","
	  " " MODEL("o", "", B)), "m", "xxxx", -1,
	  "x@0 b@0" },
	{ "skipped: the others go on", RETRIES(3) TWO, "m", "sxxxxxx", -1, "a@0 b@0 b@100 b@200 b@350" },
	{ "skipped: the last one", RETRIES(3) TWO, "m", "ssss", -1, "a@0 b@0" },
	{ "skipped: to the fallback", RETRIES(3) FALLBACK, "m", "ssss", -1, "a@0 b@0" },
	{ "a star takes what the name had "
	  "there", RETRIES(0) MODELS(MODEL("x-*", "", ON("p", "y-*-z"))), "x-1", "x", -1,
	  "y-1-z@0" },
	{ "provider/model", RETRIES(0), "q/any/thing", "x", -1, "any/thing@0" },
	{ "the client's own fault", RETRIES(3) THREE, "m", "c", -1, "a@0" },
	{ "the client's own fault, later", RETRIES(3) THREE, "m", "xc", -1, "a@0 b@0" },
	{ "over its limit: again when nobody else is left", RETRIES(4) TWO, "m", "lXXXX", 400,
	  "a@0 b@0 b@100 b@200 b@350" },
	{ "all over their limits: the first one that may be asked again", RETRIES(2) TWO, "m", "lLc", 1500,
	  "a@0 b@0 b@100" },
	{ "over its limit for too long: the fallback", RETRIES(3) FALLBACK, "m", "lx", 5000, "a@0 b@0" },
	{ "a refused credential is no try", RETRIES(1) TWO, "m", "kxx", -1, "a@0 b@0 b@100" },
	{ "nobody's credential is good: the fallback", RETRIES(1) FALLBACK, "m", "kk", -1, "a@0 b@0" },
	{ "no such model", RETRIES(1) TWO, "m", "mm", -1, "a@0 b@0" },
	{ "too long: larger windows, then the list for it, then the general one", RETRIES(0) THREE, "m", "wwwww", -1,
	  "a@0 c@0 w@0 v@0 g@0" },
	{ "too long, and the larger one fails: the list for it", RETRIES(0) THREE, "m", "wxxxx", -1,
	  "a@0 c@0 w@0 v@0 g@0" },
	{ "too long for one whose window is not known", RETRIES(2) FALLBACK, "m", "ww", -1, "a@0 b@0" },
	{ "policy: the list for it, then the general one", RETRIES(0) THREE, "m", "pppp", -1, "a@0 q1@0 q2@0 g@0" },
	{ "policy after other failures", RETRIES(2) THREE, "m", "xpppk", -1, "a@0 b@0 q1@0 q2@0 g@0" },
	{ "a fallback that fails: the rest of its list first", RETRIES(0) THREE, "m", "pxxx", -1,
	  "a@0 q1@0 q2@0 g@0" },
	{ "a fallback that refuses on policy", RETRIES(0) THREE, "m", "xpppp", -1, "a@0 g@0 q1@0 q2@0" },
	{ "no list for policy: the general one", RETRIES(1) FALLBACK, "m", "pxx", -1, "a@0 b@0 b@100" },
	{ "no list at all", RETRIES(1) ONE, "m", "p", -1, "a@0" },
	{ "lists of all models, without the model itself",
	  MANY "content_policy_fallbacks: [m, n], fallbacks: [n, o]}\n" MODELS(MODEL("m", "", A) ","
	  " " MODEL("n", "", B)
	  ", " MODEL("o", "", ON("q", "c"))), "m", "pxxxx", -1, "a@0 b@0 b@100 c@0 c@100" },
	{ "no more than max_fallbacks",
	  MANY "fallbacks: [n, o, z]}\n" MODELS(MODEL("m", "", A) ", " MODEL("n", "", B) ","
	  " " MODEL("o", "", ON("q", "c"))
	  ", " MODEL("z", "", ON("q", "z"))), "m", "kkk", -1, "a@0 b@0 c@0" },
	{ "a deployment that is over stays so, whichever model it stands for",
	  RETRIES(0) MODELS(MODEL("m", "fallbacks: [n, o], ", A) ", " MODEL("n", "", A) ", "
	                    MODEL("o", "strategy: ordered, ", A ", " B)), "m", "kk", -1, "a@0 b@0" },
	{ "no model twice", MANY "fallbacks: [n, o]}\n" MODELS(MODEL("m", "content_policy_fallbacks: [n], ", A) ", "
	  MODEL("n", "", B) ", " MODEL("o", "", ON("q", "c"))), "m", "pkp", -1, "a@0 b@0 c@0" },
};

static void init(struct routes *r, const char *more)
{
	char text[2048];

	snprintf(text, sizeof text, "%s%s", PROVIDERS, more);
	routes_init(r, text);
}

static bool make(struct plan *p, const struct routes *r, const char *model, enum dialect_id dialect,
                 enum dialect_call call, struct arena *a, struct err *e)
{
	struct plan_ask ask = { .model = str_from_z(model), .dialect = dialect, .call = call, .now_ms = 1,
		                .max_output = -1 };

	return plan_make(p, &r->table, &ask, a, e);
}

static int failed_status;

static struct plan_failed failure_of(char c, int64_t retry_after_ms)
{
	static const char letters[] = "?xlpwkmc";
	char lower = (char)(c >= 'A' && c <= 'Z' ? c + 32 : c);
	const char *at = strchr(letters, lower == 's' ? 'x' : lower);

	return (struct plan_failed){ .class = (enum failure_class)(at - letters), .retryable = true,
		                     .status = failed_status,
		                     .retry_after_ms = lower == c ? retry_after_ms : -1 };
}

/* Asks for the next one until there is none, and says who was asked. */
static void drive(const char *name, struct plan *p, const char *happens, int64_t retry_after_ms, struct arena *a,
                  const char *want)
{
	struct plan_failed failed = { 0 };
	struct candidate c;
	char got[512] = "";
	enum plan_got what;
	uint32_t wait;
	size_t n = 0;

	for (size_t k = 0; (what = plan_next(p, k ? &failed : NULL, 1, a, &c, &wait)) == PLAN_TRY; k++) {
		n += (size_t)snprintf(got + n, sizeof got - n, "%s%.*s@%u", k ? " " : "", STR_ARG(c.model), wait);
		check(name, c.face == &c.deployment->provider->faces[c.face_index]);
		check(name, k < strlen(happens));
		failed = failure_of(happens[k], retry_after_ms);
		if (happens[k] == 's')
			plan_skip_deployment(p, c.deployment, EXCLUDED_FAILED);
	}
	if (what == PLAN_FULL)
		n += (size_t)snprintf(got + n, sizeof got - n, "%sfull", n ? " " : "");
	check_str(name, str_of(got, n), str_from_z(want));
}

static void tries_follow(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct routes r;
		struct arena a;
		struct plan p;
		struct err e = { 0 };

		init(&r, cases[i].settings);
		arena_init(&a, 1 << 16);
		check(cases[i].name,
		      make(&p, &r, cases[i].model, DIALECT_OPENAI_CHAT, CALL_GENERATE, &a, &e));
		drive(cases[i].name, &p, cases[i].happens, cases[i].retry_after_ms, &a, cases[i].want);
		arena_fini(&a);
		routes_fini(&r);
	}
}

/* ---- health ---- */

#define NOW 1000

static struct health *health(const char *model)
{
	return health_of_configured(STR("p"), str_from_z(model));
}

static void fail_often(const struct routes *r, const char *model, enum failure_class class, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		struct health_use use = { 0 };

		check(model, health_begin(health(model), NULL, 0, true, r->table.routing, NOW, &use));
		health_bad(&use, class, -1, r->table.routing, NOW);
		health_done(&use, &(struct health_outcome){ 0 }, r->table.routing, NOW);
	}
}

#define HEALTHY                                                                           \
	"routing: {retries: {attempts: 2, base: 100ms, max: 350ms, jitter: none}, "       \
	"breaker: {consecutive_failures: 5}}\n"                                           \
	MODELS(MODEL("m", "strategy: ordered, fallbacks: [g], ", ON("p", "a") ", " ON("p", "b")) ", " \
	       MODEL("g", "", ON("p", "g")) ", " MODEL("alone", "", ON("p", "a")))

/* What goes out before the plan is made (breaker open), and what after its first try. */
static const struct {
	const char *name, *model;
	const char *before, *after;      /* letters of models; upper case: it cools for a rate limit */
	const char *happens, *want;
} out[] = {
	{ "all in", "m", "", "", "xxxxxx", "a@0 b@0 a@100 g@0 g@100 g@200" },
	{ "one is out", "m", "a", "", "xxxxxx", "b@0 b@100 b@200 g@0 g@100 g@200" },
	{ "one goes out meanwhile", "m", "", "b", "xxxxxx", "a@0 a@100 a@200 g@0 g@100 g@200" },
	{ "one cools meanwhile", "m", "", "B", "xxxxxx", "a@0 a@100 a@200 g@0 g@100 g@200" },
	{ "the one that was tried goes out", "m", "", "a", "xxxxxx", "a@0 b@0 b@100 g@0 g@100 g@200" },
	{ "the one that was tried cools, and is all there is", "alone", "", "A", "xxx", "a@0 a@100 a@200" },
	{ "the one that was tried is broken, and is all there is", "alone", "", "a", "xxx", "a@0" },
	{ "all are out: the fallback, then the least bad one", "m", "ab", "", "xxxx", "g@0 g@100 g@200 a@0" },
	{ "all are out, and there is no fallback", "alone", "a", "", "x", "a@0" },
	{ "the fallback is out", "m", "g", "", "kk", "a@0 b@0" },
	{ "really all", "m", "abg", "", "x", "a@0" },
};

static void take_out(const struct routes *r, const char *letters)
{
	for (; *letters; letters++) {
		char model[2] = { *letters, '\0' };
		bool cools = *letters < 'a';

		model[0] = (char)(cools ? *letters + 32 : *letters);
		fail_often(r, model, cools ? FAILURE_RATE_LIMIT : FAILURE_TRANSIENT, cools ? 1 : 5);
	}
}

static void who_is_out_stays_out(void **state)
{
	for (size_t i = 0; i < COUNT_OF(out); i++) {
		struct plan_ask ask = { .model = str_from_z(out[i].model), .dialect = DIALECT_OPENAI_CHAT,
			                .call = CALL_GENERATE, .now_ms = NOW, .max_output = -1 };
		struct routes r;
		struct arena a;
		struct plan p;
		struct err e;

		health_forget_all();
		init(&r, HEALTHY);
		arena_init(&a, 1 << 16);
		take_out(&r, out[i].before);
		check(out[i].name, plan_make(&p, &r.table, &ask, &a, &e));
		take_out(&r, out[i].after);
		drive(out[i].name, &p, out[i].happens, -1, &a, out[i].want);
		arena_fini(&a);
		routes_fini(&r);
	}
	health_forget_all();
}

/* Fallbacks first; then it waits for room at the model that was asked for. */
static void who_is_full_is_waited_for(void **state)
{
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE, .now_ms = NOW,
		                .max_output = -1 };
	struct health_limits one = { -1, -1, 1 };
	struct health_use use = { 0 };
	struct routes r;
	struct arena a;
	struct plan p;
	struct err e;

	health_forget_all();
	init(&r, "routing: {retries: {attempts: 1, base: 100ms, jitter: none}}\n"
	         MODELS(MODEL("m", "fallbacks: [g], ", "{provider: p, model: a, max_parallel: 1}") ", "
	                MODEL("g", "", ON("p", "g"))));
	arena_init(&a, 1 << 16);
	check("taken", health_begin(health("a"), &one, 0, false, r.table.routing, NOW, &use));
	check("plan", plan_make(&p, &r.table, &ask, &a, &e));
	drive("full", &p, "xx", -1, &a, "g@0 g@100 full");
	check("there will be", p.room_ms > 0 && p.model == p.first);
	drive("still full", &p, "", -1, &a, "full");
	health_done(&use, &(struct health_outcome){ 0 }, r.table.routing, NOW);
	drive("room", &p, "xx", -1, &a, "a@0 a@100");
	arena_fini(&a);
	routes_fini(&r);
}

#define A_AND_FULL                                                                                                \
	"routing: {retries: {attempts: 2, base: 100ms, jitter: none}}\n"                                         \
	MODELS(MODEL("m", "strategy: ordered, ", ON("p", "a") ", {provider: p, model: b, max_parallel: 1}"))

/* While one deployment is waited for, the other is not asked again for what it cannot do. */
static const struct { const char *name, *happens, *want, *when_room; } waits[] = {
	{ "cannot be given it", "s", "a@0 full", "b@0" },
	{ "refuses the credential", "k", "a@0 full", "b@0" },
	{ "has no such model", "m", "a@0 full", "b@0" },
	{ "its window is too small", "w", "a@0 full", "b@0" },
	{ "fails, and is asked again after a while", "xxx", "a@0 a@100 a@200", "" },
};

static void who_cannot_is_not_asked_again(void **state)
{
	for (size_t i = 0; i < COUNT_OF(waits); i++) {
		struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE,
			                .now_ms = NOW, .max_output = -1 };
		struct health_limits one = { -1, -1, 1 };
		struct health_use use = { 0 };
		struct routes r;
		struct arena a;
		struct plan p;
		struct err e;

		health_forget_all();
		init(&r, A_AND_FULL);
		arena_init(&a, 1 << 16);
		check("taken", health_begin(health("b"), &one, 0, false, r.table.routing, NOW, &use));
		check("plan", plan_make(&p, &r.table, &ask, &a, &e));
		drive(waits[i].name, &p, waits[i].happens, -1, &a, waits[i].want);
		health_done(&use, &(struct health_outcome){ 0 }, r.table.routing, NOW);
		if (*waits[i].when_room) {
			drive("still not", &p, "k", -1, &a, waits[i].when_room);
		}
		arena_fini(&a);
		routes_fini(&r);
	}
}

/* A minute's window goes by, and a deployment that cooled is back, though nobody else has looked at them. */
static void what_is_waited_for_comes_with_time(void **state)
{
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE, .now_ms = NOW,
		                .max_output = -1 };
	struct health_limits one = { 1, -1, -1 };
	struct health_use use = { 0 };
	struct candidate c;
	struct routes r;
	struct arena a;
	struct plan p;
	struct err e;
	uint32_t wait;

	health_forget_all();
	init(&r, "routing: {cooldown: {duration: 5s}}\n"
	         MODELS(MODEL("m", "strategy: ordered, ", ON("p", "a") ", {provider: p, model: b, rpm: 1}")));
	arena_init(&a, 1 << 16);
	fail_often(&r, "a", FAILURE_RATE_LIMIT, 1);
	check("taken", health_begin(health("b"), &one, 0, false, r.table.routing, NOW, &use));
	health_done(&use, &(struct health_outcome){ 0 }, r.table.routing, NOW);
	check("plan", plan_make(&p, &r.table, &ask, &a, &e));
	check("full", plan_next(&p, NULL, NOW, &a, &c, &wait) == PLAN_FULL && p.room_ms > 50000);
	check("still", plan_next(&p, NULL, NOW + 1000, &a, &c, &wait) == PLAN_FULL && p.room_ms < 61000);
	check("back", plan_next(&p, NULL, NOW + 5001, &a, &c, &wait) == PLAN_TRY && c.health == health("a"));
	plan_skip_deployment(&p, c.deployment, EXCLUDED_FAILED);
	check("full", plan_next(&p, NULL, NOW + 30000, &a, &c, &wait) == PLAN_FULL);
	check("room", plan_next(&p, NULL, NOW + 62000, &a, &c, &wait) == PLAN_TRY && c.health == health("b"));
	arena_fini(&a);
	routes_fini(&r);
	health_forget_all();
}

/* ---- wishes ---- */

#define TARGET(m) { .model = STR_INIT(m), .attempts = WISH_UNSET, .timeout_ms = WISH_UNSET }

static void what_a_request_names_comes_first(void **state)
{
	static const struct wish_target plain[] = { TARGET("m"), TARGET("o"), TARGET("n") };
	static const struct wish_target once[] = {
		{ .model = STR_INIT("m"), .attempts = 0, .timeout_ms = WISH_UNSET },
		{ .model = STR_INIT("o"), .attempts = 1, .timeout_ms = WISH_UNSET },
	};
	static const struct wish_target on_429[] = {
		{ .model = STR_INIT("m"), .attempts = 0, .timeout_ms = WISH_UNSET, .falls_listed = true,
		  .falls_status = { (uint64_t)1 << 29 } },
		TARGET("o"),
	};
	static const struct {
		const char *name;
		const struct wish_target *targets;
		unsigned n;
		bool only;
		int64_t attempts, base_ms;
		enum wish_backoff backoff;
		int status;
		const char *happens, *want;
	} wishes[] = {
		{ "one after the other, then the configured ones, none twice", plain, 3, false, 0, WISH_UNSET, 0, 503,
		  "xxxx", "a@0 c@0 b@0 z@0" },
		{ "the request's only", plain, 2, true, 0, WISH_UNSET, 0, 503, "xx", "a@0 c@0" },
		{ "each with its tries", once, 2, true, 5, WISH_UNSET, 0, 503, "xxx", "a@0 c@0 c@100" },
		{ "a status that leads on", on_429, 2, true, WISH_UNSET, WISH_UNSET, 0, 429, "lll", "a@0 c@0 c@100" },
		{ "a status that does not", on_429, 2, true, WISH_UNSET, WISH_UNSET, 0, 503, "x", "a@0" },
		{ "the client's own fault may lead on", on_429, 2, true, 0, WISH_UNSET, 0, 429, "cc", "a@0 c@0" },
		{ "constant", NULL, 0, true, 3, 50, WISH_BACKOFF_CONSTANT, 503, "xxxx", "a@0 a@50 a@50 a@50" },
		{ "linear", NULL, 0, true, 3, 50, WISH_BACKOFF_LINEAR, 503, "xxxx", "a@0 a@50 a@100 a@150" },
		{ "exponential", NULL, 0, true, 4, 50, WISH_BACKOFF_EXPONENTIAL, 503, "xxxxx",
		  "a@0 a@50 a@100 a@200 a@350" },
		{ "no configured ones", NULL, 0, true, 0, WISH_UNSET, 0, 503, "x", "a@0" },
	};

	for (size_t i = 0; i < COUNT_OF(wishes); i++) {
		struct route_wishes w = route_wishes_none;
		struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE,
			                .now_ms = NOW, .max_output = -1, .wishes = &w };
		struct routes r;
		struct arena a;
		struct plan p;
		struct err e;

		health_forget_all();
		init(&r, RETRIES(1) MODELS(MODEL("m", "fallbacks: [n, o, z], ", A) ", " MODEL("n", "", B) ", "
		                           MODEL("o", "", ON("q", "c")) ", " MODEL("z", "", ON("q", "z"))));
		w.targets = wishes[i].targets;
		w.n_targets = wishes[i].n;
		w.targets_only = wishes[i].only;
		w.attempts = wishes[i].attempts;
		w.base_ms = wishes[i].base_ms;
		w.backoff = wishes[i].backoff;
		failed_status = wishes[i].status;
		arena_init(&a, 1 << 16);
		check(wishes[i].name, plan_make(&p, &r.table, &ask, &a, &e));
		drive(wishes[i].name, &p, wishes[i].happens, -1, &a, wishes[i].want);
		arena_fini(&a);
		routes_fini(&r);
	}
}

/* ---- whatever happens ---- */

#define WALKS 20000
#define WALK_MODELS                                                                                            \
	"routing: {retries: {attempts: 2, base: 100ms, jitter: none}, max_fallbacks: 3, fallbacks: [z], "      \
	"cooldown: {duration: 1s}, breaker: {open_for: 2s, consecutive_failures: 3}}\n"                        \
	MODELS(MODEL("m", "strategy: ordered, fallbacks: [n], context_window_fallbacks: [w], ",                \
	             "{provider: p, model: a, max_parallel: 1, context_window: 100}, "                         \
	             "{provider: q, model: b, rpm: 3}, " ON("p", "c")) ", "                                    \
	       MODEL("n", "", "{provider: q, model: d, tpm: 5000}, " ON("p", "e")) ", "                        \
	       MODEL("w", "", ON("q", "f")) ", " MODEL("z", "", "{provider: p, model: g, rpm: 1}"))

/* One call of the candidate: how it failed, if it did. False: it could not be made, and the plan knows. */
static bool call(struct plan *p, const struct candidate *c, const struct routes *r, uint64_t now,
                 struct plan_failed *failed)
{
	static const char happens[] = "xxxxlkmwpc";
	char what = happens[rand_below(sizeof happens - 1)];
	struct health_use use = { 0 };

	if (rand_below(8) == 0) {
		plan_skip_deployment(p, c->deployment, EXCLUDED_CAPABILITY);
		return false;
	}
	if (rand_below(16) == 0 || !health_begin(c->health, c->deployment->limits, plan_tokens(&p->ask), p->last_resort,
	                                         r->table.routing, now, &use)) {
		if (use.health)
			health_done(&use, &(struct health_outcome){ 0 }, r->table.routing, now);
		plan_skip_deployment(p, c->deployment, EXCLUDED_LIMIT);
		return false;
	}
	*failed = failure_of(what, rand_below(4) ? -1 : (int64_t)rand_below(3000));
	failed->retryable = rand_below(8) != 0;
	failed->deployment = c->deployment;
	health_bad(&use, failed->class, failed->retry_after_ms, r->table.routing, now);
	health_done(&use, &(struct health_outcome){ 0 }, r->table.routing, now);
	return true;
}

/* Who cannot is never given again; there are no more calls than tries; and it comes to an end. */
static void walk(struct routes *r, uint64_t *now)
{
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_OPENAI_CHAT, .call = CALL_GENERATE,
		                .now_ms = *now, .max_output = -1, .body_bytes = rand_below(2000) };
	const struct deployment *never[16];
	struct plan_failed failed = { 0 };
	unsigned n_never = 0, calls = 0, looks = 0, asked = 0;
	struct candidate c;
	bool has_failed = false;
	struct arena a;
	struct plan p;
	struct err e;
	uint32_t wait;

	arena_init(&a, 1 << 18);
	for (bool good = plan_make(&p, &r->table, &ask, &a, &e); good && looks < 40; asked++) {
		enum plan_got got = plan_next(&p, has_failed ? &failed : NULL, *now, &a, &c, &wait);

		check("ends", asked < 500);
		if (got == PLAN_END)
			break;
		if (got == PLAN_FULL) {
			check("of the first model", p.model == p.first);
			*now += 1 + rand_below(p.room_ms < 5000 ? p.room_ms + 1 : 5000);
			looks++;
			has_failed = false;
			continue;
		}
		check("waits no longer than it may", wait <= 60000);
		*now += wait;
		for (unsigned i = 0; i < n_never; i++)
			check("not again", never[i] != c.deployment);
		has_failed = call(&p, &c, r, *now, &failed);
		calls += has_failed;
		if (has_failed && p.model == p.first && n_never < COUNT_OF(never) &&
		    (failed.class == FAILURE_CREDENTIAL || failed.class == FAILURE_NO_MODEL))
			never[n_never++] = c.deployment;
	}
	check("no more calls than tries of four models, and those whose credentials are refused", calls <= 4 * 3 + 7);
	arena_fini(&a);
}

static void every_walk_ends(void **state)
{
	uint64_t now = 1000000;
	struct routes r;

	health_forget_all();
	rand_seed(17);
	init(&r, WALK_MODELS);
	for (unsigned i = 0; i < WALKS; i++) {
		walk(&r, &now);
		now += rand_below(400);
	}
	routes_fini(&r);
	health_forget_all();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tries_follow),
		cmocka_unit_test(who_is_out_stays_out),
		cmocka_unit_test(who_is_full_is_waited_for),
		cmocka_unit_test(who_cannot_is_not_asked_again),
		cmocka_unit_test(what_is_waited_for_comes_with_time),
		cmocka_unit_test(what_a_request_names_comes_first),
		cmocka_unit_test(every_walk_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
