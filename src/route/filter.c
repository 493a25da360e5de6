/* SPDX-License-Identifier: Apache-2.0 */
/* filter: which deployments may be tried. */
#include "route/filter.h"

#include "model/estimate.h"
#include "route/strategy.h"

/* By-name models' windows are only looked up for prompts that are larger than this; none has a smaller one. */
#define WINDOW_SURELY_BYTES 4096

/* What is taken of tpm by smaller bodies may be guessed from their bytes; reading and counting costs more than helps.
 * Larger ones may be mostly pictures. */
#define TAKE_GUESSED_BYTES 16384

/* A count that is an estimate may be this much too high, percent; the provider has the last word. */
enum { MARGIN_EXACT = 3, MARGIN_ESTIMATE = 15 };

static void look(struct plan_ask *ask, unsigned what)
{
	if (ask->look && (ask->looked & what) != what)
		ask->look(ask, what & ~ask->looked);
}

static bool may_not_fit(const struct plan_ask *ask, const struct route_model *m, const struct candidate *c, unsigned n)
{
	if (filter_may_not_fit(m->window_least, ask->body_bytes))
		return true;
	for (unsigned i = 0; m->by_name && ask->body_bytes > WINDOW_SURELY_BYTES && i < n; i++) {
		uint32_t window = candidate_facts(&c[i])->context_window;

		if (filter_may_not_fit(window, ask->body_bytes))
			return true;
	}
	return false;
}

void filter_init(struct filter *f, struct plan_ask *ask, const struct route_model *m, const struct wish_target *target,
                 const struct candidate *c, unsigned n)
{
	const struct route_wishes *w = ask->wishes;
	bool hard = w && w->require_parameters;

	*f = (struct filter){ .ask = ask, .model = m, .wishes = w, .target = target };
	if (hard || (m->lacks_differ && m->n_deployments > 1)) {
		look(ask, LOOK_NEEDS);
		if (ask->looked & LOOK_NEEDS)
			f->needs = ask->needs & (hard ? UINT32_MAX : m->lacks_differ);
	}
	f->tokens = may_not_fit(ask, m, c, n);
	if (f->tokens || (m->counted && ask->body_bytes > TAKE_GUESSED_BYTES))
		look(ask, LOOK_TOKENS);
	f->tokens &= ask->looked & LOOK_TOKENS && !ask->tokens_guessed;
	f->policy = ask->policy || (w && (w->zdr || w->deny_collection || w->regions_set));
	if (m->counted)
		f->take = plan_tokens(ask);
}

/* ---- policy ---- */

static struct str region_of(const struct deployment *d)
{
	const struct str none = STR_INIT("");

	if (d->settings && d->settings->region.n)
		return d->settings->region;
	return d->provider->settings ? d->provider->settings->region : none;
}

/* Regions are the operator's words: "eu" is not "eu-west-2", which is London; a list of a team may say "eu-*". */
static bool is_in(const struct wish_names *regions, struct str region)
{
	for (unsigned i = 0; i < regions->n; i++)
		if (region.n && (str_ieq(regions->names[i], region) || str_glob(regions->names[i], region)))
			return true;
	return false;
}

enum plan_exclusion plan_policy_excludes(const struct plan_policy *p, const struct deployment *d)
{
	if (p->regions.n && !is_in(&p->regions, region_of(d)))
		return EXCLUDED_REGION;
	return p->zdr && !d->provider->settings->zdr ? EXCLUDED_ZDR : EXCLUDED_NOT;
}

static enum plan_exclusion by_policy(const struct filter *f, const struct deployment *d)
{
	const struct plan_policy *p = f->ask->policy;
	const struct route_wishes *w = f->wishes;
	enum plan_exclusion e = p ? plan_policy_excludes(p, d) : EXCLUDED_NOT;

	if (e != EXCLUDED_NOT || !w)
		return e;
	if (w->regions_set && !is_in(&w->regions, region_of(d)))
		return EXCLUDED_REGION;
	if (w->zdr && !d->provider->settings->zdr)
		return EXCLUDED_ZDR;
	return w->deny_collection && d->provider->settings->trains_on_data ? EXCLUDED_DATA_COLLECTION : EXCLUDED_NOT;
}

/* ---- wishes ---- */

static bool is_dearer(int64_t price, int64_t max)
{
	return max != WISH_UNSET && (price < 0 || price > max);
}

/* A price that is not known may be any. */
static bool is_too_dear(const struct filter *f, const struct candidate *c)
{
	static const struct usage asked = { .source = USAGE_COUNTED };
	const struct route_wishes *w = f->wishes;
	const struct price *p;

	if (w->max_input_pusd == WISH_UNSET && w->max_output_pusd == WISH_UNSET && w->max_request_nusd == WISH_UNSET &&
	    w->max_image_nusd == WISH_UNSET)
		return false;
	p = strategy_price(c);
	if (p)
		p = price_for(p, &asked, f->ask->at_ms);
	return !p || is_dearer(price_of(p, USAGE_INPUT), w->max_input_pusd) ||
	       is_dearer(price_of(p, USAGE_OUTPUT), w->max_output_pusd) ||
	       /* these two have no price where nothing is asked for them */
	       (w->max_request_nusd != WISH_UNSET && p->each_nusd[EACH_REQUEST] > w->max_request_nusd) ||
	       (w->max_image_nusd != WISH_UNSET && p->each_nusd[EACH_IMAGE] > w->max_image_nusd);
}

