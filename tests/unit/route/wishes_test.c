/* SPDX-License-Identifier: Apache-2.0 */
/* wishes: each reader with good, wrong and hostile words; what wins, what is added up, and what names mean. */
#include "routes.h"

#include <stdio.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/rand.h"
#include "route/wishes.h"

#define ARENA_MAX (8u << 20)
#define MANY 64

/* ---- what was read, as a text ---- */

static void put_names(struct buf *b, const char *what, const struct wish_names *w)
{
	if (w->n == 0)
		return;
	buf_printf(b, "%s=", what);
	for (unsigned i = 0; i < w->n; i++)
		buf_printf(b, "%s%.*s", i ? "," : "", STR_ARG(w->names[i]));
	buf_printf(b, " ");
}

static void put_number(struct buf *b, const char *what, int64_t n)
{
	if (n != WISH_UNSET)
		buf_printf(b, "%s=%lld ", what, (long long)n);
}

static void put_flag(struct buf *b, const char *what, bool is)
{
	if (is)
		buf_printf(b, "%s ", what);
}

static void put_statuses(struct buf *b, const char *what, bool listed, const uint64_t bits[4])
{
	if (!listed)
		return;
	buf_printf(b, "%s[", what);
	for (int s = 400; s < 600; s++)
		if (bits[(s - 400) / 64] >> (s - 400) % 64 & 1)
			buf_printf(b, "%d,", s);
	buf_printf(b, "] ");
}

static void put_params(struct buf *b, const char *what, const struct wish_params *p)
{
	for (; p; p = p->next)
		buf_printf(b, "%s%.*s ", what, STR_ARG(node_raw(p->object)));
}

static void put_target(struct buf *b, const struct wish_target *t)
{
	buf_printf(b, "{");
	if (t->model.n)
		buf_printf(b, "%.*s ", STR_ARG(t->model));
	if (t->provider.n)
		buf_printf(b, "@%.*s ", STR_ARG(t->provider));
	if (t->key.n)
		buf_printf(b, "key=%.*s ", STR_ARG(t->key));
	put_number(b, "attempts", t->attempts);
	put_number(b, "timeout", t->timeout_ms);
	put_statuses(b, "retry", t->retry_listed, t->retry_status);
	put_statuses(b, "falls", t->falls_listed, t->falls_status);
	put_params(b, "over", t->override_params);
	put_params(b, "under", t->default_params);
	put_names(b, "drop", &t->drop_params);
	buf_printf(b, "} ");
}

static void tell(struct buf *b, const struct route_wishes *w)
{
	static const char *const sorts[] = { "", "price", "throughput", "latency" };
	static const char *const backoffs[] = { "", "constant", "linear", "exponential" };
	static const char *const p[] = { "p50", "p75", "p90", "p99" };

	put_names(b, "order", &w->order);
	put_names(b, "only", &w->only);
	put_flag(b, "nobody", w->only_set && w->only.n == 0);
	put_names(b, "ignore", &w->ignore);
	put_names(b, "quantizations", &w->quantizations);
	put_names(b, "regions", &w->regions);
	put_flag(b, "no_fallbacks", w->no_fallbacks);
	put_flag(b, "targets_only", w->targets_only);
	put_flag(b, "require_parameters", w->require_parameters);
	put_flag(b, "deny_collection", w->deny_collection);
	put_flag(b, "zdr", w->zdr);
	if (w->sort)
		buf_printf(b, "sort=%s ", sorts[w->sort]);
	put_number(b, "input", w->max_input_pusd);
	put_number(b, "output", w->max_output_pusd);
	put_number(b, "request", w->max_request_nusd);
	put_number(b, "image", w->max_image_nusd);
	for (int i = 0; i < 4; i++) {
		char name[32];

		snprintf(name, sizeof name, "throughput_%s", p[i]);
		put_number(b, name, w->min_throughput_milli[i]);
		snprintf(name, sizeof name, "latency_%s", p[i]);
		put_number(b, name, w->max_latency_us[i]);
	}
	put_number(b, "attempts", w->attempts);
	put_number(b, "base", w->base_ms);
	if (w->backoff)
		buf_printf(b, "backoff=%s ", backoffs[w->backoff]);
	put_number(b, "connect", w->connect_ms);
	put_number(b, "first_byte", w->first_byte_ms);
	put_number(b, "idle", w->idle_ms);
	put_number(b, "total", w->total_ms);
	for (unsigned i = 0; i < w->n_byok; i++)
		buf_printf(b, "byok %.*s=%.*s ", STR_ARG(w->byok[i].provider), STR_ARG(w->byok[i].key));
	for (unsigned i = 0; i < w->n_timeouts; i++)
		buf_printf(b, "timeout %.*s=%lld%s ", STR_ARG(w->timeouts[i].provider),
		           (long long)w->timeouts[i].first_byte_ms, w->timeouts[i].own_key ? " own" : "");
	if (w->user.n)
		buf_printf(b, "user=%.*s ", STR_ARG(w->user));
	if (w->tags.n)
		buf_printf(b, "tags=%.*s ", STR_ARG(w->tags));
	put_flag(b, "explain", w->explain);
	put_flag(b, "drops_route", w->drops_route);
	for (unsigned i = 0; i < w->n_targets; i++)
		put_target(b, &w->targets[i]);
}

