/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the settings of keys, teams, limits, budgets and the audit log. */

#include "govern/settings.h"

#define AT(member) .offset = offsetof(struct STRUCT, member)

static const char *const window_words[] = { "sliding", "fixed", NULL };

#define STRUCT limit_settings
static const struct setting limit_rows[] = {
	{ .name = "rpm", .type = SETTING_INT, AT(rpm), .max = "1000000000", .help = "Requests a minute; 0: none." },
	{ .name = "tpm", .type = SETTING_INT, AT(tpm), .max = "1000000000000", .help = "Tokens a minute; 0: none." },
	{ .name = "max_parallel", .type = SETTING_INT, AT(max_parallel), .max = "1000000",
	  .help = "Requests at once; 0: none." },
	{ .name = "window", .type = SETTING_WORD, AT(window), .value = "sliding", .words = window_words,
	  .help = "Whether a minute is always the last one or begins with the clock's." },
};
#undef STRUCT
static const struct settings limit_settings = {
	.name = "limits", .size = sizeof(struct limit_settings), .rows = limit_rows, .n = COUNT_OF(limit_rows),
};

#define STRUCT budget_settings
static const struct setting budget_rows[] = {
	{ .name = "usd", .type = SETTING_MONEY, AT(usd_nusd), .max = "1000000000",
	  .help = "What may be spent in a period." },
	{ .name = "period", .type = SETTING_DURATION, AT(period_ms), .min = "1m", .max = "3660d",
	  .help = "After this the budget is whole again. Left out: never." },
};
#undef STRUCT

static bool check_budget(void *item, struct setting_checker *c)
{
	struct budget_settings *b = item;
	if (b->period_ms == SETTING_UNSET || b->usd_nusd != SETTING_UNSET)
		return true;
	return c->refuse(c, &b->period_ms, "means nothing without usd");
}
static const struct settings budget_settings = {
	.name = "budget", .size = sizeof(struct budget_settings), .rows = budget_rows, .n = COUNT_OF(budget_rows),
	.check = check_budget,
};

static const char *const role_words[] = { "user", "admin", NULL };

#define STRUCT key_settings
static const struct setting key_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .required = true, .is_name = true,
	  .help = "What the key is called in logs and lists." },
	{ .name = "key", .type = SETTING_SECRET, AT(key), .required = true, .help = "What clients present." },
	{ .name = "role", .type = SETTING_WORD, AT(role), .value = "user", .words = role_words,
	  .help = "user may call models; admin may use the admin API too." },
	{ .name = "models", .type = SETTING_TEXTS, AT(models),
	  .help = "Models that it may ask for; patterns with * are possible. Left out: all." },
	{ .name = "team", .type = SETTING_TEXT, AT(team), .help = "Name of its team." },
	{ .name = "user", .type = SETTING_TEXT, AT(user), .help = "Whose key it is, for spend and logs." },
	{ .name = "tags", .type = SETTING_TEXTS, AT(tags), .help = "Words to group spend by." },
	{ .name = "weight", .type = SETTING_INT, AT(weight), .min = "1", .max = "1000",
	  .help = "Its share of a model that is at its limits, while others wait for it. Left out: its team's, or 1." },
	{ .name = "priority", .type = SETTING_INT, AT(priority), .min = "0", .max = "2",
	  .help = "Whether its requests wait before (0), with (1) or behind (2) those of others. Those behind get a "
	          "tenth. Left out: its team's, or 1." },
	{ .name = "budget", .type = SETTING_SECTION, AT(budget), .section = &budget_settings,
	  .support = SETTING_REFUSED,
	  .help = "What it may spend." },
	{ .name = "limits", .type = SETTING_SECTION, AT(limits), .section = &limit_settings, .support = SETTING_REFUSED,
	  .help = "How much it may ask." },
};
#undef STRUCT

enum { KEY_MAX = 512 };

