/* SPDX-License-Identifier: Apache-2.0 */
/* conf/read.h on a small table of its own: every type, every message, every ceiling. */
#include "lib/check.h"

#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "conf/env.h"
#include "conf/read.h"

/* ---- a product in small ---- */

struct leaf {
	struct str name, key;
	int64_t weight;
};
struct inner {
	int64_t wait_ms;
	struct setting_array words;
};
struct top {
	bool flag;
	int64_t number, size, spin, money, price, wait;
	double ratio;
	struct str text, secret, kind;
	int word;
	unsigned set;
	struct setting_array texts, list, map, one;
	struct inner inner;
	int derived;
};

#define AT(s, m) .offset = offsetof(struct s, m)

static const char *const word_words[] = { "red", "green", "blue", NULL };

static const struct setting leaf_rows[] = {
	{ .name = "name",
	  .type = SETTING_TEXT,
	  AT(leaf, name),
	  .required = true,
	  .is_name = true,
	  .help = "What it is called." },
	{ .name = "key", .type = SETTING_SECRET, AT(leaf, key), .help = "Its key." },
	{ .name = "weight", .type = SETTING_INT, AT(leaf, weight), .value = "1", .max = "10", .help = "Its weight." },
};
static bool check_leaf(void *item, struct setting_checker *c)
{
	struct leaf *l = item;
	return l->weight != 7 || c->refuse(c, &l->weight, "must not be 7");
}
static const struct settings leaf = { "leaf", sizeof(struct leaf), leaf_rows, COUNT_OF(leaf_rows), "name", check_leaf };
static const struct settings map_leaf = {
	"leaf", sizeof(struct leaf), leaf_rows, COUNT_OF(leaf_rows), "key", check_leaf
};
static const struct settings plain_leaf = {
	.name = "leaf", .size = sizeof(struct leaf), .rows = leaf_rows, .n = COUNT_OF(leaf_rows)
};

static const struct setting inner_rows[] = {
	{ .name = "wait",
	  .type = SETTING_DURATION,
	  AT(inner, wait_ms),
	  .value = "5s",
	  .min = "1s",
	  .max = "1h",
	  .help = "." },
	{ .name = "words", .type = SETTING_TEXTS, AT(inner, words), .value = "a, b", .help = "." },
};
static const struct settings inner = {
	.name = "inner", .size = sizeof(struct inner), .rows = inner_rows, .n = COUNT_OF(inner_rows)
};

static const struct setting top_rows[] = {
	{ .name = "flag", .type = SETTING_BOOL, AT(top, flag), .support = SETTING_IGNORED, .help = "." },
	{ .name = "number", .type = SETTING_INT, AT(top, number), .min = "1", .max = "100", .also = "auto",
	  .help = "." },
	{ .name = "size", .type = SETTING_SIZE, AT(top, size), .value = "64KiB", .min = "1KiB", .help = "." },
	{ .name = "spin", .type = SETTING_MICROS, AT(top, spin), .value = "off", .also = "off", .help = "." },
	{ .name = "money", .type = SETTING_MONEY, AT(top, money), .help = "." },
	{ .name = "price", .type = SETTING_PRICE, AT(top, price), .max = "100", .help = "." },
	{ .name = "wait",
	  .type = SETTING_DURATION,
	  AT(top, wait),
	  .support = SETTING_REFUSED,
	  .value = "1m",
	  .help = "." },
	{ .name = "ratio", .type = SETTING_RATIO, AT(top, ratio), .value = "0.5", .min = "0", .max = "1", .help = "." },
	{ .name = "text", .type = SETTING_TEXT, AT(top, text), .value = "hello", .help = "." },
	{ .name = "secret", .type = SETTING_SECRET, AT(top, secret), .help = "." },
	{ .name = "kind", .type = SETTING_TEXT, AT(top, kind), .words = word_words, .help = "." },
	{ .name = "word",
	  .type = SETTING_WORD,
	  AT(top, word),
	  .value = "green",
	  .words = word_words,
	  .support = SETTING_IGNORED,
	  .acts_on = "red",
	  .help = "." },
	{ .name = "set", .type = SETTING_WORDS, AT(top, set), .value = "red, blue", .words = word_words, .help = "." },
	{ .name = "texts", .type = SETTING_TEXTS, AT(top, texts), .support = SETTING_REFUSED, .help = "." },
	{ .name = "list", .type = SETTING_LIST, AT(top, list), .section = &leaf, .value = "first", .help = "." },
	{ .name = "map", .type = SETTING_MAP, AT(top, map), .section = &map_leaf, .help = "." },
	{ .name = "leaves", .type = SETTING_LIST, AT(top, one), .section = &plain_leaf, .help = "." },
	{ .name = "inner", .type = SETTING_SECTION, AT(top, inner), .section = &inner, .help = "." },
};
static bool check_top(void *item, struct setting_checker *c)
{
	struct top *t = item;
	t->derived = 42;
	return t->number != 13 || c->refuse(c, t, "%s is wrong altogether", "this");
}
static const struct settings top = { "top", sizeof(struct top), top_rows, COUNT_OF(top_rows), NULL, check_top };

