/* SPDX-License-Identifier: Apache-2.0 */
/*
 * poller: the thin layer over the system's way of waiting for descriptors; one file per system (poller_epoll.c). Only
 * loop.c uses it. Edges: a descriptor is registered once for reading and writing and reported when something changed.
 */
#ifndef SLUICE_NET_POLLER_H
#define SLUICE_NET_POLLER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/attr.h"

struct err;
struct watch;

struct poller_event {
	struct watch *watch;
	unsigned what;          /* LOOP_READ | LOOP_WRITE | LOOP_HANGUP */
};

#define POLLER_BATCH 256

struct poller {
	int fd;
};

MUST_USE bool poller_init(struct poller *, struct err *);
void poller_fini(struct poller *);
MUST_USE bool poller_add(struct poller *, struct watch *, struct err *);
void poller_remove(struct poller *, struct watch *);
/* Waits up to `timeout_ms` (-1: for ever) and fills at most POLLER_BATCH events; returns their number. */
unsigned poller_wait(struct poller *, struct poller_event out[POLLER_BATCH], int timeout_ms);

#endif
