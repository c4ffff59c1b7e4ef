/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One exec or attach after its upgrade was decided: the channels of the WebSocket on one side, a
 * process on the other. It frees itself when the connection has ended.
 *
 *      RUNNING ──process ended, output read──► Status, close frame ──► connection closed
 *         └──────connection closed───────────► the process lives on, its stdin at its end
 */

#include "test/standin/call.h"
#include "test/standin/kubelet.h"

struct session_params {
        bool v5;
        bool attach;
        bool stdin_open, stdout_open, stderr_open, tty;
        bool stdin_once;             /* attach: the client's end of stdin is the process' */
        const struct strv *command;  /* exec */
        struct container *container; /* running, or NULL: an error to be told on channel 3 */
        const char *error;           /* with container NULL */
};

void session_start(struct call *c, const struct session_params *params);
