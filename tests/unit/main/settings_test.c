/* SPDX-License-Identifier: Apache-2.0 */
/* main/settings.h: the product's own tables: the contract's example, its defaults, and what is refused. */
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"
#include "conf/env.h"
#include "conf/manual.h"
#include "conf/restart.h"
#include "main/settings.h"
#include "route/health.h"

static const char *const contract_variables[] = {
	"SLUICE_ADMIN_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY", "CI_KEY", NULL,
};
static const char *const no_variables[] = { NULL };

/* The variables that are set; each one's value is its name with "-value" behind. */
static const char *const *variables;

static bool test_variable(const struct conf_env *env, struct str name, struct str *value)
{
	static const struct {
		const char *name;
		struct str value;
	} values[] = {
		{ "SLUICE_ADMIN_KEY", STR_INIT("admin-value") },
		{ "OPENAI_API_KEY", STR_INIT("openai-value") },
		{ "ANTHROPIC_API_KEY", STR_INIT("anthropic-value") },
		{ "CI_KEY", STR_INIT("ci-value") },
		{ "BAD", STR_INIT("two\nlines") },
	};
	for (size_t i = 0; variables[i]; i++)
		for (size_t k = 0; k < COUNT_OF(values); k++)
			if (strcmp(variables[i], values[k].name) == 0 && str_eq(name, str_from_z(variables[i]))) {
				*value = values[k].value;
				return true;
			}
	return false;
}

static bool test_file(const struct conf_env *env, struct arena *a, struct str path, size_t max, struct str *out,
                      struct err *err)
{
	return conf_env_process.file(env, a, path, max, out, err);
}

static const struct conf_env env = { test_variable, test_file };

/* From the folder of the tests' data, wherever the test was started. */
static const char *data_path(const char *name)
{
	static char path[512];
	snprintf(path, sizeof(path), "%.*s/../../data/%s", (int)(strrchr(__FILE__, '/') - __FILE__), __FILE__, name);
	return path;
}

static struct config *must_read(const char *text)
{
	struct conf_problems problems;
	struct config *conf = config_read("t.yaml", str_from_z(text), &env, &problems);
	check(conf ? text : problems.items[0].text, conf != NULL);
	return conf;
}

static void the_contract_is_accepted(void **state)
{
	struct conf_problems problems;
	variables = contract_variables;
	struct config *c = config_load(data_path("contract.yaml"), &env, &problems);
	check(c ? "read" : problems.items[0].text, c != NULL);

	const struct listen_settings *l = c->listen.items;
	check("listen", c->listen.n == 1 && l->is_local && addr_port(&l->addr) == 8080);
	check("top", c->workers == 0 && c->auth == AUTH_SETTING_REQUIRED);
	check_str("admin", c->admin.key, STR("admin-value"));

	const struct provider_settings *p = c->providers.items;
	check("providers", c->providers.n == 5);
	check_str("provider", p[0].api_key, STR("openai-value"));
	check("provider", p[0].timeouts.connect_ms == 5000 && p[0].timeouts.total_ms == 600000 && p[0].trains_on_data);
	check_str("vllm", p[4].name, STR("vllm-1"));
	check_str("vllm", p[4].api_key, STR("none"));
	check("vllm", p[4].zdr && !p[4].trains_on_data && p[4].timeouts.first_byte_ms == 30000 && p[4].headers.n == 1);
	check_str("vllm", ((struct header_settings *)p[4].headers.items)->value, STR("ml"));

	const struct model_settings *m = c->models.items;
	const struct deployment_settings *d = m[0].deployments.items;
	check("models",
	      c->models.n == 2 && m[0].deployments.n == 2 && d[0].weight == 3 && d[0].order == 1 && d[0].rpm == 500);
	check("prices", d[1].price.list.token_pusd[USAGE_INPUT] == 200000 &&
	                        d[1].price.list.token_pusd[USAGE_CACHE_READ] == 20000);
	check("prices", d[1].price.list.token_pusd[USAGE_REASONING] == SETTING_UNSET &&
	                        d[0].price.list.token_pusd[USAGE_INPUT] == -1);
	check("model", d[1].context_window == 131072 && m[0].timeouts.first_byte_ms == 10000);
	check("model", m[0].timeouts.connect_ms == SETTING_UNSET && m[0].fallbacks.n == 1);

	const struct retry_settings *r = &c->routing.retries;
	check("retries",
	      r->attempts == 2 && r->on_connect && r->on_timeout && r->base_ms == 250 && r->jitter == JITTER_FULL);
	check("retries",
	      retry_on_status(r, 408) && retry_on_status(r, 429) && retry_on_status(r, 500) && retry_on_status(r, 599));
	check("retries", !retry_on_status(r, 400) && !retry_on_status(r, 404) && !retry_on_status(r, 600) &&
	                         !retry_on_status(r, 0));
	check("routing", c->routing.breaker.open_for_ms == 30000 && c->routing.hedge.kind == HEDGE_OFF);
	check("routing",
	      c->routing.preferred.min_throughput[HEALTH_P50] == 40 && c->routing.cooldown.failure_ratio == 0.5);

	const struct guardrail_settings *g = c->guardrails.items;
	check("guardrails", c->guardrails.n == 4 && g[0].on == (GUARDRAIL_ON_INPUT | GUARDRAIL_ON_OUTPUT));
	check("guardrails", g[0].action == GUARDRAIL_REDACT && g[3].timeout_ms == 500 && g[2].deny.n == 1);

	const struct key_settings *k = c->keys.items;
	check("keys", c->keys.n == 1 && k->budget.usd_nusd == 50000000000 && k->budget.period_ms == 2592000000);
	check("keys", k->limits.rpm == 60 && k->limits.tpm == SETTING_UNSET);
	check("cache", c->cache.exact.enabled && !c->cache.semantic.enabled && c->cache.semantic.threshold == 0.95);
	config_free(c);
}

