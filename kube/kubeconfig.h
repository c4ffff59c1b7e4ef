/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The kubeconfig side of kube_config_load(): which files, which context, what its entries say.
 */

#include "kube/config.h"

/* No file says anything: no cluster, user, context or current-context anywhere. */
#define KUBECONFIG_E_NOTHING 1

/* KUBECONFIG_E_NOTHING, or the errors of kube_config_load(). */
int kubeconfig_load(const struct kube_config_params *params, struct kube_config **ret_config,
                    struct err *err);
