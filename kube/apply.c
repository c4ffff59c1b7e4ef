/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/apply.h"

/*
 * The content type says YAML, which JSON is.
 */

#include "base/mem.h"

char *kube_apply_path(const char *path)
{
        return xasprintf("%s?fieldManager=sluice&force=true", path);
}

kube_request_id kube_apply_start(struct kube_client *c, const char *path, const char *json,
                                 kube_request_cb cb, void *userdata)
{
        _cleanup_(freep) char *full_path = kube_apply_path(path);
        struct kube_request_params params = {
                .method = "PATCH",
                .path = full_path,
                .content_type = "application/apply-patch+yaml",
                .body = json,
        };

        return kube_request_start(c, &params, cb, userdata);
}