struct counts {
	int ignored, refused;
	char last[512];
};

static void count(void *arg, enum setting_support support, const char *message)
{
	struct counts *n = arg;
	*(support == SETTING_REFUSED ? &n->refused : &n->ignored) += 1;
	snprintf(n->last, sizeof(n->last), "%s", message);
}

static void says_what_this_version_does_not_act_on(void **state)
{
	static const struct {
		const char *yaml;
		int ignored, refused;
	} cases[] = {
		{ "workers: 2", 0, 0 },
		{ "guardrails: [{name: a, type: pattern, deny: x}]", 0, 1 },
		{ "keys: [{name: a, key: 12345678, budget: {usd: 1}}]", 0, 1 },
		{ "keys: [{name: a, key: 12345678, limits: {rpm: 1}, team: t, models: [x]}]", 0, 1 },
		{ "teams: [{name: a, regions: eu, require_zdr: true}]", 0, 0 },
		{ "teams: [{name: a, require_zdr: false}]", 0, 0 },
		{ "limits: {default_key: {rpm: 5}}", 0, 1 },
		{ "audit: {path: x}", 0, 1 },
		{ "storage: postgres://u:p@h/d", 0, 1 },
		{ "shared_state: redis://h/0", 0, 1 },
		{ "shared_state: memory", 0, 0 },
		{ "cache: {exact: {enabled: true}, semantic: {enabled: false}}", 1, 0 },
		{ "routing: {hedge_after: 1s}", 0, 0 },
		{ "routing: {hedge_after: off}", 0, 0 },
		{ "routing: {content_policy_fallbacks: [no], context_window_fallbacks: [a, b]}", 3, 0 },
		{ "providers: {openai: {api_key: k, region: eu, zdr: true}}", 0, 0 },
		{ "providers: {bedrock: {region: eu-west-1}, vertex: {project: p, credentials: file:/nowhere}}", 0, 0 },
		{ "logs: {requests: full}", 1, 0 },
		{ "logs: {requests: off}", 0, 0 },
	};
	variables = no_variables;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct counts n = { 0 };
		struct config *c = must_read(cases[i].yaml);
		config_unsupported(c, count, &n);
		check(cases[i].yaml, n.ignored == cases[i].ignored && n.refused == cases[i].refused);
		config_free(c);
	}
	struct counts n = { 0 };
	struct config *c =
		must_read("logs:\n  requests: full\n");
	config_unsupported(c, count, &n);
	check_str("place", str_from_z(n.last),
	          STR("t.yaml:2:3: logs.requests: this version does not act on this setting"));
	config_free(c);
	c = must_read("routing:\n  context_window_fallbacks: [nobody]\n");
	config_unsupported(c, count, &n);
	check_str("a name to come", str_from_z(n.last),
	          STR("t.yaml:2:30: routing.context_window_fallbacks[0] is no model of this configuration: it is "
	              "passed over"));
	config_free(c);
}