static bool test_variable(const struct conf_env *env, struct str name, struct str *value)
{
	static const struct {
		struct str name, value;
	} variables[] = {
		{ STR_INIT("ONE"), STR_INIT("1") },          { STR_INIT("EMPTY"), STR_INIT("") },
		{ STR_INIT("HIDDEN"), STR_INIT("hunter2") }, { STR_INIT("YAML"), STR_INIT("{a: [b]}") },
		{ STR_INIT("LATIN"), STR_INIT("\xe9") },
	};
	for (size_t i = 0; i < COUNT_OF(variables); i++)
		if (str_eq(variables[i].name, name)) {
			*value = variables[i].value;
			return true;
		}
	return false;
}

static bool test_file(const struct conf_env *env, struct arena *a, struct str path, size_t max, struct str *out,
                      struct err *err)
{
	if (str_eq(path, STR("/secret")))
		*out = STR("hunter2\r\n");
	else if (str_eq(path, STR("/empty")))
		*out = STR("\n");
	else
		return err_set(err, ERR_SYSTEM, "cannot be opened: No such file or directory");
	return true;
}

static const struct conf_env env = { test_variable, test_file };

struct result {
	struct arena arena;
	struct top top;
	struct conf_notes notes;
	struct conf_problems problems;
	bool good;
};

static void read_text(struct result *r, struct str text)
{
	memset(&r->top, 0xaa, sizeof(r->top));
	arena_init(&r->arena, 64 << 20);
	struct conf_source source = { .file = "t.yaml", .text = text, .env = &env };
	r->good = conf_read(&top, &source, &r->arena, &r->top, &r->notes, &r->problems);
}

static void done(struct result *r)
{
	arena_fini(&r->arena);
}

static void must_read(struct result *r, const char *text)
{
	read_text(r, str_from_z(text));
	check(r->problems.n ? r->problems.items[0].text : text, r->good);
}

/* ---- good ones ---- */

static void nothing_gives_defaults(void **state)
{
	static const char *const texts[] = { "",     "# only a comment\n",           "---\n", "~\n",
		                             "{}\n", "flag:\nlist: ~\ninner: null\n" };
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		struct result r;
		must_read(&r, texts[i]);
		const struct top *t = &r.top;
		check(texts[i], !t->flag && t->number == SETTING_UNSET && t->size == 65536 && t->spin == 0);
		check(texts[i],
		      t->money == SETTING_UNSET && t->price == SETTING_UNSET && t->wait == 60000 && t->ratio == 0.5);
		check(texts[i], t->secret.n == 0 && t->kind.n == 0 && t->word == 1 && t->set == 5);
		check_str(texts[i], t->text, STR("hello"));
		check(texts[i], t->texts.n == 0 && t->map.n == 0 && t->inner.wait_ms == 5000 && t->inner.words.n == 2);
		check_str(texts[i], ((struct str *)t->inner.words.items)[1], STR("b"));
		check(texts[i], t->list.n == 1 && ((struct leaf *)t->list.items)->weight == 1);
		check_str(texts[i], ((struct leaf *)t->list.items)->name, STR("first"));
		check("checks run over defaults", t->derived == 42);
		check("nothing to note", r.notes.n == 0);
		done(&r);
	}
}

