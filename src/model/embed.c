/* SPDX-License-Identifier: Apache-2.0 */
/* embed: vectors as numbers and as base64, and answers in parts as one. */
#include "model/embed.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/arena.h"
#include "base/text.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "vectors are written as they lie in memory");

/* Each number as the shortest text that gives the same float32 back: most come as such from a provider's JSON. */
static bool append_float(struct buf *out, float f)
{
	char text[32];
	int n = 0;

	if (!isfinite(f))
		return false;
	for (int digits = 6; digits <= 9; digits++) {
		n = snprintf(text, sizeof(text), "%.*g", digits, (double)f);
		if (strtof(text, NULL) == f)
			break;
	}
	return buf_append(out, str_of(text, (size_t)n));
}

struct str embed_floats(struct arena *a, const struct embed_vector *v)
{
	struct buf bytes, text;
	struct str out = { 0 };
	bool good;

	if (v->floats.p)
		return v->floats;
	bytes = buf_make(EMBED_DIMENSIONS_MAX * sizeof(float) + 16);
	text = buf_make(EMBED_DIMENSIONS_MAX * 17 + 16);
	good = text_from_base64(&bytes, jstr_raw(v->base64)) && bytes.n % sizeof(float) == 0;
	buf_append_c(&text, '[');
	for (size_t i = 0; good && i < bytes.n; i += sizeof(float)) {
		float f;

		memcpy(&f, bytes.p + i, sizeof(f));
		if (i)
			buf_append_c(&text, ',');
		good = append_float(&text, f);
	}
	buf_append_c(&text, ']');
	if (good && !text.failed)
		out = arena_dup(a, buf_str(&text));
	buf_fini(&bytes);
	buf_fini(&text);
	return out;
}

struct jstr embed_base64(struct arena *a, const struct embed_vector *v)
{
	struct buf bytes, text;
	struct str out = { 0 };
	bool good = true;

	if (v->base64.p)
		return v->base64;
	bytes = buf_make(EMBED_DIMENSIONS_MAX * sizeof(float));
	text = buf_make(EMBED_DIMENSIONS_MAX * 6 + 16);
	/* valid JSON, and every number in it is followed by something that is none */
	for (const char *p = v->floats.p, *end = p + v->floats.n; good && p < end;) {
		if (*p != '-' && (*p < '0' || *p > '9')) {
			p++;
			continue;
		}
		char *next;
		float f = strtof(p, &next);
		good = isfinite(f) && buf_append(&bytes, str_of((const char *)&f, sizeof(f)));
		p = next;
	}
	if (good && text_base64(&text, buf_str(&bytes)))
		out = arena_dup(a, buf_str(&text));
	buf_fini(&bytes);
	buf_fini(&text);
	return jstr_of(out.p, out.n);
}

void embed_join(struct embed_response *all, size_t at, const struct embed_response *part)
{
	if (at == 0) {
		all->id = part->id;
		all->model = part->model;
		all->usage = part->usage;
	} else {
		for (int i = 0; i < USAGE_COUNTERS; i++)
			usage_set(&all->usage, (enum usage_counter)i, (int64_t)all->usage.n[i] + part->usage.n[i]);
		all->usage.odd |= part->usage.odd;
		/* a sum of which a part is not known is not known */
		if (part->usage.source == USAGE_NONE)
			all->usage.source = USAGE_NONE;
	}
	memcpy(all->vectors + at, part->vectors, part->n * sizeof *part->vectors);
	all->n = at + part->n;
}
