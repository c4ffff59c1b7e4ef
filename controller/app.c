/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/app.h"

/*
 * Start: credentials, LiveUpdates, the first scan of the workspace, then the loop. Everything is
 * told by callbacks that mark LiveUpdates dirty; a prepare handle reconciles them when the loop is
 * about to sleep, so that many facts of one round make one decision.
 *
 * End: on SIGTERM or SIGINT no update is started any more, those under way may finish for ten
 * seconds, the last status is written, and the handles are closed in the order that libwebsockets
 * needs (KUBERNETES.md 10). A second signal does not wait.
 */

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "controller/announce.h"
#include "controller/commands.h"
#include "controller/publish.h"
#include "controller/reconcile.h"
#include "controller/sources.h"
#include "controller/steps.h"
#include "kube/client.h"

#define SHUTDOWN_MS 10000

uint64_t app_now(const struct app *app)
{
        return uv_now(app->loop);
}

unsigned app_jitter(struct app *app)
{
        app->random = app->random * 1103515245u + 12345u;
        return app->random >> 16 & 1023;
}

void app_mark_dirty(struct live *live)
{
        if (!live->dirty)
                live->app->metrics.queue_adds++;
        live->dirty = true;
}

void app_mark_all_dirty(struct app *app)
{
        for (struct live *live = app->lives; live; live = live->next)
                app_mark_dirty(live);
}

struct live *app_find(struct app *app, const char *namespace_, const char *name)
{
        for (struct live *live = app->lives; live; live = live->next)
                if (streq(live->namespace_, namespace_) && streq(live->name, name))
                        return live;
        return NULL;
}

/* What the watcher asks: does any LiveUpdate care? */

static bool wants_directory(void *userdata, const char *path)
{
        const struct app *app = userdata;

        for (const struct live *live = app->lives; live; live = live->next)
                if (live->rules && lu_wants_directory(live->rules, path))
                        return true;
        return false;
}

static bool is_ignore_file(const struct lu_rules *rules, const char *path)
{
        if (!streq(path_basename(path), ".dockerignore"))
                return false;
        for (size_t i = 0; i < lu_rules_n_ignore_files(rules); i++) {
                _cleanup_(freep) char *its = lu_rules_ignore_file(rules, i);

                if (streq(path, its))
                        return true;
        }
        return false;
}

static bool wants_file(void *userdata, const char *path)
{
        const struct app *app = userdata;

        for (const struct live *live = app->lives; live; live = live->next)
                if (live->rules &&
                    (lu_wants_file(live->rules, path) || is_ignore_file(live->rules, path)))
                        return true;
        return false;
}

/* Ignore files are files of the workspace: a change of one is seen like any other. */
static bool ignores_changed(struct app *app)
{
        uint64_t newest = 0;

        for (const struct live *live = app->lives; live; live = live->next)
                for (size_t i = 0; live->rules && i < lu_rules_n_ignore_files(live->rules); i++) {
                        _cleanup_(freep) char *path = lu_rules_ignore_file(live->rules, i);
                        const struct lu_change *change = lu_changes_find(app->changes, path);

                        if (change && change->revision > newest)
                                newest = change->revision;
                }
        if (newest <= app->ignores_revision)
                return false;
        app->ignores_revision = newest;
        return true;
}

/* The directory was made anew: the descriptor of the old one reads nothing any more. */
static void reopen_workspace(struct app *app)
{
        struct workspace again = {.fd = -1};
        _cleanup_(err_done) struct err err = {};

        if (workspace_open(app->workspace.path, &again, &err) < 0) {
                log_warning(err_text(&err));
                return;
        }
        for (struct live *live = app->lives; live; live = live->next)
                while (live->operations)
                        operation_cancel(live->operations);
        workspace_done(&app->workspace);
        app->workspace = again;
}

static void on_workspace(void *userdata, enum watcher_event event)
{
        struct app *app = userdata;

        switch (event) {
        case WATCHER_CHANGED:
                if (ignores_changed(app)) {
                        sources_load_ignores(app);
                        watcher_refresh(app->watcher);
                }
                break;
        case WATCHER_DESYNC:
                log_warning("events of the file system were lost; comparing the whole workspace");
                app->rescanning = true;
                break;
        case WATCHER_SYNCED:
                app->rescanning = false;
                break;
        case WATCHER_VANISHED:
                log_warning("the workspace is gone", LOG_S("workspace", app->workspace.path));
                break;
        case WATCHER_RETURNED:
                reopen_workspace(app);
                break;
        case WATCHER_FAILED:
                log_error("watching the workspace",
                          LOG_S("problem", watcher_problem(app->watcher)));
                break;
        }
        app_mark_all_dirty(app);
}

void app_rules_changed(struct app *app)
{
        if (app->watcher)
                watcher_refresh(app->watcher);
        app_mark_all_dirty(app);
}

static void on_objects(void *userdata)
{
        struct app *app = userdata;

        app->objects_dirty = true;
}

