/* SPDX-License-Identifier: Apache-2.0 */
/*
 * restart: which settings a new configuration has changed that take effect only at the next start (`needs_restart` of
 * base/setting.h). A reload goes on with the old ones, and whoever asked for it should hear so. Pure.
 */
#ifndef SLUICE_CONF_RESTART_H
#define SLUICE_CONF_RESTART_H

#include "base/setting.h"

/* Both are structs as `top` describes them. `report` is called once for each row that differs, with its path
 * ("routing.affinity.entries"); a list is reported as a whole. */
void conf_restart_needed(const struct settings *top, const void *running, const void *next,
                         void (*report)(void *arg, const char *path), void *arg);

#endif
