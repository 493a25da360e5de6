/* SPDX-License-Identifier: Apache-2.0 */
/* The admin API called as the gateway calls it: on a loop, with the real keys, ledger and pool behind it. */
#include "lib/check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "admin/admin_in.h"
#include "base/clock.h"
#include "conf/env.h"
#include "gateway/gateway.h"
#include "govern/journal.h"
#include "govern/keys.h"
#include "govern/ledger.h"
#include "json/tree.h"
#include "main/settings.h"
#include "net/loop.h"
#include "net/pool.h"
#include "store/dir.h"

static char dir[64];
static struct keys *keys;
static struct ledger *ledger;
static struct journal *journal;
static struct pool *pool;
static struct loop *loop;
static struct admin *admin;
static struct gateway_conf conf;
static struct config *config;
static struct key *root;
static bool reload_good;

static bool on_reload(void *arg, struct err *e)
{
	return reload_good || err_set(e, ERR_CONFIG, "sluice.yaml:3:1: unknown key \"modles\"");
}

static const char yaml[] =
	"listen: 127.0.0.1:0\n"
	"admin: {key: sk-admin-0123456789abcdef}\n"
	"providers:\n"
	"  openai: {api_key: sk-secret-of-openai}\n"
	"  vllm: {dialect: openai-chat, base_url: 'http://127.0.0.1:9001/v1', zdr: true, region: eu}\n"
	"models:\n"
	"  - name: chat\n"
	"    deployments:\n"
	"      - {provider: openai, model: gpt-4o, weight: 3}\n"
	"      - {provider: vllm, model: llama, order: 2, price: {input: 0.20, output: 0.60}}\n"
	"    fallbacks: [claude]\n"
	"  - {name: claude, deployments: [{provider: vllm, model: c}]}\n"
	"keys:\n"
	"  - {name: ci, key: sk-ci-0123456789abcdef, models: [chat]}\n";

static void on_entry(void *arg, struct str provider, struct str model, struct arena *a, struct model_entry *out)
{
	catalogue_entry(NULL, provider, model, a, out);
}

static int setup(void **state)
{
	struct conf_problems problems = { 0 };
	struct route_table_source source;
	struct err e = { 0 };
	struct keys_options ko = { .data_dir = dir };
	struct ledger_options lo = { .data_dir = dir };
	struct admin_options ao;
	struct key_fixed fixed = { .name = STR("ci"), .key = STR("sk-ci-0123456789abcdef") };
	struct keys_reader *reader;

	snprintf(dir, sizeof(dir), "/tmp/sluice-admin-XXXXXX");
	assert_non_null(mkdtemp(dir));
	dialect_init();
	config = config_read("test.yaml", str_from_z(yaml), &conf_env_process, &problems);
	if (!config)
		fail_msg("%s", problems.items[0].text);
	source = (struct route_table_source){ config->providers, config->models, &config->routing, NULL };
	if (!route_table_init(&conf.routes, &source, &config->arena, &e))
		fail_msg("%s", e.text);
	ko.admin_key = config->admin.key;
	ko.fixed = &fixed;
	ko.n_fixed = 1;
	keys = keys_open(&ko, &e);
	ledger = ledger_open(&lo, &e);
	assert_true(keys && ledger);
	journal = journal_open(ledger, 0, &e);
	loop = loop_new(&(struct loop_options){ 0 }, &e);
	pool = pool_new(2, 16);
	ao = (struct admin_options){ .keys = keys, .ledger = ledger, .pool = pool, .data_dir = dir, .entry = on_entry,
		                     .reprice = on_reload, .reload = on_reload };
	admin = admin_new(&ao);
	reader = keys_reader_new(keys);
	root = keys_find(reader, config->admin.key, NULL);
	assert_non_null(root);
	keys_reader_free(reader);
	return 0;
}

static int teardown(void **state)
{
	char command[128];

	key_unref(root);
	pool_free(pool);
	loop_free(loop);
	admin_free(admin);
	journal_close(journal);
	ledger_close(ledger);
	keys_close(keys);
	config_free(config);
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	return system(command);
}

