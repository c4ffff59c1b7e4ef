/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/publish.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "controller/app.h"
#include "controller/facts.h"
#include "kube/apply.h"
#include "liveupdate/status.h"

#define INTERVAL_MS 1000

json_t *publish_object(const struct live *live)
{
        const json_t *status = live->next_status ? live->next_status : live->status;

        return json_pack("{ss ss s{ss ss} so*}", "apiVersion", "sluice.dev/v1alpha1", "kind",
                         "LiveUpdate", "metadata", "name", live->name, "namespace",
                         live->namespace_, "status", json_deep_copy(status));
}

static const char *ready_status(const json_t *status)
{
        const json_t *condition;
        size_t i;

        json_array_foreach(json_object_get(status, "conditions"), i, condition)
                if (streq(facts_string(condition, "type", NULL), "Ready"))
                        return facts_string(condition, "status", NULL);
        return NULL;
}

static void on_timer(uv_timer_t *timer)
{
        publish_flush(timer->data);
}

static void write_later(struct live *live)
{
        uint64_t due = live->published_at + INTERVAL_MS, now = app_now(live->app);

        uv_timer_start(&live->publish_timer, on_timer, due > now ? due - now : 0, 0);
}

static void on_written(void *userdata, const struct kube_response *response)
{
        struct live *live = userdata;

        live->publishing = 0;
        if (!kube_response_ok(response) && response->status != 404) {
                log_warning("writing the status failed", LOG_S("liveUpdate", live->name),
                            LOG_S("problem", response->problem));
                /* Written again with the next difference, and after a while in any case; the end
                 * of the program does not wait for that. */
                if (!live->next_status && !live->app->stopping)
                        live->next_status = json_incref(live->status);
                live->published_at = app_now(live->app) + 4 * INTERVAL_MS;
        }
        if (live->next_status)
                write_later(live);
}

void publish_reset(struct live *live, const json_t *status)
{
        uv_timer_stop(&live->publish_timer);
        kube_request_cancel(live->app->client, live->publishing);
        live->publishing = 0;
        json_decref(live->next_status);
        json_decref(live->status);
        live->next_status = NULL;
        live->status = json_deep_copy(status);
}

void publish_flush(struct live *live)
{
        _cleanup_(freep) char *path = NULL, *status_path = NULL, *text = NULL;
        json_t *object;

        if (!live->next_status || live->publishing)
                return;
        object = publish_object(live);
        text = json_dumps(object, JSON_COMPACT);
        json_decref(object);
        json_decref(live->status);
        live->status = take_ptr(live->next_status);
        live->published_at = app_now(live->app);
        if (!text)
                out_of_memory();
        path = objects_path(live->namespace_, "liveupdates", live->name);
        status_path = xasprintf("%s/status", path);
        live->publishing = kube_apply_start(live->app->client, status_path, text, on_written, live);
}

void publish(struct live *live, const struct lu_world *world, const struct lu_plan *plan)
{
        const json_t *latest = live->next_status ? live->next_status : live->status;
        const struct lu_status_params params = {
                .world = world,
                .plan = plan,
                .generation = live->generation,
                .now = timestamp_now(),
                .previous = latest,
        };
        json_t *status;

        if (plan->reason == LU_REASON_CONNECTING && latest)
                return; /* what stood there is truer than "not yet known" */
        status = lu_status_json(&params);
        if (latest && json_equal(status, latest)) {
                json_decref(status);
                return;
        }
        if (live->from_file) {
                json_decref(live->status);
                live->status = status;
                return;
        }
        bool flips = !streq(ready_status(status), ready_status(live->status));
        json_decref(live->next_status);
        live->next_status = status;
        if (live->publishing)
                return; /* written when the one under way ends */
        if (flips || live->app->stopping)
                publish_flush(live);
        else
                write_later(live);
}
