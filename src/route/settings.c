/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of models and routing, and what must hold between them. */

#include "route/settings.h"

#include "route/custom.h"
#include "route/hedge.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

/* OpenRouter's words (openrouter.ai/docs/features/provider-routing#quantization). */
static const char *const quantization_words[] = {
	"int4", "int8", "fp4", "fp6", "fp8", "fp16", "bf16", "fp32", "unknown", NULL,
};

#define STRUCT deployment_settings
static const struct setting deployment_rows[] = {
	{ .name = "provider", .type = SETTING_TEXT, AT(provider), .required = true,
	  .help = "Name of a provider above." },
	{ .name = "model", .type = SETTING_TEXT, AT(model), .required = true,
	  .help = "What the provider calls the model. In a model with a pattern, * stands for what the pattern's * "
	          "matched." },
	{ .name = "weight", .type = SETTING_INT, AT(weight), .value = "1", .min = "0", .max = "1000000",
	  .help = "Share of the requests. 0: only when no other is left." },
	{ .name = "order", .type = SETTING_INT, AT(order), .value = "1", .min = "0", .max = "1000000",
	  .help = "Those with a lower order are tried first." },
	{ .name = "rpm", .type = SETTING_INT, AT(rpm), .min = "1", .max = "1000000000",
	  .help = "Requests in any sixty seconds that it can take. Left out: any number." },
	{ .name = "tpm", .type = SETTING_INT, AT(tpm), .min = "1", .max = "1000000000000",
	  .help = "Tokens in any sixty seconds that it can take, input and output together. Left out: any number." },
	{ .name = "max_parallel", .type = SETTING_INT, AT(max_parallel), .min = "1", .max = "1000000",
	  .help = "Requests at once that it can take. Left out: any number." },
	{ .name = "price", .type = SETTING_SECTION, AT(price), .section = &price_settings,
	  .help = "Prices in US dollars per million tokens, instead of the catalogue's." },
	{ .name = "context_window", .type = SETTING_INT, AT(context_window), .min = "1", .max = "1000000000",
	  .help = "Tokens of input and output together, instead of the catalogue's." },
	{ .name = "max_output", .type = SETTING_INT, AT(max_output), .min = "1", .max = "1000000000",
	  .help = "Tokens of output, instead of the catalogue's." },
	{ .name = "capabilities", .type = SETTING_TEXTS, AT(capabilities),
	  .help = "What the model can do, besides what the catalogue knows: tools, vision, json_schema …; with a minus "
	          "before it what it cannot." },
	{ .name = "base_model", .type = SETTING_TEXT, AT(base_model),
	  .help = "The catalogue's name for it, where `model` says nothing (a deployment of Azure, an ARN, a server of "
	          "your own): MODEL, or PROVIDER/MODEL." },
	{ .name = "region", .type = SETTING_TEXT, AT(region),
	  .help = "Where it computes, instead of the provider's region." },
	{ .name = "quantization", .type = SETTING_TEXT, AT(quantization), .words = quantization_words,
	  .help = "Number format of its weights, for requests that allow only some." },
};
#undef STRUCT
static bool check_deployment(void *item, struct setting_checker *c)
{
	struct deployment_settings *d = item;
	struct str *caps = d->capabilities.items;
	struct model_facts unused = { 0 };
	bool good = true;

	for (size_t i = 0; i < d->capabilities.n; i++)
		if (!model_cap_lay(&unused, caps[i]))
			good = c->refuse_value(c, &caps[i], "is no capability; docs/catalogue.md lists them");
	return good;
}

static const struct settings deployment_settings = {
	.name = "deployment", .size = sizeof(struct deployment_settings), .rows = deployment_rows,
	.n = COUNT_OF(deployment_rows), .check = check_deployment,
};

static const char *const strategy_words[] = {
	"weighted", "latency", "usage", "least_busy", "cost", "price_weighted", "ordered", "hash", "custom", NULL,
};

static const char *const hash_words[] = { "session", "user", "key", NULL };
static const char *const stream_failover_words[] = { "error", "continue", NULL };