/* ---- reading ---- */

/* "name: value\n…" */
static const struct wish_field *fields_of(struct arena *a, struct str lines)
{
	const struct wish_field *first = NULL;

	while (lines.n) {
		struct str value = str_cut(&lines, '\n'), name = str_cut(&value, ':');
		struct wish_field *f = arena_must(a, sizeof *f);

		*f = (struct wish_field){ str_trim(name), str_trim(value), first };
		first = f;
	}
	return first;
}

/* What a gateway would take out of the body. */
static struct wish_source source_of(struct arena *a, const char *body, const char *fields)
{
	static const char *const paths[] = { "models", "provider", "providerOptions" };
	struct wish_source s = { .path = STR("/v1/chat/completions"), .model = STR("m") };
	struct json_hit hit[3];
	struct json_plan plan;
	struct json_fault fault;

	s.fields = fields_of(a, str_from_z(fields));
	s.body = str_from_z(body);
	json_plan_init(&plan, paths, 3, JSON_REFUSE_TWICE);
	if (s.body.n) {
		check(body, json_scan(&plan, s.body, JSON_DEPTH_MAX, hit, &fault));
		s.models = hit[0].value;
		s.provider = hit[1].value;
		s.provider_options = hit[2].value;
	}
	return s;
}

/* Reads, and writes down what came of it; an error is "!" and its text. */
static void read_case(const char *body, const char *fields, char *out, size_t room)
{
	struct buf b = buf_make(65536);
	struct wish_source source;
	struct route_wishes w;
	struct arena arena;
	struct err e;

	arena_init(&arena, ARENA_MAX);
	source = source_of(&arena, body, fields);
	if (wishes_read(&arena, &source, &w, &e))
		tell(&b, &w);
	else
		buf_printf(&b, "!%s", e.text);
	snprintf(out, room, "%.*s", (int)str_trim(buf_str(&b)).n, b.n ? b.p : "");
	buf_fini(&b);
	arena_fini(&arena);
}

#define PROVIDER(text) "{\"provider\":" text "}"
#define GATEWAY(text)  "{\"providerOptions\":{\"gateway\":" text "}}"
#define CONFIG(text)   "x-portkey-config: " text

