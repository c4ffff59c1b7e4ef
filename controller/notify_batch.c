/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/notify_batch.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <xxhash.h>

#include "base/mem.h"

/*
 * A save makes three or four events, a copy of a large file hundreds; each path is looked at once.
 * Events are merged by (watch, name) in a hash table of indices that is as large as this read
 * needs.
 *
 * Events about a directory itself are not merged: IN_IGNORED ends the life of its watch and must
 * keep its place behind the others.
 */

#define BUFFER_SIZE ((size_t)64 << 10)

void notify_batch_done(struct notify_batch *batch)
{
        free(batch->buffer);
        free(batch->items);
        free(batch->slots);
        *batch = (struct notify_batch){};
}

static void reserve(struct notify_batch *batch, size_t n_events)
{
        size_t n_slots = 64;

        while (n_slots < n_events * 2)
                n_slots *= 2;
        if (batch->n_capacity < n_events) {
                batch->items = xreallocarray(batch->items, n_events, sizeof(batch->items[0]));
                batch->n_capacity = n_events;
        }
        if (batch->n_slots < n_slots) {
                batch->slots = xreallocarray(batch->slots, n_slots, sizeof(batch->slots[0]));
                batch->n_slots = n_slots;
        }
        memset(batch->slots, 0, batch->n_slots * sizeof(batch->slots[0]));
        batch->n_items = 0;
}

static struct notify_event *append(struct notify_batch *batch, int wd, const char *name)
{
        struct notify_event *item = &batch->items[batch->n_items++];

        *item = (struct notify_event){.wd = wd, .name = name};
        return item;
}

/* The item of (wd, name), made when it is the first of its kind. */
static struct notify_event *obtain(struct notify_batch *batch, int wd, const char *name)
{
        size_t mask = batch->n_slots - 1;
        size_t i = XXH3_64bits_withSeed(name, strlen(name), (uint64_t)wd) & mask;

        for (; batch->slots[i] != 0; i = (i + 1) & mask) {
                struct notify_event *item = &batch->items[batch->slots[i] - 1];

                if (item->wd == wd && strcmp(item->name, name) == 0)
                        return item;
        }
        append(batch, wd, name);
        batch->slots[i] = (uint32_t)batch->n_items;
        return &batch->items[batch->n_items - 1];
}

static void take_event(struct notify_batch *batch, const struct inotify_event *event)
{
        struct notify_event *item;

        if (event->mask & IN_Q_OVERFLOW) {
                batch->overflow = true;
                return;
        }
        if (event->len == 0 || event->name[0] == '\0') {
                /* Permissions and times of a directory itself; its parent tells too. */
                if (event->mask & ~(uint32_t)(IN_ATTRIB | IN_ISDIR))
                        append(batch, event->wd, "")->mask = event->mask;
                return;
        }
        item = obtain(batch, event->wd, event->name);
        if (event->mask & IN_MODIFY)
                item->mask &= ~(uint32_t)(IN_CLOSE_WRITE | IN_MOVED_TO);
        if (event->mask & IN_MOVED_TO)
                item->mask &= ~(uint32_t)IN_MODIFY;
        item->mask |= event->mask;
}

/* An event at @offset; its length. The kernel aligns and completes what it returns. */
static const struct inotify_event *event_at(const struct notify_batch *batch, size_t offset)
{
        return (const struct inotify_event *)(const void *)(batch->buffer + offset);
}

int notify_batch_read(struct notify_batch *batch, int fd)
{
        size_t n_events = 0, step;
        ssize_t n;

        if (!batch->buffer)
                batch->buffer = xmalloc(BUFFER_SIZE);
        batch->overflow = false;
        batch->n_items = 0;
        do {
                n = read(fd, batch->buffer, BUFFER_SIZE);
        } while (n < 0 && errno == EINTR);
        if (n < 0)
                return errno == EAGAIN ? 0 : -errno;
        for (size_t at = 0; at < (size_t)n; at += step, n_events++)
                step = sizeof(struct inotify_event) + event_at(batch, at)->len;
        reserve(batch, n_events);
        for (size_t at = 0; at < (size_t)n; at += step) {
                step = sizeof(struct inotify_event) + event_at(batch, at)->len;
                take_event(batch, event_at(batch, at));
        }
        return n > 0;
}
