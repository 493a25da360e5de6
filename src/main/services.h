/* SPDX-License-Identifier: Apache-2.0 */
/* services: what the gateway answers itself, wired to the rooms that know the answers. */
#ifndef SLUICE_MAIN_SERVICES_H
#define SLUICE_MAIN_SERVICES_H

#include <stdatomic.h>

#include "gateway/service.h"

struct observe;

/* Shared by all services; outlives the gateway. */
struct services_context {
	struct observe *observe;
	atomic_bool ready;               /* false while starting and draining */
};

/* Fills the rows that are answered here; the others are left as they are. */
void services_init(struct service rows[SERVICES], struct services_context *);

#endif
