/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of providers, and what must hold between them. */

#include "provider/settings.h"

#include "base/arena.h"
#include "base/err.h"
#include "conf/env.h"
#include "conf/nearest.h"
#include "net/addr.h"
#include "net/http.h"
#include "provider/places.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

/* A credential goes into a header field as it is. */
static bool check_credential(struct setting_checker *c, const struct str *s)
{
	if (http_is_field_value(*s))
		return true;
	return c->refuse(c, s, "must be one line without control characters");
}

#define STRUCT api_key_settings
static const struct setting api_key_rows[] = {
	{ .name = "key", .type = SETTING_SECRET, AT(key), .required = true, .help = "The credential." },
	{ .name = "weight", .type = SETTING_INT, AT(weight), .value = "1", .min = "0", .max = "1000000",
	  .help = "Share of the requests that use this credential." },
};
#undef STRUCT
static bool check_api_key(void *item, struct setting_checker *c)
{
	return check_credential(c, &((struct api_key_settings *)item)->key);
}
static const struct settings api_key_settings = {
	.name = "API key", .size = sizeof(struct api_key_settings), .rows = api_key_rows, .n = COUNT_OF(api_key_rows),
	.shorthand = "key", .check = check_api_key,
};

#define STRUCT header_settings
static const struct setting header_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .is_name = true, .help = "Name of the header field." },
	{ .name = "value", .type = SETTING_SECRET, AT(value), .required = true, .help = "Value of the header field." },
};
#undef STRUCT

/* Framing and hop-by-hop fields are made by the gateway; the credential has its own settings. */
static bool check_header(void *item, struct setting_checker *c)
{
	struct header_settings *h = item;
	if (!http_is_token(h->name))
		return c->refuse(c, &h->name, "is no name of a header field (letters, digits and !#$%%&'*+-.^_`|~)");
	enum http_name id = http_name_of(h->name);
	if (http_is_hop_by_hop(id) || id == HTTP_F_HOST || id == HTTP_F_CONTENT_LENGTH || id == HTTP_F_CONTENT_TYPE ||
	    id == HTTP_F_EXPECT)
		return c->refuse(c, &h->name, "is a header field that the gateway makes itself");
	return check_credential(c, &h->value);
}
static const struct settings header_settings = {
	.name = "header field", .size = sizeof(struct header_settings), .rows = header_rows, .n = COUNT_OF(header_rows),
	.shorthand = "value", .check = check_header,
};

#define STRUCT timeout_settings
#define TIMEOUT_CONNECT "Name lookup, connection and TLS handshake together."
#define TIMEOUT_FIRST_BYTE "From the request sent to the first byte of the answer; of a stream, to its first event."
#define TIMEOUT_IDLE "Longest silence inside of an answer; of a stream, behind its first event."
#define TIMEOUT_TOTAL "One whole attempt, from its start to the end of the answer."
static const struct setting timeout_rows[] = {
	{ .name = "connect", .type = SETTING_DURATION, AT(connect_ms), .value = "5s", .min = "10ms", .max = "10m",
	  .help = TIMEOUT_CONNECT },
	{ .name = "first_byte", .type = SETTING_DURATION, AT(first_byte_ms), .value = "120s", .min = "10ms",
	  .max = "1d",
	  .help = TIMEOUT_FIRST_BYTE },
	{ .name = "idle", .type = SETTING_DURATION, AT(idle_ms), .value = "60s", .min = "10ms", .max = "1d",
	  .help = TIMEOUT_IDLE },
	{ .name = "total", .type = SETTING_DURATION, AT(total_ms), .value = "10m", .min = "10ms", .max = "7d",
	  .help = TIMEOUT_TOTAL },
};
static const struct setting model_timeout_rows[] = {
	{ .name = "connect", .type = SETTING_DURATION, AT(connect_ms), .min = "10ms", .max = "10m",
	  .help = TIMEOUT_CONNECT },
	{ .name = "first_byte", .type = SETTING_DURATION, AT(first_byte_ms), .min = "10ms", .max = "1d",
	  .help = TIMEOUT_FIRST_BYTE },
	{ .name = "idle", .type = SETTING_DURATION, AT(idle_ms), .min = "10ms", .max = "1d", .help = TIMEOUT_IDLE },
	{ .name = "total", .type = SETTING_DURATION, AT(total_ms), .min = "10ms", .max = "7d", .help = TIMEOUT_TOTAL },
};
#undef STRUCT
static const struct settings timeout_settings = {
	.name = "timeouts", .size = sizeof(struct timeout_settings), .rows = timeout_rows, .n = COUNT_OF(timeout_rows),
};
const struct settings model_timeout_settings = {
	.name = "timeouts", .size = sizeof(struct timeout_settings), .rows = model_timeout_rows,
	.n = COUNT_OF(model_timeout_rows),
};

