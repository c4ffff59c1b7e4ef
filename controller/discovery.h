/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * What the API server says about where one LiveUpdate points: its workload, the workload's
 * generations, the pods. Three watches at most, each limited to what is needed by a field or label
 * selector, started one after the other as what they need becomes known.
 */

#include "kube/client.h"
#include "liveupdate/targets.h"

struct discovery;

struct discovery_params {
        struct kube_client *client;
        const char *namespace_;            /* copied */
        const struct lu_rules *rules;      /* read during the call only */
        void (*on_change)(void *userdata); /* something differs; never called from within a call */
        void *userdata;
};

struct discovery *discovery_new(const struct discovery_params *params);
void discovery_free(struct discovery *d); /* NULL is fine */
/* Copies the facts as they stand. */
void discovery_facts(const struct discovery *d, struct lu_cluster *ret_cluster);
