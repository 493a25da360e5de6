/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of guardrails. */

#include "guard/settings.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

static const char *const type_words[] = { "dlp", "pattern", "webhook", NULL };
static const char *const on_words[] = { "input", "output", NULL };
static const char *const action_words[] = { "block", "redact", "flag", NULL };
static const char *const on_error_words[] = { "block", "pass", NULL };

#define STRUCT guardrail_settings
static const struct setting guardrail_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .required = true, .is_name = true,
	  .help = "What models call it." },
	{ .name = "type", .type = SETTING_WORD, AT(type), .words = type_words, .required = true,
	  .help = "dlp finds personal data and secrets, pattern what you list, webhook asks a service of yours." },
	{ .name = "on", .type = SETTING_WORDS, AT(on), .value = "input", .words = on_words,
	  .help = "What it looks at." },
	{ .name = "entities", .type = SETTING_TEXTS, AT(entities),
	  .help = "dlp: kinds of data such as email, phone, credit_card, iban, us_ssn." },
	{ .name = "profiles", .type = SETTING_TEXTS, AT(profiles),
	  .help = "dlp: named sets of kinds such as secrets." },
	{ .name = "deny", .type = SETTING_TEXTS, AT(deny), .help = "pattern: regular expressions." },
	{ .name = "action", .type = SETTING_WORD, AT(action), .value = "block", .words = action_words,
	  .help = "What is done with what it finds." },
	{ .name = "url", .type = SETTING_SECRET, AT(url), .help = "webhook: the address of the service." },
	{ .name = "timeout", .type = SETTING_DURATION, AT(timeout_ms), .value = "1s", .min = "1ms", .max = "1m",
	  .help = "webhook: longest wait for its answer." },
	{ .name = "on_error", .type = SETTING_WORD, AT(on_error), .value = "block", .words = on_error_words,
	  .help = "webhook: what is done when it gives no answer." },
};
#undef STRUCT

/* What it is of its type that gives it something to find. */
static bool check_guardrail(void *item, struct setting_checker *c)
{
	struct guardrail_settings *g = item;
	switch ((enum guardrail_type_setting)g->type) {
	case GUARDRAIL_DLP:
		return g->entities.n + g->profiles.n > 0 || c->refuse(c, &g->type, "dlp needs entities or profiles");
	case GUARDRAIL_PATTERN:
		return g->deny.n > 0 || c->refuse(c, &g->type, "pattern needs deny");
	case GUARDRAIL_WEBHOOK:
		return g->url.n > 0 || c->refuse(c, &g->type, "webhook needs url");
	}
	return false;
}
const struct settings guardrail_settings = {
	.name = "guardrail", .size = sizeof(struct guardrail_settings), .rows = guardrail_rows,
	.n = COUNT_OF(guardrail_rows),
	.check = check_guardrail,
};
