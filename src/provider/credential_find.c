/* SPDX-License-Identifier: Apache-2.0 */
/* credential_find: which way of getting a credential a provider has: settings first, then where the cloud's own tools
 * would look, in their order. */
#include "base/arena.h"
#include "conf/env.h"
#include "provider/credential.h"
#include "provider/places.h"
#include "provider/settings.h"

#define FILE_MAX_BYTES (64u << 10)

struct finder {
	struct arena *arena;
	const struct conf_env *env;
	const struct provider_settings *settings;
	const struct provider_places *places;
	struct credential_options *out;
};

static struct str variable(const struct finder *f, const char *name)
{
	struct str value;

	return f->env->variable(f->env, str_from_z(name), &value) && value.n ? arena_dup(f->arena, value)
	                                                                      : (struct str){ 0 };
}

static struct str either(struct str a, struct str b)
{
	return a.n ? a : b;
}

static struct str without_slash(struct str url)
{
	while (url.n && url.p[url.n - 1] == '/')
		url.n--;
	return url;
}

/* ---- AWS ---- */

static bool aws_keys(const struct finder *f)
{
	struct str *text = f->out->text;

	text[CREDENTIAL_ACCESS_KEY_ID] = f->settings->access_key_id;
	text[CREDENTIAL_SECRET_ACCESS_KEY] = f->settings->secret_access_key;
	text[CREDENTIAL_SESSION_TOKEN] = f->settings->session_token;
	if (text[CREDENTIAL_ACCESS_KEY_ID].n)
		return true;
	if (f->settings->web_identity_token_file.n)
		return false;
	text[CREDENTIAL_ACCESS_KEY_ID] = variable(f, "AWS_ACCESS_KEY_ID");
	text[CREDENTIAL_SECRET_ACCESS_KEY] = variable(f, "AWS_SECRET_ACCESS_KEY");
	text[CREDENTIAL_SESSION_TOKEN] = variable(f, "AWS_SESSION_TOKEN");
	return text[CREDENTIAL_ACCESS_KEY_ID].n && text[CREDENTIAL_SECRET_ACCESS_KEY].n;
}

static bool aws_web_identity(const struct finder *f)
{
	struct str *text = f->out->text, region = f->places->value[PLACE_REGION];
	struct str url = either(f->settings->token_url, variable(f, "AWS_ENDPOINT_URL_STS"));

	text[CREDENTIAL_TOKEN_FILE] = either(f->settings->web_identity_token_file,
	                                     variable(f, "AWS_WEB_IDENTITY_TOKEN_FILE"));
	text[CREDENTIAL_ROLE] = either(f->settings->role_arn, variable(f, "AWS_ROLE_ARN"));
	text[CREDENTIAL_ROLE_SESSION] = either(variable(f, "AWS_ROLE_SESSION_NAME"), STR("sluice"));
	text[CREDENTIAL_URL] = url.n ? url
	                             : arena_printf(f->arena, "https://sts.%.*s.amazonaws.com%s/", STR_ARG(region),
	                                            str_starts(region, STR("cn-")) ? ".cn" : "");
	return text[CREDENTIAL_TOKEN_FILE].n && text[CREDENTIAL_ROLE].n;
}

