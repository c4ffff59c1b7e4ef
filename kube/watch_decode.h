/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a list and a watch stream say, taken apart. Pure.
 */

#include <jansson.h>

#include "base/str.h"

enum watch_event_type {
        WATCH_EVENT_APPLIED, /* ADDED and MODIFIED: the difference is of no use to a store */
        WATCH_EVENT_DELETED,
        WATCH_EVENT_BOOKMARK, /* only the resourceVersion of the object counts */
        WATCH_EVENT_ERROR,    /* the object is a Status */
};

struct watch_event {
        enum watch_event_type type;
        json_t *object;               /* owned reference */
        const char *resource_version; /* of the object; "" when there is none; borrowed from it */
};

/* One line of a stream. -EBADMSG: no JSON; -EPROTO: no event that we know. */
int watch_event_decode(struct view line, struct watch_event *ret_event);
void watch_event_done(struct watch_event *e);

struct watch_list {
        json_t *document;             /* owned reference; the rest is borrowed from it */
        json_t *items;                /* an array, or NULL */
        const char *resource_version; /* never empty */
};

/*
 * A list's body. Items without kind or apiVersion get those of the list. -EBADMSG: no JSON;
 * -EPROTO: no list.
 */
int watch_list_decode(const struct str *body, struct watch_list *ret_list);
void watch_list_done(struct watch_list *l);
