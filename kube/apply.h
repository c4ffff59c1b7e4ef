/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Server-side apply: we send the fields we own, and the server works out the rest. Conflicts with
 * other owners of a field are forced, as what we apply is our own status.
 */

#include "kube/request.h"

/* @path: the object or its subresource, encoded, without query. The caller frees it. */
char *kube_apply_path(const char *path);
/* @json: apiVersion, kind, metadata.name and our fields. As kube_request_start() otherwise. */
kube_request_id kube_apply_start(struct kube_client *c, const char *path, const char *json,
                                 kube_request_cb cb, void *userdata);