#define STRUCT provider_tls_settings
static const struct setting provider_tls_rows[] = {
	{ .name = "ca", .type = SETTING_TEXT, AT(ca),
	  .help = "PEM file with the certificates to trust instead of the system's." },
};
#undef STRUCT
static const struct settings provider_tls_settings = {
	.name = "tls", .size = sizeof(struct provider_tls_settings), .rows = provider_tls_rows,
	.n = COUNT_OF(provider_tls_rows),
};

static const char *const dialect_words[] = {
	"openai-chat", "openai-responses", "anthropic", "gemini", "bedrock", "cohere", "ollama", "rerank", "voyage",
	NULL,
};

#define STRUCT provider_settings
static const struct setting setting_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .is_name = true,
	  .help = "What deployments call it. Known names (see `sluice providers`) need only a credential." },
	{ .name = "like", .type = SETTING_TEXT, AT(like),
	  .help = "The known name that this is another one of: a second region, account or subscription." },
	{ .name = "dialect", .type = SETTING_TEXT, AT(dialect), .words = dialect_words,
	  .help = "The API it speaks. Needed for names that are not known." },
	{ .name = "base_url", .type = SETTING_TEXT, AT(base_url),
	  .help = "Where its API begins, with the version: http://127.0.0.1:9001/v1. Needed for names that are not "
	          "known." },
	{ .name = "api_key", .type = SETTING_SECRET, AT(api_key), .help = "Its credential." },
	{ .name = "api_keys", .type = SETTING_LIST, AT(api_keys), .section = &api_key_settings,
	  .help = "Several credentials that share the requests by weight." },
	{ .name = "headers", .type = SETTING_MAP, AT(headers), .section = &header_settings,
	  .help = "Header fields that are added to each request to it." },
	{ .name = "region", .type = SETTING_TEXT, AT(region),
	  .help = "Where it computes: a policy's word such as eu, or a cloud's region." },
	{ .name = "zdr", .type = SETTING_BOOL, AT(zdr),
	  .help = "It contractually keeps nothing of requests and answers (zero data retention)." },
	{ .name = "trains_on_data", .type = SETTING_BOOL, AT(trains_on_data), .value = "true",
	  .help = "It may train on requests and answers. Taken to be so unless you say otherwise." },
	{ .name = "timeouts", .type = SETTING_SECTION, AT(timeouts), .section = &timeout_settings,
	  .help = "Time limits of one attempt." },
	{ .name = "tls", .type = SETTING_SECTION, AT(tls), .section = &provider_tls_settings,
	  .help = "How its certificate is verified; that it is verified cannot be switched off." },
	{ .name = "access_key_id", .type = SETTING_SECRET, AT(access_key_id),
	  .help = "AWS: id of the access key. Left out, with api_key too: as AWS's own tools find theirs." },
	{ .name = "secret_access_key", .type = SETTING_SECRET, AT(secret_access_key), .help = "AWS: the access key." },
	{ .name = "session_token", .type = SETTING_SECRET, AT(session_token),
	  .help = "AWS: token of temporary credentials." },
	{ .name = "role_arn", .type = SETTING_TEXT, AT(role_arn),
	  .help = "AWS: role that is taken on with web_identity_token_file." },
	{ .name = "web_identity_token_file", .type = SETTING_TEXT, AT(web_identity_token_file),
	  .help = "AWS: file with the token that shows who asks for the role." },
	{ .name = "project", .type = SETTING_TEXT, AT(project), .help = "Google Cloud, watsonx: project." },
	{ .name = "location", .type = SETTING_TEXT, AT(location),
	  .help = "Google Cloud: location, such as europe-west4, eu or global." },
	{ .name = "credentials", .type = SETTING_SECRET, AT(credentials), .late = true,
	  .help = "Google Cloud: key of a service account or an authorized user, as JSON; usually file:PATH, which is "
	          "read when a token is fetched. Left out: as Google's own tools find theirs." },
	{ .name = "account", .type = SETTING_TEXT, AT(account), .help = "Cloudflare, Snowflake: id of the account." },
	{ .name = "resource", .type = SETTING_TEXT, AT(resource),
	  .help = "Azure: name of the resource. Databricks: host of the workspace. Cloudflare: name of the "
	          "gateway." },
	{ .name = "api_version", .type = SETTING_TEXT, AT(api_version), .help = "Azure, watsonx: version of the API." },
	{ .name = "tenant_id", .type = SETTING_TEXT, AT(tenant_id),
	  .help = "Azure: tenant of the application that asks, in place of api_key." },
	{ .name = "client_id", .type = SETTING_TEXT, AT(client_id), .help = "Azure: the application's id." },
	{ .name = "client_secret", .type = SETTING_SECRET, AT(client_secret),
	  .help = "Azure: the application's secret." },
	{ .name = "token_url", .type = SETTING_TEXT, AT(token_url),
	  .help = "Where tokens are fetched, in place of the cloud's own address." },
};
#undef STRUCT