static void report_objects_problem(const struct app *app)
{
        const char *problem = objects_problem(app->objects);

        if (problem)
                log_warning("reading LiveUpdates", LOG_S("problem", problem));
}

static bool any_dirty(const struct app *app)
{
        for (const struct live *live = app->lives; live; live = live->next)
                if (live->dirty)
                        return true;
        return false;
}

/* There is nothing to do but to come by on_prepare() once more. */
static void on_wake(uv_timer_t *timer)
{
}

/*
 * A batch ends when its time has come, whether somebody wanted it or not: the next one is not to
 * begin with the time of this. What a reconcile itself made dirty (an update that could not even be
 * started) does not wait for an event that may never come.
 */
static void set_wake_timer(struct app *app)
{
        uint64_t now = app_now(app);
        uint64_t until = app->watcher ? watcher_settle_until(app->watcher, false) : 0;

        if (app->watcher && until == 0)
                watcher_flush(app->watcher); /* whoever wanted the batch has started with it */
        if (any_dirty(app))
                until = now;
        if (until)
                uv_timer_start(&app->wake_timer, on_wake, until > now ? until - now : 0, 0);
        else
                uv_timer_stop(&app->wake_timer);
}

static void on_prepare(uv_prepare_t *prepare)
{
        struct app *app = prepare->data;

        if (app->objects_dirty && !app->stopping) {
                app->objects_dirty = false;
                report_objects_problem(app);
                sources_sync(app);
                steps_publish(app);
        }
        for (struct live *live = app->lives; live; live = live->next) {
                if (!live->dirty)
                        continue;
                live->dirty = false;
                if (!live->other_owner) /* somebody else's object is not even given a status */
                        reconcile_one(live);
        }
        set_wake_timer(app);
}

/* --listen */

static bool all_synced(const struct app *app)
{
        if (app->objects && !objects_synced(app->objects))
                return false;
        return !app->stopping;
}

static json_t *statuses(const struct app *app)
{
        json_t *items = json_array();

        for (const struct live *live = app->lives; live; live = live->next)
                json_array_append_new(items, publish_object(live));
        return json_pack("{ss ss so}", "apiVersion", "v1", "kind", "List", "items", items);
}

static void answer_metrics(const struct app *app, struct serve_answer *answer)
{
        const struct kube_client_stats *stats = kube_client_stats(app->client);
        struct metrics_gauges gauges = {
                .watched_files = watcher_n_files(app->watcher),
                .requests = stats->requests,
                .requests_failed = stats->requests_failed,
                .execs = stats->execs_opened,
        };

        for (const struct live *live = app->lives; live; live = live->next) {
                gauges.live_updates++;
                gauges.queue_depth += live->dirty;
        }
        answer->content_type = "text/plain; version=0.0.4; charset=utf-8";
        metrics_format(&app->metrics, &gauges, &answer->body);
}

static void on_http(void *userdata, const char *path, struct serve_answer *answer)
{
        struct app *app = userdata;

        answer->status = 200;
        if (streq(path, "/healthz")) {
                str_append(&answer->body, "ok\n");
        } else if (streq(path, "/readyz")) {
                answer->status = all_synced(app) ? 200 : 503;
                str_append(&answer->body, all_synced(app) ? "ok\n" : "not ready\n");
        } else if (streq(path, "/metrics")) {
                answer_metrics(app, answer);
        } else if (streq(path, "/status")) {
                json_t *json = statuses(app);
                _cleanup_(freep) char *text = json_dumps(json, JSON_INDENT(2));

                json_decref(json);
                answer->content_type = "application/json";
                str_append(&answer->body, text ? text : "{}");
        } else {
                answer->status = 404;
                str_append(&answer->body, "paths: /healthz /readyz /metrics /status\n");
        }
}

/* The end. */

static void stop_now(struct app *app)
{
        if (app->stopped)
                return;
        app->stopped = true;
        while (app->lives) {
                struct live *live = app->lives;

                app->lives = live->next;
                live_close(live);
        }
        objects_free(app->objects);
        app->objects = NULL;
        serve_stop(app->serve);
        watcher_free(app->watcher);
        app->watcher = NULL;
        kube_client_stop(app->client);
        uv_close((uv_handle_t *)&app->prepare, NULL);
        uv_close((uv_handle_t *)&app->wake_timer, NULL);
        uv_close((uv_handle_t *)&app->claim_timer, NULL);
        uv_close((uv_handle_t *)&app->sigterm, NULL);
        uv_close((uv_handle_t *)&app->sigint, NULL);
        uv_close((uv_handle_t *)&app->shutdown_timer, NULL);
}

static bool busy(const struct app *app)
{
        for (const struct live *live = app->lives; live; live = live->next)
                if (live->operations || live->publishing || live->next_status || live->dirty)
                        return true;
        return false;
}

/* Every 10 ms during the last seconds: has everything ended? */
static void on_shutdown_timer(uv_timer_t *timer)
{
        struct app *app = timer->data;
        bool late = uv_now(app->loop) >= app->stop_by;

        for (struct live *live = app->lives; live; live = live->next)
                if (!live->operations)
                        publish_flush(live);
        if (!busy(app) || late)
                stop_now(app);
}

