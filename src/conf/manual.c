/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of settings as Markdown. */

#include "conf/manual.h"

#include "conf/conf_in.h"

static bool has_section(const struct setting *row)
{
	return row->type == SETTING_SECTION || row->type == SETTING_LIST || row->type == SETTING_MAP;
}

/* A bar would end the cell. */
static void append_cell(struct buf *out, struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '|')
			buf_append_c(out, '\\');
		buf_append_c(out, s.p[i]);
	}
}

static void append_code(struct buf *out, const char *z)
{
	buf_append_c(out, '`');
	append_cell(out, str_from_z(z));
	buf_append_c(out, '`');
}

static void append_words(struct buf *out, const char *const *words)
{
	for (size_t i = 0; words[i]; i++) {
		if (i > 0)
			buf_append(out, STR(", "));
		append_code(out, words[i]);
	}
}

static void append_allowed(struct buf *out, const struct setting *row)
{
	const char *between = "";
	if (row->words) {
		append_words(out, row->words);
		between = ", ";
	}
	if (row->min && row->max)
		buf_printf(out, "%s%s … %s", between, row->min, row->max);
	else if (row->min)
		buf_printf(out, "%sat least %s", between, row->min);
	else if (row->max)
		buf_printf(out, "%sup to %s", between, row->max);
	if (row->also) {
		buf_append(out, row->min || row->max ? STR(", or ") : STR(""));
		append_code(out, row->also);
	}
}

static void append_support(struct buf *out, const struct setting *row)
{
	if (row->support == SETTING_ACTS)
		return;
	buf_append(out, STR(" *This version "));
	if (row->acts_on) {
		struct str rest = str_from_z(row->acts_on);
		buf_append(out, STR("acts only on "));
		for (const char *between = ""; rest.p; between = ", ") {
			struct str word = str_cut(&rest, ' ');
			buf_printf(out, "%s`%.*s`", between, STR_ARG(word));
		}
	} else {
		buf_append(out, STR("does not act on it"));
	}
	if (row->support == SETTING_REFUSED)
		buf_append(out,
		           row->acts_on ? STR(" and does not start with others") : STR(" and does not start with it"));
	buf_append(out, STR(".*"));
}

static void append_row(struct buf *out, const struct setting *row, const struct settings *table)
{
	buf_append(out, STR("| "));
	append_code(out, row->name);
	buf_printf(out, " | %s | ", setting_type_name(row->type));
	if (row->required)
		buf_append(out, STR("required"));
	else if (row->value)
		append_code(out, row->value);
	buf_append(out, STR(" | "));
	append_allowed(out, row);
	buf_printf(out, " | %s | ", row->type == SETTING_SECTION ? "" : row->needs_restart ? "restart" : "reload");
	append_cell(out, str_from_z(row->help));
	if (table->shorthand && str_eq(str_from_z(table->shorthand), str_from_z(row->name)))
		buf_append(out, STR(" A single value in place of the section is this setting."));
	append_support(out, row);
	buf_append(out, STR(" |\n"));
}

/* `path`: "models[].deployments[]"; empty for the top. */
static void append_table(struct buf *out, const struct settings *table, struct str path, const char *help, bool in_map)
{
	if (path.n > 0)
		buf_printf(out, "\n## %.*s\n\n%s\n", STR_ARG(path), help);
	buf_append(
		out,
		STR("\n| setting | type | default | allowed | takes effect | meaning |\n|---|---|---|---|---|---|\n"));
	for (size_t i = 0; i < table->n; i++)
		if (!(in_map && table->rows[i].is_name))
			append_row(out, &table->rows[i], table);
	for (size_t i = 0; i < table->n; i++) {
		const struct setting *row = &table->rows[i];
		if (!has_section(row))
			continue;
		struct buf inner = buf_make(1024);
		buf_printf(&inner, "%.*s%s%s%s", STR_ARG(path), path.n ? "." : "", row->name,
		           row->type == SETTING_LIST  ? "[]"
		           : row->type == SETTING_MAP ? ".NAME"
		                                      : "");
		append_table(out, row->section, buf_str(&inner), row->help, row->type == SETTING_MAP);
		buf_fini(&inner);
	}
}

void conf_manual(const struct settings *top, struct buf *out)
{
	append_table(out, top, (struct str){ 0 }, "", false);
}
