/* SPDX-License-Identifier: Apache-2.0 */
/* sigv4: the signatures that AWS published for its test requests and in its guide, and those of Bedrock's paths. */
#include "provider/sigv4.h"

#include "base/arena.h"
#include "base/text.h"
#include "lib/check.h"

#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define TIME   "20150830T123600Z"
#define EXAMPLE "example.amazonaws.com"
#define FORM   "application/x-www-form-urlencoded"
#define TOKEN                                                                                                    \
	"AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflf" \
	"KD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd" \
	"8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3i" \
	"SIlTJabIQwj2ICCR/oLxBA=="
#define BEDROCK "/model/us.anthropic.claude-sonnet-4-5-20250929-v1%3A0/converse"

static const struct {
	const char *name, *method, *path, *query, *host, *region, *service, *type, *token, *body, *names, *want;
} cases[] = {
	{ "get-vanilla", "GET", "/", "", EXAMPLE, "us-east-1", "service", "", "", "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "an empty path", "GET", "", "", EXAMPLE, "us-east-1", "service", "", "", "", "host;x-amz-date",
	  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31" },
	{ "post-vanilla", "POST", "/", "", EXAMPLE, "us-east-1", "service", "", "", "", "host;x-amz-date",
	  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b" },
	{ "get-vanilla-query-order-key-case", "GET", "/", "Param2=value2&Param1=value1", EXAMPLE,
	  "us-east-1", "service", "", "", "", "host;x-amz-date",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "an escape that need not be one", "GET", "/", "Param2=val%75e2&Param1=value1", EXAMPLE,
	  "us-east-1", "service", "", "", "", "host;x-amz-date",
	  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500" },
	{ "post-x-www-form-urlencoded", "POST", "/", "", EXAMPLE, "us-east-1", "service", FORM, "",
	  "Param1=value1", "content-type;host;x-amz-date",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "spaces around a value", "POST", "/", "", EXAMPLE, "us-east-1", "service", "  " FORM " ", "",
	  "Param1=value1", "content-type;host;x-amz-date",
	  "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a" },
	{ "post-sts-header-before", "POST", "/", "", EXAMPLE, "us-east-1", "service", "", TOKEN, "",
	  "host;x-amz-date;x-amz-security-token",
	  "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead" },
	{ "the example of IAM's guide", "GET", "/", "Action=ListUsers&Version=2010-05-08", "iam.amazonaws.com",
	  "us-east-1", "iam", FORM "; charset=utf-8", "", "", "content-type;host;x-amz-date",
	  "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7" },
	{ "a model's id is encoded twice", "POST", BEDROCK, "", "bedrock-runtime.eu-west-1.amazonaws.com", "eu-west-1",
	  "bedrock", "", "", "{\"messages\":[]}", "host;x-amz-date",
	  "75c334f48c90ce98ee81b53ef268c58beca59195d9b40242d84cad75bef557fa" },
};

static void signs_as_published(void **state)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct sigv4_header type = { STR("content-type"), str_from_z(cases[i].type) };
		struct str body = str_from_z(cases[i].body);
		struct str pieces[] = { str_slice(body, 0, 3), str_slice(body, 3, body.n) };
		struct sigv4_request r = {
			.method = str_from_z(cases[i].method), .path = str_from_z(cases[i].path),
			.query = str_from_z(cases[i].query), .host = str_from_z(cases[i].host),
			.headers = &type, .n_headers = type.value.n > 0, .body = pieces, .n_body = 2,
			.access_key_id = STR("AKIDEXAMPLE"), .session_token = str_from_z(cases[i].token),
			.region = str_from_z(cases[i].region), .service = str_from_z(cases[i].service),
		};
		struct sigv4_key key;
		struct arena a;
		struct str token;

		arena_init(&a, 1 << 20);
		token = r.session_token.n ? arena_printf(&a, "x-amz-security-token: %.*s\r\n", STR_ARG(r.session_token))
		                          : STR("");
		sigv4_derive(&key, TIME, STR(SECRET), r.region, r.service);
		check_str(cases[i].name, sigv4_lines(&a, &r, TIME, &key),
		          arena_printf(&a,
		                       "x-amz-date: " TIME "\r\n%.*sauthorization: AWS4-HMAC-SHA256 "
		                       "Credential=AKIDEXAMPLE/20150830/%s/%s/aws4_request, SignedHeaders=%s, "
		                       "Signature=%s\r\n",
		                       STR_ARG(token), cases[i].region, cases[i].service, cases[i].names,
		                       cases[i].want));
		arena_fini(&a);
	}
}

static void derives_the_published_key(void **state)
{
	struct sigv4_key key;
	uint8_t want[SIGV4_KEY_BYTES];

	assert_true(text_from_hex(STR("c4afb1cc5771d871763a393e44b703571b55cc28424d1a5e86da6ed3c154a4b9"), want, 32));
	sigv4_derive(&key, "20150830", STR(SECRET), STR("us-east-1"), STR("iam"));
	assert_memory_equal(key.bytes, want, 32);
	assert_memory_equal(key.day, "20150830", 8);
}

static void writes_the_time(void **state)
{
	char t[SIGV4_TIME_LEN];

	sigv4_time(t, 1440938160000u + 999);
	assert_memory_equal(t, TIME, SIGV4_TIME_LEN);
}

static void refuses_what_cannot_be_signed(void **state)
{
	char many[4 * (SIGV4_PARAMS + 1)];
	struct str queries[] = { STR("a=%zz"), STR("a=%0"), str_of(many, sizeof many) };
	struct sigv4_request r = { .method = STR("GET"), .path = STR("/"), .host = STR("h"), .region = STR("r"),
		                   .service = STR("s"), .access_key_id = STR("A") };
	struct sigv4_key key;
	struct arena a;

	for (size_t i = 0; i < sizeof many; i += 4)
		memcpy(many + i, "a=b&", 4);
	sigv4_derive(&key, TIME, STR(SECRET), r.region, r.service);
	for (size_t i = 0; i < COUNT_OF(queries); i++) {
		arena_init(&a, 1 << 16);
		r.query = queries[i];
		assert_null(sigv4_lines(&a, &r, TIME, &key).p);
		arena_fini(&a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signs_as_published),
		cmocka_unit_test(derives_the_published_key),
		cmocka_unit_test(writes_the_time),
		cmocka_unit_test(refuses_what_cannot_be_signed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
