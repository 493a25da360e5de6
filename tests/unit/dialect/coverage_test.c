/* SPDX-License-Identifier: Apache-2.0 */
/*
 * coverage: what becomes of each feature between each pair of dialects, found out by translating it. The pages of words
 * (tests/data/coverage-requests.txt, coverage-answers.txt) hold each feature in each dialect's own words; what comes
 * out of a translation is searched for the target's words:
 *
 *	carried    they are there
 *	emulated   another form is there that means the same, or nearly so
 *	dropped    neither is, and the writer reported what it left out (x-sluice-dropped)
 *	refused    the request is refused with 400
 *	kept       the gateway keeps it and puts it back into the next request (gateway/recall.h)
 *	LOST       none of these; the test fails
 *
 * The result is docs/coverage.md (`coverage_test --write`, make docs). The test fails if a cell is worse than there, or
 * if the page is old. Streams are tried as well: the answer becomes a stream of its provider, is translated on the way,
 * and what the client heard must be what it would have got in one piece.
 *
 * Form of a page: "== section", "= feature", then a line for each dialect that has words for it:
 *
 *	dialect words [~ sign [& sign]…]   what is sent; signs by which it is known in a target's text (else: the words)
 *	dialect emulated ~ sign…           the dialect has no such word; what stands for it
 *	model dialect name                 the target's model;    thinks: models that think
 *
 * whole: streams are not compared, since their readers tell it elsewhere: tiers in the usage, sources without a quote;
 * "whole dialect": only those to this one's clients, which tell it and whose reader here has no use for it.
 *
 * "~~ sign…" behind that: what stands for the words where they do not. "! sign": must not be there. "kept" in the
 * words' place: the gateway keeps it. Answers' words are "content: …", "finish: …", "usage: …", with ";;" between; a
 * dialect that only hears has none. $tool, $png and so on are in expand().
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "dialect/chat.h"
#include "lib/check.h"
#include "lib/telling.h"
#include "model/facts.h"
#include "model/quirk.h"

#define PAGE     "docs/coverage.md"
#define REQUESTS "tests/data/coverage-requests.txt"
#define ANSWERS  "tests/data/coverage-answers.txt"
enum { MEMORY_MAX = 64 << 20, FEATURES_MAX = 200 };

/* A function as Chat Completions and those after it say it. */
#define TOOL(name) \
	"{\"type\":\"function\",\"function\":{\"name\":\"" name "\",\"parameters\":{\"type\":\"object\"," \
	"\"properties\":{}}}}"

