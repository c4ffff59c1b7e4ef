/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The service account of the pod we run in (the other side of kube_config_load()): the server is
 * $KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT; token, ca.crt and namespace are files.
 */

#include "kube/config.h"

#define INCLUSTER_DIRECTORY "/var/run/secrets/kubernetes.io/serviceaccount"

/* -ENOENT: not in a pod (a variable is not set), or a file is missing. */
int incluster_load(const char *directory, const struct kube_config_params *params,
                   struct kube_config **ret_config, struct err *err);
