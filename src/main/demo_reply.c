/* SPDX-License-Identifier: Apache-2.0 */
/* The demo provider's reading and writing of JSON: templates, events of streams, members of requests. */
#include "main/demo_in.h"

#include <assert.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/arena.h"
#include "json/write.h"

static void put_one(struct buf *out, char directive, va_list *args)
{
	switch (directive) {
	case 'j': json_append_str(out, va_arg(*args, struct str)); return;
	case 'r': buf_append(out, va_arg(*args, struct str)); return;
	case 'd': buf_append_i64(out, va_arg(*args, int64_t)); return;
	case 'z': buf_append(out, str_from_z(va_arg(*args, const char *))); return;
	}
	assert(!"unknown directive in a template");
}

void demo_put(struct buf *out, const char *template, ...)
{
	va_list args;

	va_start(args, template);
	for (const char *p = template; *p; p++) {
		if (*p == '%')
			put_one(out, *++p, &args);
		else
			buf_append_c(out, *p == '\'' ? '"' : *p);
	}
	va_end(args);
}

void demo_event_open(struct demo_reply *r, const char *name)
{
	if (name)
		demo_put(&r->out, "event: %z\n", name);
	buf_append(&r->out, STR("data: "));
}

void demo_event_close(struct demo_reply *r)
{
	buf_append(&r->out, STR("\n\n"));
	demo_event_end(r);
}

void demo_event_end(struct demo_reply *r)
{
	size_t end = r->out.n;

	buf_append(&r->ends, str_of((const char *)&end, sizeof(end)));
}

struct str demo_json_of(struct demo_ask *ask, const char *member, const char *missing)
{
	yyjson_val *v = json_get(ask->body, member);
	struct str text = { 0 };
	char *made;

	if (!v || yyjson_is_null(v))
		return str_from_z(missing);
	made = yyjson_val_write(v, YYJSON_WRITE_NOFLAG, &text.n);
	text.p = made;
	text = made ? arena_dup(ask->arena, text) : text;
	free(made);
	return text.p ? text : str_from_z(missing);
}

yyjson_val *demo_get(yyjson_val *obj, const char *name, const char *other)
{
	yyjson_val *v = json_get(obj, name);

	return v ? v : json_get(obj, other);
}

int64_t demo_number(yyjson_val *obj, const char *name, int64_t missing)
{
	yyjson_val *v = json_get(obj, name);

	if (!yyjson_is_num(v))
		return missing;
	double d = yyjson_get_num(v);
	return d >= -1e15 && d <= 1e15 ? (int64_t)d : missing;
}

bool demo_flag(yyjson_val *obj, const char *name)
{
	return yyjson_get_bool(json_get(obj, name));
}

struct str demo_text(yyjson_val *obj, const char *name)
{
	struct str s = { 0 };

	return json_get_str(obj, name, &s) ? s : (struct str){ 0 };
}

struct str demo_said(struct demo_prompt *p, yyjson_val *content)
{
	struct str last = { 0 }, text;
	size_t i, n;
	yyjson_val *part;

	if (json_val_str(content, &last)) {
		p->bytes += (int64_t)last.n;
		return last;
	}
	yyjson_arr_foreach(content, i, n, part)
	{
		text = demo_text(part, "text");
		p->bytes += (int64_t)text.n;
		if (text.p)
			last = text;
	}
	return last;
}