/* In the order of the page's columns. */
static const struct side {
	const char *name, *title, *dialect, *model, *thinker;
	const char *tool, *tool2;                         /* $tool, $tool2 */
	const char *head, *turns, *member;                /* of a request */
	const char *answer[4], *content, *finish, *usage; /* of an answer: its parts go in between */
} sides[] = {
	{ "chat",
	  "Chat Completions",
	  "openai-chat",
	  "gpt-4o",
	  "gpt-5.2",
	  TOOL("zqf"),
	  TOOL("zqg"),
	  "\"model\":\"m\"",
	  "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]",
	  "\"messages\":",
	  { "{\"id\":\"chatcmpl-1\",\"object\":\"chat.completion\",\"created\":1,\"model\":\"m\","
	          "\"choices\":[{\"index\":0,\"message\":{"
	    "\"role\":\"assistant\",",
	    "},", "}],\"usage\":{", "}}" },
	  "\"content\":\"Ho\"",
	  "\"finish_reason\":\"stop\"",
	  "\"prompt_tokens\":1,\"completion_tokens\":1,\"total_tokens\":2" },
	{ "responses",
	  "Responses",
	  "openai-responses",
	  "gpt-4o",
	  "gpt-5.2",
	  "{\"type\":\"function\",\"name\":\"zqf\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}",
	  "{\"type\":\"function\",\"name\":\"zqg\",\"parameters\":{\"type\":\"object\",\"properties\":{}}}",
	  "\"model\":\"m\"",
	  "\"input\":\"Hi\"",
	  "\"input\":",
	  { "{\"id\":\"resp_1\",\"object\":\"response\",\"created_at\":1,\"model\":\"m\",\"output\":[", "],",
	    ",\"usage\":{", "}}" },
	  "{\"type\":\"message\",\"id\":\"msg_1\",\"status\":\"completed\",\"role\":\"assistant\","
	  "\"content\":[{\"type\":\"output_text\","
	  "\"text\":\"Ho\",\"annotations\":[]}]}",
	  "\"status\":\"completed\"",
	  "\"input_tokens\":1,\"output_tokens\":1,\"total_tokens\":2" },
	{ "messages",
	  "Messages",
	  "anthropic",
	  "claude-sonnet-4-5",
	  "claude-sonnet-4-5",
	  "{\"name\":\"zqf\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}",
	  "{\"name\":\"zqg\",\"input_schema\":{\"type\":\"object\",\"properties\":{}}}",
	  "\"model\":\"m\"",
	  "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]",
	  "\"messages\":",
	  { "{\"id\":\"msg_1\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"m\",\"content\":[", "],",
	    ",\"usage\":{", "}}" },
	  "{\"type\":\"text\",\"text\":\"Ho\"}",
	  "\"stop_reason\":\"end_turn\",\"stop_sequence\":null",
	  "\"input_tokens\":1,\"output_tokens\":1" },
	{ "gemini",
	  "Gemini",
	  "gemini",
	  "gemini-2.5-flash",
	  "gemini-3-pro-preview",
	  "{\"functionDeclarations\":[{\"name\":\"zqf\"}]}",
	  "{\"functionDeclarations\":[{\"name\":\"zqg\"}]}",
	  "",
	  "\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"Hi\"}]}]",
	  "\"contents\":",
	  { "{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[", "]},",
	    ",\"index\":0}],\"responseId\":\"r1\",\"modelVersion\":\"m\","
	    "\"usageMetadata\":{",
	    "}}" },
	  "{\"text\":\"Ho\"}",
	  "\"finishReason\":\"STOP\"",
	  "\"promptTokenCount\":1,\"candidatesTokenCount\":1,\"totalTokenCount\":2" },
	{ "converse",
	  "Converse",
	  "bedrock",
	  "anthropic.claude-sonnet-4-5-20250929-v1:0",
	  "anthropic.claude-sonnet-4-5-20250929-v1:0",
	  "{\"toolSpec\":{\"name\":\"zqf\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}",
	  "{\"toolSpec\":{\"name\":\"zqg\",\"inputSchema\":{\"json\":{\"type\":\"object\",\"properties\":{}}}}}",
	  "",
	  "\"messages\":[{\"role\":\"user\",\"content\":[{\"text\":\"Hi\"}]}]",
	  "\"messages\":",
	  { "{\"output\":{\"message\":{\"role\":\"assistant\",\"content\":[", "]}},", ",\"usage\":{", "}}" },
	  "{\"text\":\"Ho\"}",
	  "\"stopReason\":\"end_turn\"",
	  "\"inputTokens\":1,\"outputTokens\":1,\"totalTokens\":2" },
	{ "cohere",
	  "Cohere",
	  "cohere",
	  "command-a-03-2025",
	  "command-a-reasoning-08-2025",
	  TOOL("zqf"),
	  TOOL("zqg"),
	  "\"model\":\"m\"",
	  "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]",
	  "\"messages\":",
	  { "{\"id\":\"c1\",\"message\":{\"role\":\"assistant\",", "},", ",\"usage\":{", "}}" },
	  "\"content\":[{\"type\":\"text\",\"text\":\"Ho\"}]",
	  "\"finish_reason\":\"COMPLETE\"",
	  "\"billed_units\":{\"input_tokens\":1,\"output_tokens\":1}" },
	{ "ollama",
	  "Ollama",
	  "ollama",
	  "llama3.1:8b",
	  "gpt-oss:20b",
	  TOOL("zqf"),
	  TOOL("zqg"),
	  "\"model\":\"m\"",
	  "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]",
	  "\"messages\":",
	  { "{\"model\":\"m\",\"created_at\":\"2026-01-01T00:00:00Z\",\"message\":{\"role\":\"assistant\",",
	    "},\"done\":true,", ",", "}" },
	  "\"content\":\"Ho\"",
	  "\"done_reason\":\"stop\"",
	  "\"prompt_eval_count\":1,\"eval_count\":1" },
	{ "completions",
	  "Completions (old)",
	  "openai-completions",
	  "",
	  "",
	  "",
	  "",
	  "\"model\":\"m\"",
	  "\"prompt\":\"Hi\"",
	  "\"prompt\":",
	  { NULL },
	  "",
	  "",
	  "" },
};
enum { SIDES = COUNT_OF(sides), PROVIDERS = SIDES - 1 };

