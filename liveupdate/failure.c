/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/failure.h"

/*
 * The exit codes of rm, tar and mv say little, so their words are read, which are English because
 * the session runs them with LC_ALL=C. A table goes from words to reasons, the first that is found
 * counts; exit code 127 comes before it, since then there was no tool to say anything.
 *
 * Retrying helps where the world may change by itself (a connection) or where the careful way of a
 * second try removes what stood in the way; it does not against a read-only root or a missing tar.
 */

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

struct words {
        const char *text;
        enum lu_reason reason;
        bool retry_helps;
        const char *advice;
};

static const struct words said_by_tools[] = {
        {"Read-only file system", LU_REASON_READ_ONLY_FILE_SYSTEM, false,
         "the container's file system is read-only there: mount an emptyDir at the containerPath, "
         "or drop readOnlyRootFilesystem while developing"},
        {"No space left on device", LU_REASON_DISK_FULL, true,
         "the disk of the container is full: free space there, or raise its ephemeral-storage"},
        {"Disk quota exceeded", LU_REASON_DISK_FULL, true,
         "the disk quota of the container is used up"},
        {"Device or resource busy", LU_REASON_MOUNT_POINT, false,
         "a volume is mounted exactly there, so the file cannot be replaced: sync to another path, "
         "or mount the directory instead of the file"},
        {"Resource busy", LU_REASON_MOUNT_POINT, false,
         "a volume is mounted exactly there, so the file cannot be replaced: sync to another path, "
         "or mount the directory instead of the file"},
        {"Permission denied", LU_REASON_PERMISSION_DENIED, false,
         "the container's user may not write there: give the directory to that user in the "
         "Dockerfile (COPY --chown, chown -R), or run the container as another user"},
        {"Operation not permitted", LU_REASON_PERMISSION_DENIED, false,
         "the container's user may not do that: give the directory to that user in the Dockerfile "
         "(COPY --chown, chown -R), or run the container as another user"},
};

static const struct words said_by_runtime[] = {
        {"executable file not found", LU_REASON_NO_SHELL, false, ""},
        {"no such file or directory", LU_REASON_NO_SHELL, false, ""},
        {"container not found", LU_REASON_CONTAINER_GONE, false, ""},
        {"not running", LU_REASON_CONTAINER_GONE, false, ""},
        {"not found", LU_REASON_CONTAINER_GONE, false, ""},
        {"stopped", LU_REASON_CONTAINER_GONE, false, ""},
        {"is not created or running", LU_REASON_CONTAINER_GONE, false, ""},
};

#define NO_SHELL_ADVICE \
        "the container has no sh, which an update needs: add a shell and tar to the image"

static const char *const tools[LU_PHASE_MAX] = {
        [LU_PHASE_READ] = "dd",     [LU_PHASE_REMOVE] = "rm",   [LU_PHASE_MKDIR] = "mkdir",
        [LU_PHASE_OWNER] = "chown", [LU_PHASE_ARCHIVE] = "tar", [LU_PHASE_RENAME] = "mv",
};

static const struct words *find_words(const struct words *table, size_t n, const char *text)
{
        for (size_t i = 0; i < n; i++)
                if (strcasestr(text, table[i].text))
                        return &table[i];
        return NULL;
}

/* What the tool said, on one line, behind @message. */
static char *with_words(const char *message, const char *said)
{
        struct str text = {};
        size_t len = strlen(said);

        str_append(&text, message);
        while (len > 0 && said[len - 1] == '\n')
                len--;
        if (len > 0) {
                str_append(&text, ": ");
                str_append_printable(&text, said, len);
        }
        return str_take(&text);
}

static void judge_command(const struct lu_failure_facts *f, struct lu_failure *out)
{
        const char *tool = tools[f->phase];
        const struct words *words =
                find_words(said_by_tools, ARRAY_SIZE(said_by_tools), f->stderr_tail);
        _cleanup_(freep) char *what = xasprintf("%s exited with code %d", tool, f->code);

        if (f->code == 127) {
                out->reason = f->phase == LU_PHASE_ARCHIVE ? LU_REASON_NO_TAR : LU_REASON_NO_TOOLS;
                out->message =
                        xasprintf("the container has no %s, which an update needs: add it to "
                                  "the image",
                                  tool);
                return;
        }
        if (words) {
                _cleanup_(freep) char *advised = xasprintf("%s (%s)", words->advice, what);

                out->reason = words->reason;
                out->retry_helps = words->retry_helps;
                out->message = with_words(advised, f->stderr_tail);
                return;
        }
        out->reason =
                f->phase == LU_PHASE_REMOVE ? LU_REASON_REMOVE_FAILED : LU_REASON_ARCHIVE_FAILED;
        out->retry_helps = true;
        out->message = with_words(what, f->stderr_tail);
}

static void judge_exit(const struct lu_failure_facts *f, struct lu_failure *out)
{
        _cleanup_(freep) char *what = NULL;

        /* Some runtimes report a missing program by the shell's codes. */
        if (f->code == 126 || f->code == 127 || f->code == 128) {
                out->reason = LU_REASON_NO_SHELL;
                out->message = with_words(NO_SHELL_ADVICE, f->stderr_tail);
                return;
        }
        what = xasprintf("the session's shell ended early with code %d", f->code);
        out->reason = LU_REASON_ARCHIVE_FAILED;
        out->retry_helps = true;
        out->message = with_words(what, f->stderr_tail);
}

static void judge_refusal(const struct lu_failure_facts *f, struct lu_failure *out)
{
        const struct words *words =
                find_words(said_by_runtime, ARRAY_SIZE(said_by_runtime), f->message);

        out->retry_helps = f->retryable;
        if (streq(f->refusal, "Forbidden") || f->http_status == 401 || f->http_status == 403) {
                out->reason = LU_REASON_FORBIDDEN;
                out->message = xasprintf("%s (it takes the rights get and create on pods/exec)",
                                         f->message);
                return;
        }
        out->reason = LU_REASON_REFUSED;
        if (streq(f->refusal, "NotFound") || f->http_status == 404)
                out->reason = LU_REASON_CONTAINER_GONE;
        else if (words)
                out->reason = words->reason;
        else if (f->retryable)
                out->reason = LU_REASON_CONNECTION_LOST;
        out->message = out->reason == LU_REASON_NO_SHELL ? with_words(NO_SHELL_ADVICE, f->message)
                                                         : xstrdup(f->message);
}

void lu_failure_judge(const struct lu_failure_facts *facts, struct lu_failure *ret_failure)
{
        struct lu_failure out = {};

        switch (facts->kind) {
        case LU_FAILURE_COMMAND:
                judge_command(facts, &out);
                break;
        case LU_FAILURE_VOID:
                out.reason = LU_REASON_VOID;
                out.retry_helps = true;
                out.message = xstrdup("a file changed while it was sent; it is sent again");
                break;
        case LU_FAILURE_EXITED:
                judge_exit(facts, &out);
                break;
        case LU_FAILURE_REFUSED:
                judge_refusal(facts, &out);
                break;
        case LU_FAILURE_LOST:
                out.reason = LU_REASON_CONNECTION_LOST;
                out.retry_helps = true;
                out.message = xstrdup(facts->message);
                break;
        case LU_FAILURE_TIMEOUT:
                out.reason = LU_REASON_TIMEOUT;
                out.retry_helps = true;
                out.message = xstrdup(facts->message);
                break;
        }
        *ret_failure = out;
}

void lu_failure_done(struct lu_failure *failure)
{
        free(failure->message);
        *failure = (struct lu_failure){};
}
