/* SPDX-License-Identifier: Apache-2.0 */
/* credential: where it is looked for, in which order; what is shared; times as clouds write them. */
#include "provider/credential.h"

#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "conf/env.h"
#include "lib/check.h"
#include "net/loop.h"
#include "provider/credential_in.h"
#include "provider/places.h"
#include "provider/settings.h"

/* ---- where it is looked for ---- */

/* "NAME=value;…" */
static const char *variables;

static bool test_variable(const struct conf_env *env, struct str name, struct str *value)
{
	for (struct str rest = str_from_z(variables); rest.p;) {
		struct str v = str_cut(&rest, ';'), key = str_cut(&v, '=');

		if (str_eq(key, name)) {
			*value = v;
			return true;
		}
	}
	return false;
}

static bool test_file(const struct conf_env *env, struct arena *a, struct str path, size_t max, struct str *out,
                      struct err *e)
{
	if (!str_eq(path, STR("/home/me/.config/gcloud/application_default_credentials.json")))
		return err_set(e, ERR_CONFIG, "cannot be opened");
	*out = STR("{}");
	return true;
}

static const struct conf_env env = { test_variable, test_file };

#define UNSET                           \
	{                               \
		.api_key = STR_INIT("") \
	}
#define AWS_ENV  "AWS_ACCESS_KEY_ID=A;AWS_SECRET_ACCESS_KEY=S;AWS_SESSION_TOKEN=T"
#define WEB_ENV  "AWS_WEB_IDENTITY_TOKEN_FILE=/t;AWS_ROLE_ARN=arn"
#define TASK_ENV "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI=/v2/c"

static const struct {
	const char *name;
	enum provider_auth auth;
	struct provider_settings settings;
	const char *variables;
	enum credential_kind kind;
	enum credential_text which; /* of the options, to be looked at */
	const char *want;
} cases[] = {
	{ "bearer", AUTH_BEARER, { .api_key = STR_INIT("k") }, AWS_ENV, CREDENTIAL_NONE, 0, "" },
	{ "AWS: an API key", AUTH_AWS, { .api_key = STR_INIT("k") }, AWS_ENV, CREDENTIAL_NONE, 0, "" },
	{ "AWS: settings first",
	  AUTH_AWS,
	  { .access_key_id = STR_INIT("B"), .secret_access_key = STR_INIT("s") },
	  AWS_ENV,
	  CREDENTIAL_AWS_KEYS,
	  CREDENTIAL_ACCESS_KEY_ID,
	  "B" },
	{ "AWS: the session of the variables is not mixed in",
	  AUTH_AWS,
	  { .access_key_id = STR_INIT("B"), .secret_access_key = STR_INIT("s") },
	  AWS_ENV,
	  CREDENTIAL_AWS_KEYS,
	  CREDENTIAL_SESSION_TOKEN,
	  "" },
	{ "AWS: variables", AUTH_AWS, UNSET, AWS_ENV ";" WEB_ENV, CREDENTIAL_AWS_KEYS, CREDENTIAL_SESSION_TOKEN, "T" },
	{ "AWS: half of them are none", AUTH_AWS, UNSET, "AWS_ACCESS_KEY_ID=A;" TASK_ENV, CREDENTIAL_AWS_CONTAINER,
	  CREDENTIAL_ACCESS_KEY_ID, "" },
	{ "AWS: a web identity", AUTH_AWS, UNSET, WEB_ENV ";" TASK_ENV, CREDENTIAL_AWS_WEB_IDENTITY, CREDENTIAL_URL,
	  "https://sts.cn-north-1.amazonaws.com.cn/" },
	{ "AWS: a web identity that is set, whatever the variables",
	  AUTH_AWS,
	  { .web_identity_token_file = STR_INIT("/mine"),
	    .role_arn = STR_INIT("r"),
	    .token_url = STR_INIT("http://sts") },
	  AWS_ENV,
	  CREDENTIAL_AWS_WEB_IDENTITY,
	  CREDENTIAL_URL,
	  "http://sts" },
	{ "AWS: a container", AUTH_AWS, UNSET, TASK_ENV, CREDENTIAL_AWS_CONTAINER, CREDENTIAL_URL,
	  "http://169.254.170.2/v2/c" },
	{ "AWS: an instance", AUTH_AWS, UNSET, "HOME=/home/me", CREDENTIAL_AWS_INSTANCE, CREDENTIAL_URL,
	  "http://169.254.169.254" },
	{ "Google: settings",
	  AUTH_GOOGLE,
	  { .credentials = STR_INIT("file:/k") },
	  "GOOGLE_APPLICATION_CREDENTIALS=/g",
	  CREDENTIAL_GOOGLE_KEY,
	  CREDENTIAL_JSON,
	  "file:/k" },
	{ "Google: variable", AUTH_GOOGLE, UNSET, "GOOGLE_APPLICATION_CREDENTIALS=/g;HOME=/home/me",
	  CREDENTIAL_GOOGLE_KEY, CREDENTIAL_JSON, "file:/g" },
	{ "Google: the usual file", AUTH_GOOGLE, UNSET, "HOME=/home/me", CREDENTIAL_GOOGLE_KEY, CREDENTIAL_JSON,
	  "file:/home/me/.config/gcloud/application_default_credentials.json" },
	{ "Google: the metadata server", AUTH_GOOGLE, UNSET, "HOME=/home/you", CREDENTIAL_GOOGLE_INSTANCE,
	  CREDENTIAL_URL,
	  "http://metadata.google.internal/computeMetadata/v1/instance/service-accounts/default/token" },
	{ "IBM", AUTH_IBM, { .api_key = STR_INIT("k") }, "", CREDENTIAL_IBM, CREDENTIAL_API_KEY, "k" },
	{ "IBM without a key", AUTH_IBM, UNSET, "", CREDENTIAL_NONE, 0, "" },
	{ "Entra",
	  AUTH_API_KEY,
	  { .tenant_id = STR_INIT("t"), .client_id = STR_INIT("c"), .client_secret = STR_INIT("s") },
	  "",
	  CREDENTIAL_ENTRA,
	  CREDENTIAL_URL,
	  "https://login.microsoftonline.com/t/oauth2/v2.0/token" },
	{ "Azure with a key", AUTH_API_KEY, { .api_key = STR_INIT("k") }, "", CREDENTIAL_NONE, 0, "" },
};

