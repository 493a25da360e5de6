/* SPDX-License-Identifier: Apache-2.0 */
/*
 * embed: requests for vectors and their answers between OpenAI's Embeddings and Gemini's two calls: goldens of our own,
 * vectors as numbers and as base64, slices, and, where ../shared/corpus is there, the recordings.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <yyjson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "dialect/embed.h"
#include "lib/check.h"
#include "model/facts.h"
#include "model/quirk.h"

#define FOLDER "../shared/corpus"

static const char one[] = "/v1beta/models/e:embedContent", many[] = "/v1beta/models/e:batchEmbedContents";

static const struct {
	const char *name;
	const struct dialect *from, *to;
	const char *path, *in;
	const char *out;                 /* or the error's text */
	const char *drops;
	unsigned quirks;
} requests[] = {
	{ "one text to Gemini", &dialect_openai_embeddings, &dialect_gemini, "",
	  "{\"model\":\"e\",\"input\":\"h\\u00e9\",\"dimensions\":256,\"encoding_format\":\"base64\",\"user\":\"u\"}",
	  "{\"model\":\"models/up\",\"content\":{\"parts\":[{\"text\":\"h\\u00e9\"}]},\"outputDimensionality\":256}",
	  "user", 0 },
	{ "two texts to Gemini", &dialect_openai_embeddings, &dialect_gemini, "",
	  "{\"model\":\"e\",\"input\":[\"a\",\"b\"],\"input_type\":\"query\"}",
	  "{\"requests\":[{\"model\":\"models/up\",\"content\":{\"parts\":[{\"text\":\"a\"}]},"
	  "\"taskType\":\"RETRIEVAL_QUERY\"},"
	  "{\"model\":\"models/up\",\"content\":{\"parts\":[{\"text\":\"b\"}]},\"taskType\":\"RETRIEVAL_QUERY\"}]}",
	  "", 0 },
	{ "unknown members are told", &dialect_openai_embeddings, &dialect_gemini, "",
	  "{\"model\":\"e\",\"input\":\"a\",\"truncate_prompt_tokens\":5}",
	  "{\"model\":\"models/up\",\"content\":{\"parts\":[{\"text\":\"a\"}]}}", "truncate_prompt_tokens", 0 },
	{ "tokens are OpenAI's alone", &dialect_openai_embeddings, &dialect_gemini, "",
		"{\"model\":\"e\",\"input\":[1,2]}",
	  "input[0]: must be a text; the provider knows no token numbers", NULL, 0 },
	{ "tokens of two inputs", &dialect_openai_embeddings, &dialect_openai_embeddings, "",
	  "{\"model\":\"e\",\"input\":[[1,2],[3]]}", "{\"model\":\"up\",\"input\":[[1,2],[3]]}", "", 0 },
	{ "a single content to OpenAI", &dialect_gemini, &dialect_openai_embeddings, one,
	  "{\"content\":{\"parts\":[{\"text\":\"a\"},{\"text\":\"b\"}]},\"task_type\":\"RETRIEVAL_DOCUMENT\","
	  "\"title\":\"t\","
	  "\"output_dimensionality\":64}",
	  "{\"model\":\"up\",\"input\":[\"a\\nb\"],\"dimensions\":64}", "task title", 0 },
	{ "a provider that wants a task", &dialect_gemini, &dialect_openai_embeddings, one,
	  "{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"taskType\":\"RETRIEVAL_QUERY\"}",
	  "{\"model\":\"up\",\"input\":[\"a\"],\"input_type\":\"query\"}", "", QUIRK_INPUT_TYPE },
	{ "a batch to OpenAI", &dialect_gemini, &dialect_openai_embeddings, many,
	  "{\"requests\":[{\"model\":\"models/e\",\"content\":{\"parts\":[{\"text\":\"a\"}]}},"
	  "{\"content\":{\"role\":\"user\",\"parts\":[{\"text\":\"b\"}]},\"outputDimensionality\":8}]}",
	  "{\"model\":\"up\",\"input\":[\"a\",\"b\"],\"dimensions\":8}", "", 0 },
	{ "an image to OpenAI", &dialect_gemini, &dialect_openai_embeddings, one,
	  "{\"content\":{\"parts\":[{\"inline_data\":{\"mime_type\":\"image/png\",\"data\":\"AAAA\"}}]}}",
	  "input[0]: must be a text; the provider takes no image", NULL, 0 },
	{ "nothing", &dialect_openai_embeddings, &dialect_gemini, "", "{\"model\":\"e\",\"input\":[]}",
	  "input: the input must not be empty", NULL, 0 },
	{ "no input", &dialect_openai_embeddings, &dialect_gemini, "", "{\"model\":\"e\"}",
	  "input: must be a text or a list of texts", NULL, 0 },
	{ "a mixture", &dialect_openai_embeddings, &dialect_gemini, "", "{\"model\":\"e\",\"input\":[\"a\",[1]]}",
	  "input[1]: must be a text, not [1]", NULL, 0 },
	{ "no number", &dialect_openai_embeddings, &dialect_gemini, "",
		"{\"model\":\"e\",\"input\":\"a\",\"dimensions\":\"x\"}",
	  "dimensions: must be a whole number above 0, not \"x\"", NULL, 0 },
	{ "no content", &dialect_gemini, &dialect_openai_embeddings, many,
		"{\"requests\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}},{}]}",
	  "requests[1]: content: must be there", NULL, 0 },
};