#define STRUCT model_settings
static const struct setting model_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .required = true, .is_name = true,
	  .help = "What clients ask for. A pattern with * is possible: openai/*." },
	{ .name = "strategy", .type = SETTING_WORD, AT(strategy), .value = "weighted", .words = strategy_words,
	  .help = "How the next deployment is chosen among those of the same order." },
	{ .name = "latency_buffer", .type = SETTING_RATIO, AT(latency_buffer), .value = "0.1", .min = "0", .max = "10",
	  .help = "Strategy latency: those that are slower than the fastest one by no more than this share are drawn "
	          "by weight." },
	{ .name = "script", .type = SETTING_TEXT, AT(script),
	  .help = "With strategy custom: a script in Lua that puts the candidates in order, or its file (FILE.lua): "
	          "docs/routing.md." },
	{ .name = "hash_by", .type = SETTING_WORD, AT(hash_by), .value = "session", .words = hash_words,
	  .help = "Strategy hash: what the requests of one deployment have in common, where they have no field "
	          "x-sluice-hash: their session (else user), user, or key. Where it "
	          "is not known the request is drawn for." },
	{ .name = "deployments", .type = SETTING_LIST, AT(deployments), .section = &deployment_settings,
	  .required = true,
	  .help = "Who can answer: one model at one provider each." },
	{ .name = "fallbacks", .type = SETTING_TEXTS, AT(fallbacks),
	  .help = "Models that are tried in turn when all deployments fail: timeouts, 429, 5xx, connections." },
	{ .name = "context_window_fallbacks", .type = SETTING_TEXTS, AT(context_window_fallbacks),
	  .help = "Models that are tried when the prompt does not fit; after them, or without them, `fallbacks`." },
	{ .name = "content_policy_fallbacks", .type = SETTING_TEXTS, AT(content_policy_fallbacks),
	  .help = "Models that are tried when the provider refuses for its content policy; after them, or without "
	          "them, `fallbacks`." },
	{ .name = "timeouts", .type = SETTING_SECTION, AT(timeouts), .section = &model_timeout_settings,
	  .help = "Time limits of one attempt, instead of the provider's." },
	{ .name = "stream_failover", .type = SETTING_WORD, AT(stream_failover), .words = stream_failover_words,
	  .help = "What becomes of a stream that is cut in the midst, instead of what routing.stream_failover says." },
	{ .name = "guardrails", .type = SETTING_TEXTS, AT(guardrails), .support = SETTING_REFUSED,
	  .help = "Names of guardrails that requests for this model pass." },
	{ .name = "hedge_after", .type = SETTING_TEXT, AT(hedge_after),
	  .help = "When a second deployment is asked too, instead of `routing.hedge_after`: off, a duration, p50, "
	          "p75, p90 or p99." },
};
#undef STRUCT

static bool check_hedge(struct setting_checker *c, const struct str *text, struct hedge_when *out)
{
	if (text->n == 0 || hedge_when_read(*text, out))
		return true;
	return c->refuse_value(c, text, "must be off, a duration from 10ms to 10m, or p50, p75, p90 or p99");
}

/* Compiled here for its place in the file; the table makes it anew, with the instructions that routing grants. */
static bool check_script(const struct model_settings *m, struct setting_checker *c)
{
	struct err e;

	if (m->strategy == STRATEGY_CUSTOM && m->script.n == 0)
		return c->refuse(c, &m->strategy, "custom needs a script");
	if (m->strategy != STRATEGY_CUSTOM && m->script.n)
		return c->refuse(c, &m->script, "is only of use with strategy: custom");
	return m->script.n == 0 || custom_check(m->script, CUSTOM_INSTRUCTIONS_MAX, &e) ||
	       c->refuse(c, &m->script, "does not work: %s", e.text);
}

static bool check_model(void *item, struct setting_checker *c)
{
	struct model_settings *m = item;
	const struct deployment_settings *d = m->deployments.items;
	bool pattern = str_find_chr(m->name, '*') != STR_NPOS;
	bool good = true;
	for (size_t i = 0; i < m->deployments.n; i++)
		if (!pattern && str_find_chr(d[i].model, '*') != STR_NPOS)
			good = c->refuse_value(c, &d[i].model, "holds a *, but the name of the model is no pattern");
	good = check_script(m, c) && good;
	return check_hedge(c, &m->hedge_after, &m->hedge) && good;
}

const struct settings model_settings = {
	.name = "model", .size = sizeof(struct model_settings), .rows = model_rows, .n = COUNT_OF(model_rows),
	.check = check_model,
};

static const char *const jitter_words[] = { "full", "equal", "none", NULL };

