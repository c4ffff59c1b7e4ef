/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One LiveUpdate under control: its rules, what is known of where it points, what is remembered of
 * its containers, and the updates that are under way. It holds state and decides nothing; the
 * reconcile reads it and carries out what was decided (controller/reconcile.h).
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "controller/discovery.h"
#include "controller/update_op.h"
#include "kube/request.h"
#include "liveupdate/manifest.h"
#include "liveupdate/memory.h"
#include "liveupdate/rules.h"
#include "liveupdate/world.h"

struct app;
struct live;

/* An update under way to one container. */
struct operation {
        struct live *live;
        struct operation *next;
        struct update_op *op;
        char *namespace_, *pod, *pod_uid, *container, *container_id;
        uint64_t revision;
        bool wanted; /* the last plan KEEPs it */
};

/* What has been shown to the person at the terminal, so that nothing is said twice. */
struct shown {
        bool any;
        bool ready;
        enum lu_reason reason;
        char *message;
        uint64_t unmatched_revision;
        /* The update that is being applied to several containers, for its one line. */
        uint64_t started_at; /* ms */
        uint64_t files, deleted;
        size_t n_pods, n_failed;
};

struct live {
        struct app *app;
        struct live *next;
        char *namespace_, *name, *uid;
        bool from_file;
        json_int_t generation;
        uint64_t steps_mark; /* objects_steps_mark() of what the rules were made of */
        bool seen;           /* while the set of objects is compared */

        struct lu_rules *rules; /* NULL: invalid */
        char *invalid;          /* why, for people */
        char *other_owner;      /* who holds the object; NULL: we do */
        bool was_ours;          /* taken over once, it is not taken over again */

        struct discovery *discovery;
        struct lu_memory **memories;
        size_t n_memories;
        struct lu_seen *generations; /* that are there now */
        size_t n_generations;
        struct operation *operations;

        uv_timer_t timer; /* plan.until */
        bool dirty;

        json_t *status;        /* as last published or shown */
        json_t *next_status;   /* newer, waiting for its second to pass; or NULL */
        uint64_t published_at; /* ms */
        kube_request_id publishing;
        uv_timer_t publish_timer;
        unsigned n_open_timers;
        struct shown shown;
};

struct live *live_new(struct app *app, const char *namespace_, const char *name);
/* Cancels what is under way; freed when the loop has closed its timers. */
void live_close(struct live *live);

/*
 * New rules (taken) or, with NULL, the reason why there are none (@invalid, copied). What was
 * remembered of the containers is forgotten: other rules send other files.
 */
void live_set_rules(struct live *live, struct lu_rules *rules, const char *invalid);

struct lu_memory *live_memory(struct live *live, const char *pod_uid, const char *container,
                              const char *container_id);
/* Finds or creates it. */
struct lu_memory *live_remember(struct live *live, const char *pod_uid, const char *container,
                                const char *container_id);
/* Forgets all containers that no update is under way for and that @keep does not want. */
void live_forget(struct live *live, bool (*keep)(void *userdata, const struct lu_memory *memory),
                 void *userdata);

/* Notes which generations are there since when; forgets those that are gone. */
void live_note_seen(struct live *live, const struct lu_cluster *cluster);

/* Ends the operation without its result and forgets that it began. */
void operation_cancel(struct operation *operation);
/* Takes it out of its live's list and frees it; what is still under way ends without a result. */
void operation_free(struct operation *operation);
