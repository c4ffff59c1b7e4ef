/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/sources.h"

/*
 * An object of the cluster is acted on only when it was chosen on the command line and when it is
 * ours: the annotation sluice.dev/owner names the controller that acts on an object. One without it
 * is claimed with a resourceVersion precondition, so of two controllers that see it first, one gets
 * it; one held by another is left alone and shown as such, since somebody else's object could pull
 * the files of this workspace into their pod.
 */

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "controller/facts.h"
#include "controller/files.h"
#include "controller/publish.h"
#include "liveupdate/resolve.h"

#define OWNER_ANNOTATION "sluice.dev/owner"
#define CLAIM_AGAIN_MS   5000

/* The faults of one object as one message. */
static char *faults_text(const struct lu_faults *faults)
{
        struct str s = {.max = 4096};

        for (size_t i = 0; i < faults->n_items; i++)
                if (faults->items[i].severity == LU_SEVERITY_ERROR)
                        str_appendf(&s, "%s%s", s.len ? "; " : "", faults->items[i].message);
        return str_take(&s);
}

static void load_ignores(struct app *app, struct live *live)
{
        _cleanup_(err_done) struct err err = {};

        if (live->rules && workspace_load_ignores(&app->workspace, live->rules, &err) < 0)
                log_warning("an ignore file was not understood completely",
                            LOG_S("liveUpdate", live->name), LOG_S("problem", err_text(&err)));
}

void sources_load_ignores(struct app *app)
{
        for (struct live *live = app->lives; live; live = live->next)
                load_ignores(app, live);
}

static struct live *add_live(struct app *app, const char *namespace_, const char *name)
{
        struct live *live = live_new(app, namespace_, name);

        live->next = app->lives;
        app->lives = live;
        return live;
}

int sources_load_files(struct app *app, struct err *err)
{
        _cleanup_(lu_objects_done) struct lu_objects objects = {};
        _cleanup_(lu_faults_done) struct lu_faults faults = {};
        const char *namespace_ = kube_client_config(app->client)->namespace_;
        struct lu_rules **rules = NULL;
        int r = files_load(&app->options->files, &objects, &faults, err);

        if (r < 0)
                return r;
        lu_resolve_all(&objects, &faults, &rules);
        files_print_faults(&faults, true);
        for (size_t i = 0; i < objects.n_items; i++) {
                struct live *live;

                if (faults.n_errors > 0) {
                        lu_rules_free(rules[i]);
                        continue;
                }
                if (objects.items[i].is_step)
                        continue;
                live = add_live(
                        app, objects.items[i].namespace_ ? objects.items[i].namespace_ : namespace_,
                        objects.items[i].name);
                live->from_file = true;
                live_set_rules(live, rules[i], NULL);
                load_ignores(app, live);
        }
        free(rules);
        if (faults.n_errors > 0)
                return err_set(err, -EINVAL, "%zu fault%s in the LiveUpdates given with -f",
                               faults.n_errors, faults.n_errors == 1 ? "" : "s");
        if (!app->lives)
                return err_set(err, -EINVAL, "no LiveUpdate in the files given with -f");
        return 0;
}

static void on_claim_timer(uv_timer_t *timer)
{
        struct app *app = timer->data;

        app->objects_dirty = true;
}

static void on_claimed(void *userdata, const struct kube_response *response)
{
        struct app *app = userdata;

        if (kube_response_ok(response) || response->status == 409)
                return; /* ours, or somebody was faster; the watch tells which */
        log_warning("claiming a LiveUpdate failed", LOG_S("problem", response->problem));
        uv_timer_start(&app->claim_timer, on_claim_timer, CLAIM_AGAIN_MS, 0);
}

static void claim(struct app *app, const json_t *object)
{
        const char *namespace_ = facts_string(object, "metadata", "namespace", NULL);
        const char *name = facts_string(object, "metadata", "name", NULL);
        const char *version = facts_string(object, "metadata", "resourceVersion", NULL);
        _cleanup_(freep) char *path = objects_path(namespace_, "liveupdates", name);
        json_t *patch =
                json_pack("{s{ss s{ss}}}", "metadata", "resourceVersion", version ? version : "",
                          "annotations", OWNER_ANNOTATION, app->owner);
        _cleanup_(freep) char *body = json_dumps(patch, JSON_COMPACT);
        const struct kube_request_params params = {
                .method = "PATCH",
                .path = path,
                .content_type = "application/merge-patch+json",
                .body = body,
        };

        json_decref(patch);
        kube_request_start(app->client, &params, on_claimed, app);
}

