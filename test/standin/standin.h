/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The whole program: everything hangs from here. One thread, one loop.
 */

#include <uv.h>

#include "test/standin/controllers.h"
#include "test/standin/faults.h"
#include "test/standin/http.h"
#include "test/standin/kubelet.h"
#include "test/standin/pki.h"
#include "test/standin/store.h"

struct options {
        const char *listen;
        const char *state_dir;
        const char *kubeconfig;
        const char *images_dir; /* or NULL */
        const char *version;    /* "1.31.0" */
        const char *token;      /* NULL: a random one */
        const char *log;
        const char *request_log;
        bool v4, v5; /* exec protocols */
        bool die_with_parent;
        unsigned bookmark_ms;
        unsigned restart_backoff_ms;
        unsigned max_grace_ms; /* of a deletion */
        unsigned history;      /* watch events kept */
};

struct standin {
        uv_loop_t loop;
        struct options options;
        struct store store;
        struct faults faults;
        struct pki pki;
        char *token;
        struct listener listener;
        struct http_server server;
        struct controllers controllers;
        struct kubelet kubelet;
        FILE *request_log; /* or NULL */
};
