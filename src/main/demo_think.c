/* SPDX-License-Identifier: Apache-2.0 */
/* What the demo provider says, and what it was ordered to do: rules instead of a model (docs/demo.md). */
#include "main/demo_in.h"

#include <assert.h>

#include "base/arena.h"
#include "base/text.h"

#define GAP_MS      10 /* a stream should be seen to be one */
#define SLOW_MS     250
#define WAIT_MAX_MS 600000
#define WORDS_MAX   20000
#define QUOTE_MAX   200 /* bytes of the prompt that are repeated */
#define THOUGHT_MAX ((size_t)1 << 20)

/* ---- orders ---- */

enum order {
	ORDER_ERROR,
	ORDER_CUT,
	ORDER_STALL,
	ORDER_FAIL,
	ORDER_GARBAGE,
	ORDER_HANG,
	ORDER_SLOW,
	ORDER_FAST,
	ORDER_WAIT,
	ORDER_WORDS
};

static const struct {
	struct str word;
	enum order order;
	bool number; /* one follows */
} words[] = {
	{ STR_INIT("demo-error-"), ORDER_ERROR, true },
	{ STR_INIT("demo-cut"), ORDER_CUT, false },
	{ STR_INIT("demo-stall"), ORDER_STALL, false },
	{ STR_INIT("demo-fail"), ORDER_FAIL, false },
	{ STR_INIT("demo-garbage"), ORDER_GARBAGE, false },
	{ STR_INIT("demo-hang"), ORDER_HANG, false },
	{ STR_INIT("demo-slow"), ORDER_SLOW, false },
	{ STR_INIT("demo-fast"), ORDER_FAST, false },
	{ STR_INIT("demo-wait-"), ORDER_WAIT, true },
	{ STR_INIT("demo-words-"), ORDER_WORDS, true },
};

static void obey_one(struct demo_orders *o, enum order order, int64_t number)
{
	switch (order) {
	case ORDER_ERROR:
		if (number >= 400 && number <= 599)
			o->status = (int)number;
		return;
	case ORDER_CUT: o->fate = DEMO_CUT; return;
	case ORDER_STALL: o->fate = DEMO_STALL; return;
	case ORDER_FAIL: o->fate = DEMO_FAIL; return;
	case ORDER_GARBAGE: o->fate = DEMO_GARBAGE; return;
	case ORDER_HANG: o->fate = DEMO_HANG; return;
	case ORDER_SLOW:
		o->gap_ms = SLOW_MS;
		o->wait_ms = SLOW_MS;
		return;
	case ORDER_FAST: o->gap_ms = 0; return;
	case ORDER_WAIT: o->wait_ms = number < WAIT_MAX_MS ? number : WAIT_MAX_MS; return;
	case ORDER_WORDS: o->words = number < WORDS_MAX ? number : WORDS_MAX; return;
	}
}

static struct str digits_of(struct str s)
{
	size_t n = 0;

	while (n < s.n && s.p[n] >= '0' && s.p[n] <= '9')
		n++;
	return str_slice(s, 0, n);
}

static void read_orders(struct demo_orders *o, struct str text)
{
	size_t at;
	uint64_t number;

	while ((at = str_find(text, STR("demo-"))) != STR_NPOS) {
		text = str_slice(text, at, text.n);
		for (size_t i = 0; i < COUNT_OF(words); i++) {
			if (!str_starts(text, words[i].word))
				continue;
			number = 0;
			if (words[i].number &&
			    (!str_to_u64(digits_of(str_slice(text, words[i].word.n, text.n)), &number) ||
			     number > INT32_MAX))
				continue;
			obey_one(o, words[i].order, (int64_t)number);
		}
		text = str_slice(text, 1, text.n);
	}
}

bool demo_obey(struct demo_ask *ask, struct str text, struct demo_reply *r, struct err *e)
{
	if (str_find(ask->model, STR("demo")) == STR_NPOS) {
		err_set(e, ERR_MODEL_NOT_FOUND,
		        "The model `%.*s` does not exist: models of this provider have \"demo\" in their names",
		        STR_ARG(text_utf8_cut(ask->model, 100)));
		return false;
	}
	r->orders = (struct demo_orders){ .gap_ms = GAP_MS };
	read_orders(&r->orders, ask->model);
	read_orders(&r->orders, text);
	if (r->orders.status == 0)
		return true;
	err_set(e, ERR_UPSTREAM, "You asked for this error: demo-error-%d", r->orders.status);
	e->status = r->orders.status;
	return false;
}

/* ---- what to say ---- */

static struct str many_words(struct arena *a, int64_t n)
{
	static const char *const few[] = { "water", "flows", "through", "the", "open", "gate" };
	struct buf b = buf_make(THOUGHT_MAX);
	struct str s;

	for (int64_t i = 0; i < n; i++)
		buf_printf(&b, "%s%s", i ? " " : "", few[(size_t)i % COUNT_OF(few)]);
	s = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return s;
}

static struct str instance_of(struct arena *a, yyjson_val *schema)
{
	struct buf b = buf_make(THOUGHT_MAX);
	struct str s = STR("{}");

	demo_schema_put(&b, schema);
	if (!b.failed)
		s = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return s;
}

static bool wants_tool(const struct demo_prompt *p)
{
	if (!p->tool.p || p->tool_forbidden || p->result.p)
		return false;
	return p->tool_forced || str_find(p->user, STR("tool")) != STR_NPOS ||
	       str_find(p->user, STR("Tool")) != STR_NPOS;
}

static struct str say(struct demo_ask *ask, const struct demo_prompt *p, const struct demo_orders *o)
{
	if (p->schema)
		return instance_of(ask->arena, p->schema);
	if (o->words > 0)
		return many_words(ask->arena, o->words);
	if (p->result.p)
		return arena_printf(ask->arena, "The tool answered: %.*s",
		                    STR_ARG(text_utf8_cut(p->result, QUOTE_MAX)));
	return arena_printf(
		ask->arena,
		"Hello from the demo provider. You said: %.*s\nNo model was asked, so this is all I can say.",
		STR_ARG(text_utf8_cut(p->user, QUOTE_MAX)));
}

bool demo_think(struct demo_ask *ask, const struct demo_prompt *p, struct demo_reply *r, struct demo_thought *out,
                struct err *e)
{
	struct demo_thought t = { .in_tokens = demo_tokens(p->bytes) };

	if (!demo_obey(ask, p->user, r, e))
		return false;
	if (wants_tool(p)) {
		t.tool = p->tool;
		t.arguments = p->tool_schema ? instance_of(ask->arena, p->tool_schema) : STR("{}");
		t.out_tokens = demo_tokens((int64_t)(t.tool.n + t.arguments.n));
	} else {
		t.text = say(ask, p, &r->orders);
		if (p->max_output >= 0 && p->max_output < demo_tokens((int64_t)t.text.n)) {
			t.text = text_utf8_cut(t.text, (size_t)p->max_output * 4);
			t.cut = true;
		}
		t.out_tokens = demo_tokens((int64_t)t.text.n);
	}
	if ((t.tool.p ? t.arguments : t.text).p == NULL)
		return err_set(e, ERR_TOO_LARGE, "The answer is too large");
	*out = t;
	return true;
}

struct str demo_piece(struct str *rest)
{
	size_t n = 0;
	struct str piece;

	while (n < rest->n && rest->p[n] != ' ')
		n++;
	while (n < rest->n && rest->p[n] == ' ')
		n++;
	piece = str_slice(*rest, 0, n);
	*rest = str_slice(*rest, n, rest->n);
	return piece;
}
