/* SPDX-License-Identifier: Apache-2.0 */
/* responses_state: requests that go on from what was said before, and lists of items. */
#include "dialect/responses.h"

#include <stdio.h>

#include "base/arena.h"
#include "base/err.h"
#include "dialect/dialect_in.h"
#include "dialect/responses_in.h"
#include "json/write.h"

#define REFERENCE "item_reference"

/* ---- looking at a request ---- */

void responses_look(struct arena *a, struct str body, struct responses_look *out)
{
	struct json_hit hit[RESPONSES_ASKED];
	struct json_fault fault;
	bool store;

	*out = (struct responses_look){ .store = true };
	if (!json_scan(responses_asked(), body, REQUEST_DEPTH_MAX, hit, &fault))
		return;
	if (json_to_bool(hit[RESPONSES_ASKS_STORE].value, &store))
		out->store = store;
	if (hit[RESPONSES_ASKS_PREVIOUS].type == JSON_STRING &&
	    !json_to_str(hit[RESPONSES_ASKS_PREVIOUS].value, a, &out->previous))
		out->previous = (struct str){ 0 };
	out->references = str_find(body, STR(REFERENCE)) != STR_NPOS;
}

/* ---- ids ---- */

struct str responses_answer_id(char out[RESPONSES_ID_MAX], struct str id)
{
	int max = id.n < RESPONSES_ID_MAX - 8 ? (int)id.n : RESPONSES_ID_MAX - 8;
	int n = snprintf(out, RESPONSES_ID_MAX, "resp_%.*s", max, max ? id.p : "");

	return str_of(out, (size_t)n);
}

/* "msg_01ABC…_3" is of "resp_01ABC…": as responses_make_id makes them. */
struct str responses_id_of_item(char out[RESPONSES_ID_MAX], struct str item)
{
	size_t from = str_find_chr(item, '_'), to = item.n;

	if (from == STR_NPOS)
		return (struct str){ 0 };
	while (to > from + 1 && item.p[to - 1] >= '0' && item.p[to - 1] <= '9')
		to--;
	if (to <= from + 2 || to == item.n || item.p[to - 1] != '_')
		return (struct str){ 0 };
	return responses_answer_id(out, str_slice(item, from + 1, to - 1));
}

/* ---- items ---- */

static void comma(struct buf *out)
{
	if (out->n)
		buf_append_c(out, ',');
}

void responses_add_items(const struct json_node *array, struct buf *out)
{
	for (const struct json_node *v = node_first(array); v; v = node_next(array, v)) {
		comma(out);
		buf_append(out, node_raw(v));
	}
}

static bool add_item(const struct json_node *v, struct arena *a, const struct responses_finder *find, struct buf *out,
                     struct err *e)
{
	struct str item = node_raw(v);

	if (find && node_is_word(node_get(v, STR("type")), STR(REFERENCE))) {
		struct str id = jstr_plain(a, node_get_text(v, STR("id")));

		if (!find->find(find->arg, id, &item, e))
			return false;
	}
	comma(out);
	buf_append(out, item);
	return true;
}

bool responses_add_input(const struct json_node *body, struct arena *a, const struct responses_finder *find,
                         struct buf *out, struct err *e)
{
	const struct json_node *input = node_get(body, STR("input"));

	if (node_is(input, JSON_STRING)) {
		comma(out);
		buf_append(
			out,
			STR("{\"type\":\"message\",\"role\":\"user\",\"content\":[{\"type\":\"input_text\",\"text\":"));
		buf_append(out, node_raw(input));
		buf_append(out, STR("}]}"));
	}
	if (node_is(input, JSON_ARRAY))
		for (const struct json_node *v = node_first(input); v; v = node_next(input, v))
			if (!add_item(v, a, find, out, e))
				return false;
	return !out->failed || err_set(e, ERR_TOO_LARGE, "the conversation needs more memory than it may have");
}

struct str responses_with_input(struct arena *a, const struct json_node *body, struct str items)
{
	struct buf out = buf_make(body->n + items.n + 64);
	struct json_writer w = json_writer_make(&out);
	struct str copy;

	json_open(&w, '{');
	for (const struct json_node *m = node_first(body); m; m = node_next(body, m)) {
		if (node_named(m, STR("input")) || node_named(m, STR("previous_response_id")))
			continue;
		json_key_jstr(&w, node_key(m));
		json_raw(&w, node_raw(m));
	}
	json_key_lit(&w, "input");
	json_open(&w, '[');
	if (items.n)
		json_raw(&w, items);
	json_close(&w);
	json_close(&w);
	copy = json_write_done(&w) ? arena_dup(a, buf_str(&out)) : (struct str){ 0 };
	buf_fini(&out);
	return copy;
}

