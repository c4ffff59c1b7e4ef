/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/container.h"

/*
 *      WAITING ──start──► RUNNING ──exit and end of output──► TERMINATED ──back-off──► WAITING ─►
 * ...
 *
 * The root directory is made anew for each instance, as a runtime's writable layer is. An instance
 * is over when its process has ended and its output was read to the end: then the kubelet is woken.
 */

#include <errno.h>
#include <signal.h>

#include "base/mem.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"
#include "test/standin/pki.h"
#include "test/standin/podspec.h"
#include "test/standin/tree.h"

#define LOG_MAX          ((size_t)1 << 20)
#define BACKOFF_MAX_MS   300000U
#define BACKOFF_RESET_MS 600000U

struct container *container_new(struct pod *pod, const char *name, enum container_kind kind)
{
        struct container *c = xcalloc(1, sizeof(*c));

        c->pod = pod;
        c->name = xstrdup(name);
        c->kind = kind;
        c->reason = kind == CONTAINER_MAIN ? "ContainerCreating" : "PodInitializing";
        return c;
}

static void drop_root(struct container *c)
{
        if (c->root)
                tree_remove(c->root);
        free(take_ptr(c->root));
}

void container_free(struct container *c)
{
        drop_root(c);
        if (c->process)
                process_release(c->process);
        free(c->name);
        free(c->id);
        free(c->image_id);
        free(c->message);
        json_decref(c->last);
        strv_done(&c->env);
        free(c->cwd);
        str_done(&c->log);
        free(c);
}

const json_t *container_spec(const struct container *c, const json_t *pod_object)
{
        static const char *const lists[] = {
                [CONTAINER_INIT] = "spec.initContainers",
                [CONTAINER_SIDECAR] = "spec.initContainers",
                [CONTAINER_MAIN] = "spec.containers",
                [CONTAINER_EPHEMERAL] = "spec.ephemeralContainers",
        };

        return jx_find(jx_get(pod_object, lists[c->kind]), "name", c->name);
}

static void wait_for(struct container *c, const char *reason, const char *message)
{
        c->state = CONTAINER_WAITING;
        c->reason = reason;
        free(c->message);
        c->message = xstrdup(message);
}

static void wake(const struct container *c)
{
        c->pod->kubelet->wake(c->pod->kubelet->wake_user);
}

/* Both the end of the process and of its output have come. */
static void check_over(struct container *c)
{
        struct container_viewer *next;

        if (!c->exited || c->n_open > 0 || !c->process)
                return;
        process_release(take_ptr(c->process));
        c->state = CONTAINER_TERMINATED;
        c->finished = timestamp_now();
        for (struct container_viewer *v = c->viewers; v; v = next) {
                next = v->next;
                v->ended(v->user);
        }
        wake(c);
}

static void on_output(void *user, enum process_stream stream, const char *bytes, size_t len)
{
        struct container *c = user;
        struct container_viewer *next;

        str_append_bytes(&c->log, bytes, len);
        if (c->log.len > LOG_MAX)
                str_consume(&c->log, c->log.len - LOG_MAX / 2);
        for (struct container_viewer *v = c->viewers; v; v = next) {
                next = v->next;
                v->output(v->user, stream, bytes, len);
        }
}

static void on_output_end(void *user, enum process_stream stream)
{
        struct container *c = user;

        c->n_open--;
        check_over(c);
}

static void on_stdin_drained(void *user)
{
        struct container *c = user;
        struct container_viewer *next;

        for (struct container_viewer *v = c->viewers; v; v = next) {
                next = v->next;
                v->stdin_drained(v->user);
        }
}

static void on_exited(void *user, int code)
{
        struct container *c = user;

        c->exited = true;
        c->exit_code = code;
        check_over(c);
}

static const struct process_events events = {on_output, on_output_end, on_stdin_drained, on_exited};

static json_t *time_json(uint64_t nsec)
{
        char text[TIMESTAMP_TEXT_SIZE];

        timestamp_format(nsec, text);
        return json_string(text);
}

static json_t *terminated(const struct container *c)
{
        const char *reason = c->reason ? c->reason : c->exit_code ? "Error" : "Completed";
        json_t *o = json_pack("{s:i, s:s, s:o, s:o, s:s+}", "exitCode", c->exit_code, "reason",
                              reason, "startedAt", time_json(c->started), "finishedAt",
                              time_json(c->finished), "containerID", "standin://", c->id);

        if (c->message)
                jx_put_text(o, "message", c->message);
        return o;
}

/* The next start waits for the back-off: at once, then base, 2 base, 4 base, ... */
void container_restart_later(struct container *c)
{
        struct kubelet *k = c->pod->kubelet;
        uint64_t now = uv_now(k->loop);
        _cleanup_(freep) char *message = NULL;

        json_decref(c->last);
        c->last = terminated(c);
        if (now - c->started_ms > BACKOFF_RESET_MS)
                c->backoff_ms = 0;
        c->not_before = now + c->backoff_ms;
        message = xasprintf("back-off %ums restarting failed container=%s pod=%s_%s(%s)",
                            c->backoff_ms, c->name, c->pod->name, c->pod->ns, c->pod->uid);
        wait_for(c, "CrashLoopBackOff", message);
        c->backoff_ms = c->backoff_ms ? c->backoff_ms * 2 : k->restart_backoff_ms;
        if (c->backoff_ms > BACKOFF_MAX_MS)
                c->backoff_ms = BACKOFF_MAX_MS;
}

/* A start that failed before there was a process: the runtime reports it as an instance. */
static void start_failed(struct container *c, const char *message)
{
        c->state = CONTAINER_TERMINATED;
        c->reason = "StartError";
        c->exit_code = 128;
        c->started = c->finished = timestamp_now();
        c->started_ms = uv_now(c->pod->kubelet->loop);
        free(c->message);
        c->message = xstrdup(message);
        drop_root(c);
        wake(c);
}