static const struct {
	const char *name;
	const struct dialect *from, *to;
	size_t n;
	bool many, base64;
	const char *in, *out;            /* out NULL: it is refused */
} answers[] = {
	{ "Gemini's one, for OpenAI", &dialect_gemini, &dialect_openai_embeddings, 1, false, false,
	  "{\"embedding\":{\"values\":[0.5,-1e-3]},\"usageMetadata\":{\"promptTokenCount\":4}}",
	  "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":[0.5,-1e-3]}],"
	  "\"model\":\"public\","
	  "\"usage\":{\"prompt_tokens\":4,\"total_tokens\":4}}" },
	{ "Gemini's two, for OpenAI in base64", &dialect_gemini, &dialect_openai_embeddings, 2, true, true,
	  "{\"embeddings\":[{\"values\":[1,2]},{\"values\":[ 0.1 ]}]}",
	  "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":0,\"embedding\":\"AACAPwAAAEA=\"},"
	  "{\"object\":\"embedding\",\"index\":1,\"embedding\":\"zczMPQ==\"}],\"model\":\"public\","
	  "\"usage\":{\"prompt_tokens\":0,\"total_tokens\":0}}" },
	{ "OpenAI's, out of order and in base64, for Gemini", &dialect_openai_embeddings, &dialect_gemini, 2, true,
		false,
	  "{\"object\":\"list\",\"data\":[{\"index\":1,\"embedding\":\"AACAPwAAAEA=\"},{\"index\":0,"
	  "\"embedding\":[0.25]}],"
	  "\"model\":\"m\",\"usage\":{\"prompt_tokens\":3,\"total_tokens\":3}}",
	  "{\"embeddings\":[{\"values\":[0.25]},{\"values\":[1,2]}],\"usageMetadata\":{\"promptTokenCount\":3,"
	  "\"totalTokenCount\":3}}" },
	{ "one for Gemini", &dialect_openai_embeddings, &dialect_gemini, 1, false, false,
	  "{\"data\":[{\"embedding\":\"zczMPQ==\",\"index\":0}]}", "{\"embedding\":{\"values\":[0.1]}}" },
	{ "too few", &dialect_openai_embeddings, &dialect_gemini, 2, true, false, "{\"data\":[{\"embedding\":[1]}]}",
		NULL },
	{ "twice the same", &dialect_openai_embeddings, &dialect_gemini, 2, true, false,
	  "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}", NULL },
	{ "no vector", &dialect_gemini, &dialect_openai_embeddings, 1, false, false,
		"{\"embedding\":{\"values\":[\"a\"]}}", NULL },
	{ "no base64", &dialect_openai_embeddings, &dialect_gemini, 1, false, false,
		"{\"data\":[{\"embedding\":\"!\"}]}", NULL },
	{ "bytes that are no whole number of floats", &dialect_openai_embeddings, &dialect_gemini, 1, false, false,
	  "{\"data\":[{\"embedding\":\"AAAA\"}]}", NULL },
	{ "infinite", &dialect_openai_embeddings, &dialect_gemini, 1, false, false,
		"{\"data\":[{\"embedding\":\"AACAfw==\"}]}", NULL },
};

static bool read_rq(struct arena *a, const struct dialect *d, const char *path, struct str body,
                    struct embed_request *out, struct err *e)
{
	struct dialect_in in = { .path = str_from_z(path), .body = body, .call = CALL_EMBED };
	struct dialect_request rq;
	const struct json_node *root;

	if (!d->read_request(a, &in, &rq, e))
		return false;
	root = json_nodes(a, body, REQUEST_DEPTH_MAX, e);
	return root && d->embed->read_request(a, &rq, root, out, e);
}

