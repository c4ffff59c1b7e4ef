/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/liveupdate/written.h"

#include "liveupdate/explain.h"

/* The rules of the reference's second example, with an ignore, a fallBackOn and a restart. */
static struct lu_rules *example(void)
{
        struct lu_rules *rules = rules_written();
        struct lu_run_rule *run;

        root_written(rules, "web", LIST("**/*.md"));
        assert_int_equal(lu_pattern_set_add(&rules->fall_back_on, "web/package.json"), 0);
        sync_written(rules, "web/src", "/app", LIST("*.log"));
        sync_written(rules, "web/app.conf", "/etc/app/", NULL);
        run_written(rules, "/app/setup.sh", NULL);
        run_written(rules, "npm install", LIST("web/src/package-lock.json"));
        run = run_written(rules, "/app/reload --now", NULL);
        free(take_ptr(run->command));
        strv_push(&run->args, "/app/reload");
        strv_push(&run->args, "--now");
        rules->restart = true;
        return rules;
}

#define NOTHING "\"destination\":null,\"runs\":[],\"restart\":false}"

static void each_class_is_explained(void **state)
{
        static const struct {
                const char *path, *shown, *json, *text;
        } rows[] = {
                {"web/src/a.py", "src/a.py",
                 "{\"path\":\"src/a.py\",\"class\":\"Update\",\"reason\":\"Sync\","
                 "\"liveUpdate\":\"shop/web\",\"destination\":\"/app/a.py\","
                 "\"runs\":[\"/app/setup.sh\",\"/app/reload --now\"],\"restart\":true}",
                 "src/a.py: Update by shop/web (Sync: a sync covers it)\n"
                 "  copy to /app/a.py\n"
                 "  run     /app/setup.sh\n"
                 "  run     /app/reload --now\n"
                 "  restart the container\n"},
                {"web/src/package-lock.json", "package-lock.json",
                 "{\"path\":\"package-lock.json\",\"class\":\"Update\",\"reason\":\"Sync\","
                 "\"liveUpdate\":\"shop/web\",\"destination\":\"/app/package-lock.json\","
                 "\"runs\":[\"/app/setup.sh\",\"npm install\",\"/app/reload --now\"],"
                 "\"restart\":true}",
                 NULL},
                {"web/package.json", "../package.json",
                 "{\"path\":\"../package.json\",\"class\":\"Rebuild\",\"reason\":\"FallBackOn\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 "../package.json: Rebuild by shop/web (FallBackOn: fallBackOn names it)\n"},
                {"web/x", "x",
                 "{\"path\":\"x\",\"class\":\"Rebuild\",\"reason\":\"NoMatchingSync\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 NULL},
                {"web/src/a.md", "a.md",
                 "{\"path\":\"a.md\",\"class\":\"Ignored\",\"reason\":\"IgnoredByRule\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 NULL},
                {"web/src/a.log", "a.log",
                 "{\"path\":\"a.log\",\"class\":\"Ignored\",\"reason\":\"IgnoredBySync\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 NULL},
                {"api/x", "/srv/shop/api/x",
                 "{\"path\":\"/srv/shop/api/x\",\"class\":\"Unwatched\",\"reason\":\"OutsideRoots\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 "/srv/shop/api/x: Unwatched by shop/web (OutsideRoots: it lies in no directory that "
                 "is watched)\n"},
                {NULL, "../x",
                 "{\"path\":\"../x\",\"class\":\"Unwatched\",\"reason\":\"OutsideRoots\","
                 "\"liveUpdate\":\"shop/web\"," NOTHING,
                 NULL},
                {"web/src/\xff\n\xc3\xa4", "\xff\n\xc3\xa4",
                 "{\"path\":\"\\\\xff\\\\n\xc3\xa4\",\"class\":\"Update\",\"reason\":\"Sync\","
                 "\"liveUpdate\":\"shop/web\",\"destination\":\"/app/\\\\xff\\\\n\xc3\xa4\","
                 "\"runs\":[\"/app/setup.sh\",\"/app/reload --now\"],\"restart\":true}",
                 NULL},
        };
        _cleanup_(lu_rules_freep) struct lu_rules *rules = example();

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct lu_question question = {
                        .live_update = "shop/web", .path = rows[i].path, .shown = rows[i].shown};
                json_t *object = lu_explain_json(rules, &question);
                _cleanup_(freep) char *json = json_dumps(object, JSON_COMPACT);
                _cleanup_(str_done) struct str text = {};

                assert_string_equal(json, rows[i].json);
                json_decref(object);
                lu_explain_text(rules, &question, &text);
                if (rows[i].text)
                        assert_string_equal(str_text(&text), rows[i].text);
                assert_true(utf8_valid(text.data, text.len));
        }
}

static void an_unmatched_path_is_explained(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = example();
        const struct lu_question question = {.live_update = "web", .path = "web/x", .shown = "x"};
        json_t *object;

        rules->on_unmatched = LU_ON_UNMATCHED_WARN;
        object = lu_explain_json(rules, &question);
        assert_string_equal(json_string_value(json_object_get(object, "class")), "Unmatched");
        assert_string_equal(json_string_value(json_object_get(object, "reason")), "NoMatchingSync");
        json_decref(object);
}

static void a_file_may_go_below_the_destination(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = example();
        static const struct {
                bool is_directory;
                const char *destination;
        } rows[] = {{false, "/etc/app/app.conf"}, {true, "/etc/app"}};

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                const struct lu_question question = {.live_update = "web",
                                                     .path = "web/app.conf",
                                                     .shown = "app.conf",
                                                     .is_directory = rows[i].is_directory};
                json_t *object = lu_explain_json(rules, &question);

                assert_string_equal(json_string_value(json_object_get(object, "destination")),
                                    rows[i].destination);
                json_decref(object);
        }
}

static void a_command_of_several_lines_stays_one_string(void **state)
{
        _cleanup_(lu_rules_freep) struct lu_rules *rules = rules_written();
        _cleanup_(str_done) struct str text = {};
        const struct lu_question question = {.live_update = "web", .path = "a", .shown = "a"};
        json_t *object;

        root_written(rules, "", NULL);
        sync_written(rules, "", "/app", NULL);
        run_written(rules, "set -e\nmake", NULL);
        object = lu_explain_json(rules, &question);
        assert_string_equal(json_string_value(json_array_get(json_object_get(object, "runs"), 0)),
                            "set -e\nmake");
        json_decref(object);
        lu_explain_text(rules, &question, &text);
        assert_non_null(strstr(str_text(&text), "  run     set -e\\nmake\n"));
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_class_is_explained),
                cmocka_unit_test(an_unmatched_path_is_explained),
                cmocka_unit_test(a_file_may_go_below_the_destination),
                cmocka_unit_test(a_command_of_several_lines_stays_one_string),
        };
        return cmocka_run_group_tests(tests, NULL, NULL);
}
