/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "kube/watch_decode.h"

static void events_are_read(void **state)
{
        static const struct {
                const char *line;
                int r;
                enum watch_event_type type;
                const char *version;
        } rows[] = {
                {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":\"7\"}}}", 0,
                 WATCH_EVENT_APPLIED, "7"},
                {"{\"type\":\"MODIFIED\",\"object\":{}}", 0, WATCH_EVENT_APPLIED, ""},
                {"{\"type\":\"DELETED\",\"object\":{}}", 0, WATCH_EVENT_DELETED, ""},
                {"{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"9\"}}}", 0,
                 WATCH_EVENT_BOOKMARK, "9"},
                {"{\"type\":\"ERROR\",\"object\":{\"status\":\"Failure\"}}", 0, WATCH_EVENT_ERROR,
                 ""},
                {"{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"resourceVersion\":7}}}", 0,
                 WATCH_EVENT_APPLIED, ""},
                {"{\"type\":\"ADDED\",\"object\":{\"data\":\"a\\u0000b\"}}", 0, WATCH_EVENT_APPLIED,
                 ""},
                {"{\"type\":\"ELSE\",\"object\":{}}", -EPROTO, 0, NULL},
                {"{\"type\":\"ADDED\"}", -EPROTO, 0, NULL},
                {"{\"type\":\"ADDED\",\"object\":[]}", -EPROTO, 0, NULL},
                {"{\"object\":{}}", -EPROTO, 0, NULL},
                {"[1]", -EPROTO, 0, NULL},
                {"{\"type\":\"ADDED\",\"obj", -EBADMSG, 0, NULL},
                {"<html>", -EBADMSG, 0, NULL},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                _cleanup_(watch_event_done) struct watch_event e = {};

                assert_int_equal(
                        watch_event_decode(view_of(rows[i].line, strlen(rows[i].line)), &e),
                        rows[i].r);
                if (rows[i].r < 0)
                        continue;
                assert_int_equal(e.type, rows[i].type);
                assert_string_equal(e.resource_version, rows[i].version);
        }
}

static int decode(const char *text, struct watch_list *list)
{
        _cleanup_(str_done) struct str body = {};

        str_append(&body, text);
        return watch_list_decode(&body, list);
}

static void items_of_a_list_learn_what_they_are(void **state)
{
        _cleanup_(watch_list_done) struct watch_list list = {};
        json_t *item;

        assert_int_equal(decode("{\"kind\":\"PodList\",\"apiVersion\":\"v1\","
                                "\"metadata\":{\"resourceVersion\":\"12\"},"
                                "\"items\":[{\"metadata\":{\"name\":\"a\"}},{\"kind\":\"Own\"}]}",
                                &list),
                         0);
        assert_string_equal(list.resource_version, "12");
        item = json_array_get(list.items, 0);
        assert_string_equal(json_string_value(json_object_get(item, "kind")), "Pod");
        assert_string_equal(json_string_value(json_object_get(item, "apiVersion")), "v1");
        item = json_array_get(list.items, 1);
        assert_string_equal(json_string_value(json_object_get(item, "kind")), "Own");
}

static void an_empty_list_may_be_null(void **state)
{
        _cleanup_(watch_list_done) struct watch_list list = {};

        assert_int_equal(decode("{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":null}", &list),
                         0);
        assert_null(list.items);
}

static void what_is_no_list_is_refused(void **state)
{
        static const struct {
                const char *text;
                int r;
        } rows[] = {
                {"", -EBADMSG},
                {"{\"items\":[", -EBADMSG},
                {"{}", -EPROTO},
                {"{\"items\":[]}", -EPROTO},
                {"{\"metadata\":{\"resourceVersion\":\"\"},\"items\":[]}", -EPROTO},
                {"{\"metadata\":{\"resourceVersion\":\"1\"},\"items\":{}}", -EPROTO},
                {"[]", -EPROTO},
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct watch_list list = {};

                assert_int_equal(decode(rows[i].text, &list), rows[i].r);
                assert_null(list.document);
        }
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(events_are_read),
                cmocka_unit_test(items_of_a_list_learn_what_they_are),
                cmocka_unit_test(an_empty_list_may_be_null),
                cmocka_unit_test(what_is_no_list_is_refused),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
