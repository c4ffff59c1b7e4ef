/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/rules.h"

/*
 * Only what a client of this project can run into: enough defaults that an object looks like a real
 * one, and the refusals that a controller's mistakes provoke. A field that is not named here is
 * stored as it came.
 */

#include <ctype.h>
#include <errno.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "test/standin/jx.h"
#include "test/standin/pki.h"

#define NS      .namespaced = true
#define STATUS  .has_status = true
#define SCALE   .has_scale = true
#define COUNTED .has_generation = true

/* clang-format off */
static const struct resource builtin[] = {
        {"", "v1", "namespaces", "namespace", "Namespace", "ns", STATUS},
        {"", "v1", "nodes", "node", "Node", "no", STATUS},
        {"", "v1", "pods", "pod", "Pod", "po", NS, STATUS},
        {"", "v1", "events", "event", "Event", "ev", NS},
        {"", "v1", "configmaps", "configmap", "ConfigMap", "cm", NS},
        {"", "v1", "secrets", "secret", "Secret", NULL, NS},
        {"", "v1", "services", "service", "Service", "svc", NS, STATUS},
        {"", "v1", "serviceaccounts", "serviceaccount", "ServiceAccount", "sa", NS},
        {"apps", "v1", "deployments", "deployment", "Deployment", "deploy", NS, STATUS, SCALE, COUNTED},
        {"apps", "v1", "replicasets", "replicaset", "ReplicaSet", "rs", NS, STATUS, SCALE, COUNTED},
        {"apps", "v1", "statefulsets", "statefulset", "StatefulSet", "sts", NS, STATUS, SCALE, COUNTED},
        {"apps", "v1", "daemonsets", "daemonset", "DaemonSet", "ds", NS, STATUS, .has_generation = true},
        {"apps", "v1", "controllerrevisions", "controllerrevision", "ControllerRevision", NULL, NS},
        {"coordination.k8s.io", "v1", "leases", "lease", "Lease", NULL, NS},
        {"events.k8s.io", "v1", "events", "event", "Event", "ev", NS, .virtual = true},
        {"authorization.k8s.io", "v1", "selfsubjectaccessreviews", "selfsubjectaccessreview",
         "SelfSubjectAccessReview", NULL, .virtual = true},
        {"apiextensions.k8s.io", "v1", "customresourcedefinitions", "customresourcedefinition",
         "CustomResourceDefinition", "crd", STATUS, COUNTED},
};
/* clang-format on */

void rules_register(struct store *s)
{
        for (size_t i = 0; i < ARRAY_SIZE(builtin); i++)
                store_register(s, &builtin[i]);
}

struct resource *rules_storage(const struct store *s, struct resource *asked)
{
        bool events = asked->virtual && streq(asked->plural, "events");

        return events ? store_resource(s, "", "v1", "events") : asked;
}

static void set_default_text(json_t *o, const char *path, const char *text)
{
        if (!jx_get(o, path))
                jx_put_text(o, path, text);
}

static void set_default_int(json_t *o, const char *path, int64_t number)
{
        if (!jx_get(o, path))
                jx_put_int(o, path, number);
}

static bool image_is_latest(const char *image)
{
        const char *name = strrchr(image, '/');
        const char *tag = strchr(name ? name : image, ':');

        return !strchr(image, '@') && (!tag || streq(tag, ":latest"));
}

static void default_container(json_t *c)
{
        const char *image = jx_text(c, "image");
        size_t i;
        json_t *port;

        jx_object_at(c, "resources");
        set_default_text(c, "terminationMessagePath", "/dev/termination-log");
        set_default_text(c, "terminationMessagePolicy", "File");
        set_default_text(c, "imagePullPolicy",
                         image && image_is_latest(image) ? "Always" : "IfNotPresent");
        json_array_foreach(jx_get(c, "ports"), i, port)
                set_default_text(port, "protocol", "TCP");
}

static void default_pod_spec(json_t *spec)
{
        static const char *const lists[] = {"containers", "initContainers", "ephemeralContainers"};
        size_t i;
        json_t *c;

        set_default_text(spec, "restartPolicy", "Always");
        set_default_text(spec, "dnsPolicy", "ClusterFirst");
        set_default_text(spec, "schedulerName", "default-scheduler");
        set_default_int(spec, "terminationGracePeriodSeconds", 30);
        jx_object_at(spec, "securityContext");
        for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
                json_array_foreach(json_object_get(spec, lists[l]), i, c)
                        default_container(c);
}

