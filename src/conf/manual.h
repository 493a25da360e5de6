/* SPDX-License-Identifier: Apache-2.0 */
/*
 * manual: the reference of all settings as Markdown, generated from their tables, so that it cannot differ from what is
 * read. A heading for each section, a row for each setting.
 */
#ifndef SLUICE_CONF_MANUAL_H
#define SLUICE_CONF_MANUAL_H

#include "base/buf.h"
#include "base/setting.h"

/* Appends the reference of `top`; check out->failed. */
void conf_manual(const struct settings *top, struct buf *out);

#endif
