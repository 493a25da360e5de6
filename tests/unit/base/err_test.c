/* SPDX-License-Identifier: Apache-2.0 */
/* base/err.h: names, statuses, and texts that are cut where a character ends. */
#include "lib/check.h"

#include <errno.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

/* What clients see; contract.md section 4. */
static void codes_have_their_names_and_statuses(void **state)
{
	static const struct {
		enum err_code code;
		const char *name;
		int status;
		enum err_origin origin;
	} cases[] = {
		{ ERR_INVALID_REQUEST, "invalid_request_error", 400, ERR_FROM_CLIENT },
		{ ERR_CONTEXT_LENGTH, "context_length_exceeded", 400, ERR_FROM_CLIENT },
		{ ERR_CONTENT_POLICY, "content_policy_violation", 400, ERR_FROM_CLIENT },
		{ ERR_GUARDRAIL, "guardrail_blocked", 400, ERR_FROM_CLIENT },
		{ ERR_UNSUPPORTED_PARAMETER, "unsupported_parameter", 400, ERR_FROM_CLIENT },
		{ ERR_INVALID_API_KEY, "invalid_api_key", 401, ERR_FROM_CLIENT },
		{ ERR_INSUFFICIENT_BALANCE, "insufficient_balance", 402, ERR_FROM_CLIENT },
		{ ERR_MODEL_NOT_ALLOWED, "model_not_allowed", 403, ERR_FROM_CLIENT },
		{ ERR_POLICY, "policy_violation", 403, ERR_FROM_CLIENT },
		{ ERR_MODEL_NOT_FOUND, "model_not_found", 404, ERR_FROM_CLIENT },
		{ ERR_NOT_FOUND, "not_found", 404, ERR_FROM_CLIENT },
		{ ERR_METHOD, "method_not_allowed", 405, ERR_FROM_CLIENT },
		{ ERR_TOO_LARGE, "request_too_large", 413, ERR_FROM_CLIENT },
		{ ERR_RATE_LIMIT, "rate_limit_exceeded", 429, ERR_FROM_CLIENT },
		{ ERR_CLIENT_GONE, "client_closed_request", 499, ERR_FROM_CLIENT },
		{ ERR_INTERNAL, "internal_error", 500, ERR_FROM_GATEWAY },
		{ ERR_UPSTREAM, "upstream_error", 502, ERR_FROM_PROVIDER },
		{ ERR_NO_DEPLOYMENT, "no_healthy_deployment", 503, ERR_FROM_GATEWAY },
		{ ERR_UPSTREAM_TIMEOUT, "upstream_timeout", 504, ERR_FROM_PROVIDER },
		{ ERR_CONFIG, "config_error", 500, ERR_FROM_GATEWAY },
		{ ERR_SYSTEM, "system_error", 500, ERR_FROM_GATEWAY },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err e;

		check(cases[i].name, !err_set(&e, cases[i].code, "%s", "text"));
		check(cases[i].name, e.code == cases[i].code && e.origin == cases[i].origin && e.status == 0);
		check(cases[i].name, e.retryable == (cases[i].origin == ERR_FROM_PROVIDER));
		check_str(cases[i].name, str_from_z(err_code_name(cases[i].code)), str_from_z(cases[i].name));
		check_u64(cases[i].name, err_code_status(cases[i].code), cases[i].status);
	}
	check_u64("none", err_code_status(ERR_NONE), 0);
}

static void every_code_is_described(void **state)
{
	for (int code = ERR_NONE; code < ERR_CODES; code++) {
		const char *name = err_code_name((enum err_code)code);
		int status = err_code_status((enum err_code)code);

		check(name, name[0] != '\0');
		check(name, code == ERR_NONE || (status >= 400 && status < 600));
	}
}

