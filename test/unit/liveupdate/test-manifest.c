/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "liveupdate/manifest.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

/* Faults as lines of "file:line:column: message". */
static char *faults_text(const struct lu_faults *faults)
{
        struct str s = {};

        for (size_t i = 0; i < faults->n_items; i++) {
                const struct lu_fault *f = &faults->items[i];

                assert_int_equal(f->severity, LU_SEVERITY_ERROR);
                str_appendf(&s, "%s:%u:%u: %s\n", f->file, f->line, f->column, f->message);
        }
        return str_take(&s);
}

struct row {
        const char *name;
        const char *text;
        const char *faults; /* "" when it is fine */
};

/* A whole LiveUpdate with @spec lines; its first line is line 5 of the file. */
#define LU(spec)                            \
        "apiVersion: sluice.dev/v1alpha1\n" \
        "kind: LiveUpdate\n"                \
        "metadata: {name: web}\n"           \
        "spec:\n" spec
#define STEPS "  selector: {labels: app=web}\n  steps:\n"
#define SYNC  "  - sync: {localPath: src, containerPath: /app}\n"
#define STEP(spec)                          \
        "apiVersion: sluice.dev/v1alpha1\n" \
        "kind: LiveUpdateStep\n"            \
        "metadata: {name: shared}\n"        \
        "spec:\n" spec

