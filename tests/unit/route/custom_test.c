/* SPDX-License-Identifier: Apache-2.0 */
/* custom: what scripts see and say, and what hostile ones cannot do. */
#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "route/custom.h"
#include "route/health.h"
#include "route/plan.h"

#define CONFIG                                                                                               \
	"auth: none\n"                                                                                       \
	"providers:\n"                                                                                       \
	"  p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1', region: eu, zdr: true}\n"               \
	"  q: {dialect: openai-chat, base_url: 'http://127.0.0.1:2'}\n"                                      \
	"models:\n"                                                                                          \
	"  - name: m\n"                                                                                      \
	"    strategy: ordered\n"                                                                            \
	"    deployments:\n"                                                                                 \
	"      - {provider: p, model: a, weight: 3, price: {input: 2.5, output: 10}, context_window: 1000}\n" \
	"      - {provider: q, model: b, order: 2, price: {input: 0.5, output: 1}, region: us}\n"            \
	"      - {provider: q, model: c, order: 2}\n"

static struct routes routes;
static struct candidate candidates[3];

static int init(void **state)
{
	const struct route_model *m;
	struct str matched;

	(void)state;
	routes_init(&routes, CONFIG);
	m = route_find(&routes.table, STR("m"), &matched);
	for (unsigned i = 0; i < COUNT_OF(candidates); i++)
		candidates[i] = (struct candidate){ .deployment = &m->deployments[i], .model = m->deployments[i].model,
			                            .health = health_of(m->deployments[i].provider->name,
			                                                m->deployments[i].model) };
	return 0;
}

static int fini(void **state)
{
	(void)state;
	routes_fini(&routes);
	return 0;
}

static void look(struct plan_ask *ask, unsigned what)
{
	static const struct plan_who who = { STR_INIT("ci"), STR_INIT("platform"), STR_INIT("u1"),
		                             STR_INIT("gold, beta"),
		                             STR_INIT("{\"tier\":\"a\\u0062c\",\"n\":7,\"on\":true,\"deep\":{}}") };

	if (what & LOOK_WHO)
		ask->who = &who;
	if (what & LOOK_NEEDS)
		ask->needs = CAP_TOOLS | CAP_VISION;
	if (what & LOOK_TOKENS)
		ask->prompt_tokens = 1234;
	ask->looked |= (uint8_t)what;
}

/* The order as letters; '!' in front: it failed. */
static void order(struct custom *c, char out[8])
{
	struct plan_ask ask = { .model = STR("m"), .dialect = DIALECT_ANTHROPIC, .stream = true, .now_ms = 5,
		                .max_output = 77, .hash = 10, .look = look };
	uint16_t at[] = { 0, 1, 2 };
	char *to = out;

	if (!custom_order(c, &ask, candidates, at, COUNT_OF(at)))
		*to++ = '!';
	for (unsigned i = 0; i < COUNT_OF(candidates); i++)
		*to++ = (char)('a' + at[i]);
	*to = '\0';
}

#define ORDER(body) "function order(request, candidates) " body " end"
#define IF(condition) ORDER("if " condition " then return {3, 2, 1} end return {}")