#define STRUCT retry_settings
static const struct setting retry_rows[] = {
	{ .name = "attempts", .type = SETTING_INT, AT(attempts), .value = "2", .min = "0", .max = "20",
	  .help = "Further tries of a request after its first one, before fallbacks." },
	{ .name = "on", .type = SETTING_TEXTS, AT(on), .value = "408, 409, 429, 5xx, connect, timeout",
	  .help = "What is tried again: statuses (429), classes of them (5xx), connect and timeout." },
	{ .name = "base", .type = SETTING_DURATION, AT(base_ms), .value = "250ms", .min = "0", .max = "1m",
	  .help = "Wait before the second try; it doubles with each further one." },
	{ .name = "max", .type = SETTING_DURATION, AT(max_ms), .value = "8s", .min = "0", .max = "10m",
	  .help = "The longest wait." },
	{ .name = "jitter", .type = SETTING_WORD, AT(jitter), .value = "full", .words = jitter_words,
	  .help = "Chance in the wait: full (from zero), equal (from the half), none." },
	{ .name = "respect_retry_after", .type = SETTING_DURATION, AT(respect_retry_after_ms), .value = "60s",
	  .min = "0",
	  .max = "1h", .help = "A provider's Retry-After up to this is waited for; 0: never." },
};
#undef STRUCT

static void retry_on(struct retry_settings *r, unsigned from, unsigned to)
{
	for (unsigned i = from - 400; i <= to - 400; i++)
		r->on_status[i / 64] |= (uint64_t)1 << i % 64;
}

static bool check_retry(void *item, struct setting_checker *c)
{
	struct retry_settings *r = item;
	const struct str *on = r->on.items;
	bool good = true;
	for (size_t i = 0; i < r->on.n; i++) {
		uint64_t status;
		if (str_eq(on[i], STR("connect")))
			r->on_connect = true;
		else if (str_eq(on[i], STR("timeout")))
			r->on_timeout = true;
		else if (str_eq(on[i], STR("4xx")))
			retry_on(r, 400, 499);
		else if (str_eq(on[i], STR("5xx")))
			retry_on(r, 500, 599);
		else if (str_to_u64(on[i], &status) && status >= 400 && status <= 599)
			retry_on(r, (unsigned)status, (unsigned)status);
		else
			good = c->refuse_value(c, &on[i], "must be a status from 400 to 599, 4xx, 5xx, connect or "
			                                  "timeout");
	}
	if (r->base_ms > r->max_ms)
		good = c->refuse(c, &r->base_ms, "must not be longer than max");
	return good;
}

static const struct settings retry_settings = {
	.name = "retries", .size = sizeof(struct retry_settings), .rows = retry_rows, .n = COUNT_OF(retry_rows),
	.check = check_retry,
};

#define STRUCT cooldown_settings
static const struct setting cooldown_rows[] = {
	{ .name = "failure_ratio", .type = SETTING_RATIO, AT(failure_ratio), .value = "0.5", .min = "0", .max = "1",
	  .help = "More than this share of failed requests in the window, and a deployment is left alone; 1: when all "
	          "fail." },
	{ .name = "min_requests", .type = SETTING_INT, AT(min_requests), .value = "5", .min = "1", .max = "1000000",
	  .help = "Requests that the window must hold for that." },
	{ .name = "window", .type = SETTING_DURATION, AT(window_ms), .value = "60s", .min = "1s", .max = "1h",
	  .help = "How far back is counted." },
	{ .name = "on_429", .type = SETTING_BOOL, AT(on_429), .value = "true",
	  .help = "Leave a deployment alone at once that answers 429." },
	{ .name = "duration", .type = SETTING_DURATION, AT(duration_ms), .value = "5s", .min = "100ms", .max = "1d",
	  .help = "How long it is left alone." },
	{ .name = "max", .type = SETTING_DURATION, AT(max_ms), .value = "10m", .min = "0", .max = "1d",
	  .help = "A provider's Retry-After makes it longer, up to this." },
};
#undef STRUCT
static const struct settings cooldown_settings = {
	.name = "cooldown", .size = sizeof(struct cooldown_settings), .rows = cooldown_rows,
	.n = COUNT_OF(cooldown_rows),
};

#define STRUCT breaker_settings
static const struct setting breaker_rows[] = {
	{ .name = "consecutive_failures", .type = SETTING_INT, AT(consecutive_failures), .value = "5", .min = "1",
	  .max = "1000000", .help = "Failures in a row that open the breaker of a deployment: it gets no requests." },
	{ .name = "open_for", .type = SETTING_DURATION, AT(open_for_ms), .value = "30s", .min = "100ms", .max = "1d",
	  .help = "How long it stays open before a probe." },
	{ .name = "half_open_probes", .type = SETTING_INT, AT(half_open_probes), .value = "1", .min = "1",
	  .max = "1000",
	  .help = "Requests that must succeed for it to close." },
};
#undef STRUCT
static const struct settings breaker_settings = {
	.name = "breaker", .size = sizeof(struct breaker_settings), .rows = breaker_rows, .n = COUNT_OF(breaker_rows),
};