static void note_path(void *arg, const char *path)
{
	struct buf *b = arg;
	buf_printf(b, "%s ", path);
}

static void tells_what_waits_for_the_next_start(void **state)
{
	static const struct {
		const char *running, *next, *want;
	} cases[] = {
		{ "", "", "" },
		{ "listen: 127.0.0.1:1", "listen: [127.0.0.1:1]", "" },
		{ "listen: 127.0.0.1:1", "listen: 127.0.0.1:2", "listen " },
		{ "listen: 127.0.0.1:1", "listen: [127.0.0.1:1, 127.0.0.1:2]", "listen " },
		{ "listen: 127.0.0.1:1", "listen: {address: 127.0.0.1:1, http2: false}", "listen " },
		{ "listen: 127.0.0.1:1", "listen: {address: 127.0.0.1:1, tls: {cert: a, key: b}}", "listen " },
		{ "listen: {address: 127.0.0.1:1, tls: {cert: a, key: b}}",
		  "listen: {address: 127.0.0.1:1, tls: {cert: c, key: d}}", "" },
		{ "workers: 2", "workers: auto\nlogs: {level: debug}", "workers logs.level " },
		{ "routing: {affinity: {entries: 512}}", "routing: {affinity: {ttl: 1m}}",
		  "routing.affinity.entries " },
		{ "routing: {hedge_after: off}", "routing: {hedge_after: p99, byok: true}", "" },
		{ "data_dir: a", "data_dir: b\nkeys: [{name: a, key: 12345678}]", "data_dir " },
	};
	variables = no_variables;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct config *a = must_read(cases[i].running), *b = must_read(cases[i].next);
		struct buf got = buf_make(4096);
		conf_restart_needed(&config_settings, a, b, note_path, &got);
		check_str(cases[i].next, buf_str(&got), str_from_z(cases[i].want));
		buf_fini(&got);
		config_free(a);
		config_free(b);
	}
}

#define OPENAI "providers: {openai: {api_key: k}}\n"

