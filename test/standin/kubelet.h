/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The node: runs the pods of the store as real processes and writes their status.
 *
 * kubelet_sync() compares the store with what runs and starts, stops and reports; it may be called
 * at any time and is called again by whoever changes the store. It needs no other event than its
 * processes' ends and one timer.
 */

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

#include "base/str.h"
#include "test/standin/image.h"
#include "test/standin/process.h"
#include "test/standin/store.h"

enum container_kind {
        CONTAINER_INIT,
        CONTAINER_SIDECAR, /* an init container with restartPolicy Always */
        CONTAINER_MAIN,
        CONTAINER_EPHEMERAL,
};

enum container_state {
        CONTAINER_WAITING,
        CONTAINER_RUNNING,
        CONTAINER_TERMINATED,
};

/* Somebody who sees a container's output: an attach. */
struct container_viewer {
        void (*output)(void *user, enum process_stream stream, const char *bytes, size_t len);
        void (*ended)(void *user); /* the process has ended */
        void (*stdin_drained)(void *user);
        void *user;
        struct container_viewer *next, **previous;
};

struct container {
        struct pod *pod;
        char *name;
        enum container_kind kind;
        enum container_state state;
        struct process *process; /* while running, and until its output has ended */
        char *id;                /* 64 hex digits, of the newest instance; NULL: never started */
        char *root;              /* its root directory; NULL: none */
        char *image_id;          /* or NULL */
        const char *reason;      /* why it waits, a literal */
        char *message;           /* or NULL */
        json_t *last;            /* lastState.terminated, or NULL */
        unsigned restarts;
        bool exited; /* the process has ended, its output perhaps not */
        bool stop_asked;
        unsigned n_open; /* output streams without their end */
        int exit_code;
        uint64_t started, finished; /* wall clock, ns */
        uint64_t not_before;        /* loop time, ms: the back-off */
        unsigned backoff_ms;        /* the next one; 0: at once */
        uint64_t started_ms;        /* loop time */
        struct strv env;            /* of the running instance, for execs */
        char *cwd;
        uid_t uid;
        gid_t gid;
        struct str log; /* the last output, bounded */
        struct container_viewer *viewers;
};

struct pod {
        struct kubelet *kubelet;
        char *uid, *ns, *name;
        char *ip;
        char *dir; /* below the state directory */
        uint64_t started;
        struct container **containers; /* init, main, ephemeral: in the order of the spec */
        size_t n_containers;
        uint64_t kill_at; /* loop time, ms; 0: not being stopped */
        struct pod *next;
};

struct kubelet {
        struct store *store;
        uv_loop_t *loop;
        uv_timer_t timer;
        void (*wake)(void *user); /* asks for kubelet_sync() soon */
        void *wake_user;
        struct processes processes;
        struct images images;
        const char *state_dir;
        unsigned restart_backoff_ms;
        unsigned max_grace_ms;
        unsigned next_ip;
        struct pod *pods;
};

int kubelet_start(struct kubelet *k, struct err *err);
void kubelet_sync(struct kubelet *k);
/* Asks all processes to end, in any pod. */
void kubelet_terminate(struct kubelet *k);
bool kubelet_is_idle(const struct kubelet *k);
/* Kills what is left and removes all roots. */
void kubelet_done(struct kubelet *k);
/* NULL: no such container, or its pod was never seen. */
struct container *kubelet_container(const struct kubelet *k, const char *pod_uid, const char *name);