#define STRUCT preferred_settings
static const struct setting preferred_rows[] = {
	{ .name = "max_latency_p50", .type = SETTING_DURATION, AT(max_latency_ms[0]), .min = "1ms", .max = "1h",
	  .help = "Deployments whose median of latency is above it move to the end." },
	{ .name = "max_latency_p75", .type = SETTING_DURATION, AT(max_latency_ms[1]), .min = "1ms", .max = "1h",
	  .help = "Deployments whose 75th percentile of latency is above it move to the end." },
	{ .name = "max_latency_p90", .type = SETTING_DURATION, AT(max_latency_ms[2]), .min = "1ms", .max = "1h",
	  .help = "Deployments whose 90th percentile of latency is above it move to the end." },
	{ .name = "max_latency_p99", .type = SETTING_DURATION, AT(max_latency_ms[3]), .min = "1ms", .max = "1h",
	  .help = "Deployments whose 99th percentile of latency is above it move to the end." },
	{ .name = "min_throughput_p50", .type = SETTING_RATIO, AT(min_throughput[0]), .min = "0", .max = "1000000",
	  .help = "Deployments whose median of tokens a second is below it move to the end." },
	{ .name = "min_throughput_p75", .type = SETTING_RATIO, AT(min_throughput[1]), .min = "0", .max = "1000000",
	  .help = "Deployments whose 75th percentile of tokens a second is below it move to the end." },
	{ .name = "min_throughput_p90", .type = SETTING_RATIO, AT(min_throughput[2]), .min = "0", .max = "1000000",
	  .help = "Deployments whose 90th percentile of tokens a second is below it move to the end." },
	{ .name = "min_throughput_p99", .type = SETTING_RATIO, AT(min_throughput[3]), .min = "0", .max = "1000000",
	  .help = "Deployments whose 99th percentile of tokens a second is below it move to the end." },
};
#undef STRUCT

static bool check_preferred(void *item, struct setting_checker *c)
{
	struct preferred_settings *p = item;

	for (size_t i = 0; i < COUNT_OF(p->max_latency_ms); i++)
		p->any |= p->max_latency_ms[i] != SETTING_UNSET || p->min_throughput[i] > 0;
	return true;
}

static const struct settings preferred_settings = {
	.name = "preferred", .size = sizeof(struct preferred_settings), .rows = preferred_rows,
	.n = COUNT_OF(preferred_rows), .check = check_preferred,
};

#define STRUCT affinity_settings
static const struct setting affinity_rows[] = {
	{ .name = "enabled", .type = SETTING_BOOL, AT(enabled), .value = "true",
	  .help = "A conversation stays with the deployment that holds its prompt cache." },
	{ .name = "ttl", .type = SETTING_DURATION, AT(ttl_ms), .value = "5m", .min = "1s", .max = "1d",
	  .help = "A conversation is forgotten this long after its last turn; most providers keep a prompt for 5 "
	          "minutes." },
	{ .name = "entries", .type = SETTING_INT, AT(entries), .value = "65536", .min = "256", .max = "16777216",
	  .needs_restart = true,
	  .help = "Conversations that are remembered; 24 bytes each." },
};
#undef STRUCT
static const struct settings affinity_settings = {
	.name = "affinity", .size = sizeof(struct affinity_settings), .rows = affinity_rows,
	.n = COUNT_OF(affinity_rows),
};

#define STRUCT queue_settings
static const struct setting queue_rows[] = {
	{ .name = "max", .type = SETTING_INT, AT(max), .value = "1000", .min = "0", .max = "1000000",
	  .help = "Requests that may wait for each model whose deployments are all at their rpm, tpm or max_parallel. "
	          "0: they are answered 429 at once." },
	{ .name = "wait", .type = SETTING_DURATION, AT(wait_ms), .value = "10s", .min = "1ms", .max = "10m",
	  .help = "How long a request waits for room at most." },
};
#undef STRUCT
static const struct settings queue_settings = {
	.name = "queue", .size = sizeof(struct queue_settings), .rows = queue_rows, .n = COUNT_OF(queue_rows),
};

#define STRUCT script_settings
static const struct setting script_rows[] = {
	{ .name = "max_instructions", .type = SETTING_INT, AT(max_instructions), .value = "100000", .min = "1000",
	  .max = "1000000",
	  .help = "Instructions of Lua that one run may take; then the candidates are tried as written." },
};
#undef STRUCT
static const struct settings script_settings = {
	.name = "script", .size = sizeof(struct script_settings), .rows = script_rows, .n = COUNT_OF(script_rows),
};