static const struct row rows[] = {
        {"a valid object", LU(STEPS SYNC), ""},
        {"nothing at all", "", ""},
        {"only comments", "# none\n---\n# here\n", ""},

        /* the frame */
        {"not YAML", "a: [\n",
         "f.yaml:2:1: not valid YAML: while parsing a flow node, did not find expected node "
         "content\n"},
        {"a tab", "a:\n\tb: 1\n",
         "f.yaml:2:1: not valid YAML: while scanning for the next token, found character that "
         "cannot start any token\n"},
        {"a document before the syntax error counts", LU("  x: 1\n") "---\n]\n",
         "f.yaml:5:3: spec: unknown key 'x': known are basePath, images, selector, steps, "
         "onUnmatched, builder, deploy, inject, serviceAccountName, paused\n"
         "f.yaml:5:3: spec: key 'selector' is missing\n"
         "f.yaml:5:3: spec: key 'steps' is missing\n"
         "f.yaml:7:1: not valid YAML: while parsing a block node, did not find expected node content\n"},
        {"a list as document", "- a\n",
         "f.yaml:1:1: an object wants a mapping with apiVersion, kind and metadata\n"},
        {"no kind", "apiVersion: v1\n", "f.yaml:1:1: an object wants a kind\n"},
        {"no apiVersion", "kind: LiveUpdate\n", "f.yaml:1:1: an object wants an apiVersion\n"},
        {"another version of our group", "apiVersion: sluice.dev/v1\nkind: LiveUpdate\n",
         "f.yaml:1:13: apiVersion: 'sluice.dev/v1' is not known: write sluice.dev/v1alpha1\n"},
        {"a misspelt kind", "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdat\n",
         "f.yaml:2:7: kind: 'LiveUpdat' is not known, did you mean 'LiveUpdate'?\n"},
        {"another kind of our group", "apiVersion: sluice.dev/v1alpha1\nkind: Pod\n",
         "f.yaml:2:7: kind: 'Pod' is not known: sluice.dev has LiveUpdate and LiveUpdateStep\n"},
        {"a LiveUpdate of another group", "apiVersion: tilt.dev/v1alpha1\nkind: LiveUpdate\n", ""},
        {"anchors in objects of others are theirs",
         "apiVersion: v1\nkind: ConfigMap\na: &x {b: 1}\nc: *x\n", ""},
        {"no metadata and no spec", "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\n",
         "f.yaml:1:1: key 'metadata' is missing\nf.yaml:1:1: key 'spec' is missing\n"},
        {"a misspelt top-level key", LU(STEPS SYNC) "metdata: {}\n",
         "f.yaml:8:1: unknown key 'metdata', did you mean "
         "'metadata'?\n"},
        {"no name",
         "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\nmetadata: {}\nspec:\n" STEPS SYNC,
         "f.yaml:3:11: metadata: key 'name' is missing\n"},
        {"a bad name",
         "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\nmetadata: {name: Web}\nspec:\n" STEPS
                 SYNC,
         "f.yaml:3:18: metadata.name: 'Web' is not a name: lower-case letters, digits, '-' and '.' "
         "are\n"},
        {"a namespace that is a number",
         "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\n"
         "metadata: {name: web, namespace: 7}\nspec:\n" STEPS SYNC,
         "f.yaml:3:34: metadata.namespace: 7 would be read as a number: put it in quotes\n"},
        {"status and labels may be there",
         "apiVersion: sluice.dev/v1alpha1\nkind: LiveUpdate\nstatus: {revision: 1}\n"
         "metadata: {name: web, labels: {a: b}, uid: x}\nspec:\n" STEPS SYNC,
         ""},
        {"a list without items", "apiVersion: v1\nkind: List\n",
         "f.yaml:1:1: items: a List wants a list of objects here\n"},

        /* keys */
        {"a misspelt key", LU(STEPS "  - sync: {localpath: src, containerPath: /app}\n"),
         "f.yaml:7:12: steps[0].sync: unknown key 'localpath', did you mean 'localPath'?\n"
         "f.yaml:7:11: steps[0].sync: key 'localPath' is missing\n"},
        {"a key twice", LU(STEPS SYNC "  paused: true\n  paused: true\n"),
         "f.yaml:9:3: spec: key 'paused' is given twice\n"},
        {"a key that is no string", LU(STEPS SYNC "  ? [a]\n  : b\n"),
         "f.yaml:8:5: spec: a key must be a string\n"},
        {"a merge key", LU(STEPS SYNC "  <<: {paused: true}\n"),
         "f.yaml:8:3: spec: unknown key '<<': known are basePath, images, selector, steps, "
         "onUnmatched, builder, deploy, inject, serviceAccountName, paused\n"},
        {"something in initialSync", LU(STEPS "  - initialSync: {a: 1}\n" SYNC),
         "f.yaml:7:19: steps[0].initialSync: unknown key 'a': nothing can be set here, write {}\n"},
        {"selector is missing", LU("  steps:\n" SYNC),
         "f.yaml:5:3: spec: key 'selector' is missing\n"},
        {"files is missing", LU(STEPS "  - fallBackOn: {}\n" SYNC),
         "f.yaml:7:17: steps[0].fallBackOn: key 'files' is missing\n"},

        /* types */
        {"a mapping for a list", LU("  selector: {labels: a}\n  steps: {}\n"),
         "f.yaml:6:10: steps: wants a list, not a mapping\n"},
        {"a string for a list", LU(STEPS "  - fallBackOn: {files: package.json}\n" SYNC),
         "f.yaml:7:25: steps[0].fallBackOn.files: wants a list, not a single value\n"},
        {"a list for a string", LU(STEPS "  - sync: {localPath: [a], containerPath: /a}\n"),
         "f.yaml:7:23: steps[0].sync.localPath: wants a single value, not a list\n"},
        {"nothing for a mapping", LU(STEPS "  - initialSync:\n" SYNC),
         "f.yaml:7:17: steps[0].initialSync: has no value: write {} or leave the key out\n"},
        {"nothing for a list", LU(STEPS SYNC "  images:\n"),
         "f.yaml:8:10: images: has no value: write [] or leave the key out\n"},
        {"nothing for a string", LU(STEPS SYNC "  basePath:\n"),
         "f.yaml:8:12: basePath: has no value\n"},
        {"nothing for an enum", LU(STEPS SYNC "  builder:\n"),
         "f.yaml:8:11: builder: has no value\n"},
        {"yes is no boolean", LU(STEPS SYNC "  paused: yes\n"),
         "f.yaml:8:11: paused: wants true or false, not 'yes'\n"},
        {"a misspelt boolean", LU(STEPS SYNC "  paused: flase\n"),
         "f.yaml:8:11: paused: wants true or false, not 'flase'\n"},
        {"a boolean in quotes", LU(STEPS SYNC "  paused: 'true'\n"),
         "f.yaml:8:11: paused: wants true or false, not the string 'true'\n"},
        {"a number with a unit", LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: 5s}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: wants a whole number, not '5s'\n"},
        {"an octal number", LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: 010}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: wants a whole number, not '010'\n"},
        {"a number in quotes", LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: \"10\"}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: wants a whole number, not the string '10'\n"},
        {"a number that is too small", LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: 0}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: must be between 1 and 86400, not 0\n"},
        {"a negative number", LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: -3}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: must be between 1 and 86400, not -3\n"},
        {"a number that is far too large",
         LU(STEPS SYNC "  - run: {command: x, timeoutSeconds: 99999999999999999999}\n"),
         "f.yaml:8:39: steps[1].run.timeoutSeconds: must be between 1 and 86400, not "
         "99999999999999999999\n"},

        /* strings that YAML takes for something else */
        {"a mode without quotes",
         LU(STEPS "  - sync: {localPath: a, containerPath: /a, "
                  "mode: 0644}\n"),
         "f.yaml:7:51: steps[0].sync.mode: 0644 would be read as a number: put it in quotes\n"},
        {"an owner without quotes",
         LU(STEPS "  - sync: {localPath: a, containerPath: /a, "
                  "owner: 1000:50}\n"),
         "f.yaml:7:52: steps[0].sync.owner: 1000:50 would be read as a number: put it in quotes\n"},
        {"a number as an argument", LU(STEPS SYNC "  - run: {args: [sleep, 5]}\n"),
         "f.yaml:8:25: steps[1].run.args[1]: 5 would be read as a number: put it in quotes\n"},
        {"a float as a build argument",
         LU(STEPS SYNC "  images: [{image: a, context: b, buildArgs: [{name: V, value: 1.20}]}]\n"),
         "f.yaml:8:64: images[0].buildArgs[0].value: 1.20 would be read as a number: put it in "
         "quotes\n"},
        {"a boolean as a command", LU(STEPS SYNC "  - run: {command: true}\n"),
         "f.yaml:8:20: steps[1].run.command: true would be read as a boolean: put it in quotes\n"},
        {"on as a path", LU(STEPS "  - sync: {localPath: on, containerPath: /a}\n"),
         "f.yaml:7:23: steps[0].sync.localPath: on would be read as a boolean: put it in quotes\n"},
        {"null as a path", LU(STEPS "  - sync: {localPath: ~, containerPath: /a}\n"),
         "f.yaml:7:23: steps[0].sync.localPath: ~ would be read as nothing: put it in quotes\n"},
        {"in quotes all of them are fine",
         LU(STEPS "  - sync: {localPath: 'on', containerPath: /a, mode: '0644'}\n"
                  "  - run: {args: ['true', '5', '', \"~\", '1e3', 'null']}\n"),
         ""},
        {"words that only look like numbers",
         LU(STEPS SYNC "  - run: {args: [1.2.3, 0xg, e5, '-', 1-2, 5s, 127.0.0.1, _, +, .]}\n"),
         ""},
        {"a NUL", LU(STEPS SYNC "  basePath: \"a\\0b\"\n"),
         "f.yaml:8:13: basePath: holds a NUL character\n"},

        /* bounds and words */
        {"an empty string", LU(STEPS SYNC "  basePath: ''\n"),
         "f.yaml:8:13: basePath: must not be empty\n"},
        {"no steps", LU("  selector: {labels: a}\n  steps: []\n"),
         "f.yaml:6:10: steps: wants at least 1 item\n"},
        {"an unknown word", LU(STEPS SYNC "  onUnmatched: rebuild\n"),
         "f.yaml:8:16: onUnmatched: 'rebuild' is not one of Rebuild, Ignore, Warn\n"},
        {"a number for a word", LU(STEPS SYNC "  onUnmatched: 1\n"),
         "f.yaml:8:16: onUnmatched: '1' is not one of Rebuild, Ignore, Warn\n"},
        {"an unknown write", LU(STEPS "  - sync: {localPath: a, containerPath: /a, write: X}\n"),
         "f.yaml:7:52: steps[0].sync.write: 'X' is not one of Atomic, InPlace\n"},
        {"an unknown workload", LU("  selector: {workload: {kind: Job, name: a}}\n  steps:\n" SYNC),
         "f.yaml:5:31: selector.workload.kind: 'Job' is not one of Deployment, StatefulSet, "
         "DaemonSet\n"},
        {"an unknown injection", LU(STEPS SYNC "  inject: Sidecar\n"),
         "f.yaml:8:11: inject: 'Sidecar' is not one of Supervisor\n"},
        {"an unknown builder", LU(STEPS SYNC "  builder: kaniko\n"),
         "f.yaml:8:12: builder: 'kaniko' is not one of auto, docker, podman, buildah, nerdctl\n"},

        /* anchors */
        {"an anchor", LU(STEPS "  - sync: &a {localPath: src, containerPath: /app}\n"),
         "f.yaml:7:11: steps[0].sync: anchors, aliases and tags are not supported\n"},
        {"an alias", LU(STEPS SYNC "  - sync: *a\n"),
         "f.yaml:8:11: steps[1].sync: anchors, aliases and tags are not supported\n"},
        {"a tag", LU(STEPS SYNC "  basePath: !!str 5\n"),
         "f.yaml:8:13: basePath: anchors, aliases and tags are not supported\n"},
        {"a tree that would hold itself", LU("  selector: {}\n  steps: &s [*s, *s]\n"),
         "f.yaml:6:10: steps: anchors, aliases and tags are not supported\n"},

        /* shared steps */
        {"a shared step", STEP("  run: {command: make}\n"), ""},
        {"use in a shared step", STEP("  use: {name: other}\n"),
         "f.yaml:5:8: use: a LiveUpdateStep may not hold use\n"},
        {"an unknown key in a shared step", STEP("  snyc: {}\n"),
         "f.yaml:5:3: spec: unknown key 'snyc', did you mean 'sync'?\n"},
        {"a fault in a shared step", STEP("  sync: {localPath: a}\n"),
         "f.yaml:5:9: sync: key 'containerPath' is missing\n"},
};

