/* SPDX-License-Identifier: Apache-2.0 */
#include "test/standin/shape.h"

/*
 * The shapes are written in the language of custom resources' schemas and checked by the same code.
 * "$name" in a text stands for the shape of that name.
 */

#include <assert.h>

#include "base/mem.h"
#include "base/str.h"
#include "test/standin/jx.h"
#include "test/standin/schema.h"

#define TEXT   "{\"type\":\"string\"}"
#define COUNT  "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000000}"
#define BOOL   "{\"type\":\"boolean\"}"
#define OBJECT "{\"type\":\"object\"}"
#define TEXTS  "{\"type\":\"array\",\"items\":" TEXT "}"
#define MAP    "{\"type\":\"object\",\"additionalProperties\":" TEXT "}"

#define OF(properties) "{\"type\":\"object\",\"properties\":{" properties "}}"
#define NEEDS(field, properties) \
        "{\"type\":\"object\",\"required\":[\"" field "\"],\"properties\":{" properties "}}"
#define LIST(item)         "{\"type\":\"array\",\"items\":" item "}"
#define FIELD(name, shape) "\"" name "\":" shape

static const char meta[] = OF(
        FIELD("name", TEXT) "," FIELD("namespace", TEXT) "," FIELD("generateName", TEXT) "," FIELD("uid", TEXT) "," FIELD("resourceVersion", TEXT) "," FIELD(
                "labels",
                MAP) "," FIELD("annotations",
                               MAP) "," FIELD("finalizers",
                                              TEXTS) "," FIELD("managedFields",
                                                               LIST(OF(FIELD("manager", TEXT) "," FIELD(
                                                                       "fieldsV1",
                                                                       OBJECT)))) "," FIELD("ownerReferences",
                                                                                            LIST(NEEDS(
                                                                                                    "uid",
                                                                                                    FIELD("uid",
                                                                                                          TEXT)))));

static const char security[] = OF(
        FIELD("runAsUser", COUNT) "," FIELD("runAsGroup", COUNT) "," FIELD("runAsNonRoot", BOOL));

static const char container[] = NEEDS(
        "name",
        FIELD(
                "name", TEXT) "," FIELD("image",
                                        TEXT) "," FIELD("command",
                                                        TEXTS) "," FIELD("args", TEXTS) "," FIELD("workingDir", TEXT) "," FIELD("stdin", BOOL) "," FIELD("tty", BOOL) "," FIELD("restartPolicy", TEXT) "," FIELD("resources", OBJECT) "," FIELD("targetContainerName", TEXT) "," FIELD("securityContext", "\"$security\"") "," FIELD("ports",
                                                                                                                                                                                                                                                                                                                                     LIST(OF(FIELD("containerPort", COUNT) "," FIELD("name",
                                                                                                                                                                                                                                                                                                                                                                                     TEXT)))) "," FIELD("env", LIST(NEEDS("name", FIELD("name", TEXT) "," FIELD("value",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                TEXT) "," FIELD("valueFrom",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                OBJECT)))) "," FIELD("volumeMounts", LIST(NEEDS("name",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                FIELD("name", TEXT) "," FIELD(
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        "mountPath",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                        TEXT) "," FIELD("subPath", TEXT) "," FIELD("readOnly", BOOL)))));

static const char pod_spec[] = OF(
        FIELD("containers", LIST("\"$container\"")) "," FIELD("initContainers", LIST("\"$container\"")) "," FIELD("ephemeralContainers", LIST("\"$container\"")) "," FIELD("nodeName", TEXT) "," FIELD("restartPolicy", "{\"type\":\"string\",\"enum\":[\"Always\",\"OnFailure\",\"Never\"]}") "," FIELD(
                "terminationGracePeriodSeconds",
                COUNT) "," FIELD("securityContext",
                                 "\"$security\"") "," FIELD("serviceAccountName",
                                                            TEXT) "," FIELD("volumes",
                                                                            LIST(NEEDS(
                                                                                    "name",
                                                                                    FIELD("name", TEXT) "," FIELD("emptyDir", OBJECT) "," FIELD(
                                                                                            "configMap",
                                                                                            OF(FIELD(
                                                                                                    "name",
                                                                                                    TEXT)))))));

static const char template[] =
        OF(FIELD("metadata", "\"$meta\"") "," FIELD("spec", "\"$pod_spec\""));

static const char selector[] = OF(FIELD("matchLabels", MAP) "," FIELD(
        "matchExpressions",
        LIST(NEEDS("key",
                   FIELD("key", TEXT) "," FIELD("operator", TEXT) "," FIELD("values", TEXTS)))));

