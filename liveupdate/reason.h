/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Why: the stable CamelCase words of conditions, container states, Events and JSON records. People
 * read the message beside it; scripts and tests match the reason.
 */

enum lu_reason {
        LU_REASON_NONE,
        /* all is well, or on its way */
        LU_REASON_SYNCED,
        LU_REASON_UPDATING,
        LU_REASON_SETTLING,
        LU_REASON_CONNECTING,
        LU_REASON_CONTAINER_WAITING,
        LU_REASON_PAUSED,
        LU_REASON_RESCANNING,
        /* needs a person */
        LU_REASON_INVALID_SPEC,
        LU_REASON_NOT_SUPPORTED,
        LU_REASON_NO_TARGETS,
        LU_REASON_WORKSPACE_VANISHED,
        LU_REASON_CLUSTER_UNREACHABLE,
        LU_REASON_OWNED_ELSEWHERE,
        LU_REASON_FAILED,
        /* rebuilds */
        LU_REASON_REBUILD_REQUIRED,
        LU_REASON_FALL_BACK_ON,
        LU_REASON_NO_MATCHING_SYNC,
        /* an update that failed */
        LU_REASON_RUN_FAILED,
        LU_REASON_NO_SHELL,
        LU_REASON_NO_TAR,
        LU_REASON_NO_TOOLS,
        LU_REASON_PERMISSION_DENIED,
        LU_REASON_READ_ONLY_FILE_SYSTEM,
        LU_REASON_DISK_FULL,
        LU_REASON_MOUNT_POINT,
        LU_REASON_CONNECTION_LOST,
        LU_REASON_TIMEOUT,
        LU_REASON_CONTAINER_GONE,
        LU_REASON_FORBIDDEN,
        LU_REASON_VOID,
        LU_REASON_UNREADABLE_FILE,
        LU_REASON_ARCHIVE_FAILED,
        LU_REASON_REMOVE_FAILED,
        LU_REASON_REFUSED,
        LU_REASON_MAX,
};

/* "Synced", "NoTargets", …; "" for LU_REASON_NONE. Static. */
const char *lu_reason_name(enum lu_reason reason);