/* ---- streams ---- */

struct str responses_object_of_stream(struct arena *a, struct str bytes)
{
	static const struct str ends[] = { STR_INIT("event: response.completed\ndata: "),
		                           STR_INIT("event: response.incomplete\ndata: ") };

	for (size_t i = 0; i < COUNT_OF(ends); i++) {
		size_t at = str_find(bytes, ends[i]);
		const struct json_node *root;
		struct str data;

		if (at == STR_NPOS)
			continue;
		data = str_slice(bytes, at + ends[i].n, bytes.n);
		data = str_slice(data, 0, str_find_chr(data, '\n'));
		root = json_nodes(a, data, ANSWER_DEPTH_MAX, NULL);
		return node_raw(node_get(root, STR("response")));
	}
	return (struct str){ 0 };
}

/* ---- lists ---- */

/* The item's id: its own, or made of the response's and its place. */
static struct str id_of(const struct json_node *v, struct str response_id, size_t index,
                        char made[RESPONSES_ID_MAX + 32])
{
	struct jstr own = node_get_text(v, STR("id"));
	int n;

	if (own.n)
		return jstr_raw(own);
	n = snprintf(made, RESPONSES_ID_MAX + 32, "%s%.*s_in%zu",
	             responses_item_of(v) == ITEM_MESSAGE ? "msg_" : "item_",
	             response_id.n > 5 ? (int)(response_id.n - 5) : 0, response_id.n > 5 ? response_id.p + 5 : "",
	             index);
	return str_of(made, (size_t)n);
}

static void write_item(struct json_writer *w, const struct json_node *v, struct str id)
{
	bool message = responses_item_of(v) == ITEM_MESSAGE;
	const struct json_node *content = node_get(v, STR("content"));

	json_open(w, '{');
	json_key_lit(w, "id");
	json_jstr(w, jstr_of(id.p, id.n));
	if (message && !node_get(v, STR("type"))) {
		json_key_lit(w, "type");
		json_str(w, STR("message"));
	}
	if (message && !node_get(v, STR("status"))) {
		json_key_lit(w, "status");
		json_str(w, STR("completed"));
	}
	for (const struct json_node *m = node_first(v); m; m = node_next(v, m)) {
		if (node_named(m, STR("id")))
			continue;
		json_key_jstr(w, node_key(m));
		if (m == content && message && m->type == JSON_STRING) {
			json_open(w, '[');
			json_open(w, '{');
			json_key_lit(w, "type");
			json_str(w, node_is_word(node_get(v, STR("role")), STR("assistant")) ? STR("output_text")
			                                                                     : STR("input_text"));
			json_key_lit(w, "text");
			json_raw(w, node_raw(m));
			json_close(w);
			json_close(w);
		} else {
			json_raw(w, node_raw(m));
		}
	}
	json_close(w);
}

bool responses_write_items(struct arena *a, struct str response_id, const struct json_node *items,
                           const struct responses_page *page, struct buf *out)
{
	size_t n = items ? items->children : 0, written = 0;
	const struct json_node **all = arena_alloc(a, (n + 1) * sizeof *all);
	char made[RESPONSES_ID_MAX + 32], first[sizeof made] = "", last[sizeof made] = "";
	struct json_writer w = json_writer_make(out);
	bool begun = page->after.n == 0, more = false;
	size_t k = 0;

	if (!all)
		return false;
	for (const struct json_node *v = node_first(items); v; v = node_next(items, v))
		if (node_is(v, JSON_OBJECT))
			all[k++] = v;
	json_open(&w, '{');
	json_key_lit(&w, "object");
	json_str(&w, STR("list"));
	json_key_lit(&w, "data");
	json_open(&w, '[');
	for (size_t i = 0; i < k; i++) {
		size_t index = page->ascending ? i : k - 1 - i;
		struct str id = id_of(all[index], response_id, index, made);

		if (!begun) {
			begun = str_eq(id, page->after);
			continue;
		}
		if (written == page->limit) {
			more = true;
			break;
		}
		write_item(&w, all[index], id);
		snprintf(written++ ? last : first, sizeof first, "%.*s", STR_ARG(id));
	}
	json_close(&w);
	json_key_lit(&w, "first_id");
	json_str(&w, str_from_z(first));
	json_key_lit(&w, "last_id");
	json_str(&w, str_from_z(written > 1 ? last : first));
	json_key_lit(&w, "has_more");
	json_bool(&w, more);
	json_close(&w);
	return json_write_done(&w);
}
