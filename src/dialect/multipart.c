/* SPDX-License-Identifier: Apache-2.0 */
/* multipart: the parts of a form. */
#include "dialect/multipart.h"

#include <string.h>

#include "base/spool.h"

#define BOUNDARY_MAX 200
#define PART_HEAD_MAX 8192
#define WINDOW_BYTES ((size_t)2 << 20)

/* The value of a parameter in a field's value: name="value" or name=value; empty: it is not there. */
static struct str parameter(struct str field, struct str name)
{
	struct str rest = field;

	(void)str_cut(&rest, ';');
	while (rest.p) {
		struct str value = rest, key;
		size_t end;

		value = str_trim(value);
		key = str_slice(value, 0, str_find_chr(value, '='));
		value = str_slice(value, key.n + 1, value.n);
		if (value.n && value.p[0] == '"') {
			end = str_find_chr(str_slice(value, 1, value.n), '"');
			if (end == STR_NPOS)
				return (struct str){ 0 };
			rest = str_slice(value, end + 2, value.n);
			value = str_slice(value, 1, end + 1);
			if (str_find_chr(rest, ';') == STR_NPOS)
				rest = (struct str){ 0 };
			else
				(void)str_cut(&rest, ';');
		} else {
			rest = value;
			value = str_trim(str_cut(&rest, ';'));
		}
		if (str_ieq(str_trim(key), name))
			return value;
	}
	return (struct str){ 0 };
}

/* The delimiter at or behind the beginning of `s`: its place, or STR_NPOS. */
static size_t find_delimiter(const struct multipart *m, struct str s)
{
	char text[BOUNDARY_MAX + 4] = "\r\n--";
	size_t n = m->boundary.n + 4;

	memcpy(text + 4, m->boundary.p, m->boundary.n);
	for (size_t from = 0; from < s.n; from += WINDOW_BYTES) {
		struct str window = str_slice(s, from, from + WINDOW_BYTES + n - 1);
		const char *at = memmem(window.p, window.n, text, n);

		if (at)
			return (size_t)(at - s.p);
		if (m->spool)
			spool_release(m->spool, (size_t)(window.p + window.n - m->spool->p));
	}
	return STR_NPOS;
}

bool multipart_open(struct multipart *m, struct str content_type, struct str body, const struct buf *spool,
                    struct err *e)
{
	struct str b = parameter(content_type, STR("boundary"));

	*m = (struct multipart){ .boundary = b, .spool = spool };
	if (b.n == 0 || b.n > BOUNDARY_MAX)
		return err_set(e, ERR_INVALID_REQUEST,
		               "content-type: multipart/form-data needs a boundary of 1 to %d bytes", BOUNDARY_MAX);
	if (body.n < b.n + 4 || memcmp(body.p, "--", 2) != 0 || memcmp(body.p + 2, b.p, b.n) != 0)
		return err_set(e, ERR_INVALID_REQUEST, "the body must begin with the boundary that content-type names");
	m->rest = str_slice(body, b.n + 2, body.n);
	return true;
}

static void read_head(struct str head, struct multipart_part *out)
{
	while (head.n) {
		struct str line = str_cut(&head, '\n'), value = line, key = str_cut(&value, ':');

		if (!str_ieq(str_trim(key), STR("content-disposition")))
			continue;
		if (value.n && value.p[value.n - 1] == '\r')
			value.n--;
		out->name = parameter(value, STR("name"));
		out->is_file = parameter(value, STR("filename")).p || parameter(value, STR("filename*")).p;
	}
}

bool multipart_next(struct multipart *m, struct multipart_part *out)
{
	struct str rest = m->rest, head;
	const char *end;
	size_t at;

	*out = (struct multipart_part){ 0 };
	if (m->bad || !rest.p || (rest.n >= 2 && memcmp(rest.p, "--", 2) == 0))
		return false;
	m->bad = true; /* unless all is well to the end */
	if (rest.n < 2 || memcmp(rest.p, "\r\n", 2) != 0)
		return false;
	head = str_slice(rest, 2, rest.n < PART_HEAD_MAX ? rest.n : PART_HEAD_MAX);
	if (head.n >= 2 && memcmp(head.p, "\r\n", 2) == 0)
		end = head.p - 2; /* no fields at all */
	else
		end = memmem(head.p, head.n, "\r\n\r\n", 4);
	if (!end)
		return false;
	if (end > head.p)
		read_head(str_of(head.p, (size_t)(end - head.p)), out);
	rest = str_slice(rest, (size_t)(end + 4 - rest.p), rest.n);
	/* the line end before the delimiter is its own; an empty value has only that of its head */
	at = find_delimiter(m, str_of(rest.p - 2, rest.n + 2));
	if (at == STR_NPOS)
		return false;
	out->value = at < 2 ? str_of(rest.p, 0) : str_of(rest.p, at - 2);
	m->rest = str_slice(str_of(rest.p - 2, rest.n + 2), at + 4 + m->boundary.n, rest.n + 2);
	m->bad = false;
	return true;
}
