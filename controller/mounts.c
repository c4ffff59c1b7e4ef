/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/mounts.h"

#include <fcntl.h>
#include <unistd.h>

/*
 * The table itself is never read: who asks looks at the one path that matters. A system without
 * /proc gets no notice, and everything else works. The kernel tells what changes once the loop
 * waits for it: from the end of the loop's first turn.
 */

void mounts_init(struct mounts *m, uv_loop_t *loop, mounts_callback on_change)
{
        *m = (struct mounts){.on_change = on_change};
        m->fd = open("/proc/self/mountinfo", O_RDONLY | O_CLOEXEC);
        if (m->fd >= 0 && uv_poll_init(loop, &m->poll, m->fd) < 0) {
                close(m->fd);
                m->fd = -1;
        }
        m->poll.data = m;
}

static void on_urgent(uv_poll_t *poll, int status, int events)
{
        struct mounts *m = poll->data;

        m->on_change(m);
}

int mounts_start(struct mounts *m)
{
        return m->fd < 0 ? 0 : uv_poll_start(&m->poll, UV_PRIORITIZED, on_urgent);
}

static void on_poll_closed(uv_handle_t *handle)
{
        struct mounts *m = handle->data;

        close(m->fd);
        m->on_closed(m);
}

void mounts_close(struct mounts *m, mounts_callback on_closed)
{
        m->on_closed = on_closed;
        if (m->fd < 0)
                on_closed(m);
        else
                uv_close((uv_handle_t *)&m->poll, on_poll_closed);
}
