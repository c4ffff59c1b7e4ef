/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * libcurl's multi interface on a libuv loop.
 *
 * A transfer is embedded in its owner. Its callbacks come after curl has returned, never from
 * within one of curl's own, so they may start, end and free any transfer, their own too, and may
 * stop the whole loop. The order for one transfer is: on_readable any number of times, then on_done
 * once. A transfer that was removed gets no further callback.
 */

#include <stdbool.h>

#include <curl/curl.h>
#include <uv.h>

struct curl_loop;

struct curl_transfer {
        CURL *easy; /* the owner's; CURLOPT_PRIVATE belongs to this module */
        /* After a round in which curl_transfer_readable() was called. May be NULL. */
        void (*on_readable)(struct curl_transfer *t);
        /* It has ended and is removed already. */
        void (*on_done)(struct curl_transfer *t, CURLcode result);

        struct curl_loop *curl_loop; /* NULL: not added */
        bool readable;
        struct curl_transfer *prev, *next;
};

int curl_loop_new(uv_loop_t *loop, struct curl_loop **ret_loop);
/* Closes our handles and every connection. All transfers must be removed before. */
void curl_loop_stop(struct curl_loop *l);
/* After the uv loop has run empty. NULL is fine. */
void curl_loop_free(struct curl_loop *l);

/* -ECANCELED: stopped. */
int curl_transfer_add(struct curl_loop *l, struct curl_transfer *t);
/* Harmless when it is not added. The owner cleans up the easy handle. */
void curl_transfer_remove(struct curl_transfer *t);
/* For curl's write and header callbacks: asks for one on_readable after this round. */
void curl_transfer_readable(struct curl_transfer *t);