static const struct { const char *name, *script, *want; } cases[] = {
	{ "indices", ORDER("return {2, 3, 1}"), "bca" },
	{ "names", ORDER("return {'q/c', 'p/a'}"), "cab" },
	{ "candidates", ORDER("return {candidates[3]}"), "cab" },
	{ "whole numbers that are floats", ORDER("return {4 / 2}"), "bac" },
	{ "those left out follow as written", ORDER("return {3}"), "cab" },
	{ "named twice counts once", ORDER("return {2, 'q/b', 2, 3}"), "bca" },
	{ "a name that is no candidate now is passed over", ORDER("return {'x/y', 'q/b'}"), "bac" },
	{ "sorted in place",
	  ORDER("table.sort(candidates, function(x, y) return x.index > y.index end) return candidates"), "cba" },
	{ "sorted by price, the unknown last",
	  ORDER("table.sort(candidates, function(x, y) return (x.input_price or 1e9) < (y.input_price or 1e9) end) "
	        "return candidates"),
	  "bac" },
	{ "functions of its own", "local function f() return {2} end " ORDER("return f()"), "bac" },
	{ "no one", ORDER("return {}"), "!abc" },
	{ "nothing", ORDER(""), "!abc" },
	{ "no list", ORDER("return 'q/b'"), "!abc" },
	{ "an index out of range", ORDER("return {4}"), "!abc" },
	{ "index 0", ORDER("return {0}"), "!abc" },
	{ "a huge index", ORDER("return {math.mininteger}"), "!abc" },
	{ "a fraction", ORDER("return {1.5}"), "!abc" },
	{ "a function in the list", ORDER("return {print}"), "!abc" },
	{ "a table in the list", ORDER("return {{}}"), "!abc" },
	{ "what was taken before a mistake is given back", ORDER("return {3, 9}"), "!abc" },
	{ "an error", ORDER("error('no')"), "!abc" },
	{ "an error that is no text", ORDER("error({})"), "!abc" },
	{ "a mistake", ORDER("return request.nothing.more"), "!abc" },

	{ "the model", IF("request.model == 'm'"), "cba" },
	{ "the dialect", IF("request.dialect == 'anthropic'"), "cba" },
	{ "a stream", IF("request.stream"), "cba" },
	{ "tokens", IF("request.prompt_tokens == 1234 and request.max_output == 77"), "cba" },
	{ "needs", IF("request.needs.tools and request.needs.vision and not request.needs.audio_in"), "cba" },
	{ "who", IF("request.key == 'ci' and request.team == 'platform' and request.user == 'u1'"), "cba" },
	{ "tags", IF("request.tags[2] == 'beta' and request.tags.gold and not request.tags.silver"), "cba" },
	{ "metadata",
	  IF("request.metadata.tier == 'abc' and request.metadata.n == '7' and request.metadata.on == true and "
	     "request.metadata.deep == nil"),
	  "cba" },
	{ "a hash to draw by", IF("request.hash % 5 == 0"), "cba" },
	{ "candidates' names", IF("#candidates == 3 and candidates[2].name == 'q/b'"), "cba" },
	{ "and providers", IF("candidates[2].provider == 'q' and candidates[2].model == 'b'"), "cba" },
	{ "weight and order", IF("candidates[1].weight == 3 and candidates[2].order == 2"), "cba" },
	{ "prices", IF("candidates[1].input_price == 2.5 and candidates[1].output_price == 10.0"), "cba" },
	{ "unknown prices are nil", IF("candidates[3].input_price == nil"), "cba" },
	{ "window", IF("candidates[1].context_window == 1000"), "cba" },
	{ "region and retention",
	  IF("candidates[1].region == 'eu' and candidates[2].region == 'us' and candidates[1].zdr"), "cba" },
	{ "nothing is under way", IF("candidates[1].in_flight == 0 and candidates[1].requests_minute == 0"), "cba" },
	{ "speeds are not known", IF("candidates[1].p90_ms == nil and candidates[1].first_byte_ms == nil"), "cba" },
	{ "patterns", IF("('claude-4.5-x'):match('^claude%-(%d+)') == '4'"), "cba" },
	{ "chance", IF("math.random(1, 1) == 1 and math.random() < 1 and math.random(3) <= 3"), "cba" },

	/* nothing stays from one call to the next; each script is called three times */
	{ "no globals stay", ORDER("count = (count or 0) + 1 return {count}"), "abc" },
	{ "no locals stay", "local count = 0 " ORDER("count = count + 1 return {count}"), "abc" },
	{ "the library cannot be changed", ORDER("string.x = 1 return {2}"), "!abc" },
	{ "nor by table.insert", ORDER("table.insert(math, 1) return {2}"), "!abc" },
	{ "nor a function replaced", ORDER("function string.rep() end return {2}"), "!abc" },
	{ "a global of a library's name is the call's own", ORDER("string = nil return {2}"), "bac" },

	/* what is not there */
	{ "no files", IF("io == nil and os == nil and package == nil and require == nil"), "cba" },
	{ "no hooks", IF("debug == nil and coroutine == nil and collectgarbage == nil"), "cba" },
	{ "no code from texts", IF("load == nil and loadstring == nil and dofile == nil and loadfile == nil"), "cba" },
	{ "no code as texts", IF("string.dump == nil and string.pack == nil"), "cba" },
	{ "no catching", IF("pcall == nil and xpcall == nil"), "cba" },
	{ "no metatables", IF("setmetatable == nil and getmetatable == nil and rawset == nil"), "cba" },
	{ "no output", IF("print == nil and warn == nil"), "cba" },
	{ "no globals of others", IF("_G == nil"), "cba" },
};