enum outcome { NOT_THERE, LOST, DROPPED, REFUSED, KEPT, EMULATED, CARRIED, SAME };
static const char *const outcome_names[] = { "–",    "LOST",     "dropped", "refused",
	                                     "kept", "emulated", "carried", "as it is" };

struct words {
	struct str text;          /* empty: this dialect says nothing of the kind */
	struct str signs, others; /* others: of another form that means the same */
	bool emulated, kept, claude, whole;
};

struct feature {
	struct str section, name;
	bool thinks, whole;
	struct words of[SIDES];
	struct str model[SIDES];
	uint8_t cell[SIDES][SIDES]; /* enum outcome: [client][provider] */
};

static struct page {
	struct feature features[FEATURES_MAX];
	size_t n;
} requests, answers;
static struct arena memory; /* of the pages */
static unsigned failures;

static const struct dialect *dialect_of(unsigned side)
{
	return dialect_by_name(str_from_z(sides[side].dialect));
}

/* ---- reading a page ---------------------------------------------------------------------------------------------- */

static int side_by_name(struct str name)
{
	for (unsigned i = 0; i < SIDES; i++)
		if (str_eq(str_from_z(sides[i].name), name))
			return (int)i;
	return -1;
}

static struct str wrapped(unsigned maker, struct str token)
{
	struct chat_opaque o = { .bytes = jstr_of(token.p, token.n), .maker = (uint8_t)maker };

	return jstr_raw(chat_opaque_wrap(&memory, &o));
}

/* $tool, $tool2, $png (a picture's beginning), $A(token), $O(token): in the gateway's envelope. */
static struct str expand(struct str text, const struct side *side)
{
	static const struct str png = STR_INIT("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJ");
	struct buf out = buf_make(MEMORY_MAX);
	struct str result;
	size_t at;

	while ((at = str_find(text, STR("$"))) != STR_NPOS) {
		struct str rest = str_slice(text, at, text.n);
		buf_append(&out, str_slice(text, 0, at));
		size_t skip = 1;
		if (str_starts(rest, STR("$tool2"))) {
			buf_append(&out, str_from_z(side->tool2));
			skip = 6;
		} else if (str_starts(rest, STR("$tool"))) {
			buf_append(&out, str_from_z(side->tool));
			skip = 5;
		} else if (str_starts(rest, STR("$png"))) {
			buf_append(&out, png);
			skip = 4;
		} else if (str_starts(rest, STR("$A(")) || str_starts(rest, STR("$O("))) {
			size_t end = str_find_chr(rest, ')');
			assert_true(end != STR_NPOS);
			buf_append(&out,
			           wrapped(rest.p[1] == 'A' ? MAKER_ANTHROPIC : MAKER_OPENAI, str_slice(rest, 3, end)));
			skip = end + 1;
		} else {
			buf_append_c(&out, '$');
		}
		text = str_slice(rest, skip, rest.n);
	}
	buf_append(&out, text);
	result = arena_dup(&memory, buf_str(&out));
	buf_fini(&out);
	return result;
}

/* What a container holds is looked for without it, since others may stand there too. */
static struct str without_container(struct str text)
{
	static const struct str containers[] = { STR_INIT("\"generationConfig\":{"), STR_INIT("\"inferenceConfig\":{"),
		                                 STR_INIT("\"additionalModelRequestFields\":{"),
		                                 STR_INIT("\"output_config\":{"), STR_INIT("\"options\":{") };

	for (size_t i = 0; i < COUNT_OF(containers); i++)
		if (str_starts(text, containers[i]))
			return str_slice(text, containers[i].n, text.n - 1);
	return text;
}

