/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The execs of one client: who waits for a place, whose deadline is next, whose end is to be told.
 *
 * At most LIMIT_EXECS_PER_CONTAINER run at once in one container; the others wait in the order they
 * came. An end is told in the next round of the loop. One timer and one idle handle serve all, so
 * that an exec is plain memory and can be freed at any time.
 */

#include <stdbool.h>

#include <uv.h>

#include "kube/client.h"

struct kube_exec_set;
struct kube_exec_entry;

struct kube_exec_entry_ops {
        /* A place is free and is the entry's now. */
        void (*start)(struct kube_exec_entry *e);
        /* `due` has passed. It must end the entry or set another `due`. */
        void (*on_due)(struct kube_exec_entry *e);
        /* After its end; the entry has left the set. Tells whom it concerns and frees it. */
        void (*deliver)(struct kube_exec_entry *e);
        /* The client stops; the entry has left the set. Frees it without a word. */
        void (*discard)(struct kube_exec_entry *e);
};

/* Embedded in what it stands for; `set`, `ops` and `target` are filled by the owner. */
struct kube_exec_entry {
        struct kube_op op; /* gives the id */
        struct kube_exec_set *set;
        const struct kube_exec_entry_ops *ops;
        const char *target; /* "namespace/pod/container": what has the places; borrowed */
        bool running, ended;
        uint64_t due; /* loop time; UINT64_MAX: none */
        struct kube_exec_entry *prev, *next;
};

struct kube_exec_set *kube_exec_set_new(struct kube_client *c);
/* Discards all entries and closes the handles. */
void kube_exec_set_stop(struct kube_exec_set *set);
/* After the loop has run empty. NULL is fine. */
void kube_exec_set_free(struct kube_exec_set *set);

/* False after the client's stop: the entry is not in the set. May call `start` at once. */
bool kube_exec_set_add(struct kube_exec_entry *e);
/* NULL when it is over. */
struct kube_exec_entry *kube_exec_set_find(struct kube_client *c, uint64_t id);
void kube_exec_set_due(struct kube_exec_entry *e, uint64_t due);
/* Gives its place to the next one, and `deliver` follows. Once per entry. */
void kube_exec_set_end(struct kube_exec_entry *e);
/* Leaves without `deliver`. */
void kube_exec_set_remove(struct kube_exec_entry *e);