static void each_fault_has_its_place_and_message(void **state)
{
        size_t n_wrong = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct lu_objects objects = {};
                struct lu_faults faults = {};
                char *text;

                lu_manifest_read("f.yaml", view_of(rows[i].text, strlen(rows[i].text)), &objects,
                                 &faults);
                text = faults_text(&faults);
                if (!streq(text, rows[i].faults)) {
                        print_error("%s:\n%s-- expected:\n%s", rows[i].name, text, rows[i].faults);
                        n_wrong++;
                }
                assert_int_equal(faults.n_errors, faults.n_items);
                for (size_t k = 0; faults.n_errors > 0 && k < objects.n_items; k++) {
                        assert_null(objects.items[k].spec);
                        assert_null(objects.items[k].step);
                }
                free(text);
                lu_objects_done(&objects);
                lu_faults_done(&faults);
        }
        assert_int_equal(n_wrong, 0);
}

static void everything_is_loaded(void **state)
{
        static const char text[] =
                LU("  basePath: services/web\n"
                   "  images:\n"
                   "  - image: r.local/web\n"
                   "    context: .\n"
                   "    dockerfile: Dockerfile.dev\n"
                   "    ignore: ['*.md', \"a\\u263a\\n\"]\n"
                   "    buildArgs: [{name: MODE, value: ''}]\n"
                   "    target: dev\n"
                   "  - {image: r.local/svc, command: [make, image], deps: [src, lib]}\n"
                   "  selector: {workload: {kind: StatefulSet, name: db}, container: main}\n"
                   "  steps:\n"
                   "  - initialSync: {}\n"
                   "  - fallBackOn: {files: [a, b]}\n"
                   "  - sync: {localPath: ☺, containerPath: /a, ignore: [x], owner: \"1:2\", "
                   "mode: \"0600\", write: InPlace}\n"
                   "  - run: {command: \"echo 'a' \\\"b\\\"\\\\\", workingDir: /w, triggers: [t], "
                   "timeoutSeconds: 7, echo: false}\n"
                   "  - run: {args: [x, '']}\n"
                   "  - use: {name: other}\n"
                   "  - restartContainer: {}\n"
                   "  onUnmatched: Warn\n"
                   "  builder: nerdctl\n"
                   "  deploy: {command: [helm, upgrade]}\n"
                   "  inject: Supervisor\n"
                   "  serviceAccountName: robot\n"
                   "  paused: true\n");
        struct lu_objects objects = {};
        struct lu_faults faults = {};
        const struct lu_spec *spec;

        lu_manifest_read("f", view_of(text, strlen(text)), &objects, &faults);
        assert_int_equal(faults.n_items, 0);
        assert_int_equal(objects.n_items, 1);
        assert_string_equal(objects.items[0].name, "web");
        assert_null(objects.items[0].namespace_);
        assert_false(objects.items[0].is_step);
        spec = objects.items[0].spec;
        assert_string_equal(spec->base_path, "services/web");
        assert_int_equal(spec->n_images, 2);
        assert_string_equal(spec->images[0].image, "r.local/web");
        assert_string_equal(spec->images[0].context, ".");
        assert_string_equal(spec->images[0].dockerfile, "Dockerfile.dev");
        assert_int_equal(spec->images[0].ignore.n_items, 2);
        assert_string_equal(spec->images[0].ignore.items[1], "a\xe2\x98\xba\n");
        assert_null(spec->images[0].ignore.items[2]); /* usable as an argv */
        assert_int_equal(spec->images[0].n_build_args, 1);
        assert_string_equal(spec->images[0].build_args[0].value, "");
        assert_string_equal(spec->images[0].target, "dev");
        assert_null(spec->images[1].context);
        assert_string_equal(spec->images[1].command.items[1], "image");
        assert_string_equal(spec->images[1].deps.items[1], "lib");
        assert_string_equal(spec->selector.workload->kind, "StatefulSet");
        assert_string_equal(spec->selector.workload->name, "db");
        assert_null(spec->selector.labels);
        assert_string_equal(spec->selector.container, "main");
        assert_int_equal(spec->n_steps, 7);
        for (size_t i = 0; i < 5; i++) {
                static const enum lu_step_kind kinds[] = {LU_STEP_INITIAL_SYNC,
                                                          LU_STEP_FALL_BACK_ON, LU_STEP_SYNC,
                                                          LU_STEP_RUN, LU_STEP_RUN};

                assert_int_equal(lu_step_kind(&spec->steps[i]), kinds[i]);
        }
        assert_int_equal(spec->steps[1].fall_back_on->files.n_items, 2);
        assert_string_equal(spec->steps[2].sync->local_path, "\xe2\x98\xba");
        assert_string_equal(spec->steps[2].sync->owner, "1:2");
        assert_string_equal(spec->steps[2].sync->mode, "0600");
        assert_int_equal(spec->steps[2].sync->write, LU_WRITE_IN_PLACE);
        assert_string_equal(spec->steps[3].run->command, "echo 'a' \"b\"\\");
        assert_string_equal(spec->steps[3].run->working_dir, "/w");
        assert_int_equal(spec->steps[3].run->timeout_seconds, 7);
        assert_false(spec->steps[3].run->echo);
        assert_int_equal(spec->steps[4].run->args.n_items, 2);
        assert_string_equal(spec->steps[4].run->args.items[1], "");
        assert_string_equal(spec->steps[5].use->name, "other");
        assert_non_null(spec->steps[6].restart_container);
        assert_int_equal(spec->on_unmatched, LU_ON_UNMATCHED_WARN);
        assert_int_equal(spec->builder, LU_BUILDER_NERDCTL);
        assert_string_equal(spec->deploy->command.items[0], "helm");
        assert_string_equal(spec->inject, "Supervisor");
        assert_string_equal(spec->service_account_name, "robot");
        assert_true(spec->paused);
        lu_objects_done(&objects);
        lu_faults_done(&faults);
}

