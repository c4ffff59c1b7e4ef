/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A small HTTP server on the loop for --listen: GET of a few paths, one answer a connection. What a
 * path answers is asked of the owner, who knows; this module knows sockets only.
 */

#include <uv.h>

#include "base/err.h"
#include "base/str.h"

struct serve;

struct serve_answer {
        int status; /* 200, 404, 503 */
        const char *content_type;
        struct str body;
};

struct serve_params {
        uv_loop_t *loop;
        const char *address; /* "127.0.0.1:8080", "[::1]:0", ":8080" (127.0.0.1) */
        /* Fills @answer for GET @path ("/healthz", without the query). */
        void (*answer)(void *userdata, const char *path, struct serve_answer *answer);
        void *userdata;
};

/* -EINVAL: the address cannot be understood; or what bind(2) says. */
int serve_start(const struct serve_params *params, struct serve **ret_serve, struct err *err);
/* The port that is listened on (with ":0" the one the system chose). */
unsigned serve_port(const struct serve *s);
/* Closes everything; freed when the loop has closed its handles. NULL is fine. */
void serve_stop(struct serve *s);