static void long_texts_are_cut_at_a_character(void **state)
{
	static const struct {
		const char *name, *unit;
	} cases[] = {
		{ "one byte", "a" },
		{ "two bytes", "\xc3\xa9" },
		{ "three bytes", "\xe2\x82\xac" },
		{ "four bytes", "\xf0\x9f\x98\x80" },
	};
	const size_t most = sizeof(((struct err *)0)->text) - 1;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		for (size_t lead = 0; lead < 4; lead++) {
			struct buf b = buf_make(2000);
			struct str text;
			struct err e;

			buf_printf(&b, "%.*s", (int)lead, "...");
			while (b.n <= most)
				buf_append(&b, str_from_z(cases[i].unit));
			check(cases[i].name, !err_set(&e, ERR_CONFIG, "%.*s", STR_ARG(buf_str(&b))));
			text = str_from_z(e.text);
			check(cases[i].name, text.n <= most && text.n + 4 > most);
			check(cases[i].name, str_ends(text, STR("...")));
			check(cases[i].name, text_is_utf8(text));
			check(cases[i].name, str_starts(buf_str(&b), str_slice(text, 0, text.n - 3)));
			buf_fini(&b);
		}
}

static void a_text_that_just_fits_is_whole(void **state)
{
	struct err e;
	const int most = (int)sizeof(e.text) - 1;

	check("set", !err_set(&e, ERR_CONFIG, "%*d", most, 7));
	check("whole", strlen(e.text) == (size_t)most && e.text[most - 1] == '7');
	check("set", !err_set(&e, ERR_CONFIG, "%*d", most + 1, 7));
	check("cut", strlen(e.text) == (size_t)most && str_ends(str_from_z(e.text), STR("...")));
}

static void system_errors_are_named(void **state)
{
	struct err e;

	check("set", !err_set_sys(&e, ENOENT, "open %s", "a.yaml"));
	check_str("text", str_from_z(e.text), STR("open a.yaml: No such file or directory"));
	check("code", e.code == ERR_SYSTEM);
	check("long", !err_set_sys(&e, ENOENT, "%*s", 505, ""));
	check("cut", strlen(e.text) == sizeof(e.text) - 1 && str_ends(str_from_z(e.text), STR("...")));
	check("longer", !err_set_sys(&e, ENOENT, "%*s", 2000, ""));
	check("cut", strlen(e.text) == sizeof(e.text) - 1 && str_ends(str_from_z(e.text), STR("...")));
}

static void prefixes_come_first(void **state)
{
	struct err e;

	err_set(&e, ERR_RATE_LIMIT, "limit %d", 5);
	e.status = 418;
	check("prefix", !err_prefix(&e, "key %s", "ci"));
	check_str("text", str_from_z(e.text), STR("key ci: limit 5"));
	check("the rest stays", e.code == ERR_RATE_LIMIT && e.status == 418 && e.origin == ERR_FROM_CLIENT);
	check("long prefix", !err_prefix(&e, "%*s", 600, ""));
	check("cut", strlen(e.text) == sizeof(e.text) - 1 && str_ends(str_from_z(e.text), STR("...")));
}

static void texts_may_be_made_of_themselves(void **state)
{
	struct err e;

	err_set(&e, ERR_UPSTREAM, "first");
	err_set(&e, ERR_UPSTREAM, "second, after %s", e.text);
	check_str("set", str_from_z(e.text), STR("second, after first"));
	err_set_sys(&e, EIO, "third, after %s", e.text);
	check_str("sys", str_from_z(e.text), STR("third, after second, after first: Input/output error"));
}

static void nobody_may_want_to_know(void **state)
{
	check("set", !err_set(NULL, ERR_CONFIG, "x"));
	check("sys", !err_set_sys(NULL, EIO, "x"));
	check("prefix", !err_prefix(NULL, "x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_have_their_names_and_statuses),
		cmocka_unit_test(every_code_is_described),
		cmocka_unit_test(long_texts_are_cut_at_a_character),
		cmocka_unit_test(a_text_that_just_fits_is_whole),
		cmocka_unit_test(system_errors_are_named),
		cmocka_unit_test(prefixes_come_first),
		cmocka_unit_test(texts_may_be_made_of_themselves),
		cmocka_unit_test(nobody_may_want_to_know),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