/* True when the object is ours to act on. */
static bool check_owner(struct app *app, struct live *live, const json_t *object)
{
        const char *owner = facts_string(object, "metadata", "annotations", OWNER_ANNOTATION, NULL);
        bool ours = streq(owner, app->owner);

        /* Two that take over for ever would only write to each other. */
        if (!ours && (!owner || (app->options->take_over && !live->was_ours)))
                claim(app, object);
        live->was_ours |= ours;
        if (owner && !ours && !streq(owner, live->other_owner))
                log_warning("held by another owner and left alone; use --take-over to act on it",
                            LOG_S("liveUpdate", live->name), LOG_S("owner", owner));
        free(live->other_owner);
        live->other_owner = ours ? NULL : xstrdup(owner ? owner : "(being claimed)");
        return ours;
}

static struct lu_rules *resolve_object(struct app *app, const struct live *live,
                                       const json_t *object, char **ret_invalid)
{
        _cleanup_(lu_spec_freep) struct lu_spec *spec = NULL;
        _cleanup_(lu_faults_done) struct lu_faults faults = {};
        _cleanup_(err_done) struct err err = {};
        const json_t *json = json_object_get(object, "spec");
        _cleanup_(freep) char *text = json ? json_dumps(json, JSON_COMPACT) : xstrdup("{}");
        struct lu_rules *rules = NULL;

        if (lu_spec_load_json(text, strlen(text), &spec, &err) < 0)
                *ret_invalid = xstrdup(err_text(&err));
        else if (lu_resolve(spec, live->namespace_, objects_find_step, app->objects, &faults,
                            &rules) < 0)
                *ret_invalid = faults_text(&faults);
        return rules;
}

static bool chosen(const struct app *app, const char *name)
{
        return app->options->all || strv_contains(&app->options->names, name);
}

/* True when its rules must be made anew; notes what they are made of. */
static bool is_news(struct app *app, struct live *live, const json_t *object)
{
        const char *uid = facts_string(object, "metadata", "uid", NULL);
        json_int_t generation = json_integer_value(
                json_object_get(json_object_get(object, "metadata"), "generation"));
        uint64_t steps_mark = objects_steps_mark(app->objects, object);
        bool another = !streq(live->uid, uid);

        if (!another && live->generation == generation && live->steps_mark == steps_mark)
                return false;
        live->generation = generation;
        live->steps_mark = steps_mark;
        if (another) {
                free(live->uid);
                live->uid = xstrdup(uid);
                publish_reset(live, json_object_get(object, "status"));
        }
        return true;
}

/* Somebody else acts on it now. True when we did until now. */
static bool let_go(struct live *live)
{
        if (!live->uid)
                return false;
        free(live->uid);
        live->uid = NULL;
        publish_reset(live, NULL);
        live_set_rules(live, NULL, "held by another owner");
        return true;
}

struct sync {
        struct app *app;
        bool changed; /* the rules of one, or which there are */
};

static bool sync_object(void *userdata, json_t *object)
{
        struct sync *sync = userdata;
        struct app *app = sync->app;
        const char *namespace_ = facts_string(object, "metadata", "namespace", NULL);
        const char *name = facts_string(object, "metadata", "name", NULL);
        _cleanup_(freep) char *invalid = NULL;
        struct lu_rules *rules;
        struct live *live;

        if (!namespace_ || !name || !chosen(app, name))
                return true;
        live = app_find(app, namespace_, name);
        if (!live)
                live = add_live(app, namespace_, name);
        live->seen = true;
        if (!check_owner(app, live, object)) {
                sync->changed |= let_go(live);
                return true;
        }
        if (!is_news(app, live, object))
                return true;
        sync->changed = true;
        rules = resolve_object(app, live, object, &invalid);
        live_set_rules(live, rules, invalid);
        load_ignores(app, live);
        return true;
}

/* True when there was one. */
static bool close_unseen(struct app *app)
{
        struct live **p = &app->lives;
        bool any = false;

        while (*p) {
                struct live *live = *p;

                if (live->seen) {
                        p = &live->next;
                } else {
                        *p = live->next;
                        live_close(live);
                        any = true;
                }
        }
        return any;
}

void sources_sync(struct app *app)
{
        struct sync sync = {.app = app};

        if (!objects_synced(app->objects))
                return;
        for (struct live *live = app->lives; live; live = live->next)
                live->seen = false;
        objects_each(app->objects, sync_object, &sync);
        sync.changed |= close_unseen(app);
        if (sync.changed) /* the whole workspace is looked at: not for a status of ours */
                app_rules_changed(app);
}
