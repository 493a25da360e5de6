/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider alone: whom it answers, what it refuses. What it says is seen through the gateway (tests/e2e). */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/buf.h"
#include "lib/check.h"
#include "main/demo_provider.h"

#define CHAT   "{\"model\":\"demo\",\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define CLAUDE "{\"model\":\"demo\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]}"
#define GEMINI "{\"contents\":[{\"parts\":[{\"text\":\"hi\"}]}]}"
#define BEARER "authorization: Bearer the-key\r\n"

static const struct {
	const char *name, *line, *fields, *body;
	int status;
	const char *holds;
} cases[] = {
	{ "OpenAI's credential", "POST /v1/chat/completions", BEARER, CHAT, 200, "\"object\":\"chat.completion\"" },
	{ "none", "POST /v1/chat/completions", "", CHAT, 401, "invalid_api_key" },
	{ "another", "POST /v1/chat/completions", "authorization: Bearer the-kez\r\n", CHAT, 401, "invalid_api_key" },
	{ "without the word Bearer", "POST /v1/chat/completions", "authorization: the-key\r\n", CHAT, 401, "" },
	{ "in Anthropic's field", "POST /v1/chat/completions", "x-api-key: the-key\r\n", CHAT, 401, "" },
	{ "a client's", "POST /v1/chat/completions", "authorization: Bearer sk-sl-1\r\n", CHAT, 500, "must never" },
	{ "a client's beside ours", "POST /v1/chat/completions", BEARER "x-api-key: sk-sl-1\r\n", CHAT, 500,
	  "must never" },
	{ "a client's in a cookie", "POST /v1/chat/completions", BEARER "cookie: a=sk-sl-1\r\n", CHAT, 500,
	  "must never" },
	{ "Anthropic's", "POST /v1/messages", "x-api-key: the-key\r\nanthropic-version: 2023-06-01\r\n", CLAUDE, 200,
	  "\"stop_reason\":" },
	{ "Anthropic's without version", "POST /v1/messages", "x-api-key: the-key\r\n", CLAUDE, 400,
	  "anthropic-version" },
	{ "Anthropic without limit", "POST /v1/messages", "x-api-key: the-key\r\nanthropic-version: 1\r\n", CHAT, 400,
	  "max_tokens: Field required" },
	{ "Anthropic refuses in its shape", "POST /v1/messages", "", CLAUDE, 401, "\"type\":\"authentication_error\"" },
	{ "Gemini's", "POST /v1beta/models/gemini-demo:generateContent", "x-goog-api-key: the-key\r\n", GEMINI, 200,
	  "\"finishReason\":\"STOP\"" },
	{ "Gemini refuses in its shape", "POST /v1beta/models/demo:generateContent", "", GEMINI, 401,
	  "UNAUTHENTICATED" },
	{ "no such method", "POST /v1beta/models/demo:dream", "x-goog-api-key: the-key\r\n", GEMINI, 404, "NOT_FOUND" },
	{ "no method at all", "POST /v1beta/models/demo", "x-goog-api-key: the-key\r\n", GEMINI, 404, "NOT_FOUND" },
	{ "no such path", "POST /v1/dreams", BEARER, CHAT, 404, "" },
	{ "another verb", "DELETE /v1/chat/completions", BEARER, "", 405, "" },
	{ "no JSON", "POST /v1/chat/completions", BEARER, "{\"model\"", 400, "not valid JSON" },
	{ "no object", "POST /v1/chat/completions", BEARER, "[1]", 400, "messages" },
	{ "no messages", "POST /v1/chat/completions", BEARER, "{\"model\":\"demo\"}", 400, "messages" },
	{ "no model", "POST /v1/chat/completions", BEARER, "{\"messages\":[{}]}", 404, "does not exist" },
	{ "a model it does not have", "POST /v1/chat/completions", BEARER, "{\"model\":\"gpt\",\"messages\":[{}]}", 404,
	  "model_not_found" },
	{ "messages of nothing", "POST /v1/chat/completions", BEARER, "{\"model\":\"demo\",\"messages\":[1,null,{}]}",
	  200, "" },
	{ "a schema that refers to itself", "POST /v1/chat/completions", BEARER,
	  "{\"model\":\"demo\",\"messages\":[{}],\"response_format\":{\"json_schema\":{\"schema\":{\"$ref\":\"#\"}}}}",
	  200, "null" },
	{ "an error in the model's name", "POST /v1/chat/completions", BEARER,
	  "{\"model\":\"demo-error-418\",\"messages\":[{}]}", 418, "demo-error-418" },
	{ "a number that is none", "POST /v1/chat/completions", BEARER,
	  "{\"model\":\"demo-error-99999999999999999999\",\"messages\":[{}]}", 200, "" },
	{ "an earlier answer that was not kept", "POST /v1/responses", BEARER,
	  "{\"model\":\"demo\",\"input\":\"x\",\"previous_response_id\":\"resp_1\"}", 400, "not found" },
	{ "too many dimensions", "POST /v1/embeddings", BEARER,
	  "{\"model\":\"demo\",\"input\":\"x\",\"dimensions\":99999}", 400, "dimensions" },
	{ "an array of no inputs", "POST /v1/embeddings", BEARER, "{\"model\":\"demo\",\"input\":[]}", 400, "input" },
};

