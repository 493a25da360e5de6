/* SPDX-License-Identifier: Apache-2.0 */
/* restart: two configurations are walked side by side. */
#include "conf/restart.h"

#include <assert.h>
#include <stdio.h>

#include "conf/conf_in.h"

enum { PATH_LEN = 256 };

static const void *member(const struct setting *row, const void *item) { return (const char *)item + row->offset; }

static bool is_array(const struct setting *row)
{
	return row->type == SETTING_LIST || row->type == SETTING_MAP || row->type == SETTING_TEXTS;
}

/* Nothing of it was set to something of its own. */
static bool is_left_out(const struct settings *s, const void *item)
{
	for (size_t i = 0; i < s->n; i++) {
		const struct setting *row = &s->rows[i];
		const void *m = member(row, item);

		if (row->type == SETTING_SECTION ? !is_left_out(row->section, m)
		    : is_array(row)              ? ((const struct setting_array *)m)->n > 0
		    : row->type == SETTING_WORDS ? *(const unsigned *)m != 0
		                                 : !scalar_is_default(row, m))
			return false;
	}
	return true;
}

static bool scalar_differs(const struct setting *row, const void *a, const void *b)
{
	switch (row->type) {
	case SETTING_BOOL: return *(const bool *)a != *(const bool *)b;
	case SETTING_RATIO: return *(const double *)a < *(const double *)b || *(const double *)a > *(const double *)b;
	case SETTING_INT:
	case SETTING_DURATION:
	case SETTING_MICROS:
	case SETTING_SIZE:
	case SETTING_MONEY:
	case SETTING_PRICE: return *(const int64_t *)a != *(const int64_t *)b;
	case SETTING_TEXT:
	case SETTING_SECRET: return !str_eq(*(const struct str *)a, *(const struct str *)b);
	case SETTING_WORD:
	case SETTING_WORDS: return *(const int *)a != *(const int *)b;
	case SETTING_TEXTS:
	case SETTING_SECTION:
	case SETTING_LIST:
	case SETTING_MAP: break;
	}
	assert(!"no scalar");
	return false;
}

static void on_any(void *arg, const char *path)
{
	(void)path;
	*(bool *)arg = true;
}

static bool list_differs(const struct settings *s, const struct setting_array *a, const struct setting_array *b)
{
	bool differs = a->n != b->n;

	for (size_t i = 0; i < a->n && !differs; i++)
		conf_restart_needed(s, (const char *)a->items + i * s->size, (const char *)b->items + i * s->size,
		                    on_any, &differs);
	return differs;
}

static bool row_differs(const struct setting *row, const void *a, const void *b)
{
	if (row->type == SETTING_SECTION)
		return is_left_out(row->section, a) != is_left_out(row->section, b);
	if (row->type == SETTING_LIST || row->type == SETTING_MAP)
		return list_differs(row->section, a, b);
	assert(row->type != SETTING_TEXTS); /* none of them needs a restart */
	return scalar_differs(row, a, b);
}

struct section_report {
	const char *name;
	void (*report)(void *arg, const char *path);
	void *arg;
};

static void on_inner(void *arg, const char *path)
{
	const struct section_report *r = arg;
	char whole[PATH_LEN];

	snprintf(whole, sizeof whole, "%s.%s", r->name, path);
	r->report(r->arg, whole);
}

void conf_restart_needed(const struct settings *top, const void *running, const void *next,
                         void (*report)(void *arg, const char *path), void *arg)
{
	for (size_t i = 0; i < top->n; i++) {
		const struct setting *row = &top->rows[i];
		const void *a = member(row, running), *b = member(row, next);

		if (row->needs_restart && row_differs(row, a, b))
			report(arg, row->name);
		else if (row->type == SETTING_SECTION)
			conf_restart_needed(row->section, a, b, on_inner,
			                    &(struct section_report){ row->name, report, arg });
	}
}
