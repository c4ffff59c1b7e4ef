/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The condition Used of every LiveUpdateStep: a shared step that no LiveUpdate of its namespace
 * uses is a mistake, and is told on the object.
 */

#include "controller/app.h"

/* Compares what stands in the steps' status with what is so, and writes the difference. */
void steps_publish(struct app *app);