static const char workload[] = OF(FIELD("metadata", "\"$meta\"") "," FIELD("status", OBJECT) "," FIELD(
        "spec",
        OF(FIELD("replicas", "{\"type\":\"integer\",\"minimum\":0,\"maximum\":1000}") "," FIELD("selector", "\"$selector\"") "," FIELD(
                "template",
                "\"$template\"") "," FIELD("strategy",
                                           OF(FIELD("type", TEXT) "," FIELD(
                                                   "rollingUpdate",
                                                   OBJECT))) "," FIELD("updateStrategy",
                                                                       OF(FIELD(
                                                                               "type",
                                                                               TEXT))) "," FIELD("progressDeadlineSeconds",
                                                                                                 COUNT))));

static const char pod[] = OF(FIELD("metadata", "\"$meta\"") "," FIELD(
        "spec", "\"$pod_spec\"") "," FIELD("status", OBJECT));

static const char definition[] = OF(FIELD("metadata", "\"$meta\"") "," FIELD("status", OBJECT) "," FIELD(
        "spec",
        OF(FIELD("group", TEXT) "," FIELD("scope", TEXT) "," FIELD(
                "names",
                OF(FIELD("plural", TEXT) "," FIELD("singular", TEXT) "," FIELD(
                        "kind",
                        TEXT) "," FIELD("shortNames",
                                        TEXTS))) "," FIELD("versions",
                                                           LIST(NEEDS(
                                                                   "name",
                                                                   FIELD("name", TEXT) "," FIELD(
                                                                           "schema",
                                                                           OF(FIELD(
                                                                                   "openAPIV3Schema",
                                                                                   OBJECT)))))))));

static const char config_map[] = OF(FIELD("metadata", "\"$meta\"") "," FIELD("data", MAP));

static const char event[] = OF(
        FIELD("metadata", "\"$meta\"") "," FIELD("type", TEXT) "," FIELD("reason", TEXT) "," FIELD("action", TEXT) "," FIELD(
                "message",
                TEXT) "," FIELD("reportingComponent",
                                TEXT) "," FIELD("reportingInstance",
                                                TEXT) "," FIELD("involvedObject",
                                                                OF(FIELD("kind", TEXT) "," FIELD(
                                                                        "name",
                                                                        TEXT) "," FIELD("namespace",
                                                                                        TEXT))));

static const char other[] = OF(FIELD("metadata", "\"$meta\""));

static const struct {
        const char *name;
        const char *text;
} named[] = {
        {"meta", meta},         {"security", security}, {"container", container},
        {"pod_spec", pod_spec}, {"template", template}, {"selector", selector},
};

static void expand(const char *text, struct str *out)
{
        for (const char *p = text; *p; p++) {
                size_t len = p[0] == '"' && p[1] == '$' ? strcspn(p + 2, "\"") : 0;
                const char *found = NULL;

                for (size_t i = 0; i < ARRAY_SIZE(named) && len > 0; i++)
                        if (strlen(named[i].name) == len && strncmp(named[i].name, p + 2, len) == 0)
                                found = named[i].text;
                if (!found) {
                        str_append_char(out, *p);
                        continue;
                }
                expand(found, out);
                p += len + 2;
        }
}

static const char *text_of(const struct resource *r)
{
        if (r->custom)
                return other;
        if (streq(r->kind, "Pod"))
                return pod;
        if (streq(r->kind, "Event"))
                return event;
        if (streq(r->kind, "ConfigMap"))
                return config_map;
        if (streq(r->kind, "CustomResourceDefinition"))
                return definition;
        return streq(r->group, "apps") && r->has_status ? workload : other;
}

static void drop_nulls(json_t *value)
{
        const char *key;
        json_t *child;
        void *next;
        size_t i;

        json_array_foreach(value, i, child)
                drop_nulls(child);
        json_object_foreach_safe(value, next, key, child) {
                if (json_is_null(child))
                        json_object_del(value, key);
                else
                        drop_nulls(child);
        }
}

void shape_drop_nulls(const struct resource *r, json_t *object)
{
        drop_nulls(r->custom ? jx_get(object, "metadata") : object);
}

int shape_check(const struct resource *r, const json_t *object, struct err *err)
{
        _cleanup_(str_done) struct str text = {};
        json_auto_t *shape = NULL, *whole = NULL;
        json_error_t error;

        expand(text_of(r), &text);
        shape = json_loads(text.data, 0, &error);
        assert(shape);
        /* schema_validate() leaves metadata at the top to the server: here it is one level down. */
        whole = json_pack("{s:O}", "object", object);
        json_auto_t *outer =
                json_pack("{s:s, s:{s:O}}", "type", "object", "properties", "object", shape);
        return schema_validate(outer, whole, err);
}
