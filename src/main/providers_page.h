/* SPDX-License-Identifier: Apache-2.0 */
/* providers_page: docs/providers.md, written from the table of known providers (sluice providers --markdown). */
#ifndef SLUICE_MAIN_PROVIDERS_PAGE_H
#define SLUICE_MAIN_PROVIDERS_PAGE_H

#include "base/buf.h"

struct provider;

/* What it needs besides a credential, with commas: "region (`AWS_REGION`)"; nothing for most. */
void providers_page_needs(struct buf *, const struct provider *);
void providers_page(struct buf *);

#endif
