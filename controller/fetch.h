/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Single requests, waited for: what the commands that only look need. A loop and a client of its
 * own; `run` never uses it.
 */

#include <jansson.h>
#include <uv.h>

#include "base/err.h"
#include "kube/client.h"

/* Zeroed memory is a closed fetch. */
struct fetch {
        uv_loop_t loop;
        struct kube_client *client;
        bool open;
};

int fetch_open(const struct kube_config_params *params, struct fetch *ret_fetch, struct err *err);
void fetch_done(struct fetch *f);
const char *fetch_namespace(const struct fetch *f);
/* GETs @path. -ENOENT for 404, -EIO otherwise, with the complete problem in @err. The caller owns
 * the reference. */
int fetch_json(struct fetch *f, const char *path, json_t **ret_json, struct err *err);