/* The message never shows the URL: a wrong one may hold a password. */
static bool check_url(struct setting_checker *c, struct str *url)
{
	bool tls = str_starts(*url, STR("https://"));
	if (!tls && !str_starts(*url, STR("http://")))
		return c->refuse(c, url, "must begin with http:// or https://");
	struct str rest = str_slice(*url, tls ? 8 : 7, url->n);
	size_t path = str_find_chr(rest, '/');
	struct str authority = str_slice(rest, 0, path), host;
	uint16_t port;
	if (str_find_chr(authority, '@') != STR_NPOS)
		return c->refuse(c, url, "must not hold a user or a password: credentials have their own settings");
	for (size_t i = 0; i < rest.n; i++)
		if (rest.p[i] <= ' ' || rest.p[i] >= 0x7f || strchr("?#\"<>\\^`{|}", rest.p[i]))
			return c->refuse(c, url, "must be a URL without spaces, \"?\", \"#\" and characters that need "
			                         "escapes");
	if (!addr_split(authority, tls ? 443 : 80, &host, &port))
		return c->refuse(c, url, "must name a host and, if any, a port from 1 to 65535");
	/* Paths of requests begin with a slash. */
	while (url->n > 0 && url->p[url->n - 1] == '/')
		url->n--;
	return true;
}

/* Credentials come whole or not at all, and in one way. */
static bool check_credentials(const struct provider_settings *p, struct setting_checker *c)
{
	const struct str *all[] = { &p->access_key_id, &p->secret_access_key, &p->session_token, &p->client_secret };

	for (size_t i = 0; i < COUNT_OF(all); i++)
		if (!check_credential(c, all[i]))
			return false;
	if ((p->access_key_id.n > 0) != (p->secret_access_key.n > 0))
		return c->refuse(c, p->access_key_id.n ? &p->access_key_id : &p->secret_access_key,
		                 "needs the other half: access_key_id and secret_access_key belong together");
	if ((p->client_id.n > 0) != (p->client_secret.n > 0))
		return c->refuse(c, p->client_id.n ? &p->client_id : &p->client_secret,
		                 "needs the other half: client_id and client_secret belong together");
	return true;
}

/* That all its addresses are known. */
static bool check_places(const struct provider_settings *p, const struct provider *row, struct setting_checker *c)
{
	struct provider_places places;
	struct provider_face face;
	struct arena a;
	struct err e;
	bool good = true;

	arena_init(&a, 1u << 20);
	provider_places_read(&a, &conf_env_process, row, p, &places);
	for (size_t i = 0; good && i < PROVIDER_FACES && row->faces[i].dialects; i++)
		if (!provider_face_fill(&a, row, &row->faces[i], &places, &face, &e))
			good = c->refuse(c, &p->name, "%s", e.text);
	arena_fini(&a);
	return good;
}

static bool check_provider(void *item, struct setting_checker *c)
{
	struct provider_settings *p = item;
	const struct provider *row = provider_by_name(provider_kind(p));
	bool known = row != NULL;
	if (p->like.n && !known)
		return c->refuse_value(c, &p->like, "is no known provider; see: sluice providers");
	if (p->like.n && p->dialect.n)
		return c->refuse(c, &p->dialect, "and like exclude each other");
	if (str_find_chr(p->name, '/') != STR_NPOS || str_find_chr(p->name, '*') != STR_NPOS)
		return c->refuse(c, &p->name, "must not hold \"/\" or \"*\": models are called PROVIDER/MODEL");
	if (p->api_key.n > 0 && p->api_keys.n > 0)
		return c->refuse(c, &p->api_keys, "and api_key exclude each other");
	if (!check_credential(c, &p->api_key))
		return false;
	if (p->base_url.n > 0 && !check_url(c, &p->base_url))
		return false;
	if (p->token_url.n > 0 && !check_url(c, &p->token_url))
		return false;
	if (!check_credentials(p, c))
		return false;
	if (row && !p->dialect.n && row->places[0].used)
		return check_places(p, row, c);
	if (known || (p->dialect.n > 0 && p->base_url.n > 0))
		return true;
	size_t n;
	const struct provider *rows = provider_rows(&n);
	struct nearest near = nearest_to(p->name);
	for (size_t i = 0; i < n; i++)
		nearest_offer(&near, rows[i].name);
	if (near.best.p)
		return c->refuse(c, &p->name, "is no known provider: it needs dialect and base_url; did you mean "
		                              "\"%.*s\"?",
		                 STR_ARG(near.best));
	return c->refuse(c, &p->name, "is no known provider: it needs dialect and base_url");
}

const struct settings provider_settings = {
	.name = "provider", .size = sizeof(struct provider_settings), .rows = setting_rows, .n = COUNT_OF(setting_rows),
	.check = check_provider,
};