static const struct { const char *name, *body, *fields, *want; } cases[] = {
	{ "nothing", "{}", "", "" },
	{ "no JSON body", "", "", "" },
	/* ours */
	{ "zdr", "{}", "x-sluice-zdr: require", "zdr" },
	{ "zdr, another word", "{}", "x-sluice-zdr: true", "!x-sluice-zdr: must be require, not \"true\"" },
	{ "regions", "{}", "X-Sluice-Region: eu, us", "regions=eu,us" },
	{ "no region", "{}", "x-sluice-region: eu,,us",
	  "!x-sluice-region: must be names of regions such as eu, joined by commas, not \"eu,,us\"" },
	{ "timeouts", "{}", "x-sluice-timeout: connect=2s, first_byte=5s,idle=10s , total=1m",
	  "connect=2000 first_byte=5000 idle=10000 total=60000" },
	{ "a timeout of all", "{}", "x-sluice-timeout: 30s", "total=30000" },
	{ "an unknown timeout", "{}", "x-sluice-timeout: read=2s",
	  "!x-sluice-timeout: must be a duration, or parts of connect=2s, first_byte=5s, idle=10s, total=1m, not "
	  "\"read\"" },
	{ "a timeout of nothing", "{}", "x-sluice-timeout: idle=0s",
	  "!x-sluice-timeout: must be a duration such as 500ms or 30s, up to 24 h, not \"0s\"" },
	{ "retries", "{}", "x-sluice-retries: 0", "attempts=0" },
	{ "too many retries", "{}", "x-sluice-retries: 21",
	  "!x-sluice-retries: must be a whole number from 0 to 20, not \"21\"" },
	{ "explain", "{}", "x-sluice-explain: TRUE", "explain" },
	{ "metadata is an object", "{}", "x-sluice-metadata: [1]",
	  "!x-sluice-metadata: must be a JSON object, not an array" },
	{ "metadata is JSON", "{}", "x-sluice-metadata: {a}",
	  "!x-sluice-metadata: not valid JSON at line 1, column 2: a member's name in double quotes is expected here" },
	/* OpenRouter */
	{ "lists", PROVIDER("{\"order\":[\"a\",\"b/x\"],\"only\":[\"c\"],\"ignore\":[\"d\"],"
	  "\"quantizations\":[\"fp8\"]}"),
	  "", "order=a,b/x only=c ignore=d quantizations=fp8" },
	{ "empty lists and nulls are none",
	  PROVIDER("{\"order\":[],\"only\":[],\"ignore\":null,\"sort\":null,\"zdr\":null,\"max_price\":null}"), "",
	  "" },
	{ "null", PROVIDER("null"), "", "" },
	{ "unknown members", PROVIDER("{\"what\":{\"ever\":[1]}}"), "", "" },
	{ "a name with escapes", PROVIDER("{\"only\":[\"\\u0061\"]}"), "", "only=a" },
	{ "an order without fallbacks", PROVIDER("{\"order\":[\"a\"],\"allow_fallbacks\":false}"), "",
	  "order=a only=a targets_only" },
	{ "no fallbacks", PROVIDER("{\"allow_fallbacks\":false}"), "", "no_fallbacks targets_only" },
	{ "order and only", PROVIDER("{\"order\":[\"a\"],\"only\":[\"b\"],\"allow_fallbacks\":false}"), "",
	  "order=a nobody targets_only" },
	{ "flags", PROVIDER("{\"require_parameters\":true,\"zdr\":true,\"data_collection\":\"deny\"}"), "",
	  "require_parameters deny_collection zdr" },
	{ "flags that are off", PROVIDER("{\"require_parameters\":false,\"zdr\":false,\"data_collection\":\"allow\"}"),
	  "", "" },
	{ "a field's zdr stays", PROVIDER("{\"zdr\":false}"), "x-sluice-zdr: require", "zdr" },
	{ "sort", PROVIDER("{\"sort\":\"throughput\"}"), "", "sort=throughput" },
	{ "sort by", PROVIDER("{\"sort\":{\"by\":\"latency\",\"partition\":\"none\"}}"), "", "sort=latency" },
	{ "sort by nothing", PROVIDER("{\"sort\":{}}"), "", "" },
	{ "sort by what", PROVIDER("{\"sort\":{\"by\":\"cost\"}}"), "",
	  "!provider.sort.by: must be price, throughput or latency, not \"cost\"" },
	{ "sort, another type", PROVIDER("{\"sort\":3}"), "",
	  "!provider.sort: must be price, throughput or latency, or an object with `by`, not 3" },
	{ "prices", PROVIDER("{\"max_price\":{\"prompt\":1,\"completion\":\"2.5\",\"request\":0.01,\"image\":1e-3}}"),
	  "",
	  "input=1000000 output=2500000 request=10000000 image=1000000" },
	{ "a price of nothing", PROVIDER("{\"max_price\":{\"prompt\":0,\"completion\":1e-9}}"), "",
	  "input=0 output=0" },
	{ "a price below nothing", PROVIDER("{\"max_price\":{\"prompt\":-1}}"), "",
	  "!provider.max_price.prompt: must be a number that is not negative, not -1" },
	{ "a huge price", PROVIDER("{\"max_price\":{\"prompt\":1e300}}"), "",
	  "!provider.max_price.prompt: must be a number that is not negative, not 1e300" },
	{ "a price that is none", PROVIDER("{\"max_price\":{\"image\":\"0x10\"}}"), "",
	  "!provider.max_price.image: must be a number that is not negative, not \"0x10\"" },
	{ "preferences", PROVIDER("{\"preferred_min_throughput\":40,\"preferred_max_latency\":{\"p90\":1.5,"
	  "\"p50\":\"0.2\"}}"),
	  "", "throughput_p50=40000 latency_p50=200000 latency_p90=1500000" },
	{ "a preference that is none", PROVIDER("{\"preferred_max_latency\":[1]}"), "",
	  "!provider.preferred_max_latency: must be a number that is not negative, not an array" },
	{ "provider is no text", PROVIDER("\"openai\""), "",
	  "!provider: must be an object of routing preferences, not \"openai\"" },
	{ "a list is none", PROVIDER("{\"order\":\"a\"}"), "", "!provider.order: must be a list of names, not \"a\"" },
	{ "a name is none", PROVIDER("{\"ignore\":[\"a\",{}]}"), "",
	  "!provider.ignore[1]: must be a name, not an object" },
	{ "a name is empty", PROVIDER("{\"ignore\":[\"\"]}"), "",
	  "!provider.ignore[0]: must be a string that is not empty, not \"\"" },
	{ "what narrows and is not known", PROVIDER("{\"enforce_distillable_text\":true}"), "",
	  "!provider.enforce_distillable_text: must be false, not true: it is not known here whose texts may be "
	  "distilled" },
	{ "models", "{\"models\":[\"a\",\"b\"]}", "", "{} {a } {b }" },
	{ "models, some again", "{\"models\":[\"m\",\"a\",\"a\",\"m\",\"b\"],\"route\":\"fallback\"}", "",
	  "drops_route {} {a } {b }" },
	{ "models of nothing", "{\"models\":[]}", "", "" },
	{ "models is no text", "{\"models\":\"a\"}", "", "!models: must be a list of names, not \"a\"" },
	{ "another route", "{\"models\":[],\"route\":\"other\"}", "", "!route: must be fallback, not \"other\"" },
	/* Vercel */
	{ "no gateway", "{\"providerOptions\":{\"openai\":{\"order\":3}}}", "", "" },
	{ "gateway", GATEWAY("{\"order\":[\"a\"],\"only\":[\"a\",\"b\"],\"sort\":\"ttft\",\"models\":[\"x\"],"
	                     "\"zeroDataRetention\":true,\"disallowPromptTraining\":true,\"user\":\"u\","
	                     "\"tags\":[\"t\",\"v\"],\"caching\":\"auto\"}"), "",
	  "order=a only=a,b deny_collection zdr sort=latency user=u tags=t,v {} {x }" },
	{ "byok", GATEWAY("{\"byok\":{\"anthropic\":[{\"apiKey\":\"sk-1\"},{\"apiKey\":\"sk-2\"}]}}"), "",
	  "byok anthropic=sk-1" },
	{ "byok without a key", GATEWAY("{\"byok\":{\"bedrock\":[{\"accessKeyId\":\"x\"}]}}"), "",
	  "!providerOptions.gateway.byok.bedrock: must be a list that holds an object with the text apiKey" },
	{ "byok with a line end", GATEWAY("{\"byok\":{\"a\":[{\"apiKey\":\"x\\r\\ny: z\"}]}}"), "",
	  "!providerOptions.gateway.byok.a: must be a key of 1 to 512 visible ASCII characters" },
	{ "timeouts by provider",
	  GATEWAY("{\"providerTimeouts\":{\"byok\":{\"anthropic\":5000},\"system\":{\"openai\":2000}}}"), "",
	  "timeout anthropic=5000 own timeout openai=2000" },
	{ "hipaa", GATEWAY("{\"hipaaCompliant\":true}"), "",
	  "!providerOptions.gateway.hipaaCompliant: must be false, not true: it is not known here who is" },
	{ "gateway is no list", GATEWAY("[]"), "", "!providerOptions.gateway: must be an object, not an array" },
	{ "providerOptions is no text", "{\"providerOptions\":\"x\"}", "",
	  "!providerOptions: must be an object, not \"x\"" },
	/* which wins */
	{ "OpenRouter before Vercel",
	  "{\"provider\":{\"order\":[\"a\"],\"sort\":\"price\",\"only\":[\"a\",\"b\"]},\"models\":[\"x\"],"
	  "\"providerOptions\":{\"gateway\":{\"order\":[\"b\"],\"sort\":\"tps\",\"only\":[\"B\",\"c\"],"
	  "\"models\":[\"y\"]}}}",
	  "", "order=a only=b sort=price {} {x }" },
	{ "ours before Cloudflare's", "{}",
	  "x-sluice-timeout: first_byte=1s\nx-sluice-retries: 3\ncf-aig-request-timeout: 5000\ncf-aig-max-attempts: 2\n"
	  "cf-aig-retry-delay: 100\ncf-aig-backoff: Linear",
	  "attempts=3 base=100 backoff=linear first_byte=1000" },
	{ "models before a config", "{\"models\":[\"x\"]}", CONFIG("{\"provider\":\"a\"}"), "{} {x }" },
	/* Cloudflare */
	{ "Cloudflare", "{}", "cf-aig-request-timeout: 5000\ncf-aig-max-attempts: 1\ncf-aig-metadata: {\"a\":1}",
	  "attempts=0 first_byte=5000" },
	{ "a time in words", "{}", "cf-aig-request-timeout: 5s",
	  "!cf-aig-request-timeout: must be a whole number from 1 to 86400000, not \"5s\"" },
	{ "no attempt", "{}", "cf-aig-max-attempts: 0",
	  "!cf-aig-max-attempts: must be a whole number from 1 to 21, not \"0\"" },
	{ "another backoff", "{}", "cf-aig-backoff: slow",
	  "!cf-aig-backoff: must be constant, linear or exponential, not \"slow\"" },
	/* Portkey */
	{ "a provider", "{}", "x-portkey-provider: @openai\nx-portkey-request-timeout: 900",
	  "targets_only {@openai timeout=900 }" },
	{ "a single target", "{}", CONFIG("{\"virtual_key\":\"vk\",\"override_params\":{\"model\":\"x\",\"n\":1}}"),
	  "targets_only {x @vk over{\"model\":\"x\",\"n\":1} }" },
	{ "retry", "{}", CONFIG("{\"retry\":{\"attempts\":3}}"),
	  "{attempts=3 retry[429,500,502,503,504,] }" },
	{ "retry on", "{}", CONFIG("{\"retry\":{\"attempts\":5,\"on_status_codes\":[401,599,200]}}"),
	  "{attempts=5 retry[401,599,] }" },
	{ "only a cache", "{}", CONFIG("{\"cache\":{\"mode\":\"semantic\",\"max_age\":60}}"), "" },
	{ "fallback", "{}",
	  CONFIG("{\"strategy\":{\"mode\":\"fallback\",\"on_status_codes\":[429]},\"request_timeout\":50,"
	         "\"override_params\":{\"t\":1},\"targets\":[{\"provider\":\"a\",\"override_params\":{\"t\":2}},"
	         "{\"provider\":\"b\",\"request_timeout\":60,\"default_params\":{\"s\":1},"
	           "\"drop_params\":[\"user\"]}]}"),
	  "targets_only {@a timeout=50 falls[429,] over{\"t\":2} over{\"t\":1} } "
	  "{@b timeout=60 falls[429,] over{\"t\":1} under{\"s\":1} drop=user }" },
	{ "nested", "{}",
	  CONFIG("{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{\"provider\":\"a\",\"api_key\":\"k\"},"
	         "{\"strategy\":{\"mode\":\"loadbalance\"},\"targets\":[{\"provider\":\"b\",\"weight\":0},"
	         "{\"strategy\":{\"mode\":\"single\"},\"targets\":[{\"provider\":\"c\"},{\"provider\":\"d\"}]}]}]}"),
	  "targets_only {@a key=k } {@c }" },
	{ "a key is not for another provider", "{}",
	  CONFIG("{\"provider\":\"a\",\"api_key\":\"k\",\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{},"
	  "{\"provider\":"
	         "\"b\"}]}"),
	  "targets_only {@a key=k } {@b }" },
	{ "an id", "{}", CONFIG("pc-abc-123"),
	  "!x-portkey-config: must be the config itself, a JSON object: what stands at Portkey under a name is not "
	  "known here, not \"pc-abc-123\"" },
	{ "no config", "{}", CONFIG(""), "!x-portkey-config: not valid JSON at line 1, column 1: there is no value" },
	{ "no targets", "{}", CONFIG("{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[]}"),
	  "!x-portkey-config.targets: must be a list of 1 to 64 targets, not an array" },
	{ "no mode", "{}", CONFIG("{\"targets\":[{}]}"),
	  "!x-portkey-config.strategy.mode: must be single, loadbalance, fallback or conditional, not nothing" },
	{ "another mode", "{}", CONFIG("{\"strategy\":{\"mode\":\"random\"},\"targets\":[{}]}"),
	  "!x-portkey-config.strategy.mode: must be single, loadbalance, fallback or conditional, not \"random\"" },
	{ "no weight", "{}",
	  CONFIG("{\"strategy\":{\"mode\":\"loadbalance\"},\"targets\":[{\"weight\":0},{\"weight\":0}]}"),
	  "!x-portkey-config.targets: must have one with a weight above 0" },
	{ "a stream of its own", "{}", CONFIG("{\"override_params\":{\"stream\":true}}"),
	  "!x-portkey-config.override_params.stream: must be left out: the client's stream is the client's to choose, "
	  "not true" },
	{ "names in disguise", "{}", CONFIG("{\"override_params\":{\"str\\u0065am\":true}}"),
	  "!x-portkey-config.override_params: must be of names without escapes, not \"str\\u0065am\"" },
	{ "the prompt", "{}", CONFIG("{\"default_params\":{\"messages\":[]}}"),
	  "!x-portkey-config.default_params: must be of parameters; what is asked stands in the body, not "
	  "\"messages\"" },
	{ "a host", "{}", CONFIG("{\"custom_host\":\"http://x\"}"),
	  "!x-portkey-config.custom_host: must be left out: hosts and guardrails are the gateway's configuration" },
	{ "a key with a blank", "{}", CONFIG("{\"provider\":\"a\",\"api_key\":\"a b\"}"),
	  "!x-portkey-config.api_key: must be a key of 1 to 512 visible ASCII characters" },
};