static void everything_is_read(void **state)
{
	struct result r;
	must_read(
		&r,
		"flag: yes\nnumber: auto\nsize: 2MiB\nspin: 50us\nmoney: 12.5\nprice: \"0.25\"\nwait: 1d\nratio: 0.75\n"
		"text: 'a b'\nsecret: file:/secret\nkind: red\nword: blue\nset: [green]\ntexts: single\n"
		"list: [x, {name: y, weight: 3}]\nmap: {a: k1, b: {key: k2, weight: 0}, c: }\n"
		"leaves: [{name: z}]\ninner: {wait: 1.5s, words: [q]}\n");
	const struct top *t = &r.top;
	const struct leaf *list = t->list.items, *map = t->map.items;
	check("scalars", t->flag && t->number == 0 && t->size == 2 << 20 && t->spin == 50 && t->money == 12500000000);
	check("scalars", t->price == 250000 && t->wait == 86400000 && t->ratio == 0.75 && t->word == 2 && t->set == 2);
	check_str("text", t->text, STR("a b"));
	check_str("the line end is the file's", t->secret, STR("hunter2"));
	check("texts", t->texts.n == 1 && t->one.n == 1 && t->inner.wait_ms == 1500 && t->inner.words.n == 1);
	check("list", t->list.n == 2 && list[0].weight == 1 && list[1].weight == 3);
	check_str("list", list[1].name, STR("y"));
	check("map", t->map.n == 3 && map[1].weight == 0 && map[2].weight == 1 && map[2].key.n == 0);
	check_str("map", map[0].name, STR("a"));
	check_str("map", map[0].key, STR("k1"));
	check_str("map", map[2].name, STR("c"));
	done(&r);
}

static void variables_are_replaced(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
		{ "text: ${ONE}", "1" },
		{ "text: a${ONE}b${ONE}c", "a1b1c" },
		{ "text: \"${NONE:-d}\"", "d" },
		{ "text: \"${EMPTY:-d}\"", "d" },
		{ "text: \"${NONE:-}x\"", "x" },
		{ "text: \"${ONE:-d}\"", "1" },
		{ "text: \"x${EMPTY}\"", "x" },
		{ "text: \"$${ONE}\"", "${ONE}" },
		{ "text: $ONE$", "$ONE$" },
		{ "text: \"${YAML}\"", "{a: [b]}" },
		{ "text: \"${NONE:-a:-b$}\"", "a:-b$" },
		{ "secret: \"file:${NONE:-/secret}\"\ntext: x", "x" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct result r;
		must_read(&r, cases[i].yaml);
		check_str(cases[i].yaml, r.top.text, str_from_z(cases[i].want));
		done(&r);
	}
}

static void anchors_and_merges(void **state)
{
	struct result r;
	must_read(&r, "text: &t hi\nkind: red\nlist:\n- &base {name: x, weight: 4}\n- {<<: *base, name: y}\n"
	              "- {name: z, <<: [{weight: 5}, *base]}\nsecret: *t\n");
	const struct leaf *list = r.top.list.items;
	check("merged", list[1].weight == 4 && list[2].weight == 5);
	check_str("its own go first", list[1].name, STR("y"));
	check_str("alias", r.top.secret, STR("hi"));
	done(&r);
}