static void refuses_what_does_not_fit_together(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
		/* listeners */
		{ "listen: nowhere", NULL },
		{ "listen: []", "t.yaml:1:9: listen needs at least one address" },
		{ "auth: none\nlisten: 0.0.0.0:80",
		  "t.yaml:1:7: auth may be none only where every listener is local (127.0.0.1, "
		  "[::1], unix:PATH): others could use your providers" },
		{ "auth: none\nlisten: ['127.0.0.1:1', '*:2']",
		  "t.yaml:1:7: auth may be none only where every listener is local "
		  "(127.0.0.1, [::1], unix:PATH): others could use your providers" },
		{ "listen: [127.0.0.1:1, 127.0.0.1:1]",
		  "t.yaml:1:23: listen[1].address is the same as in another listener, at line 1; it must be unique" },
		{ "listen: {address: 127.0.0.1:1, tls: {cert: a}}", "t.yaml:1:37: listen.tls needs both cert and key" },
		{ "listen: {address: 127.0.0.1:1, proxy_protocol: v3}",
		  "t.yaml:1:48: listen.proxy_protocol must be one of off, v1, v2 or any, not \"v3\"; did you mean "
		  "\"v1\"?" },
		/* stores: the value holds a password */
		{ "storage: mysql://root:secret@h/d", "t.yaml:1:10: storage must be sqlite or begin with postgres://" },
		{ "shared_state: secret",
		  "t.yaml:1:15: shared_state must be memory or begin with redis:// or rediss://" },
		/* providers */
		{ "providers: {opnai: {api_key: k}}",
		  "t.yaml:1:13: providers.opnai is no known provider: it needs dialect and base_url; did you mean "
		  "\"openai\"?" },
		{ "providers: {house: {dialect: openai-chat}}",
		  "t.yaml:1:13: providers.house is no known provider: it needs dialect and base_url" },
		{ "providers: {house: {dialect: openai, base_url: http://h}}",
		  "t.yaml:1:30: providers.house.dialect must be one of openai-chat, openai-responses, anthropic, "
		  "gemini, bedrock, cohere, ollama, rerank "
		  "or voyage, not \"openai\"" },
		{ "providers: {openai: {base_url: ftp://h}}",
		  "t.yaml:1:32: providers.openai.base_url must begin with http:// or https://" },
		{ "providers: {openai: {base_url: 'https://me:secret@h'}}",
		  "t.yaml:1:32: providers.openai.base_url must not hold a user or a password: credentials have their "
		  "own "
		  "settings" },
		{ "providers: {openai: {base_url: 'https://h:0'}}",
		  "t.yaml:1:32: providers.openai.base_url must name a host and, if any, a port from 1 to 65535" },
		{ "providers: {openai: {base_url: 'https://h/v1?key=secret'}}",
		  "t.yaml:1:32: providers.openai.base_url must be a URL without spaces, \"?\", \"#\" and characters "
		  "that need "
		  "escapes" },
		{ "providers: {openai: {api_key: \"${BAD}\"}}",
		  "t.yaml:1:31: providers.openai.api_key must be one line without control characters" },
		{ "providers: {openai: {api_key: a, api_keys: [b]}}",
		  "t.yaml:1:44: providers.openai.api_keys and api_key exclude each other" },
		{ "providers: {openai: {api_keys: [{weight: 1}]}}",
		  "t.yaml:1:33: providers.openai.api_keys[0] needs \"key\": The credential." },
		{ "providers: {openai: {api_keys: [{key: a, weight: -1}]}}",
		  "t.yaml:1:50: providers.openai.api_keys[0].weight must be a whole number from 0 to 1000000, not "
		  "\"-1\"" },
		{ "providers: {openai: {headers: {'a b': c}}}",
		  "t.yaml:1:32: providers.openai.headers.a b is no name of a header field (letters, digits and "
		  "!#$%&'*+-.^_`|~)" },
		{ "providers: {openai: {headers: {Content-Length: 5}}}",
		  "t.yaml:1:32: providers.openai.headers.Content-Length is a header field that the gateway makes "
		  "itself" },
		{ "providers: {openai: {headers: {x: \"${BAD}\"}}}",
		  "t.yaml:1:35: providers.openai.headers.x.value must be one line without control characters" },
		{ "providers: {a/b: {dialect: gemini, base_url: http://h}}",
		  "t.yaml:1:13: providers.a/b must not hold \"/\" or \"*\": models are called PROVIDER/MODEL" },
		/* models */
		{ OPENAI "models: [{name: a, deployments: [{provider: opnai, model: m}]}]",
		  "t.yaml:2:45: models[0].deployments[0].provider \"opnai\" is no provider of this configuration; did "
		  "you mean "
		  "\"openai\"?" },
		{ OPENAI "models: [{name: a, deployments: [{provider: gemini, model: m}]}]",
		  "t.yaml:2:45: models[0].deployments[0].provider \"gemini\" is not configured: add it and its "
		  "credential under "
		  "providers" },
		{ OPENAI "models: [{name: a, deployments: [{provider: elsewhere, model: m}]}]",
		  "t.yaml:2:45: models[0].deployments[0].provider \"elsewhere\" is no provider of this configuration" },
		{ OPENAI "models: [{name: a, deployments: []}]",
		  "t.yaml:2:33: models[0].deployments must not be empty" },
		{ OPENAI "models: [{name: a}]",
		  "t.yaml:2:10: models[0] needs \"deployments\": Who can answer: one model at one provider each." },
		{ OPENAI "models: [{name: a, deployments: [{provider: openai, model: m, weight: -1}]}]",
		  "t.yaml:2:71: models[0].deployments[0].weight must be a whole number from 0 to 1000000, not \"-1\"" },
		{ OPENAI "models: [{name: a, deployments: [{provider: openai, model: '*'}]}]",
		  "t.yaml:2:60: models[0].deployments[0].model \"*\" holds a *, but the name of the model is no "
		  "pattern" },
		{ OPENAI "models:\n- {name: a, deployments: [{provider: openai, model: m}]}\n"
		         "- {name: a, deployments: [{provider: openai, model: m}]}",
		  "t.yaml:4:10: models[1].name is the same as in another model, at line 3; it must be unique" },
		{ OPENAI "models: [{name: chat, fallbacks: [caht], deployments: [{provider: openai, model: m}]}]",
		  "t.yaml:2:35: models[0].fallbacks[0] \"caht\" is no model of this configuration; did you mean "
		  "\"chat\"?" },
		{ OPENAI "models: [{name: chat, fallbacks: chat, deployments: [{provider: openai, model: m}]}]",
		  "t.yaml:2:34: models[0].fallbacks \"chat\" is the model itself" },
		{ OPENAI "models: [{name: chat, content_policy_fallbacks: [chat], deployments: [{provider: openai, "
		         "model: m}]}]",
		  "t.yaml:2:50: models[0].content_policy_fallbacks[0] \"chat\" is the model itself" },
		{ OPENAI "routing: {fallbacks: [openai/x, openai/x]}",
		  "t.yaml:2:33: routing.fallbacks[1] \"openai/x\" stands twice in the list" },
		{ OPENAI "routing: {fallbacks: [nobody]}",
		  "t.yaml:2:23: routing.fallbacks[0] \"nobody\" is no model of this configuration" },
		{ OPENAI "models: [{name: a, guardrails: [x], deployments: [{provider: openai, model: m}]}]",
		  "t.yaml:2:33: models[0].guardrails[0] \"x\" is no guardrail of this configuration" },
		/* routing */
		{ "routing: {retries: {on: [429, 6xx]}}",
		  "t.yaml:1:31: routing.retries.on[1] \"6xx\" must be a status from 400 to 599, 4xx, 5xx, connect or "
		  "timeout" },
		{ "routing: {retries: {base: 9s}}", "t.yaml:1:27: routing.retries.base must not be longer than max" },
		{ OPENAI "models: [{name: a, deployments: [{provider: openai, model: m, rpm: 0}]}]",
		  "t.yaml:2:68: models[0].deployments[0].rpm must be a whole number from 1 to 1000000000, not \"0\"" },
		/* alerts: an address may hold a password */
		{ "alerts: {webhook: nowhere}", "t.yaml:1:19: alerts.webhook must begin with http:// or https://" },
		{ "alerts: {webhook: 'ftp://h/x'}", "t.yaml:1:19: alerts.webhook must begin with http:// or https://" },
		{ "alerts: {webhook: 'http://'}", "t.yaml:1:19: alerts.webhook has no valid host and port" },
		{ "alerts: {webhook: 'https://h:99999/x'}", "t.yaml:1:19: alerts.webhook has no valid host and port" },
		{ "alerts: {webhook: 'https://u:secret@h/x'}",
		  "t.yaml:1:19: alerts.webhook has no valid host and port" },
		{ "routing: {retires: {}}",
		  "t.yaml:1:11: unknown setting \"retires\" in routing; did you mean \"retries\"?" },
		/* keys: their texts are not shown */
		{ "keys: [{name: a, key: secret-1}, {name: b, key: secret-1}]",
		  "t.yaml:1:49: keys[1].key is the same as another key or the admin key" },
		{ "admin: {key: secret-1}\nkeys: [{name: b, key: secret-1}]",
		  "t.yaml:2:23: keys[0].key is the same as another key or the admin key" },
		{ "keys: [{name: a, key: 'secret 1 2'}]",
		  "t.yaml:1:23: keys[0].key must be printable ASCII without spaces" },
		{ "keys: [{name: a, key: secret-1, budget: {period: 1d}}]",
		  "t.yaml:1:50: keys[0].budget.period means nothing without usd" },
		{ "guardrails: [{name: a, type: webhook}]", "t.yaml:1:30: guardrails[0].type webhook needs url" },
		{ "server: {request_line_max: 1MiB}",
		  "t.yaml:1:28: server.request_line_max must not be larger than header_max" },
	};
	static const char *const bad[] = { "BAD", NULL };
	variables = bad;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct conf_problems problems;
		struct config *c = config_read("t.yaml", str_from_z(cases[i].yaml), &env, &problems);
		check(cases[i].yaml, c == NULL && problems.n >= 1);
		if (cases[i].want) {
			check_str(cases[i].yaml, str_from_z(problems.items[0].text), str_from_z(cases[i].want));
			check(cases[i].yaml, problems.n == 1);
		}
		check(problems.items[0].text, !strstr(problems.items[0].text, "secret"));
	}
}