/* ---- one call ---- */

struct talk {
	struct task wake;
	struct op op;
	struct arena arena;
	struct service_call call;
	struct err err;
	enum op_state state;
	struct str text;                 /* the answer */
	yyjson_val *json;
};

static void on_wake(struct task *t)
{
	loop_stop(loop);
}

static void talk_start(struct talk *t, enum http_method method, const char *path, const char *query, const char *body,
                       const char *idem)
{
	memset(t, 0, sizeof(*t));
	arena_init(&t->arena, 64 << 20);
	t->wake.run = on_wake;
	t->op = (struct op){ .loop = loop, .waiter = &t->wake };
	t->call = (struct service_call){
		.method = method,
		.path = str_from_z(path),
		.query = str_from_z(query),
		.body = str_from_z(body),
		.idempotency_key = str_from_z(idem),
		.key = root,
		.conf = &conf,
		.arena = &t->arena,
		.op = &t->op,
		.status = 200,
		.out = buf_make(64 << 20),
	};
	t->state = admin_run(admin, &t->call, &t->err);
}

static void talk_end(struct talk *t)
{
	op_cancel(&t->op);
	loop_unpost(loop, &t->wake);
	buf_fini(&t->call.out);
	arena_fini(&t->arena);
}

static void talk(struct talk *t, enum http_method method, const char *path, const char *query, const char *body,
                 const char *idem)
{
	struct err e;

	talk_start(t, method, path, query, body, idem);
	while (t->state == OP_PENDING) {
		loop_run(loop);
		t->state = admin_run(admin, &t->call, &t->err);
	}
	t->text = buf_str(&t->call.out);
	if (t->state == OP_OK && t->text.n) {
		t->json = json_parse(&t->arena, t->text, 32, &e);
		if (!t->json)
			fail_msg("%s: %s", e.text, t->text.p);
	}
}

/* A call that must be answered with this status; the members of the answer stay readable until talk_end. */
static void talk_good(struct talk *t, enum http_method method, const char *path, const char *query, const char *body,
                      int status)
{
	talk(t, method, path, query, body, NULL);
	if (t->state != OP_OK)
		fail_msg("%s: %s", path, t->err.text);
	assert_int_equal(t->call.status, status);
}

static struct str text_of(yyjson_val *obj, const char *name)
{
	struct str s = { NULL, 0 };

	return json_get_str(obj, name, &s) ? s : STR("(no text)");
}

static struct str make_key(struct talk *t, const char *body)
{
	talk_good(t, METHOD_POST, "v1/keys", "", body, 201);
	return text_of(t->json, "id");
}

/* ---- keys ---- */

