/* SPDX-License-Identifier: Apache-2.0 */
/* providers_page: the list of known providers for the manual. */
#include "main/providers_page.h"

#include "provider/places.h"

static const char intro[] =
	"<!-- Written by `make docs` from the program: sluice providers --markdown -->\n"
	"# Known providers\n"
	"\n"
	"A name of this list under `providers:` needs a credential and no more, and where the list says so a place:\n"
	"a region, a project, an account. Variables are read where a setting is left out; without a configuration\n"
	"file each provider whose variables are set is there by itself. Anything else that speaks one of these APIs\n"
	"is named with `dialect` and `base_url`; `like` makes another one of a known name, for a second region or\n"
	"account. How credentials of clouds are found is in [clouds.md](clouds.md).\n"
	"\n"
	"```yaml\n"
	"providers:\n"
	"  groq: {api_key: \"${GROQ_API_KEY}\"}\n"
	"  bedrock: {region: eu-west-1}                       # credentials as AWS's own tools find them\n"
	"  bedrock-us: {like: bedrock, region: us-east-1}\n"
	"  rack-7: {dialect: openai-chat, base_url: \"http://10.0.0.7:8000/v1\"}\n"
	"```\n"
	"\n"
	"| name | provider | credential from | also needs | APIs | address |\n"
	"|---|---|---|---|---|---|\n";

static void append_code(struct buf *b, struct str s)
{
	buf_append_c(b, '`');
	buf_append(b, s);
	buf_append_c(b, '`');
}

static void append_variables(struct buf *b, const struct provider *p)
{
	struct str names[] = { p->key_env, p->key_env_also, p->found_env };
	const char *gap = "";

	for (size_t i = 0; i < COUNT_OF(names); i++)
		if (names[i].n) {
			buf_printf(b, "%s", gap);
			append_code(b, names[i]);
			gap = ", ";
		}
	if (p->quirks & QUIRK_KEY_OPTIONAL)
		buf_append(b, STR("none"));
}

static void append_dialects(struct buf *b, const struct provider *p)
{
	unsigned told = 0;

	for (size_t f = 0; f < PROVIDER_FACES && p->faces[f].dialects; f++)
		for (unsigned i = 0; i < DIALECTS; i++)
			if (p->faces[f].dialects & ~told & DIALECT_BIT(i)) {
				buf_printf(b, "%s%s", told ? ", " : "", dialect_by_id((enum dialect_id)i)->name);
				told |= DIALECT_BIT(i);
			}
}

void providers_page_needs(struct buf *b, const struct provider *p)
{
	const char *gap = "";

	for (size_t i = 0; i < PROVIDER_PLACE_SOURCES && p->places[i].used; i++) {
		const struct provider_place_source *s = &p->places[i];

		buf_printf(b, "%s%s", gap, provider_place_name(s->place));
		gap = ", ";
		if (s->env.n)
			buf_printf(b, " (`%.*s`)", STR_ARG(s->env));
		if (s->otherwise.n)
			buf_printf(b, " else %.*s", STR_ARG(s->otherwise));
	}
	if (p->url_env.n)
		buf_printf(b, "%s base_url (`%.*s`)", *gap ? "; or" : "", STR_ARG(p->url_env));
}

void providers_page(struct buf *b)
{
	size_t n;
	const struct provider *rows = provider_rows(&n);

	buf_append(b, str_from_z(intro));
	for (size_t i = 0; i < n; i++) {
		buf_append(b, STR("| "));
		append_code(b, rows[i].name);
		buf_printf(b, " | %.*s | ", STR_ARG(rows[i].label));
		append_variables(b, &rows[i]);
		buf_append(b, STR(" | "));
		providers_page_needs(b, &rows[i]);
		buf_append(b, STR(" | "));
		append_dialects(b, &rows[i]);
		buf_append(b, STR(" | "));
		append_code(b, rows[i].faces[0].base_url);
		buf_append(b, STR(" |\n"));
	}
	buf_printf(b, "\n%zu names.\n", n);
}
