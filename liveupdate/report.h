/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the session of an update says on its standard output (liveupdate/script.h), taken apart.
 *
 *         TOKEN applied               all files are in place
 *         TOKEN void                  a file changed while it was sent: nothing counts
 *         TOKEN fail PHASE CODE       rm, mkdir, chown, tar, mv or dd exited so; the end
 *         TOKEN run I                 output of run I follows, until
 *         TOKEN exit I CODE TIMED_OUT (0 or 1)
 *         TOKEN done                  the end
 *
 * A record may begin anywhere in a line, since output need not end in a newline. Incremental, pure;
 * keeps at most a record's length of bytes back.
 */

#include <stdbool.h>
#include <stddef.h>

#include "base/str.h"
#include "liveupdate/script.h"

enum lu_report_kind {
        LU_REPORT_APPLIED,
        LU_REPORT_VOID,
        LU_REPORT_FAIL,
        LU_REPORT_RUN,
        LU_REPORT_OUTPUT,
        LU_REPORT_EXIT,
        LU_REPORT_DONE,
};

enum lu_phase {
        LU_PHASE_READ,
        LU_PHASE_REMOVE,
        LU_PHASE_MKDIR,
        LU_PHASE_OWNER,
        LU_PHASE_ARCHIVE,
        LU_PHASE_RENAME,
        LU_PHASE_MAX,
};

/* "remove", as in the record. */
const char *lu_phase_name(enum lu_phase phase);

struct lu_report_event {
        enum lu_report_kind kind;
        enum lu_phase phase; /* FAIL */
        size_t run;          /* RUN, OUTPUT, EXIT: its place in the update */
        int code;            /* FAIL, EXIT */
        bool timed_out;      /* EXIT */
        struct view output;  /* OUTPUT: borrowed, never empty */
};

typedef void (*lu_report_on_event)(void *userdata, const struct lu_report_event *event);

struct lu_report {
        char token[LU_TOKEN_SIZE];
        lu_report_on_event on_event;
        void *userdata;
        struct str held; /* may become a record */
        bool running;
        size_t run;
};

void lu_report_init(struct lu_report *r, const char *token, lu_report_on_event on_event,
                    void *userdata);
void lu_report_done(struct lu_report *r);
/* -EPROTO: a record that cannot be understood. Output outside of a run is dropped. */
int lu_report_feed(struct lu_report *r, const char *data, size_t len);
