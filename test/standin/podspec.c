/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/podspec.h"

/*
 * The image's config first, then the container's fields over it, as a runtime does. "$(NAME)" is
 * replaced in values and arguments. Volumes: emptyDir and configMap; others are refused by name.
 */

#include <errno.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "test/standin/container.h"
#include "test/standin/jx.h"
#include "test/standin/tree.h"

static const char default_path[] =
        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

void run_spec_done(struct run_spec *s)
{
        strv_done(&s->argv);
        strv_done(&s->env);
        free(s->cwd);
        for (size_t i = 0; i < s->n_mounts; i++) {
                free(s->mounts[i].source);
                free(s->mounts[i].target);
        }
        free(s->mounts);
        *s = (struct run_spec){};
}

static const char *env_get(const struct strv *env, const char *name, size_t len)
{
        for (size_t i = 0; i < env->n_items; i++)
                if (strncmp(env->items[i], name, len) == 0 && env->items[i][len] == '=')
                        return env->items[i] + len + 1;
        return NULL;
}

static void env_set(struct strv *env, const char *name, const char *value)
{
        size_t len = strlen(name);

        for (size_t i = 0; i < env->n_items; i++) {
                if (strncmp(env->items[i], name, len) != 0 || env->items[i][len] != '=')
                        continue;
                free(env->items[i]);
                env->items[i] = xasprintf("%s=%s", name, value);
                return;
        }
        strv_pushf(env, "%s=%s", name, value);
}

/* Replaces "$(NAME)"; an unknown name stays as it is, "$$" becomes "$". */
static char *expand(const char *text, const struct strv *env)
{
        struct str s = {};

        for (const char *p = text; *p; p++) {
                const char *end = p[0] == '$' && p[1] == '(' ? strchr(p, ')') : NULL;
                const char *value = end ? env_get(env, p + 2, (size_t)(end - p - 2)) : NULL;

                if (value) {
                        str_append(&s, value);
                        p = end;
                } else {
                        str_append_char(&s, *p);
                        p += p[0] == '$' && p[1] == '$';
                }
        }
        return str_take(&s);
}

static const char *field_of_pod(const struct container *c, const json_t *pod, const char *path)
{
        if (streq(path, "status.podIP") || streq(path, "status.hostIP"))
                return c->pod->ip;
        return jx_text(pod, path);
}

static int add_env(struct run_spec *s, struct container *c, const json_t *pod, const json_t *item,
                   struct err *err)
{
        const char *name = jx_text(item, "name"), *value = jx_text(item, "value");
        const char *path = jx_text(item, "valueFrom.fieldRef.fieldPath");
        _cleanup_(freep) char *expanded = NULL;

        if (!name)
                return err_set(err, -EINVAL, "env: an entry without a name");
        if (path)
                value = field_of_pod(c, pod, path);
        else if (jx_get(item, "valueFrom"))
                return err_set(err, -EINVAL, "env %s: the stand-in knows valueFrom.fieldRef only",
                               name);
        expanded = expand(value ? value : "", &s->env);
        env_set(&s->env, name, expanded);
        return 0;
}

