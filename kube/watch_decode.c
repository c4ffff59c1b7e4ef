/* SPDX-License-Identifier: Apache-2.0 */
#include "kube/watch_decode.h"

/*
 * A NUL in a string (JSON's \u0000) is legal in Kubernetes and must not cost us the whole watch; as
 * C strings such values end early, which nothing here depends on.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"

static const char *version_of(const json_t *object)
{
        const json_t *metadata = json_object_get(object, "metadata");
        const char *version = json_string_value(json_object_get(metadata, "resourceVersion"));

        return version ? version : "";
}

static int event_type(const char *name, enum watch_event_type *ret_type)
{
        static const struct {
                const char *name;
                enum watch_event_type type;
        } types[] = {
                {"ADDED", WATCH_EVENT_APPLIED},   {"MODIFIED", WATCH_EVENT_APPLIED},
                {"DELETED", WATCH_EVENT_DELETED}, {"BOOKMARK", WATCH_EVENT_BOOKMARK},
                {"ERROR", WATCH_EVENT_ERROR},
        };

        for (size_t i = 0; i < ARRAY_SIZE(types); i++)
                if (streq(types[i].name, name)) {
                        *ret_type = types[i].type;
                        return 0;
                }
        return -EPROTO;
}

int watch_event_decode(struct view line, struct watch_event *ret_event)
{
        json_t *document = json_loadb(line.data, line.len, JSON_ALLOW_NUL, NULL);
        json_t *object = json_object_get(document, "object");
        enum watch_event_type type;
        int r = -EPROTO;

        if (!document)
                return -EBADMSG;
        if (json_is_object(object))
                r = event_type(json_string_value(json_object_get(document, "type")), &type);
        if (r == 0)
                *ret_event = (struct watch_event){.type = type,
                                                  .object = json_incref(object),
                                                  .resource_version = version_of(object)};
        json_decref(document);
        return r;
}

void watch_event_done(struct watch_event *e)
{
        json_decref(e->object);
        *e = (struct watch_event){};
}

static void complete(json_t *items, const char *key, json_t *value)
{
        json_t *item;
        size_t i;

        json_array_foreach(items, i, item) {
                if (value && json_is_object(item) && !json_object_get(item, key))
                        json_object_set(item, key, value);
        }
}

int watch_list_decode(const struct str *body, struct watch_list *ret_list)
{
        json_t *document = json_loadb(str_text(body), body->len, JSON_ALLOW_NUL, NULL);
        json_t *items = json_object_get(document, "items");
        const char *kind = json_string_value(json_object_get(document, "kind"));
        json_t *item_kind = NULL;

        if (!document)
                return -EBADMSG;
        if (!*version_of(document) || (items && !json_is_array(items) && !json_is_null(items))) {
                json_decref(document);
                return -EPROTO;
        }
        if (kind && ends_with(kind, "List"))
                item_kind = json_stringn(kind, strlen(kind) - strlen("List"));
        complete(items, "kind", item_kind);
        complete(items, "apiVersion", json_object_get(document, "apiVersion"));
        json_decref(item_kind);
        *ret_list = (struct watch_list){.document = document,
                                        .items = json_is_array(items) ? items : NULL,
                                        .resource_version = version_of(document)};
        return 0;
}

void watch_list_done(struct watch_list *l)
{
        json_decref(l->document);
        *l = (struct watch_list){};
}