/* The answer to one request on a connection of its own, up to its end; NUL-terminated. */
static struct buf ask(uint16_t port, const char *line, const char *fields, const char *body)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(port),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct buf b = buf_make(1 << 20);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	ssize_t n;

	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	buf_printf(&b, "%s HTTP/1.1\r\nhost: x\r\nconnection: close\r\n%scontent-length: %zu\r\n\r\n%s", line, fields,
	           strlen(body), body);
	assert_int_equal(write(fd, b.p, b.n), (ssize_t)b.n);
	buf_clear(&b);
	while ((n = read(fd, buf_reserve(&b, 4096), 4096)) > 0)
		b.n += (size_t)n;
	buf_append_c(&b, '\0');
	close(fd);
	return b;
}

static void test_cases(void **state)
{
	struct demo_provider_options o = { .key = STR("the-key"), .client_prefix = STR("sk-sl-") };
	struct err e;
	struct demo_provider *p = demo_provider_start(&o, &e);

	(void)state;
	assert_non_null(p);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct buf b = ask(demo_provider_port(p), cases[i].line, cases[i].fields, cases[i].body);
		int status = b.n > 12 ? atoi(b.p + 9) : 0;
		if (status != cases[i].status || !strstr(b.p, cases[i].holds))
			fail_msg("%s: wanted %d with %s, got %s", cases[i].name, cases[i].status, cases[i].holds, b.p);
		buf_fini(&b);
	}
	demo_provider_stop(p);
}

/* Stopping breaks off what hangs, and nothing leaks. */
static void test_stop(void **state)
{
	struct demo_provider_options o = { .key = STR("the-key"), .client_prefix = STR("sk-sl-") };
	struct err e;
	struct demo_provider *p = demo_provider_start(&o, &e);
	struct sockaddr_in to = { .sin_family = AF_INET,
		                  .sin_port = htons(demo_provider_port(p)),
		                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	static const char body[] = "{\"model\":\"demo-stall\",\"stream\":true,\"messages\":[{}]}";
	struct buf request = buf_make(1024);
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char c;

	(void)state;
	assert_non_null(p);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	buf_printf(&request, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n" BEARER "content-length: %zu\r\n\r\n%s",
	           strlen(body), body);
	assert_int_equal(write(fd, request.p, request.n), (ssize_t)request.n);
	assert_int_equal(read(fd, &c, 1), 1);
	buf_fini(&request);
	demo_provider_stop(p);
	close(fd);
	demo_provider_stop(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_stop) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