static void reads_each_gateways_words(void **state)
{
	char got[4096];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		read_case(cases[i].body, cases[i].fields, got, sizeof got);
		check_str(cases[i].name, str_from_z(got), str_from_z(cases[i].want));
	}
}

/* ---- conditions ---- */

#define META                                                                                                 \
	"x-portkey-metadata: {\"plan\":\"paid\",\"n\":\"12\",\"i\":12,\"a.b\":\"c\",\"d\":{\"e\":true}," \
	"\"z\":null}\n"
#define BODY "{\"model\":\"m\",\"temperature\":1.5,\"max_tokens\":100,\"x\":{\"y\":[1]},\"user\":\"caf\\u00e9\"}"

static const struct { const char *query, *want; } queries[] = {
	{ "{}", "yes" },
	{ "{\"metadata.plan\":\"paid\"}", "yes" },
	{ "{\"metadata.plan\":{\"$eq\":\"paid\"}}", "yes" },
	{ "{\"metadata.plan\":{\"$eq\":\"free\"}}", "no" },
	{ "{\"metadata.plan\":{\"$ne\":\"free\"}}", "yes" },
	{ "{\"metadata.none\":{\"$ne\":\"free\"}}", "yes" },
	{ "{\"metadata.none\":{\"$eq\":null}}", "no" },
	{ "{\"metadata.z\":null}", "yes" },
	{ "{\"metadata.n\":12}", "no" },
	{ "{\"metadata.i\":12.0}", "yes" },
	{ "{\"metadata.n\":{\"$gt\":11}}", "yes" },
	{ "{\"metadata.n\":{\"$gt\":\"11.5abc\"}}", "yes" },
	{ "{\"metadata.n\":{\"$gte\":12,\"$lt\":13}}", "yes" },
	{ "{\"metadata.n\":{\"$lte\":11}}", "no" },
	{ "{\"metadata.plan\":{\"$gt\":1}}", "no" },
	{ "{\"metadata.none\":{\"$lt\":1}}", "no" },
	{ "{\"metadata.a.b\":\"c\"}", "yes" },
	{ "{\"metadata.d.e\":true}", "yes" },
	{ "{\"metadata.d\":true}", "no" },
	{ "{\"metadata.plan\":{\"$in\":[\"free\",\"paid\"]}}", "yes" },
	{ "{\"metadata.plan\":{\"$nin\":[\"free\",\"paid\"]}}", "no" },
	{ "{\"metadata.none\":{\"$in\":[]}}", "no" },
	{ "{\"metadata.plan\":{\"$in\":\"paid\"}}", "!list" },
	{ "{\"params.temperature\":{\"$gt\":1}}", "yes" },
	{ "{\"params.max_tokens\":100}", "yes" },
	{ "{\"params.user\":\"caf\xc3\xa9\"}", "yes" },
	{ "{\"params.x.y\":1}", "no" },
	{ "{\"url.pathname\":{\"$regex\":\"^/v1/chat\"}}", "yes" },
	{ "{\"url.pathname\":\"/v1/chat/completions\"}", "yes" },
	{ "{\"metadata.plan\":{\"$regex\":\"^p.*d$\"}}", "yes" },
	{ "{\"metadata.plan\":{\"$regex\":\"(?i)PAID\"}}", "yes" },
	{ "{\"metadata.i\":{\"$regex\":\"12\"}}", "no" },
	{ "{\"metadata.plan\":{\"$regex\":\"(\"}}", "!regular expression" },
	{ "{\"metadata.plan\":{\"$regex\":\"(*UTF)a\"}}", "!regular expression" },
	{ "{\"metadata.plan\":{\"$regex\":5}}", "!regular expression" },
	{ "{\"$and\":[{\"metadata.plan\":\"paid\"},{\"metadata.i\":12}]}", "yes" },
	{ "{\"$and\":[{\"metadata.plan\":\"paid\"},{\"metadata.i\":13}]}", "no" },
	{ "{\"$or\":[{\"metadata.plan\":\"free\"},{\"metadata.i\":12}]}", "yes" },
	{ "{\"$or\":[{\"metadata.plan\":\"free\"},{\"metadata.i\":13}]}", "no" },
	{ "{\"$or\":[{\"metadata.i\":12}],\"metadata.plan\":\"free\"}", "no" },
	{ "{\"$and\":[{\"$or\":[{\"$and\":[{\"metadata.i\":12}]}]}]}", "yes" },
	{ "{\"$or\":[]}", "!list of conditions" },
	{ "{\"$or\":{}}", "!list of conditions" },
	{ "{\"$not\":[]}", "!metadata.*, params.*" },
	{ "{\"headers.x\":1}", "!metadata.*, params.*" },
	{ "{\"metadata\":1}", "!metadata.*, params.*" },
	{ "{\"metadata.plan\":{\"$near\":1}}", "!must be one of $eq" },
	{ "[]", "!object of conditions" },
};