static bool aws_container(const struct finder *f)
{
	struct str *text = f->out->text, whole = variable(f, "AWS_CONTAINER_CREDENTIALS_FULL_URI");
	struct str path = variable(f, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");

	text[CREDENTIAL_URL] = path.n ? arena_printf(f->arena, "http://169.254.170.2%.*s", STR_ARG(path)) : whole;
	text[CREDENTIAL_TOKEN_FILE] = variable(f, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");
	text[CREDENTIAL_AUTHORIZATION] = variable(f, "AWS_CONTAINER_AUTHORIZATION_TOKEN");
	return text[CREDENTIAL_URL].n > 0;
}

static void find_aws(const struct finder *f)
{
	static const struct { enum credential_kind kind; bool (*has)(const struct finder *); } ways[] = {
		{ CREDENTIAL_AWS_KEYS, aws_keys },
		{ CREDENTIAL_AWS_WEB_IDENTITY, aws_web_identity },
		{ CREDENTIAL_AWS_CONTAINER, aws_container },
	};
	struct str *text = f->out->text;

	for (size_t i = 0; i < COUNT_OF(ways); i++) {
		memset(text, 0, sizeof f->out->text);
		if (ways[i].has(f)) {
			f->out->kind = ways[i].kind;
			return;
		}
	}
	memset(text, 0, sizeof f->out->text);
	f->out->kind = CREDENTIAL_AWS_INSTANCE;
	text[CREDENTIAL_URL] = without_slash(either(variable(f, "AWS_EC2_METADATA_SERVICE_ENDPOINT"),
	                                            STR("http://169.254.169.254")));
}

/* ---- Google ---- */

/* Where `gcloud auth application-default login` puts it. */
static struct str usual_file(const struct finder *f)
{
	struct str home = variable(f, "HOME"), path, unused;
	struct err e;

	if (home.n == 0)
		return (struct str){ 0 };
	path = arena_printf(f->arena, "%.*s/.config/gcloud/application_default_credentials.json", STR_ARG(home));
	return path.n && f->env->file(f->env, f->arena, path, FILE_MAX_BYTES, &unused, &e) ? path : (struct str){ 0 };
}

static void find_google(const struct finder *f)
{
	struct str *text = f->out->text, file = variable(f, "GOOGLE_APPLICATION_CREDENTIALS");
	struct str host = either(variable(f, "GCE_METADATA_HOST"), STR("metadata.google.internal"));

	text[CREDENTIAL_JSON] = f->settings->credentials;
	if (file.n == 0 && text[CREDENTIAL_JSON].n == 0)
		file = usual_file(f);
	if (text[CREDENTIAL_JSON].n == 0 && file.n)
		text[CREDENTIAL_JSON] = arena_printf(f->arena, "file:%.*s", STR_ARG(file));
	text[CREDENTIAL_URL] = f->settings->token_url;
	f->out->kind = CREDENTIAL_GOOGLE_KEY;
	if (text[CREDENTIAL_JSON].n)
		return;
	f->out->kind = CREDENTIAL_GOOGLE_INSTANCE;
	text[CREDENTIAL_URL] = arena_printf(
		f->arena, "http://%.*s/computeMetadata/v1/instance/service-accounts/default/token", STR_ARG(host));
}

/* ---- others ---- */

static void find_ibm(const struct finder *f)
{
	f->out->kind = CREDENTIAL_IBM;
	f->out->text[CREDENTIAL_API_KEY] = f->settings->api_key;
	f->out->text[CREDENTIAL_URL] = either(f->settings->token_url, STR("https://iam.cloud.ibm.com/identity/token"));
}

static void find_entra(const struct finder *f)
{
	const struct provider_settings *s = f->settings;

	f->out->kind = CREDENTIAL_ENTRA;
	f->out->text[CREDENTIAL_CLIENT_ID] = s->client_id;
	f->out->text[CREDENTIAL_CLIENT_SECRET] = s->client_secret;
	f->out->text[CREDENTIAL_URL] = s->token_url.n ? s->token_url
	                                              : arena_printf(f->arena,
	                                                             "https://login.microsoftonline.com/%.*s/oauth2/"
	                                                             "v2.0/token",
	                                                             STR_ARG(s->tenant_id));
}

void credential_find(struct arena *a, const struct conf_env *env, const struct provider_settings *s,
                     const struct provider_face *face, const struct provider_places *places,
                     struct credential_options *out)
{
	struct finder f = { a, env, s, places, out };

	*out = (struct credential_options){ .kind = CREDENTIAL_NONE };
	switch (face->auth) {
	case AUTH_AWS:
		if (s->api_key.n == 0 && s->api_keys.n == 0)
			find_aws(&f);
		break;
	case AUTH_GOOGLE:
		if (s->api_key.n == 0 && s->api_keys.n == 0)
			find_google(&f);
		break;
	case AUTH_IBM:
		if (s->api_key.n)
			find_ibm(&f);
		break;
	case AUTH_API_KEY:
	case AUTH_X_API_KEY:
		if (s->client_id.n && s->api_key.n == 0 && s->api_keys.n == 0)
			find_entra(&f);
		break;
	case AUTH_BEARER:
	case AUTH_X_GOOG_API_KEY:
	case AUTH_PLAIN:
	case AUTH_API_KEY_WORD:
	case AUTH_PORTKEY:
	case AUTH_NONE:
		break;
	}
	out->text[CREDENTIAL_CA_FILE] = out->kind == CREDENTIAL_NONE ? str_of(NULL, 0) : s->tls.ca;
}
