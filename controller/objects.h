/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The LiveUpdates and LiveUpdateSteps of a cluster: watched while `run` goes on, fetched once for
 * the commands that only look.
 */

#include <jansson.h>

#include "controller/options.h"
#include "kube/client.h"
#include "liveupdate/manifest.h"

#define OBJECTS_GROUP "/apis/sluice.dev/v1alpha1"

struct objects;

struct objects_params {
        struct kube_client *client;
        const char *namespace_; /* NULL: all */
        void (*on_change)(void *userdata);
        void *userdata;
};

struct objects *objects_start(const struct objects_params *params);
void objects_free(struct objects *o); /* NULL is fine */

/* True when both kinds are completely known. */
bool objects_synced(const struct objects *o);
/* Why they cannot be read (the CRDs are missing, a verb is), for people; or NULL. */
const char *objects_problem(const struct objects *o);
/*
 * A digest of the rules in the steps that @update uses. Another one: it must be resolved again.
 */
uint64_t objects_steps_mark(const struct objects *o, const json_t *update);
void objects_each(const struct objects *o, bool (*each)(void *userdata, json_t *object),
                  void *userdata);
void objects_each_step(const struct objects *o, bool (*each)(void *userdata, json_t *object),
                       void *userdata);
/* A lu_find_step. @userdata: the struct objects. Borrowed until the next change. */
const struct lu_shared_step *objects_find_step(void *userdata, const char *namespace_,
                                               const char *name);

/* "/apis/sluice.dev/v1alpha1/namespaces/N/liveupdates/NAME"; the caller frees it. */
char *objects_path(const char *namespace_, const char *plural, const char *name);

/*
 * For commands: one LiveUpdate and the steps of its namespace, waited for. -ENOENT, … with @err.
 */
int objects_fetch(const struct options *options, const char *name, struct lu_objects *objects,
                  struct err *err);