static void notes_what_is_not_acted_on(void **state)
{
	static const struct {
		const char *yaml, *path;
		enum setting_support support;
		unsigned line, column;
	} cases[] = {
		{ "flag: true", "flag", SETTING_IGNORED, 1, 1 }, { "\n  wait: 2m", "wait", SETTING_REFUSED, 2, 3 },
		{ "word: blue", "word", SETTING_IGNORED, 1, 1 }, { "texts: [a]", "texts", SETTING_REFUSED, 1, 1 },
		{ "word: red", NULL, SETTING_ACTS, 0, 0 },       { "flag: false", NULL, SETTING_ACTS, 0, 0 },
		{ "wait: 60s", NULL, SETTING_ACTS, 0, 0 },       { "texts: []", NULL, SETTING_ACTS, 0, 0 },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct result r;
		must_read(&r, cases[i].yaml);
		check(cases[i].yaml, r.notes.n == (cases[i].path ? 1 : 0));
		if (r.notes.n == 1 && cases[i].path) {
			const struct conf_note *n = &r.notes.items[0];
			check_str(cases[i].yaml, n->path, str_from_z(cases[i].path));
			check(cases[i].yaml, n->support == cases[i].support);
			check(cases[i].yaml, n->place.line == cases[i].line && n->place.column == cases[i].column);
		}
		done(&r);
	}
}

/* ---- bad ones ---- */