static void default_workload(const struct resource *r, json_t *spec)
{
        if (!streq(r->kind, "DaemonSet"))
                set_default_int(spec, "replicas", 1);
        if (json_is_object(jx_get(spec, "template.spec")))
                default_pod_spec(jx_get(spec, "template.spec"));
        if (streq(r->kind, "Deployment")) {
                set_default_int(spec, "revisionHistoryLimit", 10);
                set_default_int(spec, "progressDeadlineSeconds", 600);
                set_default_text(spec, "strategy.type", "RollingUpdate");
                if (streq(jx_text(spec, "strategy.type"), "RollingUpdate")) {
                        set_default_text(spec, "strategy.rollingUpdate.maxSurge", "25%");
                        set_default_text(spec, "strategy.rollingUpdate.maxUnavailable", "25%");
                }
        } else if (!streq(r->kind, "ReplicaSet")) {
                set_default_int(spec, "revisionHistoryLimit", 10);
                set_default_text(spec, "updateStrategy.type", "RollingUpdate");
        }
}

static bool is_workload(const struct resource *r)
{
        return streq(r->group, "apps") && !streq(r->kind, "ControllerRevision");
}

void rules_default(const struct resource *r, json_t *o)
{
        json_t *spec = jx_get(o, "spec");

        if (streq(r->kind, "Pod") && *r->group == '\0' && json_is_object(spec)) {
                default_pod_spec(spec);
                set_default_text(spec, "serviceAccountName", "default");
        } else if (is_workload(r) && json_is_object(spec)) {
                default_workload(r, spec);
        } else if (streq(r->kind, "Namespace")) {
                jx_put_take(o, "spec", json_pack("{s:[s]}", "finalizers", "kubernetes"));
                if (!jx_get(o, "status"))
                        jx_put_take(o, "status", json_pack("{s:s}", "phase", "Active"));
                jx_object_at(o, "metadata.labels");
                json_object_set(jx_get(o, "metadata.labels"), "kubernetes.io/metadata.name",
                                jx_get(o, "metadata.name"));
        }
}

/* DNS-1123 subdomain. */
static bool name_valid(const char *name)
{
        size_t len = strlen(name);

        if (len == 0 || len > 253)
                return false;
        for (size_t i = 0; i < len; i++) {
                bool edge = i == 0 || i == len - 1 || name[i - 1] == '.' || name[i + 1] == '.';
                char c = name[i];

                if (islower((unsigned char)c) || isdigit((unsigned char)c))
                        continue;
                if ((c != '-' && c != '.') || edge)
                        return false;
        }
        return true;
}

static int validate_containers(const json_t *spec, const char *at, struct err *err)
{
        const json_t *list = jx_get(spec, "containers");
        size_t i;
        json_t *c;

        if (jx_empty(spec, "containers") || !json_is_array(list))
                return err_set(err, -EINVAL, "%s.containers: Required value", at);
        json_array_foreach(list, i, c) {
                const char *name = jx_text(c, "name");

                if (!name || !*name)
                        return err_set(err, -EINVAL, "%s.containers[%zu].name: Required value", at,
                                       i);
                if (jx_find(list, "name", name) != c)
                        return err_set(err, -EINVAL,
                                       "%s.containers[%zu].name: Duplicate value: \"%s\"", at, i,
                                       name);
                if (jx_empty(c, "image"))
                        return err_set(err, -EINVAL, "%s.containers[%zu].image: Required value", at,
                                       i);
        }
        return 0;
}

