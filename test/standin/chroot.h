/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A stand-in that was started in a chroot: its root directory is no mount point there, so its
 * mounts could not be kept from those who are outside.
 */

#include "base/err.h"

/*
 * Gives the process a mount namespace of its own in which nothing spreads, with the same root. Does
 * nothing where the root is a mount point: then each container sees to that itself.
 */
int chroot_isolate(struct err *err);