static void says_what_is_wrong(void **state)
{
	static const struct {
		const char *yaml, *want;
	} cases[] = {
		/* keys */
		{ "nubmer: 1", "t.yaml:1:1: unknown setting \"nubmer\"; did you mean \"number\"?" },
		{ "inner:\n  wiat: 1s", "t.yaml:2:3: unknown setting \"wiat\" in inner; did you mean \"wait\"?" },
		{ "inner: {zzz: 1s}", "t.yaml:1:9: unknown setting \"zzz\" in inner; known are wait, words" },
		{ "list: [{name: a, wieght: 1}]",
		  "t.yaml:1:18: unknown setting \"wieght\" in list[0]; did you mean \"weight\"?" },
		{ "map: {a: {name: b}}", "t.yaml:1:11: unknown setting \"name\" in map.a; known are key, weight" },
		{ "text: a\ntext: b", "t.yaml:2:1: \"text\" is set twice" },
		{ "map: {a: x, a: y}", "t.yaml:1:13: \"a\" is set twice" },
		{ "? [a]\n: b", "t.yaml:1:3: the name of a setting must be a text" },
		{ "leaves: [{key: k}]", "t.yaml:1:10: leaves[0] needs \"name\": What it is called." },
		{ "leaves: [{name: }]", "t.yaml:1:10: leaves[0] needs \"name\": What it is called." },
		{ "leaves: [{name: \"\"}]", "t.yaml:1:17: leaves[0].name must not be empty" },
		{ "list: [a, b, a]",
		  "t.yaml:1:14: list[2].name is the same as in another leaf, at line 1; it must be unique" },
		/* values */
		{ "flag: maybe", "t.yaml:1:7: flag must be true or false, not \"maybe\"" },
		{ "number: 101", "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not \"101\"" },
		{ "number: off", "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not \"off\"" },
		{ "number: -1", "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not \"-1\"" },
		{ "size: 5",
		  "t.yaml:1:7: size must be a size of 1KiB or more (such as 512, 64KiB, 32MiB, 1GiB), not \"5\"" },
		{ "spin: 5s5", "t.yaml:1:7: spin must be a short duration (such as 50us, 1ms), or off, not \"5s5\"" },
		{ "money: -5", "t.yaml:1:8: money must be an amount of US dollars (such as 50, 2.50), not \"-5\"" },
		{ "price: 101",
		  "t.yaml:1:8: price must be a price in US dollars per million tokens up to 100 (such as 0.25), not "
		  "\"101\"" },
		{ "inner: {wait: 2h}",
		  "t.yaml:1:15: inner.wait must be a duration from 1s to 1h (such as 500ms, 5s, 10m, 24h, "
		  "30d), not \"2h\"" },
		{ "ratio: 2", "t.yaml:1:8: ratio must be a decimal number from 0 to 1 (such as 0.5), not \"2\"" },
		{ "word: gren",
		  "t.yaml:1:7: word must be one of red, green or blue, not \"gren\"; did you mean \"green\"?" },
		{ "kind: purple", "t.yaml:1:7: kind must be one of red, green or blue, not \"purple\"" },
		{ "set: [red, blu]",
		  "t.yaml:1:12: set must be a list of red, green or blue, not \"blu\"; did you mean \"blue\"?" },
		{ "number: \"\"", "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not \"\"" },
		{ "number: \"1\\n2\"",
		  "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not \"1.2\"" },
		/* kinds */
		{ "number: [1]", "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not a list" },
		{ "text: {a: b}", "t.yaml:1:7: text must be a text, not a section" },
		{ "inner: 5", "t.yaml:1:8: inner must be a section, not a single value" },
		{ "inner: [5]", "t.yaml:1:8: inner must be a section, not a list" },
		{ "leaves: {name: a}", "t.yaml:1:9: leaves must be a list, not a section" },
		{ "map: [a]", "t.yaml:1:6: map must be a section of named entries, not a list" },
		{ "list: [[a]]", "t.yaml:1:8: list[0] must be a section, not a list" },
		{ "texts: [[a]]", "t.yaml:1:9: texts[0] must be a text, not a list" },
		{ "texts: [a, ]\nset: [{a: b}]", "t.yaml:2:7: set must be a list of words, not a section" },
		{ "- a", "t.yaml:1:1: the configuration must be a section, not a list" },
		{ "hello", "t.yaml:1:1: the configuration must be a section, not a single value" },
		/* checks */
		{ "list: [{name: a, weight: 7}]", "t.yaml:1:26: list[0].weight must not be 7" },
		{ "number: 13", "t.yaml:1:1: this is wrong altogether" },
		/* variables */
		{ "text: ${NONE}",
		  "t.yaml:1:7: the variable NONE is not set and ${NONE} has no default (${NONE:-default})" },
		{ "list:\n- {name: \"${NONE}\"}",
		  "t.yaml:2:10: the variable NONE is not set and ${NONE} has no default "
		  "(${NONE:-default})" },
		{ "text: a${ONE", "t.yaml:1:7: \"${\" without a \"}\"; a literal \"${\" is written \"$${\"" },
		{ "text: ${1A}",
		  "t.yaml:1:7: \"${\" must be followed by the name of a variable and \"}\" or \":-default}\"; a "
		  "literal \"${\" is written \"$${\"" },
		{ "text: \"${A:-${ONE}}\"", "t.yaml:1:7: a variable inside of another one's default is not possible" },
		{ "text: ${LATIN}", "t.yaml:1:7: the value of the variable LATIN is not UTF-8" },
		{ "text: \"\\0\"", "t.yaml:1:7: holds a NUL character" },
		/* secrets */
		{ "number: ${HIDDEN}",
		  "t.yaml:1:9: number must be a whole number from 1 to 100, or auto, not the value of "
		  "\"${HIDDEN}\"" },
		{ "word: ${HIDDEN}",
		  "t.yaml:1:7: word must be one of red, green or blue, not the value of \"${HIDDEN}\"" },
		{ "secret: [hunter2]", "t.yaml:1:9: secret must be a text or file:PATH, not a list" },
		{ "secret: file:/none", "t.yaml:1:9: secret: file:/none cannot be opened: No such file or directory" },
		{ "secret: file:/${HIDDEN}", "t.yaml:1:9: secret: file: cannot be opened: No such file or directory" },
		{ "secret: file:/empty", "t.yaml:1:9: secret: the file holds no secret: it is empty or binary" },
		/* YAML */
		{ "text: *a", "t.yaml:1:7: no anchor &a stands before the alias *a" },
		{ "list: &a [x, *a]", "t.yaml:1:14: the alias *a stands inside of its own anchor" },
		{ "text: !!binary aGk=", "t.yaml:1:7: the YAML tag tag:yaml.org,2002:binary has no meaning here" },
		{ "text: !x hi", "t.yaml:1:7: the YAML tag !x has no meaning here" },
		{ "text: a\n---\ntext: b", "t.yaml:2:1: a second YAML document; a configuration is one" },
		{ "inner: {<<: 5}", "t.yaml:1:9: \"<<\" takes a section or a list of sections" },
		{ "text: 'a", "t.yaml:1:9: not YAML: while scanning a quoted scalar, found unexpected end of stream" },
		{ "a: b: c", "t.yaml:1:5: not YAML: mapping values are not allowed in this context" },
		{ "text: \xff", "t.yaml:1:1: not YAML: invalid leading UTF-8 octet" },
	};
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct result r;
		read_text(&r, str_from_z(cases[i].yaml));
		check(cases[i].yaml, !r.good && r.problems.n == 1 && r.problems.left_out == 0);
		check_str(cases[i].yaml, str_from_z(r.problems.items[0].text), str_from_z(cases[i].want));
		check(cases[i].yaml, r.problems.items[0].code == ERR_CONFIG);
		done(&r);
	}
}

