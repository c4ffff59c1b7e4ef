/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Which containers (3.6), and what a fresh one holds (3.7): facts in, targets out.
 *
 * The facts are copied out of the API server's objects by the controller; the choice is made here:
 * pods of the workload's newest generation or all that the labels match, not those being deleted
 * or finished; in a pod the named container, or those whose image is the last of images, compared
 * on the pod's spec after normalisation. Ready is not needed, a running container is.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "liveupdate/rules.h"

enum lu_container_state {
        LU_CONTAINER_WAITING,
        LU_CONTAINER_RUNNING,
        LU_CONTAINER_TERMINATED,
};

enum lu_container_role {
        LU_CONTAINER_REGULAR,
        LU_CONTAINER_SIDECAR, /* an init container with restartPolicy Always */
        LU_CONTAINER_INIT,    /* runs once, before the others */
};

/* Owned strings; NULL where the API server has none. */
struct lu_container {
        enum lu_container_role role;
        char *name;
        char *image; /* of the pod's spec */
        char *id;    /* containerID, "containerd://…"; NULL before it was created */
        enum lu_container_state state;
        char *waiting_reason; /* "CrashLoopBackOff" */
};

struct lu_pod {
        char *namespace_, *name, *uid;
        char *owner_uid;     /* the controlling owner: a ReplicaSet's uid */
        char *revision_hash; /* label controller-revision-hash */
        uint64_t created;    /* ns since 1970 */
        bool deleting, finished;
        struct lu_container *containers; /* init containers and sidecars too */
        size_t n_containers;
};

/* A ReplicaSet of the Deployment. */
struct lu_generation {
        char *uid;
        char *owner_uid;
        uint64_t revision; /* annotation deployment.kubernetes.io/revision */
        uint64_t created;
        struct lu_container *containers; /* of its template; names and images only */
        size_t n_containers;
};

struct lu_cluster {
        bool synced;   /* all watches are complete; before that nothing is decided */
        char *problem; /* trouble with the API server, for people; or NULL */
        bool workload_found;
        char *workload_uid;
        char *update_revision; /* StatefulSet: status.updateRevision; DaemonSet: newest hash */
        char *label_text;      /* the pods' label selector, for messages */
        struct lu_generation *generations;
        size_t n_generations;
        struct lu_pod *pods;
        size_t n_pods;
};

void lu_cluster_done(struct lu_cluster *cluster);

/* What a pod shares with those that were made of the same: its revision, else the uid of its owner,
 * else its own. Borrowed. */
const char *lu_pod_generation(const struct lu_pod *pod);

struct lu_target {
        const struct lu_pod *pod; /* borrowed from the cluster */
        const struct lu_container *container;
        /* Every file that changed later than this wall-clock time is missing in a fresh container:
         * the creation of the first generation with its image, which is at least as old (3.7). */
        uint64_t baseline_time;
};

struct lu_targets {
        struct lu_target *items; /* owned; ordered by pod name, then container name */
        size_t n_items;
        char *near_miss; /* with no items: what was looked for and what was near; else NULL */
};

/*
 * Finds the containers that are to be kept equal to the workspace, in whatever state they are: one
 * that waits or has ended is an item too, and not ready for an update. By name every container can
 * be chosen, an init container only until it has ended, since it does not come back; by image init
 * containers are left out; with neither the only regular container of the pod is meant.
 */
void lu_targets_find(const struct lu_rules *rules, const struct lu_cluster *cluster,
                     struct lu_targets *ret_targets);
void lu_targets_done(struct lu_targets *targets);