static int make_env(struct run_spec *s, struct container *c, const json_t *pod,
                    const struct image *image, struct err *err)
{
        const json_t *spec = container_spec(c, pod);
        const char *name;
        json_t *item;
        size_t i;

        strv_push(&s->env, default_path);
        env_set(&s->env, "HOSTNAME", c->pod->name);
        env_set(&s->env, "HOME", s->uid == 0 ? "/root" : "/");
        json_object_foreach(jx_get(image->config, "env"), name, item)
                env_set(&s->env, name, json_string_value(item) ? json_string_value(item) : "");
        json_array_foreach(jx_get(spec, "env"), i, item) {
                int r = add_env(s, c, pod, item, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

static void push_all(struct strv *argv, const json_t *list, const struct strv *env)
{
        size_t i;
        json_t *item;

        json_array_foreach(list, i, item)
                if (json_is_string(item))
                        strv_push_take(argv, expand(json_string_value(item), env));
}

/* command replaces the image's command, args replaces nothing but follows. */
static int make_argv(struct run_spec *s, const json_t *spec, const struct image *image,
                     struct err *err)
{
        bool own = !jx_empty(spec, "command");

        push_all(&s->argv, own ? jx_get(spec, "command") : jx_get(image->config, "entrypoint"),
                 &s->env);
        if (!jx_empty(spec, "args"))
                push_all(&s->argv, jx_get(spec, "args"), &s->env);
        else if (!own)
                push_all(&s->argv, jx_get(image->config, "command"), &s->env);
        return s->argv.n_items > 0 ? 0 : err_set(err, -EINVAL, "no command specified");
}

static int fill_config_map(struct container *c, const json_t *volume, const char *dir,
                           struct err *err)
{
        const char *name = jx_text(volume, "configMap.name"), *key;
        const json_t *map =
                store_get(store_kind(c->pod->kubelet->store, "ConfigMap"), c->pod->ns, name);
        json_t *value;

        if (!map)
                return jx_true(volume, "configMap.optional")
                               ? 0
                               : err_set(err, -EINVAL, "configmap \"%s\" not found", name);
        json_object_foreach(jx_get(map, "data"), key, value) {
                _cleanup_(freep) char *path = xasprintf("%s/%s", dir, key);
                int r = tree_write_file(path, json_string_value(value), 0644, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

/* The directory of a volume, made and filled at its first use in the pod. */
static int volume_dir(struct container *c, const json_t *pod, const char *name, char **ret_dir,
                      struct err *err)
{
        const json_t *volume = jx_find(jx_get(pod, "spec.volumes"), "name", name);
        _cleanup_(freep) char *dir = xasprintf("%s/volumes/%s", c->pod->dir, name);
        bool fresh = access(dir, F_OK) < 0;
        int r;

        if (!jx_get(volume, "emptyDir") && !jx_get(volume, "configMap"))
                return err_set(err, -EINVAL,
                               "volume %s: the stand-in knows emptyDir and configMap only", name);
        r = tree_make_dirs(dir, err);
        if (r == 0 && jx_get(volume, "emptyDir") && chmod(dir, 0777) < 0)
                r = err_errno(err, -errno, "changing the mode of %s", dir);
        if (r == 0 && fresh && jx_get(volume, "configMap"))
                r = fill_config_map(c, volume, dir, err);
        if (r == 0)
                *ret_dir = take_ptr(dir);
        return r;
}

/* What a bind mount needs: a directory or a file at the target. */
static int make_target(const char *root, const char *target, const char *source, struct err *err)
{
        _cleanup_(freep) char *path = xasprintf("%s%s", root, target);
        _cleanup_(freep) char *parent = xstrndup(path, (size_t)(strrchr(path, '/') - path));
        struct stat st;
        int r;

        if (stat(source, &st) < 0)
                return err_errno(err, -errno, "mounting %s", source);
        if (S_ISDIR(st.st_mode))
                return tree_make_dirs(path, err);
        r = tree_make_dirs(parent, err);
        if (r < 0 || access(path, F_OK) == 0)
                return r;
        return tree_write_file(path, "", 0644, err);
}

static int add_mount(struct run_spec *s, struct container *c, const json_t *pod,
                     const json_t *mount, struct err *err)
{
        const char *name = jx_text(mount, "name"), *target = jx_text(mount, "mountPath");
        const char *sub = jx_text(mount, "subPath");
        _cleanup_(freep) char *dir = NULL;
        _cleanup_(freep) char *source = NULL;
        int r;

        if (!name || !target || target[0] != '/' || strstr(target, ".."))
                return err_set(err, -EINVAL,
                               "volumeMounts: a name and an absolute path are needed");
        r = volume_dir(c, pod, name, &dir, err);
        if (r < 0)
                return r;
        source = sub ? xasprintf("%s/%s", dir, sub) : xstrdup(dir);
        if (sub && access(source, F_OK) < 0)
                r = tree_make_dirs(source, err);
        if (r == 0)
                r = make_target(c->root, target, source, err);
        if (r < 0)
                return r;
        s->mounts = xreallocarray(s->mounts, s->n_mounts + 1, sizeof(*s->mounts));
        s->mounts[s->n_mounts++] = (struct process_mount){.source = take_ptr(source),
                                                          .target = xstrdup(target),
                                                          .read_only = jx_true(mount, "readOnly")};
        return 0;
}

static int64_t security(const json_t *spec, const json_t *pod, const char *field, int64_t otherwise)
{
        int64_t of_pod = jx_int(jx_get(pod, "spec.securityContext"), field, otherwise);

        return jx_int(jx_get(spec, "securityContext"), field, of_pod);
}

static int check_user(const struct container *c, const json_t *spec, const json_t *pod,
                      struct run_spec *s, struct err *err)
{
        const json_t *own = jx_get(spec, "securityContext.runAsNonRoot");
        const json_t *non_root = own ? own : jx_get(pod, "spec.securityContext.runAsNonRoot");

        if (json_is_true(non_root) && s->uid == 0)
                return err_set(err, -EINVAL,
                               "container has runAsNonRoot and image will run as root (pod: %s)",
                               c->pod->name);
        return 0;
}

int run_spec_make(struct container *c, const json_t *pod, const struct image *image,
                  struct run_spec *ret_spec, struct err *err)
{
        _cleanup_(run_spec_done) struct run_spec s = {};
        const json_t *spec = container_spec(c, pod);
        const char *cwd = jx_text(spec, "workingDir");
        json_t *mount;
        size_t i;
        int r;

        s.uid = (uid_t)security(spec, pod, "runAsUser", jx_int(image->config, "user", 0));
        s.gid = (gid_t)security(spec, pod, "runAsGroup", 0);
        s.stdin_open = jx_true(spec, "stdin");
        s.tty = jx_true(spec, "tty");
        s.read_only_root = jx_true(spec, "securityContext.readOnlyRootFilesystem");
        if (!cwd || !*cwd)
                cwd = jx_text(image->config, "workingDir");
        s.cwd = xstrdup(cwd ? cwd : "/");
        r = check_user(c, spec, pod, &s, err);
        if (r == 0)
                r = make_env(&s, c, pod, image, err);
        if (r == 0)
                r = make_argv(&s, spec, image, err);
        json_array_foreach(jx_get(spec, "volumeMounts"), i, mount)
                if (r == 0)
                        r = add_mount(&s, c, pod, mount, err);
        if (r < 0)
                return r;
        *ret_spec = s;
        s = (struct run_spec){};
        return 0;
}
