/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What can be asked about objects: get, list, watch, create, update, patch, delete. Each answers.
 */

#include "test/standin/call.h"

void verb_get(struct call *c);
void verb_list_or_watch(struct call *c);
void verb_create(struct call *c);
void verb_update(struct call *c);
void verb_patch(struct call *c);
void verb_delete(struct call *c);
void verb_delete_collection(struct call *c);