static pid_t target_pid(const struct container *c, const json_t *spec)
{
        const char *target = jx_text(spec, "targetContainerName");

        for (size_t i = 0; target && i < c->pod->n_containers; i++) {
                const struct container *other = c->pod->containers[i];

                if (streq(other->name, target) && other->state == CONTAINER_RUNNING)
                        return process_pid(other->process);
        }
        return 0;
}

static int start_process(struct container *c, const json_t *pod, struct run_spec *s,
                         struct err *err)
{
        struct process_params params = {
                .root = c->root,
                .join_pids = target_pid(c, container_spec(c, pod)),
                .hostname = c->pod->name,
                .mounts = s->mounts,
                .n_mounts = s->n_mounts,
                .read_only_root = s->read_only_root,
                .argv = &s->argv,
                .env = &s->env,
                .cwd = s->cwd,
                .uid = s->uid,
                .gid = s->gid,
                .stdin_open = s->stdin_open,
                .stdout_open = true,
                .stderr_open = true,
                .tty = s->tty,
        };
        int r = process_start(&c->pod->kubelet->processes, &params, &events, c, &c->process, err);

        if (r < 0)
                return r;
        c->n_open = s->tty ? 1 : 2;
        c->state = CONTAINER_RUNNING;
        c->reason = NULL;
        free(take_ptr(c->message));
        c->exited = c->stop_asked = false;
        c->started = timestamp_now();
        c->started_ms = uv_now(c->pod->kubelet->loop);
        /* Kept for execs, which run as the container does. */
        strv_done(&c->env);
        c->env = s->env;
        s->env = (struct strv){};
        free(c->cwd);
        c->cwd = take_ptr(s->cwd);
        c->uid = s->uid;
        c->gid = s->gid;
        return 0;
}

static int make_root(struct container *c, const struct image *image, struct err *err)
{
        drop_root(c);
        free(c->id);
        c->id = random_hex(32);
        free(c->image_id);
        c->image_id = xstrdup(image->id);
        c->root = xasprintf("%s/containers/%.16s", c->pod->kubelet->state_dir, c->id);
        return image_unpack(image, c->root, err);
}

void container_start(struct container *c, const json_t *pod)
{
        const char *reference = jx_text(container_spec(c, pod), "image");
        _cleanup_(image_done) struct image image = {};
        _cleanup_(run_spec_done) struct run_spec s = {};
        _cleanup_(err_done) struct err err = {};

        if (image_find(&c->pod->kubelet->images, reference, &image, &err) < 0) {
                bool again =
                        streq(c->reason, "ErrImagePull") || streq(c->reason, "ImagePullBackOff");

                wait_for(c, again ? "ImagePullBackOff" : "ErrImagePull", err_text(&err));
                c->not_before = uv_now(c->pod->kubelet->loop) + (again ? 2000 : 200);
                return;
        }
        c->restarts += c->id != NULL;
        if (make_root(c, &image, &err) < 0 || run_spec_make(c, pod, &image, &s, &err) < 0) {
                wait_for(c, "CreateContainerConfigError", err_text(&err));
                c->not_before = uv_now(c->pod->kubelet->loop) + 2000;
                return;
        }
        if (start_process(c, pod, &s, &err) < 0) {
                start_failed(c, err_text(&err));
                return;
        }
        wake(c);
}

void container_stop(struct container *c, bool kill)
{
        if (!c->process || (c->stop_asked && !kill))
                return;
        c->stop_asked = true;
        process_signal(c->process, kill ? SIGKILL : SIGTERM);
}

bool container_is_over(const struct container *c)
{
        return !c->process;
}

void container_view(struct container *c, struct container_viewer *v)
{
        v->next = c->viewers;
        if (v->next)
                v->next->previous = &v->next;
        v->previous = &c->viewers;
        c->viewers = v;
}

void container_unview(struct container *c, struct container_viewer *v)
{
        if (!v->previous)
                return;
        *v->previous = v->next;
        if (v->next)
                v->next->previous = v->previous;
        v->previous = NULL;
}

static json_t *state_json(const struct container *c)
{
        json_t *waiting;

        if (c->state == CONTAINER_RUNNING)
                return json_pack("{s:{s:o}}", "running", "startedAt", time_json(c->started));
        if (c->state == CONTAINER_TERMINATED)
                return json_pack("{s:o}", "terminated", terminated(c));
        waiting = json_pack("{s:s}", "reason", c->reason);
        if (c->message)
                jx_put_text(waiting, "message", c->message);
        return json_pack("{s:o}", "waiting", waiting);
}

json_t *container_status(const struct container *c, const json_t *pod)
{
        const char *image = jx_text(container_spec(c, pod), "image");
        bool running = c->state == CONTAINER_RUNNING;
        bool done = c->kind == CONTAINER_INIT && c->state == CONTAINER_TERMINATED && !c->exit_code;
        bool ready = c->kind == CONTAINER_EPHEMERAL ? false : running || done;
        _cleanup_(freep) char *id = c->id ? xasprintf("standin://%s", c->id) : xstrdup("");
        json_t *o = json_pack("{s:s, s:o, s:{}, s:b, s:b, s:I, s:s, s:s}", "name", c->name, "state",
                              state_json(c), "lastState", "ready", ready, "started", running,
                              "restartCount", (json_int_t)c->restarts, "image", image ? image : "",
                              "imageID", c->image_id ? c->image_id : "");

        if (c->last)
                jx_put(o, "lastState.terminated", c->last);
        if (c->id)
                jx_put_text(o, "containerID", id);
        return o;
}
