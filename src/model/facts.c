/* SPDX-License-Identifier: Apache-2.0 */
/* facts: finding a model's family by its name, and the scale of efforts. */
#include "model/facts.h"

#include <assert.h>

#include "model/model_in.h"

const struct model_facts model_facts_unknown = { 0 };

/* ---- names ---- */

/* Regions of Bedrock's inference profiles. */
static const struct str regions[] = {
	STR_INIT("us."),     STR_INIT("eu."), STR_INIT("apac."),     STR_INIT("global."),
	STR_INIT("us-gov."), STR_INIT("jp."), STR_INIT("au."),       STR_INIT("ca."),
	STR_INIT("sa."),     STR_INIT("me."), STR_INIT("regional."),
};

static struct str without_region(struct str name)
{
	for (size_t i = 0; i < COUNT_OF(regions); i++)
		if (str_istarts(name, regions[i]))
			return str_slice(name, regions[i].n, name.n);
	return name;
}

/* Bedrock's "anthropic.", "meta." … are letters only, and something that is no digit follows: "gpt-5.1" and "glm5.2"
 * are whole names. */
static struct str without_vendor(struct str name)
{
	size_t dot = str_find_chr(name, '.');

	if (dot == STR_NPOS || dot == 0 || dot + 1 >= name.n || (name.p[dot + 1] >= '0' && name.p[dot + 1] <= '9'))
		return name;
	for (size_t i = 0; i < dot; i++)
		if (!((name.p[i] | 0x20) >= 'a' && (name.p[i] | 0x20) <= 'z'))
			return name;
	return str_slice(name, dot + 1, name.n);
}

static struct str last_segment(struct str name)
{
	for (size_t i = name.n; i-- > 0;)
		if (name.p[i] == '/')
			return str_slice(name, i + 1, name.n);
	return name;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Claude's versions are written with dots and with dashes. */
static void dots_to_dashes(char *p, size_t n)
{
	for (size_t i = 1; i + 1 < n; i++)
		if (p[i] == '.' && is_digit(p[i - 1]) && is_digit(p[i + 1]))
			p[i] = '-';
}

struct str model_name_plain(struct str name, char out[MODEL_NAME_MAX])
{
	struct str s = without_vendor(without_region(last_segment(name)));

	if (s.n > MODEL_NAME_MAX)
		s.n = MODEL_NAME_MAX;
	for (size_t i = 0; i < s.n; i++)
		out[i] = s.p[i] >= 'A' && s.p[i] <= 'Z' ? (char)(s.p[i] | 0x20) : s.p[i];
	s = str_of(out, s.n);
	if (str_starts(s, STR("claude")))
		dots_to_dashes(out, s.n);
	return s;
}

bool model_name_match(struct str pattern, struct str name)
{
	size_t p = 0, i = 0, star = STR_NPOS, star_i = 0;

	while (i < name.n) {
		char want = p < pattern.n ? pattern.p[p] : '\0';

		if (want == '*') {
			star = p++;
			star_i = i;
		} else if (p < pattern.n &&
		           (want == name.p[i] || want == '?' || (want == '#' && is_digit(name.p[i])))) {
			p++;
			i++;
		} else if (star != STR_NPOS) {
			p = star + 1;
			i = ++star_i;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.p[p] == '*')
		p++;
	return p == pattern.n;
}

const struct model_facts *model_facts_by_name(struct str model)
{
	char room[MODEL_NAME_MAX];
	struct str name = model_name_plain(model, room);

	for (size_t i = 0; i < model_families_n; i++)
		if (model_name_match(model_families[i].pattern, name))
			return &model_families[i].facts;
	return &model_facts_unknown;
}

/* ---- efforts ---- */

static const struct str effort_names[EFFORTS] = {
	[EFFORT_NONE] = STR_INIT("none"), [EFFORT_MINIMAL] = STR_INIT("minimal"),
	[EFFORT_LOW] = STR_INIT("low"),   [EFFORT_MEDIUM] = STR_INIT("medium"),
	[EFFORT_HIGH] = STR_INIT("high"), [EFFORT_XHIGH] = STR_INIT("xhigh"),
	[EFFORT_MAX] = STR_INIT("max"),
};

struct str model_effort_name(enum model_effort e)
{
	assert(e < EFFORTS);
	return effort_names[e];
}

bool model_effort_by_name(struct str name, enum model_effort *out)
{
	for (unsigned i = 0; i < EFFORTS; i++)
		if (str_eq(name, effort_names[i])) {
			*out = (enum model_effort)i;
			return true;
		}
	return false;
}

enum model_effort model_effort_nearest(unsigned levels, enum model_effort wanted)
{
	unsigned some = levels & ~EFFORT_BIT(EFFORT_NONE);

	assert(wanted < EFFORTS);
	if (levels == 0 || levels & EFFORT_BIT(wanted))
		return wanted;
	if (some == 0)
		return EFFORT_NONE;
	for (unsigned i = wanted; i > EFFORT_NONE; i--)
		if (some & EFFORT_BIT(i))
			return (enum model_effort)i;
	for (unsigned i = wanted + 1; i < EFFORTS; i++)
		if (some & EFFORT_BIT(i))
			return (enum model_effort)i;
	assert(!"some level is there");
	return wanted;
}

static const uint32_t effort_budgets[EFFORTS] = {
	[EFFORT_NONE] = 0,     [EFFORT_MINIMAL] = 1024, [EFFORT_LOW] = 1024,  [EFFORT_MEDIUM] = 8192,
	[EFFORT_HIGH] = 16384, [EFFORT_XHIGH] = 32768,  [EFFORT_MAX] = 32768,
};

uint32_t model_effort_budget(enum model_effort e)
{
	assert(e < EFFORTS);
	return effort_budgets[e];
}

enum model_effort model_budget_effort(uint32_t budget, uint32_t cap)
{
	uint64_t share;

	if (budget == 0)
		return EFFORT_NONE;
	if (cap == 0) /* by the other table, backwards */
		return budget < 4096 ? EFFORT_LOW : budget < 16384 ? EFFORT_MEDIUM : EFFORT_HIGH;
	share = (uint64_t)budget * 100 / cap;
	return share < 35 ? EFFORT_LOW : share < 65 ? EFFORT_MEDIUM : EFFORT_HIGH;
}

/* ---- words ---- */

static const struct str cap_names[CAPS] = {
	STR_INIT("tools"),        STR_INIT("parallel_tools"), STR_INIT("forced_tool"),     STR_INIT("vision"),
	STR_INIT("url_media"),    STR_INIT("audio_in"),       STR_INIT("audio_out"),       STR_INIT("video"),
	STR_INIT("pdf"),          STR_INIT("json_object"),    STR_INIT("json_schema"),     STR_INIT("reasoning"),
	STR_INIT("prompt_cache"), STR_INIT("system"),         STR_INIT("system_in_turns"), STR_INIT("tool_images"),
	STR_INIT("image_out"),    STR_INIT("prefill"),
};

struct str model_cap_name(unsigned index)
{
	assert(index < CAPS);
	return cap_names[index];
}

bool model_cap_lay(struct model_facts *f, struct str word)
{
	bool lacks = word.n && word.p[0] == '-';

	word = str_slice(word, lacks, word.n);
	for (unsigned i = 0; i < CAPS; i++)
		if (str_eq(word, cap_names[i])) {
			f->caps = lacks ? f->caps & ~(1u << i) : f->caps | 1u << i;
			f->lacks = lacks ? f->lacks | 1u << i : f->lacks & ~(1u << i);
			return true;
		}
	return false;
}
