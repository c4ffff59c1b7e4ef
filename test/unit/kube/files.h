/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* A temporary directory for each test, in *state, removed with all that is in it afterwards. */
int files_setup(void **state);
int files_teardown(void **state);
/* Writes a file of the directory. */
void put(const char *dir, const char *name, const char *text);
