/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Tests of a session: each runs in a fixture of its own, once per flavour of shell and tools.
 */

#include "test/unit/controller/session.h"

extern struct fixture fixture;
extern const struct flavour *flavour;

int session_setup(void **state);
int session_teardown(void **state);

#define SESSION_TEST(function) \
        cmocka_unit_test_setup_teardown(function, session_setup, session_teardown)

/* Makes the tests that follow use flavour @i; false: there are no more. */
bool session_use_flavour(size_t i);
/* False for BusyBox, whose shell has its tools built in. */
bool finds_tools_by_path(void);

struct lu_update_item *item(struct lu_update *u, const char *path, enum lu_kind kind);
/* Fails the test when look() says something else of @path in the container. */
void expect(const char *path, const char *what);
/* Runs the update, which is sealed, and drops the reference; fails when the report differs. */
void run_with(struct lu_update *u, struct session_options options, const char *events);
/* The same without options; seals the update. */
void run(struct lu_update *u, const char *events);
