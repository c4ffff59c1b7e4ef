/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/reason.h"

#include <assert.h>

static const char *const names[LU_REASON_MAX] = {
        [LU_REASON_NONE] = "",
        [LU_REASON_SYNCED] = "Synced",
        [LU_REASON_UPDATING] = "Updating",
        [LU_REASON_SETTLING] = "Settling",
        [LU_REASON_CONNECTING] = "Connecting",
        [LU_REASON_CONTAINER_WAITING] = "ContainerWaiting",
        [LU_REASON_PAUSED] = "Paused",
        [LU_REASON_RESCANNING] = "Rescanning",
        [LU_REASON_INVALID_SPEC] = "InvalidSpec",
        [LU_REASON_NOT_SUPPORTED] = "NotSupported",
        [LU_REASON_NO_TARGETS] = "NoTargets",
        [LU_REASON_WORKSPACE_VANISHED] = "WorkspaceVanished",
        [LU_REASON_CLUSTER_UNREACHABLE] = "ClusterUnreachable",
        [LU_REASON_OWNED_ELSEWHERE] = "OwnedElsewhere",
        [LU_REASON_FAILED] = "Failed",
        [LU_REASON_REBUILD_REQUIRED] = "RebuildRequired",
        [LU_REASON_FALL_BACK_ON] = "FallBackOn",
        [LU_REASON_NO_MATCHING_SYNC] = "NoMatchingSync",
        [LU_REASON_RUN_FAILED] = "RunFailed",
        [LU_REASON_NO_SHELL] = "NoShell",
        [LU_REASON_NO_TAR] = "NoTar",
        [LU_REASON_NO_TOOLS] = "NoTools",
        [LU_REASON_PERMISSION_DENIED] = "PermissionDenied",
        [LU_REASON_READ_ONLY_FILE_SYSTEM] = "ReadOnlyFileSystem",
        [LU_REASON_DISK_FULL] = "DiskFull",
        [LU_REASON_MOUNT_POINT] = "MountPoint",
        [LU_REASON_CONNECTION_LOST] = "ConnectionLost",
        [LU_REASON_TIMEOUT] = "Timeout",
        [LU_REASON_CONTAINER_GONE] = "ContainerGone",
        [LU_REASON_FORBIDDEN] = "Forbidden",
        [LU_REASON_VOID] = "Void",
        [LU_REASON_UNREADABLE_FILE] = "UnreadableFile",
        [LU_REASON_ARCHIVE_FAILED] = "ArchiveFailed",
        [LU_REASON_REMOVE_FAILED] = "RemoveFailed",
        [LU_REASON_REFUSED] = "Refused",
};

const char *lu_reason_name(enum lu_reason reason)
{
        assert(reason < LU_REASON_MAX && names[reason]);
        return names[reason];
}
