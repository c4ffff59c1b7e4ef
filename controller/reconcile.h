/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One turn of the circle for one LiveUpdate: observe, decide, carry out, publish.
 */

#include "controller/live.h"

void reconcile_one(struct live *live);
