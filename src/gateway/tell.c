/* SPDX-License-Identifier: Apache-2.0 */
/* tell: the plans of a request in words, for its line in the log and the answer's head. */
#include "gateway/gateway_in.h"

#define PLAN_TEXT_MAX 512

void tell_plan(struct req *r)
{
	struct req_open *o = r->open;
	struct str *text = &o->text[TEXT_PLAN];
	struct buf b = buf_make(PLAN_TEXT_MAX);

	/* a group that is made anew, to wait for room, lies where the one before did, as another's may */
	if (o->told == o->plan.model && o->told_target == o->plan.target)
		return;
	o->told = o->plan.model;
	o->told_target = o->plan.target;
	if (text->n)
		buf_printf(&b, "%.*s; then %.*s: ", STR_ARG(*text), STR_ARG(o->plan.model->name));
	else if (o->plan.model != o->plan.first)
		buf_printf(&b, "%.*s: ", STR_ARG(o->plan.model->name));
	plan_tell(&o->plan, &b);
	*text = arena_dup(&o->arena, buf_str(&b));
	buf_fini(&b);
}

/* Names that clients make up may stand in it, and a head takes no control characters. */
void tell_field(struct req *r)
{
	struct req_open *o = r->open;
	struct str shown = o->text[TEXT_PLAN];
	bool wanted = o->plan.ask.wishes && o->plan.ask.wishes->explain;

	if (shown.n == 0 || (!wanted && r->n_attempts < 2))
		return;
	shown = arena_dup(&o->arena, shown);
	for (size_t i = 0; i < shown.n; i++)
		if (shown.p[i] < ' ' || shown.p[i] >= 0x7f)
			((char *)shown.p)[i] = '?';
	deliver_add_field(r, STR("x-sluice-plan"), shown);
}