static void all_problems_in_the_order_of_their_places(void **state)
{
	struct result r;
	read_text(&r, STR("number: x\nlist:\n- {name: a, weight: 99}\n- {name: a}\nzzz: 1\nflag: 5\n"));
	static const char *const want[] = { "t.yaml:1:9:", "t.yaml:3:21:", "t.yaml:4:10:", "t.yaml:5:1:",
		                            "t.yaml:6:7:" };
	check("count", !r.good && r.problems.n == COUNT_OF(want));
	for (size_t i = 0; i < r.problems.n; i++)
		check(r.problems.items[i].text, str_starts(str_from_z(r.problems.items[i].text), str_from_z(want[i])));
	done(&r);

	struct buf b = buf_make(1 << 20);
	for (int i = 0; i < 30; i++)
		buf_printf(&b, "u%d: 1\n", i);
	read_text(&r, buf_str(&b));
	check("ceiling", r.problems.n == CONF_PROBLEMS_MAX && r.problems.left_out == 30 - CONF_PROBLEMS_MAX);
	buf_fini(&b);
	done(&r);
}

/* ---- ceilings ---- */

static void expect_problem(const char *name, struct str text, const char *part)
{
	struct result r;
	read_text(&r, text);
	check(name, !r.good && r.problems.n >= 1);
	check(r.problems.items[0].text, strstr(r.problems.items[0].text, part) != NULL);
	done(&r);
}