static void test_order(void **state)
{
	struct arena a;
	struct err e = { 0 };
	char got[8];

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct custom *c;

		arena_init(&a, 1 << 20);
		c = custom_new(STR("m"), str_from_z(cases[i].script), 100000, &a, &e);
		check(e.text, c != NULL);
		for (int k = 0; k < 3; k++) {
			order(c, got);
			check_str(cases[i].name, str_from_z(got), str_from_z(cases[i].want));
		}
		arena_fini(&a);
	}
}

#define LONG "('x'):rep(60000)"
#define HOLES "local t = {} for i = 0, 40 do t[1 << i] = 0 end "

/* Each must end soon, fail, and leave a box that works: the next call's request is answered. */
static const struct { const char *name, *script; } hostile[] = {
	{ "goes on for ever", "while true do end" },
	{ "calls itself", "local function f() return f() + 1 end f()" },
	{ "calls itself at the end", "local function f() return f() end f()" },
	{ "an endless numeric loop", "for i = 1, math.huge do end" },
	{ "grows a text", "local s = 'x' while true do s = s .. s end" },
	{ "a text at once", "return ('x'):rep(1e10)" },
	{ "with a separator", "return ('x'):rep(1e9, 'y')" },
	{ "grows a table", "local t = {} while true do t[#t + 1] = {} end" },
	{ "many tables", "local t while true do t = {t} end" },
	{ "texts thrown away", "while true do local s = " LONG " .. math.random() end" },
	{ "compares long texts", "local a, b = " LONG ", " LONG " while a == b do end" },
	{ "reads long numbers", "local a = ('1'):rep(60000) while true do local b = a + 1 end" },
	{ "a pattern that doubles", "return ('a'):rep(30000):find(('a?'):rep(30000) .. ('a'):rep(30000))" },
	{ "a pattern of stars", "return ('a'):rep(500):find(('a*'):rep(30) .. 'b')" },
	{ "a pattern that is anchored", "return ('a'):rep(5000):match('^' .. ('.-'):rep(8) .. 'b')" },
	{ "gmatch", "for _ in ('a'):rep(500):gmatch(('a*'):rep(30) .. 'b') do end" },
	{ "gsub", "return ('a'):rep(500):gsub(('a+'):rep(30) .. 'b', '')" },
	{ "a balanced one", "return ('('):rep(60000):find('%b()' .. ('%b()'):rep(20))" },
	{ "plain search", "local s = ('a'):rep(60000) for i = 1, 1e9 do s:find(('a'):rep(30000) .. 'b', 1, true) end" },
	{ "sorts for ever", "local t = {} for i = 1, 4000 do t[i] = i end while true do table.sort(t) end" },
	{ "sorts by a function that lies", "local t = {} for i = 1, 999 do t[i] = i end "
	                                   "while true do table.sort(t, function() return true end) end" },
	{ "sorts by one of the library", "local t = {} for i = 1, 4000 do t[i] = i end table.sort(t, math.max)" },
	{ "inserts in front", "local t = {} while true do table.insert(t, 1, 0) end" },
	{ "nothing, very often", "while true do local s = (''):rep(math.maxinteger, '') end" },
	{ "sets that hold brackets", "return ('a'):rep(60000):find(('[^][]*'):rep(9) .. 'b')" },
	{ "sets that hold escapes", "return ('a'):rep(60000):find(('[%]%[a]*'):rep(9) .. 'b')" },
	{ "one that is found again", "local f = ('a'):rep(500):gmatch('.-.-b') while true do f() end" },
	{ "a list with holes", HOLES "while true do table.insert(t, 1, 0) end" },
	{ "the same, taken from", HOLES "while true do table.remove(t, 1) end" },
	{ "unpacks", "return {table.unpack({}, 1, 1e8)}" },
	{ "joins", "local t = {} for i = 1, 3000 do t[i] = " LONG " end while true do table.concat(t) end" },
	{ "formats", "while true do local s = ('%99.99f'):format(1e308) end" },
	{ "many arguments", "return select(-1, table.unpack({}, 1, 1e6))" },
	{ "long lists", "local t = {} for i = 1, 1e9 do t[i] = 'q/b' end return t" },
	{ "deep lists", "local t = {} t[1] = t return t" },
	{ "a length of its own", "string.len = function() return 1 end" },
	{ "ends in its own way", "local x <close> = 3" },
	{ "binary code", "return load('\\27Lua')" },
};

