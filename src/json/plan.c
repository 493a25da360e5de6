/* SPDX-License-Identifier: Apache-2.0 */
/* Plans: what the scanner looks for, as a tree of names. */
#include <assert.h>

#include "json/scan_in.h"

static unsigned plan_child(struct json_plan *plan, unsigned parent, struct str name)
{
	struct json_plan_node *n = &plan->node[parent], *new;
	uint8_t *slot;

	assert(name.n > 0 && name.n <= JSON_NAME_MAX);
	for (unsigned c = n->child; c; c = plan->node[c].next)
		if (str_eq(json_plan_name(&plan->node[c]), name))
			return c;
	assert(plan->nodes < JSON_PLAN_NODES);
	unsigned c = plan->nodes++;
	new = &plan->node[c];
	*new = (struct json_plan_node){
		.text = { '"' }, .bit = (uint64_t)1 << c, .length = (uint8_t)name.n, .next = n->child,
		.inside = JSON_NOWHERE, .many = n->many || n->inside == '[',
	};
	memcpy(new->text + 1, name.p, name.n);
	slot = &n->slot[json_plan_slot(new->text, name.n + 1)];
	new->next_in_slot = *slot;
	memmove(new->text, new->text + 1, name.n);
	new->text[name.n] = '"';
	new->mask = UINT32_MAX >> (31 - name.n);
	n->child = (uint8_t)c;
	*slot = (uint8_t)c;
	return c;
}

/* The node where the path ends; no other may end there. */
static struct json_plan_node *plan_path(struct json_plan *plan, const char *path)
{
	struct str rest = str_from_z(path);
	unsigned node = 0, depth = 0;

	while (rest.p) {
		struct str name = str_cut(&rest, '.');
		bool each = str_ends(name, STR("[]"));
		node = plan_child(plan, node, str_slice(name, 0, name.n - (each ? 2 : 0)));
		assert(++depth <= JSON_PATH_DEPTH);
		if (!rest.p)
			break;
		uint8_t *inside = &plan->node[node].inside;
		assert(*inside == JSON_NOWHERE || (*inside == '[') == each);
		*inside = each ? '[' : '{';
	}
	assert(node && !plan->node[node].want);
	return &plan->node[node];
}

void json_plan_init(struct json_plan *plan, const char *const *paths, size_t n, unsigned flags)
{
	assert(n <= JSON_PLAN_PATHS);
	memset(plan, 0, sizeof *plan);
	plan->nodes = 1;
	plan->paths = (unsigned)n;
	plan->flags = flags;
	for (size_t i = 0; i < n; i++)
		if (paths[i])
			plan_path(plan, paths[i])->want = (uint8_t)(i + 1);
}

void json_plan_numbers(struct json_plan *plan, const char *const *paths, size_t n)
{
	assert(n <= JSON_PLAN_PATHS && plan->numbers == 0 && !(plan->flags & JSON_REFUSE_TWICE));
	plan->numbers = (unsigned)n;
	for (size_t i = 0; i < n; i++)
		plan_path(plan, paths[i])->want = (uint8_t)(JSON_WANT_NUMBER | i);
	for (unsigned i = 0; i < plan->nodes; i++)
		assert(!plan->node[i].child || !(plan->node[i].want & JSON_WANT_NUMBER));
}
