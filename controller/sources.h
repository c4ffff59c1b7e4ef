/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which LiveUpdates are under control: those of the files given with -f, or the chosen ones of the
 * cluster that are ours (DESIGN.md 9, ownership). Keeps app->lives equal to that set.
 */

#include "controller/app.h"

/* Reads the files once. Faults are printed; -EINVAL with a summary in @err when there are any. */
int sources_load_files(struct app *app, struct err *err);
/* Compares app->lives with the cluster's objects: called when app->objects_dirty. */
void sources_sync(struct app *app);
/* Reads the ignore files of all LiveUpdates again. */
void sources_load_ignores(struct app *app);