static void a_key_lives(void **state)
{
	struct talk made, t;
	char path[64];
	struct keys_reader *reader = keys_reader_new(keys);
	struct key *k;
	struct str token, token2;

	make_key(&made, "{\"name\":\"batch\",\"team\":\"ml\",\"models\":[\"chat\",\"openai/*\"],"
	                "\"tags\":[\"night\"],\"expires_in\":\"30d\"}");
	token = text_of(made.json, "key");
	check("token", str_starts(token, STR("sk-sl-")));
	check_str("hint", text_of(made.json, "hint"), str_slice(token, token.n - 4, token.n));
	check_str("source", text_of(made.json, "source"), STR("stored"));
	check("never revoked", yyjson_is_null(json_get(made.json, "revoked_at")));
	k = keys_find(reader, token, NULL);
	assert_non_null(k);
	assert_true(key_allows_model(k, STR("openai/x")) && !key_allows_model(k, STR("claude")));
	assert_true(k->info.expires_ms > clock_real_ms() + 29ull * 86400000);
	key_unref(k);

	snprintf(path, sizeof(path), "v1/keys/%.*s", STR_ARG(text_of(made.json, "id")));
	talk_good(&t, METHOD_GET, path, "", "", 200);
	check("no text again", !json_get(t.json, "key"));
	check_str("team", text_of(t.json, "team"), STR("ml"));
	talk_end(&t);

	talk_good(&t, METHOD_PATCH, path, "", "{\"team\":null,\"models\":[],\"expires_at\":null}", 200);
	check("no team", yyjson_is_null(json_get(t.json, "team")) && yyjson_is_null(json_get(t.json, "expires_at")));
	assert_int_equal(yyjson_arr_size(json_get(t.json, "models")), 0);
	check_str("name stays", text_of(t.json, "name"), STR("batch"));
	talk_end(&t);

	snprintf(path, sizeof(path), "v1/keys/%.*s/rotate", STR_ARG(text_of(made.json, "id")));
	talk_good(&t, METHOD_POST, path, "", "", 200);
	token2 = text_of(t.json, "key");
	assert_false(str_eq(token, token2));
	assert_null(keys_find(reader, token, NULL));
	k = keys_find(reader, token2, NULL);
	assert_non_null(k);
	key_unref(k);

	snprintf(path, sizeof(path), "v1/keys/%.*s", STR_ARG(text_of(made.json, "id")));
	{
		struct talk d;

		talk_good(&d, METHOD_DELETE, path, "", "", 204);
		assert_int_equal(d.text.n, 0);
		talk_end(&d);
	}
	assert_null(keys_find(reader, token2, NULL));
	talk_end(&t);
	talk_end(&made);
	keys_reader_free(reader);
}

static void keys_are_listed_by_pages(void **state)
{
	struct talk t, made[5];
	char query[300];
	size_t seen = 0;

	for (size_t i = 0; i < COUNT_OF(made); i++)
		make_key(&made[i], i % 2 ? "{\"name\":\"odd\",\"team\":\"t\"}" : "{\"name\":\"even\"}");
	snprintf(query, sizeof(query), "limit=2");
	for (unsigned pages = 0;; pages++) {
		yyjson_val *cursor;

		talk_good(&t, METHOD_GET, "v1/keys", query, "", 200);
		seen += yyjson_arr_size(json_get(t.json, "data"));
		cursor = json_get(t.json, "next_cursor");
		if (yyjson_is_null(cursor)) {
			talk_end(&t);
			break;
		}
		assert_true(pages < 10);
		snprintf(query, sizeof(query), "limit=2&cursor=%s", yyjson_get_str(cursor));
		talk_end(&t);
	}
	assert_int_equal(seen, 6); /* and the one of the configuration */
	talk_good(&t, METHOD_GET, "v1/keys", "team=t", "", 200);
	assert_int_equal(yyjson_arr_size(json_get(t.json, "data")), 2);
	talk_end(&t);
	for (size_t i = 0; i < COUNT_OF(made); i++)
		talk_end(&made[i]);
}