static int validate_workload(const json_t *o, struct err *err)
{
        const json_t *labels = jx_get(o, "spec.template.metadata.labels"), *wanted;
        const char *key;
        json_t *value;

        wanted = jx_get(o, "spec.selector.matchLabels");
        if (jx_empty(o, "spec.selector"))
                return err_set(err, -EINVAL, "spec.selector: Required value");
        json_object_foreach((json_t *)wanted, key, value)
                if (!json_equal(json_object_get(labels, key), value))
                        return err_set(err, -EINVAL,
                                       "spec.template.metadata.labels: Invalid value: `selector` "
                                       "does not match template `labels`");
        if (!streq(jx_text(o, "spec.template.spec.restartPolicy"), "Always"))
                return err_set(err, -EINVAL,
                               "spec.template.spec.restartPolicy: Unsupported value: supported "
                               "values: \"Always\"");
        return validate_containers(jx_get(o, "spec.template.spec"), "spec.template.spec", err);
}

static int validate_event(const json_t *o, struct err *err)
{
        const char *type = jx_text(o, "type");

        if (jx_empty(o, "involvedObject.kind") && jx_empty(o, "involvedObject.name"))
                return err_set(err, -EINVAL, "involvedObject: Required value");
        if (jx_text(o, "involvedObject.namespace") &&
            !streq(jx_text(o, "involvedObject.namespace"), jx_text(o, "metadata.namespace")))
                return err_set(err, -EINVAL,
                               "involvedObject.namespace: Invalid value: does not "
                               "match event.namespace");
        if (!jx_get(o, "eventTime") || json_is_null(jx_get(o, "eventTime")))
                return 0;
        if (jx_empty(o, "reportingComponent"))
                return err_set(err, -EINVAL, "reportingController: Required value");
        if (jx_empty(o, "reportingInstance") || strlen(jx_text(o, "reportingInstance")) > 128)
                return err_set(err, -EINVAL,
                               "reportingInstance: Required value, at most 128 bytes");
        if (jx_empty(o, "action") || strlen(jx_text(o, "action")) > 128)
                return err_set(err, -EINVAL, "action: Required value, at most 128 bytes");
        if (jx_empty(o, "reason") || strlen(jx_text(o, "reason")) > 128)
                return err_set(err, -EINVAL, "reason: Required value, at most 128 bytes");
        if (jx_text(o, "message") && strlen(jx_text(o, "message")) > 1024)
                return err_set(err, -EINVAL, "note: Invalid value: can have at most 1024 bytes");
        if (!streq(type, "Normal") && !streq(type, "Warning"))
                return err_set(err, -EINVAL, "type: Invalid value: \"%s\"", type ? type : "");
        return 0;
}

int rules_validate(const struct resource *r, const json_t *o, struct err *err)
{
        const char *name = jx_text(o, "metadata.name");

        if (!name || !name_valid(name))
                return err_set(err, -EINVAL,
                               "metadata.name: Invalid value: \"%s\": a lowercase RFC 1123 "
                               "subdomain must consist of lower case alphanumeric characters, '-' "
                               "or '.', and must start and end with an alphanumeric character",
                               name ? name : "");
        if (streq(r->kind, "Pod") && *r->group == '\0')
                return validate_containers(jx_get(o, "spec"), "spec", err);
        if (is_workload(r))
                return validate_workload(o, err);
        if (streq(r->kind, "Event") && !r->custom)
                return validate_event(o, err);
        return 0;
}

/* A copy of a pod's spec without what may change. */
static json_t *fixed_pod_spec(const json_t *o)
{
        static const char *const lists[] = {"containers", "initContainers"};
        json_t *spec = json_deep_copy(jx_get(o, "spec")), *c;
        size_t i;

        jx_drop(spec, "activeDeadlineSeconds");
        jx_drop(spec, "tolerations");
        jx_drop(spec, "nodeName");
        for (size_t l = 0; l < ARRAY_SIZE(lists); l++)
                json_array_foreach(json_object_get(spec, lists[l]), i, c)
                        jx_drop(c, "image");
        return spec;
}

int rules_validate_update(const struct resource *r, const json_t *live, const json_t *next,
                          struct err *err)
{
        if (streq(r->kind, "Pod") && !r->custom) {
                json_auto_t *a = fixed_pod_spec(live);
                json_auto_t *b = fixed_pod_spec(next);

                if (!json_equal(a, b))
                        return err_set(err, -EINVAL,
                                       "spec: Forbidden: pod updates may not change fields other "
                                       "than `spec.containers[*].image`, "
                                       "`spec.initContainers[*].image`, "
                                       "`spec.activeDeadlineSeconds`, `spec.tolerations`");
        }
        if (is_workload(r) &&
            !json_equal(jx_get(live, "spec.selector"), jx_get(next, "spec.selector")))
                return err_set(err, -EINVAL, "spec.selector: Invalid value: field is immutable");
        return rules_validate(r, next, err);
}

