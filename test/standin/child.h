/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What happens between fork and exec.
 */

#include "test/standin/process.h"

enum child_stage {
        CHILD_NAMESPACES,
        CHILD_ROOT,
        CHILD_MOUNTS,
        CHILD_IDENTITY,
        CHILD_CWD,
        CHILD_EXEC,
};

/* What a failed child writes into its report pipe. */
struct child_report {
        enum child_stage stage;
        int error; /* errno */
};

struct child {
        const struct process_params *params;
        int fds[3];                          /* its stdin, stdout, stderr */
        int report;                          /* closed by a successful exec */
        int mount_namespace, host_namespace; /* of the container to join, or -1 */
        int root;                            /* likewise: its root directory */
};

_noreturn_ void child_run(const struct child *c);
const char *child_stage_text(enum child_stage stage);