static void absent_keys_get_their_defaults(void **state)
{
        static const char text[] = LU(STEPS SYNC "  - run: {command: x}\n");
        struct lu_objects objects = {};
        struct lu_faults faults = {};
        const struct lu_spec *spec;

        lu_manifest_read("f", view_of(text, strlen(text)), &objects, &faults);
        assert_int_equal(faults.n_items, 0);
        spec = objects.items[0].spec;
        assert_string_equal(spec->base_path, ".");
        assert_int_equal(spec->steps[0].sync->write, LU_WRITE_ATOMIC);
        assert_int_equal(spec->steps[1].run->timeout_seconds, 300);
        assert_true(spec->steps[1].run->echo);
        assert_string_equal(spec->steps[1].run->working_dir, "/");
        assert_int_equal(spec->on_unmatched, LU_ON_UNMATCHED_REBUILD);
        assert_int_equal(spec->builder, LU_BUILDER_AUTO);
        assert_false(spec->paused);
        assert_null(spec->deploy);
        assert_int_equal(spec->n_images, 0);
        lu_objects_done(&objects);
        lu_faults_done(&faults);
}

static void documents_lists_and_json_are_read(void **state)
{
        static const char *const texts[] = {
                LU(STEPS SYNC) "---\napiVersion: apps/v1\nkind: Deployment\nspec: {a: yes}\n---\n" STEP(
                        "  run: {command: make}\n"),
                "apiVersion: v1\nkind: List\nitems:\n"
                "- apiVersion: sluice.dev/v1alpha1\n  kind: LiveUpdate\n  metadata: {name: web}\n"
                "  spec: {selector: {labels: a}, steps: [{run: {command: x}}]}\n"
                "- {apiVersion: v1, kind: Pod}\n"
                "- apiVersion: sluice.dev/v1alpha1\n  kind: LiveUpdateStep\n"
                "  metadata: {name: shared}\n  spec: {run: {command: make}}\n",
                "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[{\"apiVersion\":"
                "\"sluice.dev/v1alpha1\",\"kind\":\"LiveUpdate\",\"metadata\":{\"name\":\"web\"},"
                "\"spec\":{\"selector\":{\"labels\":\"a\"},\"steps\":[{\"run\":{\"args\":[\"5\"],"
                "\"timeoutSeconds\":5,\"echo\":true}}]}},\n\t{\"apiVersion\":"
                "\"sluice.dev/v1alpha1\",\"kind\":\"LiveUpdateStep\",\"metadata\":"
                "{\"name\":\"shared\"},\"spec\":{\"run\":{\"command\":\"make\\/a\"}}}]}",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct lu_objects objects = {};
                struct lu_faults faults = {};

                lu_manifest_read("f", view_of(texts[i], strlen(texts[i])), &objects, &faults);
                assert_int_equal(faults.n_items, 0);
                assert_int_equal(objects.n_items, 2);
                assert_string_equal(objects.items[0].name, "web");
                assert_non_null(objects.items[0].spec);
                assert_string_equal(objects.items[1].name, "shared");
                assert_true(objects.items[1].is_step);
                assert_int_equal(lu_step_kind(&objects.items[1].step->step), LU_STEP_RUN);
                lu_objects_done(&objects);
                lu_faults_done(&faults);
        }
}