static bool name_is_taken(const json_t *pod, const char *name)
{
        return jx_find(jx_get(pod, "spec.containers"), "name", name) ||
               jx_find(jx_get(pod, "spec.initContainers"), "name", name);
}

int rules_validate_ephemeral(const json_t *live, const json_t *next, struct err *err)
{
        const json_t *before = jx_get(live, "spec.ephemeralContainers"), *item;
        const json_t *after = jx_get(next, "spec.ephemeralContainers");
        size_t i;

        json_array_foreach(before, i, item)
                if (!json_equal(jx_find(after, "name", jx_text(item, "name")), item))
                        return err_set(err, -EINVAL,
                                       "spec.ephemeralContainers: Forbidden: existing ephemeral "
                                       "containers \"%s\" may not be changed or removed",
                                       jx_text(item, "name"));
        json_array_foreach(after, i, item) {
                const char *target = jx_text(item, "targetContainerName");

                if (jx_empty(item, "name") || jx_empty(item, "image"))
                        return err_set(err, -EINVAL,
                                       "spec.ephemeralContainers[%zu]: name, image: Required value",
                                       i);
                if (name_is_taken(next, jx_text(item, "name")))
                        return err_set(
                                err, -EINVAL,
                                "spec.ephemeralContainers[%zu].name: Duplicate value: \"%s\"", i,
                                jx_text(item, "name"));
                if (target && !jx_find(jx_get(next, "spec.containers"), "name", target))
                        return err_set(
                                err, -EINVAL,
                                "spec.ephemeralContainers[%zu].targetContainerName: Not found: "
                                "\"%s\"",
                                i, target);
        }
        return 0;
}

void rules_new_meta(const struct resource *r, json_t *o)
{
        _cleanup_(freep) char *uid = random_uuid();
        _cleanup_(freep) char *api_version = resource_api_version(r);
        char now[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), now);
        jx_put_text(o, "metadata.uid", uid);
        jx_put_text(o, "metadata.creationTimestamp", now);
        jx_drop(o, "metadata.deletionTimestamp");
        jx_drop(o, "metadata.deletionGracePeriodSeconds");
        jx_drop(o, "metadata.generation");
        if (r->has_generation || r->custom)
                jx_put_int(o, "metadata.generation", 1);
        if (r->has_status)
                jx_drop(o, "status");
        if (streq(r->kind, "Pod") && !r->custom)
                jx_put_take(o, "status",
                            json_pack("{s:s, s:s}", "phase", "Pending", "qosClass", "BestEffort"));
        jx_put_text(o, "kind", r->kind);
        jx_put_text(o, "apiVersion", api_version);
}

/* Names in core/v1 and in events.k8s.io/v1. */
static const char *const event_fields[][2] = {
        {"message", "note"},
        {"involvedObject", "regarding"},
        {"reportingComponent", "reportingController"},
        {"count", "deprecatedCount"},
        {"firstTimestamp", "deprecatedFirstTimestamp"},
        {"lastTimestamp", "deprecatedLastTimestamp"},
        {"source", "deprecatedSource"},
};

static json_t *rename_fields(json_t *o, unsigned from, const char *api_version)
{
        json_t *copy = json_copy(o);

        for (size_t i = 0; i < ARRAY_SIZE(event_fields); i++) {
                json_t *v = json_object_get(o, event_fields[i][from]);

                if (!v)
                        continue;
                json_object_set(copy, event_fields[i][!from], v);
                json_object_del(copy, event_fields[i][from]);
        }
        jx_put_text(copy, "apiVersion", api_version);
        return copy;
}

json_t *rules_to_view(const struct resource *asked, json_t *stored)
{
        return asked->virtual ? rename_fields(stored, 0, "events.k8s.io/v1") : json_incref(stored);
}

json_t *rules_from_view(const struct resource *asked, json_t *view)
{
        return asked->virtual ? rename_fields(view, 1, "v1") : json_incref(view);
}