static void decides_by_conditions(void **state)
{
	char fields[2048], got[4096];

	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		snprintf(fields, sizeof fields,
		         META CONFIG("{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[{\"query\":%s,"
		           "\"then\":\"t\"}],"
		                     "\"default\":\"f\"},\"targets\":[{\"name\":\"t\",\"provider\":\"yes\"},"
		                     "{\"name\":\"f\",\"provider\":\"no\"}]}"), queries[i].query);
		read_case(BODY, fields, got, sizeof got);
		if (queries[i].want[0] == '!')
			check(queries[i].query, got[0] == '!' && strstr(got, queries[i].want + 1) != NULL);
		else
			check(got, strstr(got, queries[i].want) != NULL && got[0] != '!');
	}
}

/* ---- hostile ---- */

/* `n` times `part` between two texts, as a field of one name. */
static void read_long(const char *before, const char *part, unsigned n, const char *after, char *out, size_t room)
{
	struct buf b = buf_make(4u << 20);

	buf_printf(&b, "%s", before);
	for (unsigned i = 0; i < n; i++)
		buf_printf(&b, "%s", part);
	buf_printf(&b, "%s", after);
	buf_append(&b, str_of("", 1));
	read_case("{}", b.p, out, room);
	buf_fini(&b);
}

static void has_ceilings(void **state)
{
	static const struct { const char *name, *before, *part; unsigned n; const char *after, *want; } long_ones[] = {
		{ "deep", CONFIG(""), "{\"targets\":[", 40, "", "!x-portkey-config" },
		{ "deep conditions",
		  CONFIG("{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[{\"query\":"), "{\"$or\":[", 40, "",
		  "!x-portkey-config" },
		{ "many targets", CONFIG("{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{}"), ",{}", 64, "]}",
		  "!x-portkey-config.targets: must be a list of 1 to 64" },
		{ "many in branches", CONFIG("{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{}"),
		  ",{\"strategy\":{\"mode\":\"fallback\"},\"targets\":[{},{},{}]}", 30, "]}",
		  "!x-portkey-config: must come to at most 64" },
		{ "many overrides", CONFIG("{\"override_params\":{\"a\":1"), ",\"a\":1", 64, "}}",
		  "!x-portkey-config.override_params: must be an object of at most 64" },
		{ "much metadata", "x-sluice-metadata: {\"a\":\"", "x", 8190, "\"}",
		  "!x-sluice-metadata: must be at most 8192 bytes" },
		{ "a long name", "x-portkey-config: {\"provider\":\"", "x", 600, "\"}",
		  "!x-portkey-config.provider: must be" },
		{ "many regular expressions", "x-sluice-metadata: {\"a\":\"a\"}\n" CONFIG(
			"{\"strategy\":{\"mode\":\"conditional\","
			  "\"conditions\":[{\"query\":{\"$and\":[{\"metadata.a\":\"a\"}"),
		  ",{\"metadata.a\":{\"$regex\":\"a\"}}", 17, "]},\"then\":\"x\"}]},\"targets\":[{}]}",
		  "!x-portkey-config.strategy.conditions[0].query" },
		{ "many steps", "x-sluice-metadata: {\"a\":\"", "a", 4000, "!\"}\n" CONFIG(
			"{\"strategy\":{\"mode\":\"conditional\","
			  "\"conditions\":[{\"query\":{\"metadata.a\":{\"$regex\":"
			"\"(a|a)*$\"}},\"then\":\"x\"}]},\"targets\":[{}]}"),
			  "!x-portkey-config.strategy.conditions[0].query" },
	};
	char got[8192];

	for (size_t i = 0; i < COUNT_OF(long_ones); i++) {
		read_long(long_ones[i].before, long_ones[i].part, long_ones[i].n, long_ones[i].after, got, sizeof got);
		check(got, strncmp(got, long_ones[i].want, strlen(long_ones[i].want)) == 0);
	}
}

