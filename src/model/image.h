/* SPDX-License-Identifier: Apache-2.0 */
/*
 * image: how large a picture is, and what that costs in tokens by the rules that providers publish. Pure functions.
 */
#ifndef SLUICE_MODEL_IMAGE_H
#define SLUICE_MODEL_IMAGE_H

#include <stdint.h>

#include "base/str.h"

struct image_size { uint32_t width, height; };   /* 0: not known */

/* Of base64 without white space: PNG, JPEG, GIF, WebP. Reads the head only. False: none of these, or cut. */
MUST_USE bool image_size(struct str base64, struct image_size *out);

enum image_detail { IMAGE_AUTO, IMAGE_LOW, IMAGE_HIGH };

/*
 * Tokens of a picture for a model by its maker's name. A picture of unknown size (an address that the provider fetches)
 * counts as one of 1024 by 1024. The rules are those of OpenAI ("Images and vision": tiles, or patches), Anthropic
 * ("Vision": width * height / 750), Google ("Understand and count tokens": tiles of 258); other models are taken to
 * need as many as Anthropic's.
 */
uint32_t image_tokens(struct str model, struct image_size, enum image_detail);

#endif