static void read_words(struct feature *f, struct str line)
{
	struct str rest = line, first = str_cut(&rest, ' ');
	int side = side_by_name(first);
	size_t tilde;

	if (str_eq(first, STR("thinks"))) {
		f->thinks = true;
		return;
	}
	if (str_eq(first, STR("whole"))) {
		side = side_by_name(rest);
		*(side < 0 ? &f->whole : &f->of[side].whole) = true;
		return;
	}
	if (str_eq(first, STR("model"))) {
		first = str_cut(&rest, ' ');
		side = side_by_name(first);
		if (side >= 0)
			f->model[side] = rest;
		return;
	}
	if (side < 0) /* a dialect that is not there yet */
		return;
	struct words *w = &f->of[side];
	if (str_starts(rest, STR("claude "))) {
		w->claude = true;
		rest = str_slice(rest, 7, rest.n);
	}
	tilde = str_starts(rest, STR("~ ")) ? 0 : str_find(rest, STR(" ~ "));
	struct str text = tilde == STR_NPOS ? rest : str_slice(rest, 0, tilde);
	if (tilde != STR_NPOS)
		w->signs = expand(str_slice(rest, tilde + (tilde ? 3 : 2), rest.n), &sides[side]);
	tilde = str_find(w->signs, STR(" ~~ "));
	if (tilde != STR_NPOS) {
		w->others = str_slice(w->signs, tilde + 4, w->signs.n);
		w->signs = str_slice(w->signs, 0, tilde);
	}
	w->emulated = str_eq(text, STR("emulated"));
	w->kept = str_eq(text, STR("kept"));
	if (w->emulated || w->kept || !text.n)
		return;
	w->text = expand(text, &sides[side]);
	if (!w->signs.n) {
		w->signs = without_container(w->text);
		if (str_starts(w->signs, STR("content: ")))
			w->signs = str_slice(w->signs, 9, w->signs.n);
		else if (str_starts(w->signs, STR("finish: ")))
			w->signs = str_slice(w->signs, 8, w->signs.n);
	}
}

static void read_page(const char *path, struct page *page)
{
	struct feature *f = NULL;
	struct str section = STR("");
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	while ((n = getline(&line, &cap, in)) > 0) {
		struct str s = arena_dup(&memory, str_of(line, (size_t)n - (line[n - 1] == '\n')));

		if (!s.n || s.p[0] == '#')
			continue;
		if (str_starts(s, STR("== "))) {
			section = str_slice(s, 3, s.n);
		} else if (str_starts(s, STR("= "))) {
			assert_true(page->n < FEATURES_MAX);
			f = &page->features[page->n++];
			*f = (struct feature){ .section = section, .name = str_slice(s, 2, s.n) };
		} else {
			assert_non_null(f);
			read_words(f, s);
		}
	}
	free(line);
	fclose(in);
}

/* ---- judging ----------------------------------------------------------------------------------------------------- */

/* What is known of a translation beside its text. */
struct seen {
	struct str text;
	const struct chat_undo *undo;
	bool drops, fetch;
};

static bool sign_holds(struct str sign, const struct seen *seen)
{
	bool not_there = str_starts(sign, STR("! "));

	if (not_there)
		sign = str_slice(sign, 2, sign.n);
	if (str_eq(sign, STR("$stop")))
		return seen->undo && seen->undo->stop;
	if (str_eq(sign, STR("$schema")))
		return (seen->undo && seen->undo->schema_tool) || str_find(seen->text, STR("JSON")) != STR_NPOS;
	if (str_eq(sign, STR("$rename")))
		return seen->undo && seen->undo->renames;
	if (str_eq(sign, STR("$custom")))
		return seen->undo && seen->undo->custom_tools;
	if (str_eq(sign, STR("$fetch")))
		return seen->fetch;
	if (str_eq(sign, STR("$wrapped"))) /* our envelope's beginning */
		return str_find(seen->text, str_slice(wrapped(MAKER_OPENAI, STR("x")), 0, 8)) != STR_NPOS;
	return (str_find(seen->text, sign) != STR_NPOS) != not_there;
}

static bool signs_hold(struct str signs, const struct seen *seen)
{
	while (signs.n) {
		size_t at = str_find(signs, STR(" & "));
		if (!sign_holds(str_slice(signs, 0, at), seen))
			return false;
		signs = at == STR_NPOS ? STR("") : str_slice(signs, at + 3, signs.n);
	}
	return true;
}

static enum outcome judge(const struct words *target, const struct seen *seen)
{
	if (target->signs.n && signs_hold(target->signs, seen))
		return target->emulated || str_find(target->signs, STR("$rename")) != STR_NPOS ? EMULATED : CARRIED;
	if (target->others.n && signs_hold(target->others, seen))
		return EMULATED;
	if (target->kept)
		return KEPT;
	return seen->drops ? DROPPED : LOST;
}