static void goldens_of_requests(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(requests); i++) {
		struct chat_target to = { .model = JSTR("up"), .facts = &model_facts_unknown,
			.quirks = requests[i].quirks };
		struct buf drops = buf_make(1024);
		struct embed_wire wire = { 0 };
		struct embed_request rq;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 1 << 20);
		wire.drops.arena = &a;
		if (!read_rq(&a, requests[i].from, requests[i].path, str_from_z(requests[i].in), &rq, &e) ||
		    !requests[i].to->embed->write_request(&a, &rq, 0, rq.n, &to, &wire, &e)) {
			check_str(requests[i].name, str_from_z(e.text), str_from_z(requests[i].out));
			check(requests[i].name, !requests[i].drops && e.code == ERR_INVALID_REQUEST);
			arena_fini(&a);
			continue;
		}
		check_str(requests[i].name, wire.body, str_from_z(requests[i].out));
		for (const struct chat_drop *d = wire.drops.first; d; d = d->next)
			buf_printf(&drops, "%s%.*s", drops.n ? " " : "", STR_ARG(d->name));
		check(requests[i].name, requests[i].drops != NULL);
		check_str(requests[i].name, buf_str(&drops), str_from_z(requests[i].drops));
		buf_fini(&drops);
		arena_fini(&a);
	}
}

static void goldens_of_answers(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT_OF(answers); i++) {
		struct embed_request rq = { .many = answers[i].many, .base64 = answers[i].base64, .n = answers[i].n };
		struct chat_reply reply = { .model = JSTR("public") };
		struct buf out = buf_make(1 << 16);
		struct embed_response rs;
		struct arena a;
		struct err e = { 0 };

		arena_init(&a, 4 << 20);
		const struct json_node *root = json_nodes(&a, str_from_z(answers[i].in), 16, &e);
		bool good = answers[i].from->embed->read_response(&a, root, answers[i].n, &rs, &e) &&
			    answers[i].to->embed->write_response(&a, &rq, &rs, &reply, &out);
		check(answers[i].name, good == (answers[i].out != NULL));
		if (good)
			check_str(answers[i].name, buf_str(&out), str_from_z(answers[i].out));
		buf_fini(&out);
		arena_fini(&a);
	}
}

static void slices_are_joined_in_order(void **state)
{
	struct chat_target to = { .model = JSTR("up"), .facts = &model_facts_unknown };
	struct embed_vector vectors[3];
	struct embed_response all = { .vectors = vectors }, part;
	struct embed_request rq;
	struct embed_wire wire = { 0 };
	struct arena a;
	struct err e = { 0 };

	(void)state;
	arena_init(&a, 1 << 20);
	assert_true(read_rq(&a, &dialect_openai_embeddings, "", STR("{\"model\":\"e\",\"input\":[\"a\",\"b\",\"c\"]}"),
		&rq, &e));
	assert_true(gemini_embed_codec.write_request(&a, &rq, 1, 1, &to, &wire, &e));
	check_str("a slice of one", wire.body, STR("{\"model\":\"models/up\",\"content\":{\"parts\":[{\"text\":\"b\"}]}"
		"}"));
	assert_int_equal(wire.call, CALL_EMBED);
	static const char *const parts[] = {
		"{\"embedding\":{\"values\":[1]},\"usageMetadata\":{\"promptTokenCount\":2}}",
		"{\"embedding\":{\"values\":[2]},\"usageMetadata\":{\"promptTokenCount\":3}}",
		"{\"embedding\":{\"values\":[3]}}",
	};
	for (int i = 0; i < 3; i++) {
		const struct json_node *root = json_nodes(&a, str_from_z(parts[i]), 8, &e);
		assert_true(gemini_embed_codec.read_response(&a, root, 1, &part, &e));
		embed_join(&all, (size_t)i, &part);
		if (i == 1) {
			assert_int_equal(all.usage.n[USAGE_INPUT], 5);
			assert_int_equal(all.usage.source, USAGE_REPORTED);
		}
	}
	assert_int_equal(all.n, 3);
	assert_int_equal(all.usage.source, USAGE_NONE);
	check_str("third", all.vectors[2].floats, STR("[3]"));
	arena_fini(&a);
}

/* ---- recordings -------------------------------------------------------------------------------------------------- */

static unsigned seen, bad;

