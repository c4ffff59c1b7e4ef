/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * From a container's spec to what a process needs. Files and directories of volumes are made.
 */

#include "test/standin/kubelet.h"

struct run_spec {
        struct strv argv, env;
        char *cwd;
        uid_t uid;
        gid_t gid;
        bool stdin_open, tty, read_only_root;
        struct process_mount *mounts;
        size_t n_mounts;
};

/* @c->root must exist. On failure @err is what the waiting message shall say. */
int run_spec_make(struct container *c, const json_t *pod_object, const struct image *image,
                  struct run_spec *ret_spec, struct err *err);
void run_spec_done(struct run_spec *s);