static void a_path_is_found_again(void **state)
{
        static const struct {
                const char *path;
                unsigned line, column;
        } places[] = {
                {"", 1, 1},
                {"spec", 5, 3},
                {"spec.steps", 7, 3},
                {"spec.steps[0]", 7, 5},
                {"spec.steps[0].sync.localPath", 7, 23},
                {"spec.steps[0].sync.nothing", 7, 11},
                {"spec.steps[9].sync", 7, 3},
                {"spec.steps[99999999999999999999999]", 7, 3},
                {"spec.steps[", 7, 5},
                {"metadata.name", 3, 18},
                {"nothing", 1, 1},
                {"..[[", 1, 1},
        };
        static const char text[] = LU(STEPS SYNC);
        struct lu_objects objects = {};
        struct lu_faults faults = {};

        lu_manifest_read("dir/f.yaml", view_of(text, strlen(text)), &objects, &faults);
        for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
                struct lu_fault fault = {.path = (char *)places[i].path};

                lu_manifest_locate(objects.items[0].manifest, &fault);
                assert_string_equal(fault.file, "dir/f.yaml");
                assert_int_equal(fault.line, places[i].line);
                assert_int_equal(fault.column, places[i].column);
                free(fault.file);
        }
        lu_objects_done(&objects);
        lu_faults_done(&faults);
}