static void on_signal(uv_signal_t *signal, int number)
{
        struct app *app = signal->data;

        if (app->stopping) {
                stop_now(app);
                return;
        }
        app->stopping = true;
        app->stop_by = uv_now(app->loop) + SHUTDOWN_MS;
        log_info("ending; updates that are under way may finish");
        uv_timer_start(&app->shutdown_timer, on_shutdown_timer, 0, 10);
}

/* The beginning. */

static char *default_owner(void)
{
        char host[256] = "";
        uv_passwd_t user = {};
        char *owner;

        if (gethostname(host, sizeof(host) - 1) < 0 || !host[0])
                memcpy(host, "localhost", sizeof("localhost"));
        if (uv_os_get_passwd(&user) < 0)
                return xasprintf("uid-%u@%s", (unsigned)getuid(), host);
        owner = xasprintf("%s@%s", user.username, host);
        uv_os_free_passwd(&user);
        return owner;
}

static int connect_client(struct app *app, struct err *err)
{
        const struct kube_config_params params = options_kube(app->options);
        struct kube_config *config;
        int r = kube_config_load(&params, &config, err);

        if (r < 0)
                return r;
        if (app->options->owner)
                app->owner = xstrdup(app->options->owner);
        else
                app->owner = config->in_cluster ? xstrdup("in-cluster") : default_owner();
        return kube_client_new(app->loop, config, &app->client, err);
}

static int start_objects(struct app *app, struct err *err)
{
        const struct objects_params params = {
                .client = app->client,
                .namespace_ = app->options->all_namespaces
                                      ? NULL
                                      : kube_client_config(app->client)->namespace_,
                .on_change = on_objects,
                .userdata = app,
        };

        if (app->options->files.n_items > 0)
                return sources_load_files(app, err);
        app->objects = objects_start(&params);
        return 0;
}

static int start_watcher(struct app *app, struct err *err)
{
        const struct watcher_params params = {
                .loop = app->loop,
                .workspace = app->workspace.path,
                .changes = app->changes,
                .wants_directory = wants_directory,
                .wants_file = wants_file,
                .on_change = on_workspace,
                .userdata = app,
        };
        uint64_t began = uv_hrtime();
        int r = watcher_new(&params, &app->watcher, err);

        if (r == 0)
                r = watcher_start(app->watcher, err);

        if (r == 0)
                announce_watching(app, (uv_hrtime() - began) / NSEC_PER_MSEC);
        return r;
}

static int start_serve(struct app *app, struct err *err)
{
        const struct serve_params params = {
                .loop = app->loop,
                .address = app->options->listen,
                .answer = on_http,
                .userdata = app,
        };
        int r;

        if (!app->options->listen)
                return 0;
        r = serve_start(&params, &app->serve, err);
        if (r == 0)
                announce_listening(serve_port(app->serve));
        return r;
}

static void start_handles(struct app *app)
{
        uv_prepare_init(app->loop, &app->prepare);
        uv_timer_init(app->loop, &app->wake_timer);
        uv_timer_init(app->loop, &app->claim_timer);
        uv_signal_init(app->loop, &app->sigterm);
        uv_signal_init(app->loop, &app->sigint);
        uv_timer_init(app->loop, &app->shutdown_timer);
        app->prepare.data = app->claim_timer.data = app->sigterm.data = app->sigint.data =
                app->shutdown_timer.data = app;
        uv_prepare_start(&app->prepare, on_prepare);
        uv_signal_start(&app->sigterm, on_signal, SIGTERM);
        uv_signal_start(&app->sigint, on_signal, SIGINT);
}

static int start_all(struct app *app, struct err *err)
{
        int r = workspace_open(app->options->workspace, &app->workspace, err);

        if (r == 0)
                r = connect_client(app, err);
        if (r < 0)
                return r;
        start_handles(app);
        r = start_objects(app, err);
        if (r == 0)
                r = start_watcher(app, err);
        if (r == 0)
                r = start_serve(app, err);
        return r;
}

int app_run(const struct options *options)
{
        uv_loop_t loop;
        struct app app = {.options = options, .loop = &loop, .workspace.fd = -1};
        _cleanup_(err_done) struct err err = {};
        int r;

        if (uv_loop_init(&loop) < 0)
                return command_failed(EXIT_FAILED, "starting an event loop failed");
        signal(SIGPIPE, SIG_IGN);
        app.random = (unsigned)timestamp_now();
        app.changes = lu_changes_new();
        r = start_all(&app, &err);
        if (r < 0 && app.client)
                stop_now(&app);
        uv_run(&loop, UV_RUN_DEFAULT);
        kube_client_free(app.client);
        lu_changes_free(app.changes);
        workspace_done(&app.workspace);
        free(app.owner);
        uv_loop_close(&loop);
        if (r < 0)
                return command_failed(r == -EINVAL ? EXIT_USAGE : EXIT_FAILED, err_text(&err));
        return EXIT_DONE;
}