static bool check_key(void *item, struct setting_checker *c)
{
	struct key_settings *k = item;
	if (k->key.n > KEY_MAX)
		return c->refuse(c, &k->key, "must have at most %d characters", KEY_MAX);
	for (size_t i = 0; i < k->key.n; i++)
		if (k->key.p[i] <= ' ' || k->key.p[i] >= 0x7f)
			return c->refuse(c, &k->key, "must be printable ASCII without spaces");
	return true;
}
const struct settings key_settings = {
	.name = "key", .size = sizeof(struct key_settings), .rows = key_rows, .n = COUNT_OF(key_rows),
	.check = check_key,
};

#define STRUCT team_settings
static const struct setting team_rows[] = {
	{ .name = "name", .type = SETTING_TEXT, AT(name), .required = true, .is_name = true,
	  .help = "What keys call it." },
	{ .name = "models", .type = SETTING_TEXTS, AT(models), .support = SETTING_REFUSED,
	  .help = "Models that its keys may ask for; patterns with * are possible. Left out: all." },
	{ .name = "budget", .type = SETTING_SECTION, AT(budget), .section = &budget_settings,
	  .support = SETTING_REFUSED,
	  .help = "What all its keys together may spend." },
	{ .name = "limits", .type = SETTING_SECTION, AT(limits), .section = &limit_settings, .support = SETTING_REFUSED,
	  .help = "How much all its keys together may ask." },
	{ .name = "weight", .type = SETTING_INT, AT(weight), .min = "1", .max = "1000", .value = "1",
	  .help = "Each of its keys' share of a model that is at its limits, while others wait for it." },
	{ .name = "priority", .type = SETTING_INT, AT(priority), .min = "0", .max = "2", .value = "1",
	  .help = "Whether its keys' requests wait before (0), with (1) or behind (2) those of others. "
	          "Those behind get a tenth." },
	{ .name = "regions", .type = SETTING_TEXTS, AT(regions),
	  .help = "Its requests go only to deployments in these regions. Left out: any." },
	{ .name = "require_zdr", .type = SETTING_BOOL, AT(require_zdr),
	  .help = "Its requests go only to providers that keep nothing." },
};
#undef STRUCT
const struct settings team_settings = {
	.name = "team", .size = sizeof(struct team_settings), .rows = team_rows, .n = COUNT_OF(team_rows),
};

#define STRUCT limits_settings
static const struct setting limits_rows[] = {
	{ .name = "default_key", .type = SETTING_SECTION, AT(default_key), .section = &limit_settings,
	  .support = SETTING_REFUSED, .help = "Limits of each key that has none of its own." },
};
#undef STRUCT
const struct settings limits_settings = {
	.name = "limits", .size = sizeof(struct limits_settings), .rows = limits_rows, .n = COUNT_OF(limits_rows),
};

static const char *const on_exhausted_words[] = { "reject", "cap", NULL };

#define STRUCT budgets_settings
static const struct setting budgets_rows[] = {
	{ .name = "on_exhausted", .type = SETTING_WORD, AT(on_exhausted), .value = "reject",
	  .words = on_exhausted_words,
	  .support = SETTING_REFUSED,
	  .help = "reject answers 402; cap lowers the output to what the balance covers, and rejects at zero." },
};
#undef STRUCT
const struct settings budgets_settings = {
	.name = "budgets", .size = sizeof(struct budgets_settings), .rows = budgets_rows, .n = COUNT_OF(budgets_rows),
};

static const char *const audit_bodies_words[] = { "off", "hashes", "full", NULL };

#define STRUCT audit_settings
static const struct setting audit_rows[] = {
	{ .name = "path", .type = SETTING_TEXT, AT(path), .support = SETTING_REFUSED,
	  .help = "Folder of the audit log, a chain of hashes. Left out: no audit log." },
	{ .name = "bodies", .type = SETTING_WORD, AT(bodies), .value = "off", .words = audit_bodies_words,
	  .support = SETTING_REFUSED, .help = "What it keeps of requests and answers." },
};
#undef STRUCT
const struct settings audit_settings = {
	.name = "audit", .size = sizeof(struct audit_settings), .rows = audit_rows, .n = COUNT_OF(audit_rows),
};
