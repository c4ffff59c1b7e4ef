/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Without root, containers need a user namespace in which we are root.
 */

#include "base/err.h"

/*
 * Root: nothing happens. Others: continues in a child that has namespaces of its own, in which the
 * present user is 0 and no other user exists; the parent passes SIGTERM and SIGINT on and ends with
 * the child's exit code, so it never returns.
 */
int userns_enter(struct err *err);
