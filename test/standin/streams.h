/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * pods/exec, pods/attach (WebSocket, v4 and v5.channel.k8s.io) and pods/log.
 */

#include "test/standin/call.h"

/* True when @c was for one of them: it has been answered or taken over. */
bool streams_answer(struct call *c);