/* A request's conditions together take milliseconds, whatever they are; PCRE2's own limits are far from that. */
static const struct { const char *name, *subject, *pattern; } slow[] = {
	{ "cubic at each place", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", "a*a*a*\\\\d" },
	{ "long steps", "aaaaaaaaaaaaaaaa", "[^b]*[^c]{140}\\\\d" },
	{ "lazy ones", "aaaaaaaaaaaaaaaa", "a*?a*?a*?[bc]$" },
	{ "references back", "aaaaaaaaaaaaaaaa", "(a*)\\\\1\\\\d" },
	{ "nested", "aaaaaaaaaaaaaaaa", "(?:(a?){9}){9}\\\\d" },
};

static void takes_no_time(void **state)
{
	char got[8192];

	for (size_t i = 0; i < COUNT_OF(slow); i++) {
		struct buf b = buf_make(1u << 16);
		clock_t start;

		buf_printf(&b, "x-sluice-metadata: {\"a\":\"");
		while (b.n < 8100)
			buf_printf(&b, "%s", slow[i].subject);
		buf_printf(&b, "\"}\n" CONFIG("{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[{"
		                            "\"query\":{\"$or\":["));
		for (int k = 0; k < 16; k++)
			buf_printf(&b, "%s{\"metadata.a\":{\"$regex\":\"%s\"}}", k ? "," : "", slow[i].pattern);
		buf_printf(&b, "]},\"then\":\"x\"}],\"default\":\"x\"},\"targets\":[{\"name\":\"x\"}]}");
		buf_append(&b, str_of("", 1));
		start = clock();
		read_case("{}", b.p, got, sizeof got);
		check(slow[i].name, strstr(got, "takes too many steps") != NULL);
		check(slow[i].name, clock() - start < CLOCKS_PER_SEC / 4);
		buf_fini(&b);
	}
}

/* Each key of a condition is looked for among all members of the body. */
static void looks_at_so_many_members(void **state)
{
	struct buf body = buf_make(4u << 20), b = buf_make(1u << 20);
	char got[8192];

	for (int i = 0; i < 50000; i++)
		buf_printf(&body, "%s\"a\":1", i ? "," : "{");
	buf_printf(&body, "}%c", 0);
	buf_printf(&b, CONFIG("{\"strategy\":{\"mode\":\"conditional\",\"conditions\":[{\"query\":{\"$or\":["));
	for (int i = 0; i < 100; i++)
		buf_printf(&b, "%s{\"params.b\":1}", i ? "," : "");
	buf_printf(&b, "]},\"then\":\"x\"}],\"default\":\"x\"},\"targets\":[{\"name\":\"x\"}]}%c", 0);
	read_case(body.p, b.p, got, sizeof got);
	check(got, strstr(got, "takes too many steps") != NULL);
	buf_fini(&body);
	buf_fini(&b);
}

static void draws_by_weight(void **state)
{
	unsigned n[2] = { 0 };
	char got[256];

	rand_seed(7);
	for (int i = 0; i < 20000; i++) {
		read_case("{}", CONFIG("{\"strategy\":{\"mode\":\"loadbalance\"},\"targets\":[{\"provider\":\"a\","
		  "\"weight\":0.75},"
		                       "{\"provider\":\"b\",\"weight\":0.25}]}"), got, sizeof got);
		n[strstr(got, "@b") != NULL]++;
	}
	assert_in_range(n[0], 14700, 15300);
	assert_int_equal(n[0] + n[1], 20000);
}

/* ---- names ---- */

#define TABLE                                                                                              \
	"auth: none\n"                                                                                     \
	"providers:\n"                                                                                     \
	"  openai: {api_key: k}\n"                                                                         \
	"  eu: {like: openai, api_key: k, region: westeurope, base_url: 'http://127.0.0.1:1'}\n"           \
	"  Vertex AI: {dialect: openai-chat, base_url: 'http://127.0.0.1:2'}\n"                            \
	"  mine: {like: mistral, api_key: k}\n"                                                            \
	"models:\n"                                                                                        \
	"  - {name: chat, deployments: [{provider: openai, model: gpt-4o}, {provider: mine, model: large, " \
	"region: eu, quantization: fp8}]}\n"                                                               \
	"  - {name: other, deployments: [{provider: eu, model: gpt-4o}]}\n"

static void names_mean_providers_and_deployments(void **state)
{
	static const struct { const char *name; int of; bool means; } names[] = {
		{ "openai", 0, true }, { "OpenAI", 0, true }, { "Open-AI", 0, true }, { "mine", 0, false },
		{ "openai/gpt-4o", 0, true }, { "openai/GPT-4o", 0, true }, { "openai/gpt-4", 0, false },
		{ "openai/", 0, false }, { "", 0, false }, { "/gpt-4o", 0, false }, { "gpt-4o", 0, false },
		{ "mine", 1, true }, { "mistral", 1, true }, { "mistral-ai", 1, true }, { "Mistral AI", 1, true },
		{ "mistral/eu", 1, true }, { "mistral/us", 1, false }, { "mistral/FP8", 1, true },
		{ "mine/large", 1, true }, { "openai", 1, false },
	};
	struct routes r;

	routes_init(&r, TABLE);
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct str matched, name = str_from_z(names[i].name);
		const struct deployment *d = &route_find(&r.table, STR("chat"), &matched)->deployments[names[i].of];
		struct wish_names w = { &name, 1 };

		check(names[i].name, wish_names_have(&w, d, d->model) == names[i].means);
	}
	routes_fini(&r);
}

