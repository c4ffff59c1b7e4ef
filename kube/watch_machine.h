/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What a watch does next, as a pure function of what happened: (machine, input) -> (machine,
 * decision). kube/watch.c carries it out. The states and legal moves are those of kube/watch.h.
 *
 * A decision other than STAY replaces whatever the watch was doing: an open stream is closed.
 */

#include <stdbool.h>
#include <stdint.h>

#include "kube/backoff.h"

enum watch_state {
        WATCH_LISTING,
        WATCH_WATCHING,
        WATCH_WAITING,
};

enum watch_happened {
        WATCH_LISTED,     /* the whole list is in the store; resource_version is the list's */
        WATCH_OPENED,     /* the server accepted the stream */
        WATCH_EVENT,      /* an object or a bookmark came; resource_version is its own */
        WATCH_STREAM_END, /* the server ended the stream properly */
        WATCH_FAILED,     /* the list or the stream failed: status or r, or an ERROR event */
        WATCH_TIMER,      /* the wait is over, or the watchdog ran out */
};

enum watch_what {
        WATCH_STAY,
        WATCH_DO_LIST,  /* with watch_machine_list_version() */
        WATCH_DO_WATCH, /* from resource_version on */
        WATCH_DO_WAIT,  /* for wait_ms, then give WATCH_TIMER */
};

struct watch_input {
        enum watch_happened happened;
        uint64_t now_ms; /* loop time */
        uint64_t random; /* evenly distributed */
        const char *resource_version;
        /* With WATCH_FAILED: */
        int r;                  /* negative errno of the transport or of our parser, else 0 */
        int status;             /* HTTP status or Status.code, else 0 */
        bool rv_too_large;      /* the server has not come that far (yet) */
        unsigned retry_after_s; /* 0: none */
};

enum watch_trouble {
        WATCH_TROUBLE_SAME,
        WATCH_TROUBLE_BEGAN, /* or is another one now */
        WATCH_TROUBLE_ENDED,
};

struct watch_decision {
        enum watch_what what;
        uint64_t wait_ms;
        bool synced; /* tell that the list is complete */
        enum watch_trouble trouble;
};

struct watch_machine {
        enum watch_state state;
        enum watch_state after_wait;
        char *resource_version; /* owned; NULL: never listed */
        bool list_latest;       /* the next list must not be answered from a cache */
        bool synced;
        bool open;            /* the server accepted this stream */
        uint64_t opened_ms;   /* when it did */
        bool had_events;      /* of this stream */
        bool listed_just_now; /* no stream was healthy since the last list */
        struct kube_backoff backoff;
        bool in_trouble;
        int trouble_r, trouble_status;
};

/* A zeroed machine is to be begun with WATCH_DO_LIST. */
struct watch_decision watch_machine_step(struct watch_machine *m, const struct watch_input *input);
/* The resourceVersion for the next list: "0" (any), the last one (not older), "" (the latest). */
const char *watch_machine_list_version(const struct watch_machine *m);
void watch_machine_done(struct watch_machine *m);

/* "LISTING" and so on. */
const char *watch_state_name(enum watch_state state);

struct watch_query {
        const char *path;           /* of the collection */
        const char *label_selector; /* unencoded, or NULL */
        const char *field_selector; /* unencoded, or NULL */
        const char *resource_version;
        unsigned timeout_s; /* of a stream; 0: a list is asked for */
};

/* Path and query, encoded. The caller frees it. */
char *watch_query_format(const struct watch_query *q);
