/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * CustomResourceDefinitions: a stored one makes its storage version served, and says Established.
 */

#include "base/err.h"
#include "test/standin/store.h"

int crd_validate(const json_t *crd, struct err *err);
/* After any write: registers or changes the resource when @crd is a definition. */
void crd_stored(struct store *s, struct resource *r, const json_t *crd);
/* Removes the resource with all its objects, then the definition. */
void crd_remove(struct store *s, const json_t *crd);