static void accepts_what_is_usual(void **state)
{
	static const char *const cases[] = {
		"listen: unix:/run/sluice.sock\nauth: none",
		"listen: ['127.0.0.1:1', '[::1]:1', {address: 'localhost:2', http2: false}]\nauth: none",
		"listen: '*:8080'",
		"providers: {ollama: }",
		"providers: {openai: {api_keys: [a, {key: b, weight: 2}]}}",
		"providers: {x: {dialect: gemini, base_url: 'http://[::1]:9/v1beta/'}}",
		/* Two models that stand in for each other, a pattern, and a model by its provider's name. */
		OPENAI
		"models:\n- {name: a, fallbacks: [b, openai/x, gpt-4], deployments: [{provider: openai, model: m}]}\n"
		"- {name: b, fallbacks: [a], deployments: [{provider: openai, model: m}]}\n"
		"- {name: 'gpt-*', deployments: [{provider: openai, model: 'gpt-*'}]}",
		"keys: [{name: a, key: 12345678}]",
		"alerts: {webhook: 'https://hooks.example/T/B?x=1', secret: 12345678}",
		"alerts: {webhook: '', secret: 12345678}",
	};
	variables = no_variables;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		config_free(must_read(cases[i]));
	struct config *c = must_read("providers: {x: {dialect: gemini, base_url: 'http://h/v1beta/'}}");
	check_str("no slash at the end", ((struct provider_settings *)c->providers.items)->base_url,
	          STR("http://h/v1beta"));
	config_free(c);
}

