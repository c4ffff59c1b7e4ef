/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"
#include "base/timestamp.h"
#include "controller/commands.h"
#include "controller/facts.h"
#include "controller/fetch.h"
#include "controller/objects.h"

static const json_t *condition(const json_t *object, const char *type)
{
        const json_t *conditions = json_object_get(json_object_get(object, "status"), "conditions");
        const json_t *c;
        size_t i;

        json_array_foreach(conditions, i, c)
                if (streq(facts_string(c, "type", NULL), type))
                        return c;
        return NULL;
}

static const char *or_dash(const char *s)
{
        return s && *s ? s : "-";
}

/* "3m", "5h", "2d" since an RFC 3339 time. */
static char *age(const char *since)
{
        uint64_t then, seconds;

        if (!since || timestamp_parse(since, &then) < 0)
                return xstrdup("-");
        seconds = timestamp_now() > then ? (timestamp_now() - then) / NSEC_PER_SEC : 0;
        if (seconds < 120)
                return xasprintf("%us", (unsigned)seconds);
        if (seconds < 7200)
                return xasprintf("%um", (unsigned)(seconds / 60));
        if (seconds < 172800)
                return xasprintf("%uh", (unsigned)(seconds / 3600));
        return xasprintf("%ud", (unsigned)(seconds / 86400));
}

static void print_row(const json_t *object, bool with_namespace)
{
        const json_t *ready = condition(object, "Ready");
        const json_t *status = json_object_get(object, "status");
        _cleanup_(freep) char *updated = age(facts_string(status, "lastUpdateTime", NULL));
        _cleanup_(freep) char *message = printable(or_dash(facts_string(ready, "message", NULL)));

        if (with_namespace)
                printf("%-16s ", or_dash(facts_string(object, "metadata", "namespace", NULL)));
        printf("%-20s %-7s %-20s %-9s %-9lld %-8s %s\n",
               or_dash(facts_string(object, "metadata", "name", NULL)),
               or_dash(facts_string(ready, "status", NULL)),
               or_dash(facts_string(ready, "reason", NULL)),
               or_dash(facts_string(status, "targets", "summary", NULL)),
               (long long)json_integer_value(json_object_get(status, "revision")), updated,
               message);
}

static void print_containers(const json_t *object)
{
        const json_t *containers = json_object_get(json_object_get(object, "status"), "containers");
        const json_t *c;
        size_t i;

        json_array_foreach(containers, i, c) {
                _cleanup_(freep) char *message =
                        printable(or_dash(facts_string(c, "message", NULL)));

                printf("  %-40s %-16s %-9s %-20s %s\n", or_dash(facts_string(c, "pod", NULL)),
                       or_dash(facts_string(c, "container", NULL)),
                       or_dash(facts_string(c, "state", NULL)),
                       or_dash(facts_string(c, "reason", NULL)), message);
        }
}

/* JSON is YAML 1.2; what people expect is its block style, which kubectl can print as well. */
static void print_yaml(const json_t *value, unsigned indent, bool in_list)
{
        const char *key;
        json_t *item;
        size_t i;

        if (json_is_object(value) && json_object_size(value) > 0) {
                bool first = in_list;

                json_object_foreach((json_t *)value, key, item) {
                        printf("%*s%s:", first ? 0 : (int)indent, "", key);
                        first = false;
                        if (json_object_size(item) + json_array_size(item) > 0)
                                putchar('\n');
                        else
                                putchar(' ');
                        print_yaml(item, indent + 2, false);
                }
        } else if (json_is_array(value) && json_array_size(value) > 0) {
                json_array_foreach(value, i, item) {
                        printf("%*s- ", (int)indent, "");
                        print_yaml(item, indent + 2, true);
                }
        } else {
                _cleanup_(freep) char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

                printf("%s\n", text ? text : "null");
        }
}

/* As kubectl does: who manages which field is of no interest to a person. */
static void hide_managed_fields(json_t *object)
{
        json_object_del(json_object_get(object, "metadata"), "managedFields");
}

static void print_answer(const struct options *options, json_t *answer)
{
        json_t *items = json_object_get(answer, "items"), *item;
        size_t i;

        hide_managed_fields(answer);
        json_array_foreach(items, i, item)
                hide_managed_fields(item);
        if (streq(options->output, "json")) {
                json_dumpf(answer, stdout, JSON_INDENT(2));
                putchar('\n');
                return;
        }
        if (streq(options->output, "yaml")) {
                print_yaml(answer, 0, false);
                return;
        }
        if (options->all_namespaces)
                printf("%-16s ", "NAMESPACE");
        printf("%-20s %-7s %-20s %-9s %-9s %-8s %s\n", "NAME", "READY", "REASON", "TARGETS",
               "REVISION", "UPDATED", "MESSAGE");
        json_array_foreach(items, i, item)
                print_row(item, options->all_namespaces);
        if (!items) {
                print_row(answer, options->all_namespaces);
                print_containers(answer);
        }
}

int cmd_status(const struct options *options)
{
        const struct kube_config_params config = options_kube(options);
        _cleanup_(err_done) struct err err = {};
        _cleanup_(fetch_done) struct fetch fetch = {};
        _cleanup_(freep) char *path = NULL;
        json_t *answer;

        if (options->names.n_items > 1)
                return command_failed(EXIT_USAGE, "status takes one name at most");
        if (options->watch)
                return command_failed(EXIT_USAGE,
                                      "status -w is not built yet; use kubectl get lu -w");
        if (fetch_open(&config, &fetch, &err) < 0)
                return command_failed(EXIT_FAILED, err_text(&err));
        if (options->names.n_items == 1)
                path = objects_path(fetch_namespace(&fetch), "liveupdates",
                                    options->names.items[0]);
        else if (options->all_namespaces)
                path = xstrdup(OBJECTS_GROUP "/liveupdates");
        else
                path = xasprintf(OBJECTS_GROUP "/namespaces/%s/liveupdates",
                                 fetch_namespace(&fetch));
        if (fetch_json(&fetch, path, &answer, &err) < 0)
                return command_failed(EXIT_FAILED, err_text(&err));
        print_answer(options, answer);
        json_decref(answer);
        return EXIT_DONE;
}