static void lost(const struct feature *f, unsigned from, unsigned to, const char *how, struct str text)
{
	failures++;
	print_error("LOST: %.*s: %.*s, %s to %s (%s)\n  %.*s\n", STR_ARG(f->section), STR_ARG(f->name),
	            sides[from].name, sides[to].name, how, STR_ARG(str_slice(text, 0, 900)));
}

/* ---- requests ---------------------------------------------------------------------------------------------------- */

static struct str request_body(struct arena *a, const struct side *side, struct str text)
{
	struct buf b = buf_make(MEMORY_MAX);
	struct str out;

	buf_append(&b, STR("{"));
	buf_append(&b, str_from_z(side->head));
	if (side->head[0])
		buf_append_c(&b, ',');
	if (str_eq(str_from_z(side->name), STR("messages")) && str_find(text, STR("\"max_tokens\"")) == STR_NPOS)
		buf_append(&b, STR("\"max_tokens\":4096,"));
	if (str_find(text, str_from_z(side->member)) == STR_NPOS) {
		buf_append(&b, str_from_z(side->turns));
		buf_append_c(&b, ',');
	}
	buf_append(&b, text);
	buf_append(&b, STR("}"));
	out = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

static bool has_address(const struct chat_request *rq)
{
	for (const struct chat_turn *t = rq->turns; t; t = t->next)
		for (const struct chat_block *b = t->blocks; b; b = b->next)
			if (b->media && b->media->from == MEDIA_URL)
				return true;
	return false;
}

static enum outcome try_request(const struct feature *f, unsigned client, unsigned provider)
{
	const struct dialect *from = dialect_of(client), *to = dialect_of(provider);
	struct str name = f->model[provider].n
	                          ? f->model[provider]
	                          : str_from_z(f->thinks ? sides[provider].thinker : sides[provider].model);
	struct arena arena, *a = &arena;
	struct chat_target target = { .model = jstr_of(name.p, name.n),
		                      .facts = model_facts_by_name(name),
		                      .ask_usage = true,
		                      .quirks =
		                              QUIRK_MAX_COMPLETION_TOKENS | QUIRK_DEVELOPER_ROLE | QUIRK_STRICT_MEMBERS,
		                      .bedrock_claude = str_find(name, STR("claude")) != STR_NPOS };
	struct dialect_request in = { .dialect = from, .model = STR("m"), .call = CALL_GENERATE };
	struct chat_wire wire = { .drops.arena = a };
	struct chat_request rq = { .from = (uint8_t)from->id };
	enum outcome got = REFUSED;
	struct err e = { 0 };
	struct str body;
	const struct json_node *root;

	arena_init(a, MEMORY_MAX);
	body = request_body(a, &sides[client], f->of[client].text);
	root = json_nodes(a, body, REQUEST_DEPTH_MAX, &e);
	if (!root || !from->chat->read_request(a, &in, root, &rq, &e)) {
		failures++;
		print_error("%.*s: %s's words are wrong: %s\n", STR_ARG(f->name), sides[client].name, e.text);
	} else {
		struct seen seen = { .undo = &wire.undo, .fetch = to->chat->bytes_only && has_address(&rq) };
		if (chat_tools_check(&rq, to->id, &e) && to->chat->write_request(a, &rq, &target, &wire, &e)) {
			seen.text = wire.body;
			seen.drops = wire.drops.first != NULL;
			got = judge(&f->of[provider], &seen);
		} else if (seen.fetch && str_eq(f->of[provider].signs, STR("$fetch"))) {
			got = EMULATED; /* by bytes: gateway/media.h has fetched them before */
		}
		if (got == LOST)
			lost(f, client, provider, "request", wire.body);
	}
	arena_fini(a);
	return got;
}

/* ---- answers ----------------------------------------------------------------------------------------------------- */

/* "content: … ;; finish: …": the part of this name, or what stands there otherwise. */
static struct str part_of(struct str text, struct str name, const char *otherwise)
{
	while (text.n) {
		size_t at = str_find(text, STR(" ;; "));
		struct str part = str_slice(text, 0, at);
		if (str_starts(part, name))
			return str_slice(part, name.n, part.n);
		text = at == STR_NPOS ? STR("") : str_slice(text, at + 4, text.n);
	}
	return str_from_z(otherwise);
}

static struct str answer_body(struct arena *a, const struct side *side, struct str text)
{
	struct buf b = buf_make(MEMORY_MAX);
	struct str out,
		parts[3] = { part_of(text, STR("content: "), side->content),
		             part_of(text, STR("finish: "), side->finish), part_of(text, STR("usage: "), side->usage) };