static bool has_quantization(const struct filter *f, const struct deployment *d)
{
	const struct str unknown = STR_INIT("unknown");
	const struct wish_names *wanted = &f->wishes->quantizations;
	struct str has = d->settings && d->settings->quantization.n ? d->settings->quantization : unknown;

	for (unsigned i = 0; i < wanted->n; i++)
		if (str_ieq(wanted->names[i], has))
			return true;
	return false;
}

static enum plan_exclusion by_wish(const struct filter *f, const struct candidate *c)
{
	const struct route_wishes *w = f->wishes;
	const struct deployment *d = c->deployment;

	if (w->quantizations_set && !has_quantization(f, d))
		return EXCLUDED_QUANTIZATION;
	if (is_too_dear(f, c))
		return EXCLUDED_PRICE;
	if (w->only_set && !wish_names_have(&w->only, d, c->model))
		return EXCLUDED_WISH;
	if (w->ignore.n && wish_names_have(&w->ignore, d, c->model))
		return EXCLUDED_WISH;
	return EXCLUDED_NOT;
}

/* ---- what the model can ---- */

static bool is_capable(const struct filter *f, const struct candidate *c)
{
	const struct model_facts *facts = candidate_facts(c);

	if (f->wishes && f->wishes->require_parameters)
		return (f->needs & ~facts->caps) == 0;
	return (f->needs & facts->lacks) == 0;
}

/* Asked for what a model lacks the gateway does it another way, or leaves it out and says so. */
#define EMULATED (CAP_JSON_OBJECT | CAP_JSON_SCHEMA | CAP_URL_MEDIA | CAP_FORCED_TOOL | CAP_REASONING)

/* Anybody who can, even if not now, is better waited for than one who cannot. */
bool filter_relax(struct filter *f, const struct candidate *c, unsigned n)
{
	bool lacking = false, capable = false;

	if (!f->needs || (f->wishes && f->wishes->require_parameters))
		return false;
	for (unsigned i = 0; i < n; i++)
		switch ((enum plan_exclusion)c[i].excluded) {
		case EXCLUDED_CAPABILITY: lacking = true; break;
		case EXCLUDED_NOT:
		case EXCLUDED_CONTEXT_WINDOW:
		case EXCLUDED_MAX_OUTPUT:
		case EXCLUDED_COOLING:
		case EXCLUDED_BROKEN:
		case EXCLUDED_LIMIT:
		case EXCLUDED_FAILED: capable = true; break;
		case EXCLUDED_DIALECT:
		case EXCLUDED_QUANTIZATION:
		case EXCLUDED_PRICE:
		case EXCLUDED_REGION:
		case EXCLUDED_ZDR:
		case EXCLUDED_DATA_COLLECTION:
		case EXCLUDED_WISH:
		case EXCLUSIONS: break;
		}
	if (!lacking)
		return false;
	if (f->needs & EMULATED) {
		f->needs &= ~(uint32_t)EMULATED;
		return true;
	}
	f->needs = 0;
	return !capable;
}

static bool fits(const struct filter *f, const struct candidate *c)
{
	uint64_t window = candidate_facts(c)->context_window, margin;

	if (!window || f->ask->prompt_tokens <= window)
		return true;
	margin = token_family(token_family_of(c->model))->exact ? MARGIN_EXACT : MARGIN_ESTIMATE;
	return (uint64_t)f->ask->prompt_tokens * 100 <= window * (100 + margin);
}

/* ---- now ---- */

static enum plan_exclusion by_health(const struct filter *f, struct candidate *c)
{
	switch (health_verdict(c->health, f->ask->now_ms)) {
	case HEALTH_IN: break;
	case HEALTH_PROBE: c->place = PLACE_PROBE; break;
	case HEALTH_COOLING: return EXCLUDED_COOLING;
	case HEALTH_BROKEN: return EXCLUDED_BROKEN;
	}
	c->room_ms = f->model->limited ? health_room(c->health, c->deployment->limits, f->take, f->ask->now_ms) : 0;
	return c->room_ms ? EXCLUDED_LIMIT : EXCLUDED_NOT;
}

enum plan_exclusion filter_exclusion(const struct filter *f, struct candidate *c)
{
	enum plan_exclusion e;

	if (unlikely(!c->face))
		return EXCLUDED_DIALECT;
	if (f->policy && (e = by_policy(f, c->deployment)) != EXCLUDED_NOT)
		return e;
	if (unlikely(f->target) && f->target->provider.n &&
	    !wish_provider_is(f->target->provider, c->deployment->provider))
		return EXCLUDED_WISH;
	if (f->wishes && (e = by_wish(f, c)) != EXCLUDED_NOT)
		return e;
	if (f->needs && !is_capable(f, c))
		return EXCLUDED_CAPABILITY;
	if (f->tokens && !fits(f, c))
		return EXCLUDED_CONTEXT_WINDOW;
	return by_health(f, c);
}
