/* SPDX-License-Identifier: Apache-2.0 */
/*
 * places: where exactly a cloud's provider is. Its row has addresses with {region}, {project}, {location}, {account},
 * {resource}, {api_version} and {vertex_host} in them; the values come from its settings, else from the cloud's
 * well-known variables, else from the row. Read when a configuration is loaded. Pure but for the environment given.
 */
#ifndef SLUICE_PROVIDER_PLACES_H
#define SLUICE_PROVIDER_PLACES_H

#include "provider/providers.h"

struct conf_env;
struct provider_settings;

struct provider_places {
	struct str value[PROVIDER_PLACES];       /* empty: unknown */
	struct str base_url;                     /* of settings or a variable; empty: the row's */
};

/* The word in settings and templates: "region". */
const char *provider_place_name(enum provider_place);

void provider_places_read(struct arena *, const struct conf_env *, const struct provider *,
                          const struct provider_settings *, struct provider_places *out);

/* The places are not told, but are found: all faces can be filled from the environment. */
bool provider_places_found(const struct conf_env *, const struct provider *);

/*
 * The face's address and query with everything filled in, in the arena. A base URL that was set stands in place of the
 * row's; one without a path gets the row's path. False: ERR_CONFIG, e.g. "needs region (or the variable AWS_REGION)".
 */
MUST_USE bool provider_face_fill(struct arena *, const struct provider *, const struct provider_face *,
                                 const struct provider_places *, struct provider_face *out, struct err *);

#endif