static void is_looked_for_in_order(void **state)
{
	struct provider_places places = { .value = { [PLACE_REGION] = STR_INIT("cn-north-1") } };

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct provider_face face = { .auth = cases[i].auth };
		struct credential_options o;
		struct arena a;

		arena_init(&a, 1 << 16);
		variables = cases[i].variables;
		credential_find(&a, &env, &cases[i].settings, &face, &places, &o);
		check(cases[i].name, o.kind == cases[i].kind);
		check_str(cases[i].name, o.text[cases[i].which], str_from_z(cases[i].want));
		arena_fini(&a);
	}
}

/* ---- sharing ---- */

static struct credential_options keys(const char *id)
{
	return (struct credential_options){
		.kind = CREDENTIAL_AWS_KEYS,
		.text = { [CREDENTIAL_ACCESS_KEY_ID] = str_from_z(id), [CREDENTIAL_SECRET_ACCESS_KEY] = STR("secret") }
	};
}

static void the_same_options_give_the_same(void **state)
{
	struct credential_options a = keys("a"), b = keys("b");
	struct credential *first = credential_get(&a), *again = credential_get(&a), *other = credential_get(&b);

	assert_ptr_equal(first, again);
	assert_ptr_not_equal(first, other);
	credential_unref(first);
	credential_unref(again);
	credential_unref(other);
	credential_unref(NULL);
}

static void keys_that_are_given_need_no_fetch(void **state)
{
	struct credential_options o = keys("AKID");
	struct credential *c = credential_get(&o);
	const struct credential_value *v = NULL, *later = NULL;
	struct sigv4_key key, again, derived;
	struct op op = { 0 };
	struct err e;

	assert_int_equal(credential_use(c, NULL, &op, &v, &e), OP_OK);
	check_str("id", v->access_key_id, STR("AKID"));
	check_str("secret", v->secret_access_key, STR("secret"));
	credential_doubt(c, v);
	clock_move_ms(86400000);
	credential_doubt(c, v);
	assert_int_equal(credential_use(c, NULL, &op, &later, &e), OP_OK);
	assert_ptr_equal(v, later);

	credential_signing_key(c, v, "20260101", STR("eu-west-1"), STR("bedrock"), &key);
	credential_signing_key(c, v, "20260101", STR("eu-west-1"), STR("bedrock"), &again);
	sigv4_derive(&derived, "20260101", STR("secret"), STR("eu-west-1"), STR("bedrock"));
	assert_memory_equal(&key, &derived, sizeof key);
	assert_memory_equal(&again, &derived, sizeof key);
	credential_signing_key(c, v, "20260102", STR("eu-west-1"), STR("bedrock"), &again);
	assert_memory_not_equal(&again, &derived, sizeof key);
	credential_signing_key(c, v, "20260101", STR("eu-west-2"), STR("bedrock"), &again);
	assert_memory_not_equal(&again, &derived, sizeof key);
	credential_value_unref(v);
	credential_value_unref(later);
	credential_unref(c);
}

/* ---- times ---- */

static void times_are_read(void **state)
{
	static const struct {
		const char *text;
		bool good;
		uint64_t s;
	} times[] = {
		{ "1970-01-01T00:00:00Z", true, 0 },
		{ "2000-02-29T12:34:56Z", true, 951827696 },
		{ "2026-11-28T02:24:43.123Z", true, 1795832683 },
		{ "2100-03-01T00:00:00Z", true, 4107542400 },
		{ "9999-12-31T23:59:59Z", true, 253402300799 },
		{ "1969-12-31T23:59:59Z", false, 0 },
		{ "2026-13-01T00:00:00Z", false, 0 },
		{ "2026-01-32T00:00:00Z", false, 0 },
		{ "2026-01-01T24:00:00Z", false, 0 },
		{ "2026-01-01T00:00:00+01:00", false, 0 },
		{ "2026-01-01 00:00:00Z", false, 0 },
		{ "2O26-01-01T00:00:00Z", false, 0 },
		{ "2026-01-01T00:00Z", false, 0 },
		{ "", false, 0 },
	};

	for (size_t i = 0; i < COUNT_OF(times); i++) {
		uint64_t ms = 0;

		check(times[i].text, errand_read_time(str_from_z(times[i].text), &ms) == times[i].good);
		check(times[i].text, ms == times[i].s * 1000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(is_looked_for_in_order),
		cmocka_unit_test(the_same_options_give_the_same),
		cmocka_unit_test(keys_that_are_given_need_no_fetch),
		cmocka_unit_test(times_are_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