static void hits_each_ceiling(void **state)
{
	struct buf b = buf_make(16 << 20);
	for (int i = 0; i <= CONF_DEPTH_MAX; i++)
		buf_append(&b, STR("["));
	expect_problem("depth", buf_str(&b), "more than 32 levels");

	buf_clear(&b);
	buf_append(&b, STR("texts: ["));
	for (int i = 0; i <= CONF_NODES_MAX; i++)
		buf_append(&b, STR("a,"));
	buf_append_c(&b, ']');
	expect_problem("nodes", buf_str(&b), "more than 200000 values");

	/* A billion laughs: each anchor is ten of the one before. */
	buf_clear(&b);
	buf_append(&b, STR("x0: &x0 [a,a,a,a,a,a,a,a,a,a]\n"));
	for (int i = 1; i < 10; i++) {
		buf_printf(&b, "x%d: &x%d [", i, i);
		for (int k = 0; k < 10; k++)
			buf_printf(&b, "*x%d,", i - 1);
		buf_append(&b, STR("]\n"));
	}
	expect_problem("laughs in unknown settings are not even looked at", buf_str(&b), "unknown setting");

	/* In a known place: 500 lists of 500 names through one alias each. */
	buf_clear(&b);
	buf_append(&b, STR("text: &s {<<: &m {"));
	for (int i = 0; i < 500; i++)
		buf_printf(&b, "k%d: v,", i);
	buf_append(&b, STR("}}\nlist: ["));
	for (int i = 0; i < 500; i++)
		buf_append(&b, STR("{<<: *m},"));
	buf_append_c(&b, ']');
	expect_problem("merges", buf_str(&b), "more than 200000 values");

	buf_clear(&b);
	char *p = buf_reserve(&b, CONF_TEXT_MAX + 1);
	memset(p, '#', CONF_TEXT_MAX + 1);
	b.n = CONF_TEXT_MAX + 1;
	expect_problem("text", buf_str(&b), "t.yaml: larger than 4 MiB");

	buf_clear(&b);
	buf_append(&b, STR("text: \""));
	for (int i = 0; i < 1 << 20; i++)
		buf_append_c(&b, 'a');
	buf_append(&b, STR("a\""));
	expect_problem("value", buf_str(&b), "longer than 1048576 bytes");
	buf_fini(&b);
}

/* However often an alias stands, its text is expanded once: 100,000 uses of 64 KiB fit. */
static void aliases_share_their_value(void **state)
{
	struct buf b = buf_make(16 << 20);
	buf_append(&b, STR("text: &t \""));
	for (int i = 0; i < 65536; i++)
		buf_append_c(&b, 'a');
	buf_append(&b, STR("\"\ntexts: ["));
	for (int i = 0; i < 50000; i++)
		buf_append(&b, STR("*t ,"));
	buf_append(&b, STR("]\n"));
	struct result r;
	read_text(&r, buf_str(&b));
	check("read", r.good && r.top.texts.n == 50000 && ((struct str *)r.top.texts.items)[49999].n == 65536);
	done(&r);
	buf_fini(&b);
}

static void process_files_and_variables(void **state)
{
	struct arena a;
	struct str out;
	struct err err = { 0 };
	char path[] = "/tmp/sluice-conf-XXXXXX";
	int fd = mkstemp(path);
	check("temp", fd >= 0 && write(fd, "abc\n", 4) == 4);
	close(fd);
	arena_init(&a, 1 << 20);
	const struct conf_env *e = &conf_env_process;
	check("whole", e->file(e, &a, str_from_z(path), 4, &out, &err));
	check_str("whole", out, STR("abc\n"));
	check("too large", !e->file(e, &a, str_from_z(path), 3, &out, &err));
	check_str("too large", str_from_z(err.text), STR("is larger than 3 bytes"));
	check("folder", !e->file(e, &a, STR("/tmp"), 100, &out, &err));
	check("missing", !e->file(e, &a, STR("/nonexistent/x"), 100, &out, &err));
	unlink(path);
	setenv("SLUICE_TEST_VARIABLE", "v", 1);
	check("set", e->variable(e, STR("SLUICE_TEST_VARIABLE"), &out));
	check_str("set", out, STR("v"));
	check("not set", !e->variable(e, STR("SLUICE_TEST_VARIABL"), &out));
	arena_fini(&a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_gives_defaults),
		cmocka_unit_test(everything_is_read),
		cmocka_unit_test(variables_are_replaced),
		cmocka_unit_test(anchors_and_merges),
		cmocka_unit_test(notes_what_is_not_acted_on),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(all_problems_in_the_order_of_their_places),
		cmocka_unit_test(hits_each_ceiling),
		cmocka_unit_test(aliases_share_their_value),
		cmocka_unit_test(process_files_and_variables),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
