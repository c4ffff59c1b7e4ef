/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What one read of an inotify descriptor brought: for each path once, in the order of first
 * mention. Bounded by its buffer, so that one turn of the loop does a bounded amount of work.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct notify_event {
        int wd;
        /* The masks of all events of the path, except that of IN_MODIFY, IN_CLOSE_WRITE and
         * IN_MOVED_TO the last one tells whether it is still being written: IN_MODIFY without
         * IN_CLOSE_WRITE and IN_MOVED_TO. */
        uint32_t mask;
        const char *name; /* in the batch's buffer; "" when the directory itself is meant */
};

struct notify_batch {
        char *buffer; /* owned */
        struct notify_event *items;
        size_t n_items, n_capacity;
        uint32_t *slots; /* index + 1 of an item */
        size_t n_slots;
        bool overflow; /* the kernel dropped events: nothing that was known is certain */
};

/* Zeroed memory is a valid empty batch. */
void notify_batch_done(struct notify_batch *batch);
/* Reads once. False when there was nothing to read. Negative errno when reading failed. */
int notify_batch_read(struct notify_batch *batch, int fd);