static void bad_input_is_told(void **state)
{
	static const struct {
		enum http_method method;
		const char *path, *query, *body;
		enum err_code code;
		const char *says;
	} cases[] = {
		{ METHOD_GET, "v1/kyes", "", "", ERR_NOT_FOUND, "/admin/v1/kyes" },
		{ METHOD_PATCH, "v1/keys", "", "{}", ERR_METHOD, "v1/keys" },
		{ METHOD_GET, "v1/keys/", "", "", ERR_NOT_FOUND, "" },
		{ METHOD_GET, "v1/keys/%zz", "", "", ERR_INVALID_REQUEST, "percent" },
		{ METHOD_GET, "v1/keys/key_none", "", "", ERR_NOT_FOUND, "key_none" },
		{ METHOD_GET, "v1/keys", "limt=3", "", ERR_INVALID_REQUEST, "did you mean \"limit\"" },
		{ METHOD_GET, "v1/keys", "group=key", "", ERR_INVALID_REQUEST, "unknown parameter \"group\"" },
		{ METHOD_GET, "v1/keys", "limit=1&limit=2", "", ERR_INVALID_REQUEST, "twice" },
		{ METHOD_GET, "v1/keys", "limit=0", "", ERR_INVALID_REQUEST, "from 1 to 1000" },
		{ METHOD_GET, "v1/keys", "limit=1001", "", ERR_INVALID_REQUEST, "\"1001\"" },
		{ METHOD_GET, "v1/keys", "limit=%ff", "", ERR_INVALID_REQUEST, "UTF-8" },
		{ METHOD_GET, "v1/keys", "revoked=maybe", "", ERR_INVALID_REQUEST, "true or false" },
		{ METHOD_GET, "v1/keys", "", "{}", ERR_INVALID_REQUEST, "no body" },
		{ METHOD_POST, "v1/keys", "", "", ERR_INVALID_REQUEST, "JSON" },
		{ METHOD_POST, "v1/keys", "", "[]", ERR_INVALID_REQUEST, "object" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\"", ERR_INVALID_REQUEST, "line 1" },
		{ METHOD_POST, "v1/keys", "", "{}", ERR_INVALID_REQUEST, "name" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":null}", ERR_INVALID_REQUEST, "name must be a string" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"\"}", ERR_INVALID_REQUEST, "name" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\\u0007\"}", ERR_INVALID_REQUEST, "name" },
		{ METHOD_POST, "v1/keys", "", "{\"nmae\":\"a\"}", ERR_INVALID_REQUEST, "did you mean \"name\"" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"budget\":{}}", ERR_INVALID_REQUEST,
		  "unknown member \"budget\"" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"name\":\"b\"}", ERR_INVALID_REQUEST, "twice" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"models\":\"chat\"}", ERR_INVALID_REQUEST, "array" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"models\":[\"chat\",3]}", ERR_INVALID_REQUEST,
		  "models[1]" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"role\":\"root\"}", ERR_INVALID_REQUEST, "\"root\"" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"expires_at\":\"tomorrow\"}", ERR_INVALID_REQUEST,
		  "tomorrow" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"expires_at\":\"2020-01-01\"}", ERR_INVALID_REQUEST,
		  "future" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"expires_in\":\"soon\"}", ERR_INVALID_REQUEST, "soon" },
		{ METHOD_POST, "v1/keys", "", "{\"name\":\"a\",\"expires_in\":\"1d\",\"expires_at\":null}",
		  ERR_INVALID_REQUEST, "only one" },
		{ METHOD_PATCH, "v1/keys/key_none", "", "{}", ERR_INVALID_REQUEST, "nothing" },
		{ METHOD_PATCH, "v1/keys/key_none", "", "{\"team\":\"x\"}", ERR_NOT_FOUND, "" },
		{ METHOD_DELETE, "v1/keys/cfg_ci", "", "", ERR_CONFLICT, "" },
		{ METHOD_POST, "v1/keys/cfg_ci/rotate", "", "", ERR_CONFLICT, "" },
		{ METHOD_GET, "v1/spend", "group=colour", "", ERR_INVALID_REQUEST, "\"colour\"" },
		{ METHOD_GET, "v1/spend", "since=2026-02-30", "", ERR_INVALID_REQUEST, "2026-02-30" },
		{ METHOD_GET, "v1/logs", "cursor=nonsense", "", ERR_INVALID_REQUEST, "cursor" },
		{ METHOD_GET, "v1/logs/x", "", "", ERR_NOT_FOUND, "26" },
		{ METHOD_GET, "v1/logs/01JDX2PF2D041061050R3GG28A", "", "", ERR_NOT_FOUND, "" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char row[200];
		struct talk t;

		snprintf(row, sizeof(row), "%s?%s %s", cases[i].path, cases[i].query, cases[i].body);
		talk(&t, cases[i].method, cases[i].path, cases[i].query, cases[i].body, NULL);
		check(row, t.state == OP_REFUSED);
		if (t.err.code != cases[i].code ||
		    str_find(str_from_z(t.err.text), str_from_z(cases[i].says)) == STR_NPOS)
			fail_msg("%s: %s: %s", row, err_code_name(t.err.code), t.err.text);
		talk_end(&t);
	}
}

static void a_repeated_post_makes_nothing_new(void **state)
{
	static const char body[] = "{\"name\":\"once\"}";
	struct talk first, t;
	char path[80];

	talk(&first, METHOD_POST, "v1/keys", "", body, "abc");
	assert_int_equal(first.state, OP_OK);
	talk(&t, METHOD_POST, "v1/keys", "", body, "abc");
	assert_int_equal(t.state, OP_OK);
	assert_int_equal(t.call.status, 201);
	check_str("the same", text_of(t.json, "id"), text_of(first.json, "id"));
	check("the secret is told once", yyjson_is_null(json_get(t.json, "key")));
	talk_end(&t);
	talk(&t, METHOD_POST, "v1/keys", "", "{\"name\":\"other\"}", "abc");
	assert_true(t.state == OP_REFUSED && t.err.code == ERR_CONFLICT);
	talk_end(&t);
	snprintf(path, sizeof(path), "v1/keys/%.*s/rotate", STR_ARG(text_of(first.json, "id")));
	talk(&t, METHOD_POST, path, "", "", "r1");
	check("rotated", str_starts(text_of(t.json, "key"), STR("sk-sl-")));
	talk_end(&t);
	talk(&t, METHOD_POST, path, "", "", "r1");
	check("not rotated again", yyjson_is_null(json_get(t.json, "key")));
	talk_end(&t);
	talk(&t, METHOD_POST, "v1/keys", "", "{\"name\":\"\"}", "failed");
	assert_int_equal(t.state, OP_REFUSED);
	talk_end(&t);
	talk(&t, METHOD_POST, "v1/keys", "", "{\"name\":\"good\"}", "failed");
	assert_int_equal(t.state, OP_OK); /* what failed may be tried again, even changed */
	talk_end(&t);
	clock_move_ms(86400001);
	talk(&t, METHOD_POST, "v1/keys", "", body, "abc");
	assert_false(str_eq(text_of(t.json, "id"), text_of(first.json, "id"))); /* a day later */
	talk_end(&t);
	talk_end(&first);
}

static void a_client_that_goes_away_harms_nobody(void **state)
{
	struct talk t;

	for (unsigned i = 0; i < 50; i++) {
		talk_start(&t, METHOD_POST, "v1/keys", "", "{\"name\":\"gone\"}", NULL);
		assert_int_equal(t.state, OP_PENDING);
		if (i % 2)
			usleep(500);
		talk_end(&t); /* cancels */
		if (i % 10 == 0) { /* jobs that are done are freed on the loop */
			talk(&t, METHOD_GET, "v1/keys", "", "", NULL);
			assert_int_equal(t.state, OP_OK);
			talk_end(&t);
		}
	}
	for (unsigned i = 0; i < 2; i++) { /* the pool has two threads: afterwards all earlier jobs have reported */
		talk(&t, METHOD_GET, "v1/keys", "limit=1000", "", NULL);
		talk_end(&t);
	}
}

/* ---- spend and logs ---- */

static struct ulid spend_one(const char *model, int64_t nusd, unsigned status)
{
	struct spend s = {
		.id = ulid_new(clock_real_ms()), .key_id = STR("cfg_ci"), .team = STR("ml"), .tags = STR("a,b"),
		.model = str_from_z(model), .provider = STR("openai"), .deployment = STR("openai/gpt-4o"),
		.upstream_model = STR("gpt-4o"), .endpoint = STR("/v1/chat/completions"), .dialect = STR("openai-chat"),
		.cost_nusd = nusd >= 0 ? nusd : 0, .cost_known = nusd >= 0, .status = status, .attempts = 1,
		.tokens = { 10, 20, 30, 0, 5 }, .usage = SPEND_USAGE_REPORTED, .latency_ms = 300, .first_byte_ms = 100,
		.error = status >= 400 ? STR("upstream_error") : STR(""),
	};

	assert_true(journal_add(journal, &s) && journal_commit(journal));
	return s.id;
}

static void spend_is_summed(void **state)
{
	struct talk t;
	yyjson_val *row;
	int64_t n;

	spend_one("chat", 1500000, 200);
	spend_one("chat", 2500000001, 200);
	spend_one("claude", -1, 502);
	talk_good(&t, METHOD_GET, "v1/spend", "", "", 200);
	row = yyjson_arr_get_first(json_get(t.json, "data"));
	check_str("total", text_of(row, "cost_usd"), STR("2.501500001"));
	assert_true(json_get_i64(row, "requests", &n) && n == 3);
	assert_true(json_get_i64(row, "unknown_cost_requests", &n) && n == 1);
	assert_true(json_get_i64(json_get(row, "tokens"), "output", &n) && n == 60);
	talk_end(&t);
	talk_good(&t, METHOD_GET, "v1/spend", "group=model&since=1h&limit=10", "", 200);
	assert_int_equal(yyjson_arr_size(json_get(t.json, "data")), 2);
	row = yyjson_arr_get_first(json_get(t.json, "data"));
	check_str("dearest first", text_of(row, "group"), STR("chat"));
	talk_end(&t);
	talk_good(&t, METHOD_GET, "v1/spend", "group=key", "", 200);
	row = yyjson_arr_get_first(json_get(t.json, "data"));
	check_str("by key", text_of(row, "group"), STR("cfg_ci"));
	talk_end(&t);
	talk_good(&t, METHOD_GET, "v1/spend", "group=day&until=2020-01-01", "", 200);
	assert_int_equal(yyjson_arr_size(json_get(t.json, "data")), 0);
	talk_end(&t);
}

static void requests_are_listed(void **state)
{
	struct talk t;
	yyjson_val *row;
	char path[64] = "v1/logs/";
	struct ulid id;

	spend_one("chat", 1500000, 200);
	id = spend_one("claude", -1, 502);
	talk_good(&t, METHOD_GET, "v1/logs", "limit=1", "", 200);
	row = yyjson_arr_get_first(json_get(t.json, "data"));
	check_str("newest first", text_of(row, "model"), STR("claude"));
	check("no price", yyjson_is_null(json_get(row, "cost_usd")));
	check_str("error", text_of(row, "error"), STR("upstream_error"));
	assert_int_equal(yyjson_arr_size(json_get(row, "tags")), 2);
	check("more", yyjson_is_str(json_get(t.json, "next_cursor")));
	talk_end(&t);
	ulid_text(path + 8, id);
	talk_good(&t, METHOD_GET, path, "", "", 200);
	check_str("id", text_of(t.json, "request_id"), str_of(path + 8, ULID_LEN));
	check_str("usage", text_of(t.json, "usage_source"), STR("reported"));
	talk_end(&t);
	talk_good(&t, METHOD_GET, "v1/logs", "model=chat&since=5m", "", 200);
	assert_int_equal(yyjson_arr_size(json_get(t.json, "data")), 1);
	talk_end(&t);
}

/* ---- configuration ---- */

static void the_configuration_is_shown_without_secrets(void **state)
{
	struct talk t;
	yyjson_val *row;

	talk_good(&t, METHOD_GET, "v1/models", "", "", 200);
	assert_int_equal(yyjson_arr_size(json_get(t.json, "data")), 2);
	row = yyjson_arr_get_first(json_get(t.json, "data"));
	check_str("name", text_of(row, "name"), STR("chat"));
	check("price",
	      str_find(t.text, STR("\"usd_per_million_tokens\":{\"input\":\"0.2\",\"output\":\"0.6\"}")) != STR_NPOS);
	check("fallbacks", str_find(t.text, STR("\"fallbacks\":[\"claude\"]")) != STR_NPOS);
	talk_end(&t);
	talk_good(&t, METHOD_GET, "v1/providers", "", "", 200);
	check("both", yyjson_arr_size(json_get(t.json, "data")) >= 2);
	check("no secret", str_find(t.text, STR("secret")) == STR_NPOS);
	check("its place", str_find(t.text, STR("http://127.0.0.1:9001/v1")) != STR_NPOS);
	talk_end(&t);
}

static void reload_says_what_is_wrong(void **state)
{
	struct talk t;

	reload_good = true;
	talk_good(&t, METHOD_POST, "v1/config/reload", "", "", 200);
	talk_end(&t);
	talk_good(&t, METHOD_POST, "reload", "", "", 200);
	talk_end(&t);
	reload_good = false;
	talk(&t, METHOD_POST, "reload", "", "", NULL);
	assert_true(t.state == OP_REFUSED && t.err.status == 400);
	check("place", str_find(str_from_z(t.err.text), STR("sluice.yaml:3:1")) != STR_NPOS);
	talk_end(&t);
}

static void the_document_has_every_route(void **state)
{
	struct service_call c = { .status = 200, .out = buf_make(1 << 20) };
	const struct admin_route *routes;
	yyjson_val *doc, *paths;
	struct arena a;
	struct err e;
	size_t n;

	arena_init(&a, 16 << 20);
	c.arena = &a;
	assert_int_equal(admin_openapi(admin, &c, &e), OP_OK);
	doc = json_parse(&a, buf_str(&c.out), 64, &e);
	if (!doc)
		fail_msg("%s", e.text);
	paths = json_get(doc, "paths");
	routes = admin_routes(&n);
	for (size_t i = 0; i < n; i++) {
		struct str path = arena_printf(&a, "/admin/%s", routes[i].path);
		yyjson_val *item = json_get(paths, path.p);
		const char *method = routes[i].method == METHOD_GET ? "get" : routes[i].method == METHOD_POST ? "post"
		                   : routes[i].method == METHOD_PATCH ? "patch" : "delete";

		check(path.p, json_get(item, method) != NULL);
		if (routes[i].answer)
			check(routes[i].answer,
			      json_get(json_get(json_get(doc, "components"), "schemas"), routes[i].answer) != NULL);
	}
	check("models", json_get(json_get(paths, "/v1/chat/completions"), "post") != NULL);
	check("gemini", json_get(json_get(paths, "/v1beta/models/{model}:{action}"), "post") != NULL);
	buf_fini(&c.out);
	arena_fini(&a);
}

/* ---- times ---- */

static void times_are_read(void **state)
{
	static const struct { const char *text; bool good; uint64_t ms; } cases[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "2026-11-27", true, 1795737600000 },
		{ "2026-11-27T23:05:01.123Z", true, 1795820701123 },
		{ "2026-11-28T00:05:01.123456+01:00", true, 1795820701123 },
		{ "2026-11-27t22:35:01.123-00:30", true, 1795820701123 },
		{ "2024-02-29", true, 1709164800000 },
		{ "2023-02-29", false, 0 },
		{ "2026-13-01", false, 0 },
		{ "2026-00-10", false, 0 },
		{ "2026-1-1", false, 0 },
		{ "2026-11-27T24:00:00Z", false, 0 },
		{ "2026-11-27T23:05:01", false, 0 },
		{ "2026-11-27T23:05:01.Z", false, 0 },
		{ "2026-11-27T23:05:01+0100", false, 0 },
		{ "1969-12-31", false, 0 },
		{ "", false, 0 },
		{ "24h", false, 0 },
		{ "2026-11-27T23:05:01Zx", false, 0 },
		{ "+026-11-27", false, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		uint64_t ms = 0;

		check(cases[i].text, time_read(str_from_z(cases[i].text), &ms) == cases[i].good);
		check_u64(cases[i].text, ms, cases[i].ms);
	}
}

int main(void)
{
#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_WORLD(a_key_lives),
		WITH_WORLD(keys_are_listed_by_pages),
		WITH_WORLD(bad_input_is_told),
		WITH_WORLD(a_repeated_post_makes_nothing_new),
		WITH_WORLD(a_client_that_goes_away_harms_nobody),
		WITH_WORLD(spend_is_summed),
		WITH_WORLD(requests_are_listed),
		WITH_WORLD(the_configuration_is_shown_without_secrets),
		WITH_WORLD(reload_says_what_is_wrong),
		WITH_WORLD(the_document_has_every_route),
		cmocka_unit_test(times_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