	for (int i = 0; i < 3; i++) {
		buf_append(&b, str_from_z(side->answer[i]));
		buf_append(&b, parts[i]);
	}
	buf_append(&b, str_from_z(side->answer[3]));
	out = arena_dup(a, buf_str(&b));
	buf_fini(&b);
	return out;
}

struct telling {
	const struct feature *f;
	unsigned client, provider;
	struct chat_source source;
};

static enum outcome judge_written(const struct telling *t, struct arena *a, const struct chat_response *rs,
                                  struct str *text)
{
	struct chat_reply reply = telling_reply(dialect_of(t->client));
	struct chat_drops drops = { .arena = a };
	struct buf out = buf_make(MEMORY_MAX);
	enum outcome got = LOST;

	reply.usage_asked = true;
	if (dialect_of(t->client)->chat->write_response(a, rs, &reply, &out, &drops)) {
		*text = arena_dup(a, buf_str(&out));
		got = judge(&t->f->of[t->client], &(struct seen){ .text = *text, .drops = drops.first != NULL });
	}
	buf_fini(&out);
	return got;
}

/* The answer as its provider would stream it. False: that cannot be said in its streams. */
static bool stream_of(const struct telling *t, struct arena *a, const struct chat_response *rs, struct buf *out)
{
	const struct dialect *d = dialect_of(t->provider);
	struct chat_reply reply = telling_reply(d);
	void *writer = calloc(1, d->chat->writer_size + 1);
	struct chat_order *order = chat_order_new(d->chat, MEMORY_MAX);
	struct chat_events events = { 0 };
	bool good = chat_response_events(a, rs, &events) &&
	            (!d->chat->writer_init || d->chat->writer_init(writer, &reply)) &&
	            (!order || chat_order_add(order, a, &events));

	for (const struct chat_event *ev = events.first; ev && good; ev = ev->next)
		good = d->chat->write_event(writer, a, ev, out);
	if (d->chat->writer_fini)
		d->chat->writer_fini(writer);
	chat_order_free(order);
	free(writer);
	return good;
}

/* What the client hears of it in a stream, as what it would have got in one piece. */
static enum outcome try_stream(const struct telling *t, struct arena *a, struct str bytes, struct str *text)
{
	const struct chat_source itself = { .model = t->source.model, .bedrock_claude = t->f->of[t->client].claude };
	struct chat_collector *heard = chat_collector_new(MEMORY_MAX);
	struct buf out = buf_make(MEMORY_MAX);
	enum outcome got = LOST;

	if (telling_carry(a, dialect_of(t->provider), dialect_of(t->client), &t->source, bytes, PIECES_WHOLE, &out) ==
	            TRANSLATED_END &&
	    telling_hear(a, dialect_of(t->client), &itself, buf_str(&out), heard)) {
		struct chat_response rs = *chat_collector_response(heard);
		rs.from = (uint8_t)dialect_of(t->client)->id;
		got = judge_written(t, a, &rs, text);
	} else {
		*text = arena_dup(a, buf_str(&out));
	}
	buf_fini(&out);
	chat_collector_free(heard);
	return got;
}

static enum outcome try_answer(const struct feature *f, unsigned client, unsigned provider)
{
	struct telling t = { .f = f,
		             .client = client,
		             .provider = provider,
		             .source = { .model = JSTR("m"), .bedrock_claude = f->of[provider].claude } };
	struct telling itself = t;
	struct chat_response rs = { 0 };
	struct buf stream = buf_make(MEMORY_MAX);
	struct arena arena, *a = &arena;
	enum outcome whole = LOST, streamed;
	struct str text = STR(""), body;
	struct err e = { 0 };
	const struct json_node *root;

