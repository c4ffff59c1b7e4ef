/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/fetch.h"

#include <errno.h>

#include "kube/request.h"

struct answer {
        bool ended;
        int r;
        json_t *json;
        struct err *err;
};

int fetch_open(const struct kube_config_params *params, struct fetch *ret_fetch, struct err *err)
{
        struct kube_config *config;
        int r = kube_config_load(params, &config, err);

        if (r < 0)
                return r;
        r = uv_loop_init(&ret_fetch->loop);
        if (r < 0) {
                kube_config_free(config);
                return err_errno(err, r, "starting an event loop");
        }
        ret_fetch->open = true;
        r = kube_client_new(&ret_fetch->loop, config, &ret_fetch->client, err);
        if (r < 0)
                fetch_done(ret_fetch);
        return r;
}

void fetch_done(struct fetch *f)
{
        if (!f->open)
                return;
        f->open = false;
        if (f->client)
                kube_client_stop(f->client);
        uv_run(&f->loop, UV_RUN_DEFAULT);
        kube_client_free(f->client);
        f->client = NULL;
        uv_loop_close(&f->loop);
}

const char *fetch_namespace(const struct fetch *f)
{
        return kube_client_config(f->client)->namespace_;
}

static void on_answer(void *userdata, const struct kube_response *response)
{
        struct answer *answer = userdata;
        json_error_t error;

        answer->ended = true;
        if (response->r == 0 && response->status == 404 && !*response->reason) {
                /* Not "no such object", which has a reason, but "no such path". */
                answer->r = err_set(answer->err, -ENOENT, "%s; install the CRDs: %s",
                                    response->problem, "sluice crds | kubectl apply -f -");
                return;
        }
        if (!kube_response_ok(response)) {
                answer->r = err_set(answer->err, response->status == 404 ? -ENOENT : -EIO, "%s",
                                    response->problem);
                return;
        }
        answer->json = json_loadb(str_text(response->body), response->body->len, 0, &error);
        if (!answer->json)
                answer->r =
                        err_set(answer->err, -EBADMSG, "the answer is not JSON: %s", error.text);
}

int fetch_json(struct fetch *f, const char *path, json_t **ret_json, struct err *err)
{
        const struct kube_request_params params = {.method = "GET", .path = path};
        struct answer answer = {.err = err};

        kube_request_start(f->client, &params, on_answer, &answer);
        while (!answer.ended)
                if (uv_run(&f->loop, UV_RUN_ONCE) == 0 && !answer.ended)
                        return err_set(err, -EIO, "GET %s: no answer", path);
        if (answer.r < 0)
                return answer.r;
        *ret_json = answer.json;
        return 0;
}
