/* SPDX-License-Identifier: Apache-2.0 */
/* conf/snapshot.h: what is published is seen whole, and freed exactly when the last holder lets go. */
#include "lib/check.h"

#include <stdlib.h>

#include "base/mem.h"
#include "conf/snapshot.h"

enum { READERS = 3, ROUNDS = 2000 };

static _Atomic int alive;

struct payload {
	uint64_t a, b;
};

static struct snapshot *make(uint64_t v);

static void free_payload(void *p)
{
	struct payload *load = p;
	check("intact", load->a == load->b);
	load->a = load->b + 1;
	free(load);
	alive--;
}

static struct snapshot *make(uint64_t v)
{
	struct payload *p = mem_zalloc(sizeof(*p));
	*p = (struct payload){ v, v };
	alive++;
	return snapshot_new(p, free_payload);
}

static uint64_t value_of(struct snapshot *s)
{
	return ((struct payload *)snapshot_payload(s))->a;
}

static void old_one_lives_while_it_is_held(void **state)
{
	struct snapshot_slot slot;
	struct snapshot_reader reader;
	snapshot_slot_init(&slot, make(1));
	snapshot_reader_init(&reader, &slot);
	struct snapshot *held = snapshot_ref(snapshot_current(&reader));
	check("first", value_of(held) == 1);
	snapshot_publish(&slot, make(2));
	check("both", alive == 2);
	check("news", value_of(snapshot_current(&reader)) == 2 && value_of(held) == 1);
	snapshot_unref(held);
	check("old gone", alive == 1);
	snapshot_publish(&slot, make(3));
	check("the reader holds what it saw", alive == 2);
	struct snapshot *taken = snapshot_take(&slot);
	check("taken", value_of(taken) == 3);
	snapshot_unref(taken);
	snapshot_reader_fini(&reader);
	snapshot_reader_fini(&reader);
	snapshot_slot_fini(&slot);
	snapshot_unref(NULL);
	check("all gone", alive == 0);
}

static void *read_on(void *arg)
{
	struct snapshot_reader reader;
	snapshot_reader_init(&reader, arg);
	uint64_t last = 0;
	while (last < ROUNDS) {
		struct snapshot *s = snapshot_ref(snapshot_current(&reader));
		const struct payload *p = snapshot_payload(s);
		check("whole", p->a == p->b);
		check("never back", p->a >= last);
		last = p->a;
		snapshot_unref(s);
	}
	snapshot_reader_fini(&reader);
	return NULL;
}

static void threads_see_every_state_whole(void **state)
{
	struct snapshot_slot slot;
	pthread_t threads[READERS];
	snapshot_slot_init(&slot, make(0));
	for (int i = 0; i < READERS; i++)
		check("thread", pthread_create(&threads[i], NULL, read_on, &slot) == 0);
	for (uint64_t v = 1; v <= ROUNDS; v++)
		snapshot_publish(&slot, make(v));
	for (int i = 0; i < READERS; i++)
		pthread_join(threads[i], NULL);
	snapshot_slot_fini(&slot);
	check("all gone", alive == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(old_one_lives_while_it_is_held),
		cmocka_unit_test(threads_see_every_state_whole),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