	arena_init(a, MEMORY_MAX);
	body = answer_body(a, &sides[provider], f->of[provider].text);
	root = json_nodes(a, body, ANSWER_DEPTH_MAX, &e);
	if (!root || !dialect_of(provider)->chat->read_response(a, &t.source, root, &rs, &e)) {
		failures++;
		print_error("%.*s: %s's words are wrong: %s\n", STR_ARG(f->name), sides[provider].name, e.text);
	} else {
		whole = judge_written(&t, a, &rs, &text);
		if (whole == LOST)
			lost(f, provider, client, "whole answer", text);
		itself.client = provider;
		/* only what its provider's streams can say can be lost on the way */
		if (!f->whole && !f->of[client].whole && whole > DROPPED && stream_of(&t, a, &rs, &stream) &&
		    try_stream(&itself, a, buf_str(&stream), &text) == CARRIED) {
			streamed = try_stream(&t, a, buf_str(&stream), &text);
			if (streamed < whole)
				lost(f, provider, client, "stream", text);
		}
	}
	buf_fini(&stream);
	arena_fini(a);
	return whole;
}

/* ---- the page ---------------------------------------------------------------------------------------------------- */

static void fill(void)
{
	for (size_t i = 0; i < requests.n; i++)
		for (unsigned c = 0; c < SIDES; c++)
			for (unsigned p = 0; p < PROVIDERS; p++) {
				struct feature *f = &requests.features[i];
				if (f->of[c].text.n)
					f->cell[c][p] = c == p ? SAME : (uint8_t)try_request(f, c, p);
			}
	for (size_t i = 0; i < answers.n; i++)
		for (unsigned c = 0; c < SIDES; c++)
			for (unsigned p = 0; p < PROVIDERS; p++) {
				struct feature *f = &answers.features[i];
				if (f->of[p].text.n)
					f->cell[c][p] = c == p ? SAME : (uint8_t)try_answer(f, c, p);
			}
}

/* Rows are features, columns the dialects of the other side. */
static void put_table(struct buf *out, const struct page *page, unsigned side, bool of_client)
{
	unsigned columns = of_client ? PROVIDERS : SIDES;

	buf_append(out, STR("| |"));
	for (unsigned i = 0; i < columns; i++)
		buf_printf(out, " %s |", sides[i].title);
	buf_append(out, STR("\n|---|"));
	for (unsigned i = 0; i < columns; i++)
		buf_append(out, STR("---|"));
	buf_append_c(out, '\n');
	for (size_t i = 0; i < page->n; i++) {
		const struct feature *f = &page->features[i];
		if (!f->of[side].text.n)
			continue;
		buf_printf(out, "| %.*s: %.*s |", STR_ARG(f->section), STR_ARG(f->name));
		for (unsigned other = 0; other < columns; other++)
			buf_printf(out, " %s |",
			           outcome_names[of_client ? f->cell[side][other] : f->cell[other][side]]);
		buf_append_c(out, '\n');
	}
	buf_append_c(out, '\n');
}

static const char head[] =
	"# Coverage of translation\n\n"
	"What becomes of each feature between each pair of dialects. Written by `make docs`, which translates each "
	"feature and looks at what comes\n"
	"out (tests/unit/dialect/coverage_test.c); `make test` fails if a cell gets worse. Rules and exceptions: "
	"[translation.md](translation.md).\n\n"
	"* **as it is**: the same dialect on both sides: bytes pass\n"
	"* **carried**: said in the other dialect's own words\n"
	"* **emulated**: the other dialect has no such words; another form means the same, or nearly so\n"
	"* **kept**: the gateway keeps it and puts it back into the conversation's next request\n"
	"* **dropped**: left out, and reported in `x-sluice-dropped`; under `translation.strict` the request is "
	"refused\n"
	"* **refused**: 400, with the place and what is allowed\n\n"
	"Models are those of today: where a feature depends on the model (sampling while thinking, schemas on older "
	"models), translation.md tells.\n"
	"Rows are what a dialect has words for.\n\n";

static void write_page(struct buf *out)
{
	buf_append(out, str_from_z(head));
	buf_append(out, STR("# Requests\n\n"));
	for (unsigned c = 0; c < SIDES; c++) {
		buf_printf(out, "## A client of %s asks a provider of …\n\n", sides[c].title);
		put_table(out, &requests, c, true);
	}
	buf_append(
		out,
		STR("# Answers\n\nWhole ones; streams bring the same, but for voices, which Converse has in whole "
		    "answers only.\n\n"));
	for (unsigned p = 0; p < PROVIDERS; p++) {
		buf_printf(out, "## A provider of %s answers a client of …\n\n", sides[p].title);
		put_table(out, &answers, p, false);
	}
	out->n--; /* one line feed at the end */
}

static enum outcome outcome_of(struct str word)
{
	for (unsigned i = NOT_THERE; i <= SAME; i++)
		if (str_eq(word, str_from_z(outcome_names[i])))
			return (enum outcome)i;
	return NOT_THERE;
}

/* Refused and dropped are both told to the client: neither is worse. */
static unsigned rank(struct str cell)
{
	enum outcome o = outcome_of(cell);

	return o == REFUSED ? DROPPED : o;
}

static void compare_rows(struct str heading, struct str old, struct str row)
{
	struct str name = str_trim(str_slice(row, 1, str_find(str_slice(row, 1, row.n), STR("|"))));
	unsigned column = 0;

	while (old.n && row.n) {
		struct str was = str_trim(str_cut(&old, '|')), is = str_trim(str_cut(&row, '|'));
		if (rank(is) < rank(was)) {
			failures++;
			print_error("%.*s, %.*s, column %u: %.*s has become %.*s\n", STR_ARG(heading), STR_ARG(name),
			            column, STR_ARG(was), STR_ARG(is));
		}
		column++;
	}
}

/* The row of the same name below the same heading. */
static struct str find_row(struct str page, struct str heading, struct str row)
{
	size_t at = str_find(page, heading), end;
	struct str name = str_slice(row, 0, 1 + str_find(str_slice(row, 1, row.n), STR("|")));