static bool allows_but_secret(const void *arg, struct str model)
{
	return str_find(model, STR("secret")) == STR_NPOS;
}

static void resolves_targets(void **state)
{
	static const struct { const char *name, *body, *fields; enum err_code error; const char *want; } rows[] = {
		{ "known models", "{\"models\":[\"other\"]}", "", ERR_NONE, "{} {other }" },
		{ "a suffix", "{\"models\":[\"other:floor\"]}", "", ERR_NONE, "{} {other:floor }" },
		{ "an unknown one", "{\"models\":[\"othr\"]}", "", ERR_MODEL_NOT_FOUND, "did you mean \"other\"" },
		{ "one that is not allowed", "{\"models\":[\"openai/secret\"]}", "", ERR_MODEL_NOT_ALLOWED, "secret" },
		{ "at its provider", "{}", CONFIG("{\"provider\":\"mistral\"}"), ERR_NONE, "targets_only {@mistral }" },
		{ "at another provider", "{}", CONFIG("{\"provider\":\"eu\"}"), ERR_NONE,
		  "targets_only {eu/chat @eu }" },
		{ "a model at a provider", "{}", CONFIG("{\"provider\":\"mine\","
		  "\"override_params\":{\"model\":\"small\"}}"),
		  ERR_NONE, "targets_only {mine/small @mine over{\"model\":\"small\"} }" },
		{ "not allowed there", "{}", CONFIG("{\"provider\":\"mine\","
		  "\"override_params\":{\"model\":\"secret\"}}"),
		  ERR_MODEL_NOT_ALLOWED, "mine/secret" },
		{ "nobody", "{}", CONFIG("{\"provider\":\"nobody\"}"), ERR_INVALID_REQUEST, "none of this gateway's" },
	};
	struct routes r;

	routes_init(&r, TABLE);
	for (size_t i = 0; i < COUNT_OF(rows); i++) {
		struct buf b = buf_make(4096);
		struct wish_source source;
		struct route_wishes w;
		struct arena arena;
		struct err e = { 0 };

		arena_init(&arena, ARENA_MAX);
		source = source_of(&arena, rows[i].body, rows[i].fields);
		check(rows[i].name, wishes_read(&arena, &source, &w, &e));
		if (wishes_resolve(&arena, &w, &r.table, STR("chat"), allows_but_secret, NULL, &e))
			tell(&b, &w);
		check(rows[i].name, e.code == rows[i].error);
		if (rows[i].error)
			check(e.text, strstr(e.text, rows[i].want) != NULL);
		else
			check_str(rows[i].name, str_trim(buf_str(&b)), str_from_z(rows[i].want));
		buf_fini(&b);
		arena_fini(&arena);
	}
	routes_fini(&r);
}