static void the_json_of_a_spec_is_held_to_the_same_law(void **state)
{
        static const struct {
                const char *json, *message;
        } specs[] = {
                {"{\"selector\":{\"labels\":\"a\"},\"steps\":[{\"run\":{\"command\":\"\\u0085x\"}}]}",
                 NULL},
                {"{\"selector\":{\"labels\":\"a\"},\"steps\":[{\"run\":{\"command\":5}}]}",
                 "steps[0].run.command: 5 would be read as a number: put it in quotes"},
                {"{\"selector\":{\"labels\":\"a\"},\"steps\":[]}", "steps: wants at least 1 item"},
                {"{\"selector\":{\"labels\":\"a\"},\"steps\":[{\"run\":{\"timeoutSeconds\":1.5}}]}",
                 "steps[0].run.timeoutSeconds: wants a whole number, not '1.5'"},
                {"{\"selector\":null,\"steps\":[{\"run\":{}}]}",
                 "selector: has no value: write {} or leave the key out"},
                {"{\"stesp\":1}", "spec: unknown key 'stesp', did you mean 'steps'?"},
                {"[]", "spec: wants a mapping, not a list"},
                {"{\"a\":1,\"a\":2}", "spec: not valid JSON: duplicate object key near '\"a\"'"},
                {"{", "spec: not valid JSON: string or '}' expected near end of file"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(specs); i++) {
                struct lu_spec *spec = NULL;
                struct err err = {};
                int r = lu_spec_load_json(specs[i].json, strlen(specs[i].json), &spec, &err);

                assert_int_equal(r, specs[i].message ? -EINVAL : 0);
                if (specs[i].message) {
                        assert_string_equal(err_text(&err), specs[i].message);
                        assert_null(spec);
                } else {
                        assert_string_equal(spec->steps[0].run->command, "\xc2\x85x");
                }
                lu_spec_free(spec);
                err_done(&err);
        }
}

static void the_json_of_a_shared_step_is_read(void **state)
{
        static const char good[] = "{\"sync\":{\"localPath\":\"a\",\"containerPath\":\"/a\"}}";
        static const char bad[] = "{\"use\":{\"name\":\"a\"}}";
        struct lu_shared_step *step = NULL;
        struct err err = {};

        assert_int_equal(lu_shared_step_load_json(good, strlen(good), &step, &err), 0);
        assert_string_equal(step->step.sync->local_path, "a");
        lu_shared_step_free(step);
        step = NULL;
        assert_int_equal(lu_shared_step_load_json("{}", 2, &step, &err), 0);
        assert_int_equal(lu_step_kind(&step->step), LU_STEP_KIND_MAX);
        lu_shared_step_free(step);
        assert_int_equal(lu_shared_step_load_json(bad, strlen(bad), &step, &err), -EINVAL);
        assert_string_equal(err_text(&err), "use: a LiveUpdateStep may not hold use");
        err_done(&err);
}

static char *repeated(const char *head, const char *item, size_t n, const char *tail)
{
        struct str s = {};

        str_append(&s, head);
        for (size_t i = 0; i < n; i++)
                str_append(&s, item);
        str_append(&s, tail);
        return str_take(&s);
}

static void what_is_too_large_is_refused(void **state)
{
        char *texts[] = {
                repeated(LU("  selector: {labels: a}\n  steps:\n"), SYNC, LIMIT_STEPS + 1, ""),
                repeated(LU(STEPS SYNC "  basePath: "), "x", LIMIT_STRING + 1, "\n"),
                repeated(LU(STEPS "  - fallBackOn: {files: ["), "a, ", LIMIT_LIST + 1, "]}\n" SYNC),
                repeated("a: ", "[", 70, ""),
                repeated(LU("  a: ["), "a,", 500001, "]\n"),
                repeated("#", "x", LIMIT_MANIFEST, ""),
        };
        static const char *const messages[] = {
                "f:7:3: steps: holds 129 items, at most 128 are allowed\n",
                "f:8:13: basePath: is longer than 4096 bytes\n",
                "f:7:25: steps[0].fallBackOn.files: holds 257 items, at most 256 are allowed\n",
                "f:1:67: nested deeper than 64 levels\n",
                "f:5:999981: more than 500000 values in one file\n",
                "f:0:0: larger than 16777216 bytes\n",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                struct lu_objects objects = {};
                struct lu_faults faults = {};
                char *text;

                lu_manifest_read("f", view_of(texts[i], strlen(texts[i])), &objects, &faults);
                text = faults_text(&faults);
                assert_string_equal(text, messages[i]);
                free(text);
                free(texts[i]);
                lu_objects_done(&objects);
                lu_faults_done(&faults);
        }
}

static void the_list_of_faults_is_bounded(void **state)
{
        char *text = repeated(LU(STEPS SYNC), "  wrong: 1\n", 1000, "");
        struct lu_objects objects = {};
        struct lu_faults faults = {};

        lu_manifest_read("f", view_of(text, strlen(text)), &objects, &faults);
        assert_int_equal(faults.n_errors, 1000);
        assert_int_equal(faults.n_items, 201);
        assert_string_equal(faults.items[200].message, "further faults are not shown");
        free(text);
        lu_objects_done(&objects);
        lu_faults_done(&faults);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_fault_has_its_place_and_message),
                cmocka_unit_test(everything_is_loaded),
                cmocka_unit_test(absent_keys_get_their_defaults),
                cmocka_unit_test(documents_lists_and_json_are_read),
                cmocka_unit_test(a_path_is_found_again),
                cmocka_unit_test(the_json_of_a_spec_is_held_to_the_same_law),
                cmocka_unit_test(the_json_of_a_shared_step_is_read),
                cmocka_unit_test(what_is_too_large_is_refused),
                cmocka_unit_test(the_list_of_faults_is_bounded),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