#define STRUCT probe_settings
static const struct setting probe_rows[] = {
	{ .name = "every", .type = SETTING_DURATION, AT(every_ms), .value = "off", .also = "off", .min = "1s",
	  .max = "1d",
	  .help = "Ask a deployment that is out, this often, for one token, and let it in when it answers. off: "
	          "requests of clients find it out." },
};
#undef STRUCT
static const struct settings probe_settings = {
	.name = "probe", .size = sizeof(struct probe_settings), .rows = probe_rows, .n = COUNT_OF(probe_rows),
};

#define STRUCT routing_settings
static const struct setting routing_rows[] = {
	{ .name = "retries", .type = SETTING_SECTION, AT(retries), .section = &retry_settings,
	  .help = "When and how a failed request is tried again." },
	{ .name = "cooldown", .type = SETTING_SECTION, AT(cooldown), .section = &cooldown_settings,
	  .help = "When a deployment is left alone for a moment." },
	{ .name = "breaker", .type = SETTING_SECTION, AT(breaker), .section = &breaker_settings,
	  .help = "When a deployment is taken out until it has shown that it works." },
	{ .name = "outage_window", .type = SETTING_DURATION, AT(outage_window_ms), .value = "30s", .min = "1s",
	  .max = "1h",
	  .help = "Strategy price_weighted: deployments without an outage in it go first." },
	{ .name = "preferred", .type = SETTING_SECTION, AT(preferred), .section = &preferred_settings,
	  .help = "What a deployment should keep to, over the last five minutes." },
	{ .name = "last_resort", .type = SETTING_BOOL, AT(last_resort), .value = "true",
	  .help = "When all deployments are left alone or taken out, try the least bad one once." },
	{ .name = "affinity", .type = SETTING_SECTION, AT(affinity), .section = &affinity_settings,
	  .help = "Whether conversations stay where their prompt cache is." },
	{ .name = "queue", .type = SETTING_SECTION, AT(queue), .section = &queue_settings,
	  .help = "Where requests wait when all deployments of a model are at their limits." },
	{ .name = "probe", .type = SETTING_SECTION, AT(probe), .section = &probe_settings,
	  .help = "Whether the gateway itself looks if deployments work again." },
	{ .name = "hedge_after", .type = SETTING_TEXT, AT(hedge_after), .value = "off",
	  .help = "Send the request to a second deployment when the first has not begun to answer for this long: off, "
	          "a duration such as 500ms, or p50, p75, p90 or p99 of what it usually takes." },
	{ .name = "hedge_max", .type = SETTING_RATIO, AT(hedge_max), .value = "0.05", .min = "0", .max = "1",
	  .help = "Share of a model's requests of the last minute that may be sent to a second deployment." },
	{ .name = "fallbacks", .type = SETTING_TEXTS, AT(fallbacks),
	  .help = "For models that have no `fallbacks` of their own." },
	{ .name = "context_window_fallbacks", .type = SETTING_TEXTS, AT(context_window_fallbacks),
	  .help = "For models that have no `context_window_fallbacks` of their own." },
	{ .name = "content_policy_fallbacks", .type = SETTING_TEXTS, AT(content_policy_fallbacks),
	  .help = "For models that have no `content_policy_fallbacks` of their own." },
	{ .name = "max_fallbacks", .type = SETTING_INT, AT(max_fallbacks), .value = "5", .min = "0", .max = "50",
	  .help = "Models that are tried for one request at most, besides the one asked for." },
	{ .name = "script", .type = SETTING_SECTION, AT(script), .section = &script_settings,
	  .help = "Ceilings of the scripts of strategy custom." },
	{ .name = "byok", .type = SETTING_BOOL, AT(byok), .value = "false",
	  .help = "Requests may bring their own credentials of providers (docs/routing.md)." },
	{ .name = "stream_failover", .type = SETTING_WORD, AT(stream_failover), .value = "error",
	  .words = stream_failover_words,
	  .help = "What becomes of a stream that is cut in the midst: error (the client gets an error event), continue "
	          "(another deployment is given the text so far and goes on in the same stream; docs/routing.md)." },
};
#undef STRUCT

static bool check_routing(void *item, struct setting_checker *c)
{
	struct routing_settings *r = item;

	return check_hedge(c, &r->hedge_after, &r->hedge);
}

const struct settings routing_settings = {
	.name = "routing", .size = sizeof(struct routing_settings), .rows = routing_rows, .n = COUNT_OF(routing_rows),
	.check = check_routing,
};
