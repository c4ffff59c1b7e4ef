/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <string.h>

#include "base/mem.h"
#include "liveupdate/failure.h"

static void every_failure_has_a_reason_and_a_sentence(void **state)
{
        static const struct {
                struct lu_failure_facts facts;
                enum lu_reason reason;
                bool retry_helps;
                const char *says;
        } rows[] = {
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_ARCHIVE,
                  .code = 127,
                  .stderr_tail = "sh: tar: not found\n"},
                 LU_REASON_NO_TAR,
                 false,
                 "has no tar"},
                {{.kind = LU_FAILURE_COMMAND, .phase = LU_PHASE_READ, .code = 127},
                 LU_REASON_NO_TOOLS,
                 false,
                 "has no dd"},
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_REMOVE,
                  .code = 1,
                  .stderr_tail = "rm: cannot remove '/a': Permission denied\n"},
                 LU_REASON_PERMISSION_DENIED,
                 false,
                 "rm: cannot remove '/a': Permission denied"},
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_ARCHIVE,
                  .code = 2,
                  .stderr_tail = "tar: a: Cannot open: Read-only file system\n"},
                 LU_REASON_READ_ONLY_FILE_SYSTEM,
                 false,
                 "emptyDir"},
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_ARCHIVE,
                  .code = 1,
                  .stderr_tail = "tar: write error: No space left on device"},
                 LU_REASON_DISK_FULL,
                 true,
                 "tar exited with code 1"},
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_RENAME,
                  .code = 1,
                  .stderr_tail = "mv: cannot move: Device or resource busy"},
                 LU_REASON_MOUNT_POINT,
                 false,
                 "volume is mounted"},
                {{.kind = LU_FAILURE_COMMAND,
                  .phase = LU_PHASE_ARCHIVE,
                  .code = 2,
                  .stderr_tail = "tar: x: Cannot open: Not a directory\n"},
                 LU_REASON_ARCHIVE_FAILED,
                 true,
                 "tar exited with code 2: tar: x"},
                {{.kind = LU_FAILURE_COMMAND, .phase = LU_PHASE_REMOVE, .code = 1},
                 LU_REASON_REMOVE_FAILED,
                 true,
                 "rm exited with code 1"},
                {{.kind = LU_FAILURE_VOID}, LU_REASON_VOID, true, "changed while"},
                {{.kind = LU_FAILURE_EXITED, .code = 127}, LU_REASON_NO_SHELL, false, "no sh"},
                {{.kind = LU_FAILURE_EXITED, .code = 137},
                 LU_REASON_ARCHIVE_FAILED,
                 true,
                 "ended early with code 137"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "InternalError",
                  .message = "OCI runtime exec failed: exec: \"sh\": executable file not found"},
                 LU_REASON_NO_SHELL,
                 false,
                 "no sh"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "InternalError",
                  .message = "container not found (\"app\")"},
                 LU_REASON_CONTAINER_GONE,
                 false,
                 "container not found"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "NotFound",
                  .http_status = 404,
                  .message = "pods \"a\" not found"},
                 LU_REASON_CONTAINER_GONE,
                 false,
                 "pods \"a\" not found"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "Forbidden",
                  .http_status = 403,
                  .message = "cannot create resource"},
                 LU_REASON_FORBIDDEN,
                 false,
                 "get and create on pods/exec"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "",
                  .http_status = 503,
                  .retryable = true,
                  .message = "503"},
                 LU_REASON_CONNECTION_LOST,
                 true,
                 "503"},
                {{.kind = LU_FAILURE_REFUSED,
                  .refusal = "BadRequest",
                  .http_status = 400,
                  .message = "pod does not have a host assigned"},
                 LU_REASON_REFUSED,
                 false,
                 "host assigned"},
                {{.kind = LU_FAILURE_LOST, .message = "cut"},
                 LU_REASON_CONNECTION_LOST,
                 true,
                 "cut"},
                {{.kind = LU_FAILURE_TIMEOUT, .message = "silent"},
                 LU_REASON_TIMEOUT,
                 true,
                 "silent"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct lu_failure_facts facts = rows[i].facts;
                struct lu_failure failure;

                facts.refusal = facts.refusal ? facts.refusal : "";
                facts.message = facts.message ? facts.message : "";
                facts.stderr_tail = facts.stderr_tail ? facts.stderr_tail : "";
                lu_failure_judge(&facts, &failure);
                if (failure.reason != rows[i].reason || !strstr(failure.message, rows[i].says))
                        fail_msg("row %zu: %s: %s", i, lu_reason_name(failure.reason),
                                 failure.message);
                assert_int_equal(failure.retry_helps, rows[i].retry_helps);
                lu_failure_done(&failure);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_failure_has_a_reason_and_a_sentence),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