static void lays_timeouts(void **state)
{
	struct wish_timeout times[] = { { STR("openai"), 700, true }, { STR("openai"), 800, false } };
	struct timeout_settings t = { 1000, 2000, 3000, 4000 };
	struct wish_target target = { .timeout_ms = 2500, .attempts = WISH_UNSET };
	struct route_wishes w = route_wishes_none;
	struct str matched;
	const struct route_provider *p;
	struct routes r;

	routes_init(&r, TABLE);
	p = route_find(&r.table, STR("openai/x"), &matched)->deployments->provider;
	wish_lay_timeouts(&w, NULL, p, false, &t);
	assert_true(t.connect_ms == 1000 && t.first_byte_ms == 2000 && t.idle_ms == 3000 && t.total_ms == 4000);
	w.timeouts = times;
	w.n_timeouts = 2;
	wish_lay_timeouts(&w, NULL, p, false, &t);
	assert_int_equal(t.first_byte_ms, 800);
	wish_lay_timeouts(&w, NULL, p, true, &t);
	assert_int_equal(t.first_byte_ms, 700);
	w.first_byte_ms = 9000;
	w.idle_ms = 3500;
	w.connect_ms = 50;
	wish_lay_timeouts(&w, &target, p, true, &t);
	assert_true(t.connect_ms == 50 && t.first_byte_ms == 4000 && t.idle_ms == 3500 && t.total_ms == 2500);
	routes_fini(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_each_gateways_words),
		cmocka_unit_test(decides_by_conditions),
		cmocka_unit_test(has_ceilings),
		cmocka_unit_test(takes_no_time),
		cmocka_unit_test(looks_at_so_many_members),
		cmocka_unit_test(draws_by_weight),
		cmocka_unit_test(names_mean_providers_and_deployments),
		cmocka_unit_test(resolves_targets),
		cmocka_unit_test(lays_timeouts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