/* Every number of a recording through base64 and back is the same float32. */
static void try_answer(const char *id, const struct dialect *d, struct str body)
{
	yyjson_doc *doc = yyjson_read(body.p, body.n, 0);
	yyjson_val *root = yyjson_doc_get_root(doc), *list = yyjson_obj_get(root, "data"), *m, *x;
	struct embed_response rs;
	struct arena a;
	struct err e = { 0 };
	size_t i, max, j, dims;

	if (!list)
		list = yyjson_obj_get(root, "embeddings");
	arena_init(&a, 256 << 20);
	size_t n = list ? yyjson_arr_size(list) : yyjson_obj_get(root, "embedding") ? 1 : 0;
	const struct json_node *nodes = n ? json_nodes(&a, body, 32, &e) : NULL;
	if (nodes && d->embed->read_response(&a, nodes, n, &rs, &e)) {
		seen++;
		yyjson_arr_foreach(list, i, max, m)
		{
			yyjson_val *values = yyjson_obj_get(m, d->id == DIALECT_GEMINI ? "values" : "embedding");
			struct embed_vector as64 = { .base64 = embed_base64(&a, &rs.vectors[i]) };
			struct str text = embed_floats(&a, &as64);
			yyjson_doc *back = yyjson_read(text.p, text.n, 0);

			if (!yyjson_is_arr(values)) {
				yyjson_doc_free(back);
				continue;
			}
			if (yyjson_arr_size(values) != yyjson_arr_size(yyjson_doc_get_root(back)))
				bad++;
			yyjson_arr_foreach(values, j, dims,
			                   x) if ((float)yyjson_get_num(x) !=
			                          (float)yyjson_get_num(yyjson_arr_get(yyjson_doc_get_root(back), j)))
				bad++;
			yyjson_doc_free(back);
		}
	} else if (n) {
		print_error("%s: %s\n", id, e.text);
		bad++;
	}
	arena_fini(&a);
	yyjson_doc_free(doc);
}

static void try_file(const char *name, const struct dialect *d)
{
	char path[256], command[300], *line = NULL;
	size_t cap = 0;
	ssize_t n;

	snprintf(path, sizeof(path), FOLDER "/%s.unary.jsonl.gz", name);
	if (access(path, R_OK) != 0)
		return;
	snprintf(command, sizeof(command), "gzip -dc %s", path);
	FILE *f = popen(command, "r");
	assert_non_null(f);
	while ((n = getline(&line, &cap, f)) > 0) {
		yyjson_doc *doc = yyjson_read(line, (size_t)n, 0);
		yyjson_val *root = yyjson_doc_get_root(doc), *body = yyjson_obj_get(root, "response_body");
		yyjson_val *request = yyjson_obj_get(root, "request_body");
		const char *id = yyjson_get_str(yyjson_obj_get(root, "id")), *url = yyjson_get_str(yyjson_obj_get(root,
			"url"));
		bool good = yyjson_get_int(yyjson_obj_get(root, "status")) == 200 &&
			    yyjson_equals_str(yyjson_obj_get(root, "method"), "POST");

		if (good && yyjson_is_str(body))
			try_answer(id, d, str_of(yyjson_get_str(body), yyjson_get_len(body)));
		if (good && yyjson_is_str(request) && (d->id != DIALECT_GEMINI || (url && strstr(url, "/models/")))) {
			struct str text = str_of(yyjson_get_str(request), yyjson_get_len(request)),
				at = str_from_z(url ? url : "");
			struct embed_request rq;
			struct arena a;
			struct err e = { 0 };

			arena_init(&a, 64 << 20);
			at = str_slice(at, 0, str_find_chr(at, '?'));
			char *z = strndup(at.p, at.n);
			if (!read_rq(&a, d, z, text, &rq, &e) && e.code != ERR_NONE &&
			    strstr(e.text, "model") == NULL) {
				print_error("%s: %s\n", id, e.text);
				bad++;
			}
			free(z);
			arena_fini(&a);
		}
		yyjson_doc_free(doc);
	}
	free(line);
	assert_int_equal(pclose(f), 0);
}

static void recordings(void **state)
{
	(void)state;
	if (access(FOLDER, R_OK) != 0) {
		print_message("skipped: there is no " FOLDER "\n");
		return;
	}
	try_file("gemini-embeddings", &dialect_gemini);
	try_file("vertex-gemini-embeddings", &dialect_gemini);
	try_file("openai-embeddings", &dialect_openai_embeddings);
	try_file("azure-openai-embeddings", &dialect_openai_embeddings);
	try_file("mistral-embeddings", &dialect_openai_embeddings);
	try_file("doubleword-embeddings", &dialect_openai_embeddings);
	try_file("llamacpp-embeddings", &dialect_openai_embeddings);
	try_file("openrouter-embeddings", &dialect_openai_embeddings);
	print_message("%u answers\n", seen);
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(goldens_of_requests),
		cmocka_unit_test(goldens_of_answers),
		cmocka_unit_test(slices_are_joined_in_order),
		cmocka_unit_test(recordings),
	};

	dialect_init();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