static void without_a_file_the_variables_count(void **state)
{
	struct conf_problems problems;
	variables = contract_variables;
	struct config *c = config_load(NULL, &env, &problems);
	const struct provider_settings *p = c->providers.items;
	check("two", c && c->providers.n == 2 && c->file.n == 0 && c->models.n == 0);
	for (size_t i = 0; i < 2; i++) {
		bool openai = str_eq(p[i].name, STR("openai"));
		check("names", openai || str_eq(p[i].name, STR("anthropic")));
		check_str("keys", p[i].api_key, openai ? STR("openai-value") : STR("anthropic-value"));
	}
	config_free(c);
	variables = no_variables;
	c = config_load(NULL, &env, &problems);
	check("none", c && c->providers.n == 0);
	config_free(c);
	check("missing file", !config_load("/nonexistent.yaml", &env, &problems) && problems.n == 1);
	check_str("missing file", str_from_z(problems.items[0].text),
	          STR("/nonexistent.yaml: cannot be opened: No such file or directory"));
}

/* Each row can explain itself, and its default and bounds can be read. */
static void check_table(const struct settings *table, unsigned depth)
{
	check(table->name, table->n > 0 && table->n <= 64 && table->size > 0 && depth < 8);
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *row = &table->rows[i];
		bool section = row->type == SETTING_SECTION || row->type == SETTING_LIST || row->type == SETTING_MAP;
		bool words = row->type == SETTING_WORD || row->type == SETTING_WORDS;
		check(row->name, row->help && row->help[strlen(row->help) - 1] != ' ' && row->offset < table->size);
		check(row->name, section == (row->section != NULL) && (!words || row->words));
		for (size_t k = 0; k < i; k++)
			check(row->name, strcmp(row->name, table->rows[k].name) != 0);
		if (section)
			check_table(row->section, depth + 1);
	}
	struct arena a;
	arena_init(&a, 1 << 20);
	conf_defaults(table, &a, arena_must(&a, table->size));
	arena_fini(&a);
}

static void tables_are_sound(void **state)
{
	check_table(&config_settings, 0);
	struct buf b = buf_make(1 << 20);
	conf_manual(&config_settings, &b);
	check("manual", !b.failed && str_find(buf_str(&b), STR("\n## models[].deployments[].price\n")) != STR_NPOS);
	check("manual", str_find(buf_str(&b), STR("| `attempts` | number | `2` | 0 … 20 | reload | ")) != STR_NPOS);
	buf_fini(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_contract_is_accepted),
		cmocka_unit_test(says_what_this_version_does_not_act_on),
		cmocka_unit_test(tells_what_waits_for_the_next_start),
		cmocka_unit_test(refuses_what_does_not_fit_together),
		cmocka_unit_test(accepts_what_is_usual),
		cmocka_unit_test(without_a_file_the_variables_count),
		cmocka_unit_test(tables_are_sound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