static uint64_t cpu_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void test_hostile(void **state)
{
	struct custom_figures before = custom_figures(), after;
	char script[1024], got[8];
	struct err e = { 0 };
	struct arena a;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hostile); i++) {
		struct custom *c;
		uint64_t start;

		arena_init(&a, 1 << 20);
		snprintf(script, sizeof script,
		         "function order(request, candidates) if request.evil ~= false then %s end return {2} end "
		         "local n = 0", hostile[i].script);
		c = custom_new(STR("m"), str_from_z(script), 100000, &a, &e);
		check(hostile[i].name, c != NULL);
		start = cpu_ms();
		for (int k = 0; k < 2; k++) {
			order(c, got);
			check_str(hostile[i].name, str_from_z(got), STR("!abc"));
		}
		check(hostile[i].name, cpu_ms() - start < 500);
		arena_fini(&a);
	}
	after = custom_figures();
	assert_int_equal(after.calls - before.calls, 2 * COUNT_OF(hostile));
	assert_int_equal(after.failures - before.failures, 2 * COUNT_OF(hostile));
}

/* Turned away when the configuration is read. */
static const struct { const char *name, *script, *want; } refused[] = {
	{ "no Lua", "function order(", "script:1: <name> or '...' expected near <eof>" },
	{ "the line is named", "\n\nx y", "script:3: syntax error near 'y'" },
	{ "no function", "x = 1", "it makes no function order" },
	{ "a function of the library's", "order2 = print", "it makes no function order" },
	{ "fails at once", "error('no')", "script:1: no" },
	{ "goes on at once", "while true do end", "more than 1000 instructions" },
	{ "takes all memory at once", "t = {} for i = 1, 1e9 do t[i] = i end", "it takes too" },
	{ "binary code", "\033Lua", "attempt to load a binary chunk" },
	{ "no file", "/nonexistent/x.lua", "/nonexistent/x.lua: " },
};

static void test_refused(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(refused); i++) {
		struct err e = { 0 };

		check(refused[i].name, !custom_check(str_from_z(refused[i].script), i == 6 ? 1000000 : 1000, &e));
		check(e.text, str_find(str_from_z(e.text), str_from_z(refused[i].want)) != STR_NPOS);
		check(refused[i].name, e.code == ERR_CONFIG);
	}
}

static const struct { const char *name, *model, *want; } settings[] = {
	{ "custom without a script", "strategy: custom", "t.yaml:4:25: models[0].strategy custom needs a script" },
	{ "a script without custom", "script: 'x'", "models[0].script is only of use with strategy: custom" },
	{ "a script that does not work", "strategy: custom, script: 'x y'",
	  "models[0].script does not work: script:1: syntax error near 'y'" },
	{ "one that does", "strategy: custom, script: 'function order() return {1} end'", "" },
};

static void test_settings(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(settings); i++) {
		struct conf_problems problems = { 0 };
		struct config *c;
		char text[1024];

		snprintf(text, sizeof text,
		         "providers: {p: {dialect: openai-chat, base_url: 'http://127.0.0.1:1'}}\n\nmodels:\n"
		         "  - {name: m, %s, deployments: [{provider: p, model: a}]}\n", settings[i].model);
		c = config_read("t.yaml", str_from_z(text), &conf_env_process, &problems);
		check(settings[i].name, (c != NULL) == (settings[i].want[0] == '\0'));
		if (!c)
			check(problems.items[0].text, str_find(str_from_z(problems.items[0].text),
			                                       str_from_z(settings[i].want)) != STR_NPOS);
		config_free(c);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_settings),
	};

	return cmocka_run_group_tests(tests, init, fini);
}