	if (at == STR_NPOS)
		return (struct str){ 0 };
	page = str_slice(page, at + heading.n, page.n);
	end = str_find(page, STR("\n#"));
	page = str_slice(page, 0, end);
	at = str_find(page, name);
	if (at == STR_NPOS)
		return (struct str){ 0 };
	page = str_slice(page, at, page.n);
	return str_cut(&page, '\n');
}

static void compare_pages(struct str old, struct str new)
{
	struct str heading = STR("#"), rest = old;

	while (rest.n) {
		struct str line = str_cut(&rest, '\n');
		if (str_starts(line, STR("## "))) {
			heading = line;
		} else if (str_starts(line, STR("| ")) && !str_starts(line, STR("| |"))) {
			struct str row = find_row(new, heading, line);
			if (!row.n) {
				failures++;
				print_error("%.*s: the row is gone: %.*s\n", STR_ARG(heading), STR_ARG(line));
			}
			compare_rows(heading, line, row);
		}
	}
}

static void read_file(const char *path, struct buf *out)
{
	char piece[65536];
	size_t n;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	while ((n = fread(piece, 1, sizeof piece, f)) > 0)
		assert_true(buf_append(out, str_of(piece, n)));
	fclose(f);
}

static void no_cell_is_worse_than_in_the_page(void **state)
{
	struct buf page = buf_make(MEMORY_MAX), old = buf_make(MEMORY_MAX);

	(void)state;
	write_page(&page);
	read_file(PAGE, &old);
	compare_pages(buf_str(&old), buf_str(&page));
	assert_int_equal(failures, 0);
	if (!str_eq(buf_str(&old), buf_str(&page)))
		fail_msg("%s is old: make docs", PAGE);
	buf_fini(&page);
	buf_fini(&old);
}

static int write_to(const char *path)
{
	struct buf page = buf_make(MEMORY_MAX);
	FILE *f = fopen(path, "w");

	write_page(&page);
	if (!f || fwrite(page.p, 1, page.n, f) != page.n || fclose(f) != 0) {
		perror(path);
		return 1;
	}
	buf_fini(&page);
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(no_cell_is_worse_than_in_the_page) };
	int result;

	dialect_init();
	arena_init(&memory, MEMORY_MAX);
	read_page(REQUESTS, &requests);
	read_page(ANSWERS, &answers);
	fill();
	result = argc == 2 && strcmp(argv[1], "--write") == 0 ? write_to(PAGE)
	                                                      : cmocka_run_group_tests(tests, NULL, NULL);
	arena_fini(&memory);
	return result;
}
