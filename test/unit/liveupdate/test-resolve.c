/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/unit.h"

#include "liveupdate/resolve.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Objects of one file and what lu_resolve_all() made of them. */
struct fixture {
        struct lu_objects objects;
        struct lu_faults faults;
        struct lu_rules **rules;
};

static void fixture_init(struct fixture *f, const char *text)
{
        *f = (struct fixture){};
        lu_manifest_read("f.yaml", view_of(text, strlen(text)), &f->objects, &f->faults);
        lu_resolve_all(&f->objects, &f->faults, &f->rules);
}

static void fixture_done(struct fixture *f)
{
        for (size_t i = 0; i < f->objects.n_items; i++)
                lu_rules_free(f->rules[i]);
        free(f->rules);
        lu_objects_done(&f->objects);
        lu_faults_done(&f->faults);
}

/* "line:column: message", with "warning: " before the message of a warning. */
static char *faults_text(const struct lu_faults *faults)
{
        struct str s = {};

        for (size_t i = 0; i < faults->n_items; i++) {
                const struct lu_fault *f = &faults->items[i];

                assert_string_equal(f->file, "f.yaml");
                str_appendf(&s, "%u:%u: %s%s\n", f->line, f->column,
                            f->severity == LU_SEVERITY_WARNING ? "warning: " : "", f->message);
        }
        return str_take(&s);
}

struct row {
        const char *name;
        const char *text;
        const char *faults; /* "" when it is fine */
};

#define OBJECT(kind, name)                  \
        "apiVersion: sluice.dev/v1alpha1\n" \
        "kind: " kind "\n"                  \
        "metadata: {name: " name "}\n"      \
        "spec:\n"
/* The steps of these begin at line 7; those with images at line 8. */
#define PURE OBJECT("LiveUpdate", "web") "  selector: {labels: app=web}\n  steps:\n"
#define IMAGES(is) \
        OBJECT("LiveUpdate", "web") "  images: " is "\n  selector: {labels: app=web}\n  steps:\n"
#define WEB         IMAGES("[{image: r.local/web, context: app}]")
#define INITIAL     "  - initialSync: {}\n"
#define FALL        "  - fallBackOn: {files: [app/src]}\n"
#define SYNC        "  - sync: {localPath: app/src, containerPath: /app}\n"
#define RUN         "  - run: {command: make}\n"
#define RESTART     "  - restartContainer: {}\n"
#define SELECTOR(s) OBJECT("LiveUpdate", "web") "  selector: " s "\n  steps:\n" SYNC

static const struct row rows[] = {
        /* the order of steps */
        {"all of them in order", WEB INITIAL FALL FALL SYNC SYNC RUN RUN RESTART, ""},
        {"a run alone", PURE RUN, ""},
        {"a sync alone", PURE SYNC, ""},
        {"sync after run", PURE SYNC RUN RUN SYNC, "10:5: steps[3]: sync must come before run\n"},
        {"fallBackOn after sync", PURE SYNC SYNC FALL,
         "9:5: steps[2]: fallBackOn must come before sync\n"},
        {"fallBackOn after run", WEB RUN FALL, "9:5: steps[1]: fallBackOn must come before run\n"},
        {"initialSync second", PURE SYNC INITIAL,
         "8:5: steps[1]: initialSync must be the first step\n"},
        {"two initialSync", PURE INITIAL INITIAL SYNC,
         "8:5: steps[1]: there is a second initialSync\n"},
        {"run after restartContainer", PURE SYNC RESTART RUN,
         "9:5: steps[2]: nothing may follow restartContainer\n"},
        {"two restartContainer", PURE SYNC RESTART RESTART,
         "9:5: steps[2]: there is a second restartContainer\n"},
        {"all wrong at once", PURE RESTART RUN SYNC FALL INITIAL,
         "8:5: steps[1]: nothing may follow restartContainer\n"
         "9:5: steps[2]: nothing may follow restartContainer\n"
         "10:5: steps[3]: nothing may follow restartContainer\n"
         "11:5: steps[4]: nothing may follow restartContainer\n"},
        {"no sync and no run", WEB INITIAL FALL RESTART,
         "8:3: steps: at least one sync or run is needed\n"},
        {"an empty step", PURE SYNC "  - {}\n",
         "8:5: steps[1]: it is empty: one of initialSync, fallBackOn, sync, run, restartContainer, "
         "use is missing\n"},
        {"two keys in a step", PURE SYNC "  - run: {command: a}\n    restartContainer: {}\n",
         "8:5: steps[1]: exactly one key is allowed, not run, restartContainer\n"},

        /* sync */
        {"a relative containerPath", PURE "  - sync: {localPath: a, containerPath: app}\n",
         "7:41: steps[0].sync.containerPath: 'app' is not absolute: it must begin with '/'\n"},
        {"dots in containerPath", PURE "  - sync: {localPath: a, containerPath: /app/../etc}\n",
         "7:41: steps[0].sync.containerPath: '/app/../etc' holds '..'\n"},
        {"an absolute localPath", PURE "  - sync: {localPath: /a, containerPath: /app}\n",
         "7:23: steps[0].sync.localPath: '/a' is absolute: write it relative to the workspace\n"},
        {"a localPath outside", PURE "  - sync: {localPath: a/../../b, containerPath: /app}\n",
         "7:23: steps[0].sync.localPath: 'a/../../b' leads out of the workspace\n"},
        {"a broken glob", PURE "  - sync: {localPath: 'a/[b', containerPath: /app}\n",
         "7:23: steps[0].sync.localPath: 'a/[b' is not a valid glob\n"},
        {"owners",
         PURE "  - sync: {localPath: a, containerPath: /a, owner: root}\n"
              "  - sync: {localPath: a, containerPath: /a, owner: '1:'}\n"
              "  - sync: {localPath: a, containerPath: /a, owner: '1:4294967295'}\n"
              "  - sync: {localPath: a, containerPath: /a, owner: '0:4294967294'}\n",
         "7:52: steps[0].sync.owner: 'root' is not \"uid:gid\" in numbers\n"
         "8:52: steps[1].sync.owner: '1:' is not \"uid:gid\" in numbers\n"
         "9:52: steps[2].sync.owner: '1:4294967295' is not \"uid:gid\" in numbers\n"},
        {"modes",
         PURE "  - sync: {localPath: a, containerPath: /a, mode: '0888'}\n"
              "  - sync: {localPath: a, containerPath: /a, mode: '17777'}\n"
              "  - sync: {localPath: a, containerPath: /a, mode: u+x}\n"
              "  - sync: {localPath: a, containerPath: /a, mode: '7777'}\n",
         "7:51: steps[0].sync.mode: '0888' is not an octal mode such as \"0644\"\n"
         "8:51: steps[1].sync.mode: '17777' is not an octal mode such as \"0644\"\n"
         "9:51: steps[2].sync.mode: 'u+x' is not an octal mode such as \"0644\"\n"},

        /* run */
        {"neither command nor args", PURE SYNC "  - run: {workingDir: /}\n",
         "8:10: steps[1].run: command (for sh -c) or args (a list of words) is missing\n"},
        {"command and args", PURE SYNC "  - run: {command: a, args: [b]}\n",
         "8:10: steps[1].run: holds command and args: exactly one of them is allowed\n"},
        {"an empty program", PURE SYNC "  - run: {args: ['', a]}\n",
         "8:18: steps[1].run.args[0]: the program's name is empty\n"},
        {"a relative workingDir", PURE SYNC "  - run: {command: a, workingDir: b}\n",
         "8:35: steps[1].run.workingDir: 'b' is not absolute: it must begin with '/'\n"},
        {"a trigger that no sync covers",
         PURE SYNC "  - run: {command: a, triggers: [app/src/x, app/other, '**/*.lock']}\n",
         "8:45: warning: steps[1].run.triggers[1]: 'app/other' is covered by no sync: it can never "
         "fire\n"},
        {"a trigger that holds a sync", PURE SYNC "  - run: {command: a, triggers: [app]}\n", ""},
        {"an absolute trigger", PURE SYNC "  - run: {command: a, triggers: [/x, app/src]}\n",
         "8:34: steps[1].run.triggers[0]: '/x' is absolute: write it relative to the workspace\n"},
        {"a trigger outside", PURE SYNC "  - run: {command: a, triggers: [../x]}\n",
         "8:34: steps[1].run.triggers[0]: '../x' leads out of the workspace\n"},

        /* watched roots */
        {"a sync that is not watched", WEB "  - sync: {localPath: other, containerPath: /a}\n",
         "8:23: steps[0].sync.localPath: 'other' is not below any watched directory (app): there is "
         "no way for this file to get into the image\n"},
        {"a sync above what is watched", WEB "  - sync: {localPath: ., containerPath: /a}\n",
         "8:23: steps[0].sync.localPath: '.' is not below any watched directory (app): there is no "
         "way for this file to get into the image\n"},
        {"a name that only begins alike", WEB "  - sync: {localPath: app2, containerPath: /a}\n",
         "8:23: steps[0].sync.localPath: 'app2' is not below any watched directory (app): there is "
         "no way for this file to get into the image\n"},
        {"a fallBackOn that is not watched",
         WEB "  - fallBackOn: {files: [app/a, package.json]}\n" SYNC,
         "8:33: steps[0].fallBackOn.files[1]: 'package.json' is not below any watched directory "
         "(app): there is no way for this file to get into the image\n"},
        {"without images the syncs are watched", PURE "  - fallBackOn: {files: [b]}\n" SYNC,
         "7:26: steps[0].fallBackOn.files[0]: 'b' is not below any watched directory (app/src): "
         "there is no way for this file to get into the image\n"},
        {"globs that reach into what is watched",
         WEB "  - fallBackOn: {files: ['**/*.toml', 'app/*/x', '*/a']}\n"
             "  - sync: {localPath: 'app/**/*.js', containerPath: /a}\n",
         ""},
        {"a glob that does not", WEB "  - sync: {localPath: 'lib/*.js', containerPath: /a}\n",
         "8:23: steps[0].sync.localPath: 'lib/*.js' is not below any watched directory (app): there "
         "is no way for this file to get into the image\n"},
        {"the context of any image counts",
         IMAGES("[{image: a, context: base}, {image: b, command: [x], deps: [lib, app]}]") "  - sync: {localPath: base/x, containerPath: /a}\n"
                                                                                           "  - sync: {localPath: lib, containerPath: /a}\n",
         ""},
        {"many watched directories",
         IMAGES("[{image: b, command: [x], deps: [a, b, c, d, e, f]}]") "  - sync: {localPath: z, containerPath: /a}\n",
         "8:23: steps[0].sync.localPath: 'z' is not below any watched directory (a, b, c, d, e, …): "
         "there is no way for this file to get into the image\n"},

        /* images */
        {"context and command",
         IMAGES("[{image: a, context: app, command: [x], deps: [app]}]") SYNC,
         "5:12: images[0]: holds context and command: exactly one of them is allowed\n"},
        {"neither context nor command", IMAGES("[{image: a}]") RUN,
         "5:12: images[0]: context or command is missing\n"},
        {"command without deps", IMAGES("[{image: a, command: [x]}]") RUN,
         "5:12: images[0]: command needs deps: without them nothing is watched\n"},
        {"deps without command", IMAGES("[{image: a, context: app, deps: [app]}]") SYNC,
         "5:12: images[0]: deps needs command: a context is watched\n"},
        {"command with target", IMAGES("[{image: a, command: [x], deps: [app], target: t}]") SYNC,
         "5:12: images[0]: dockerfile, target and buildArgs need a context\n"},
        {"a tag", IMAGES("[{image: 'r:5000/a/b:1.2', context: app}]") SYNC,
         "5:20: images[0].image: 'r:5000/a/b:1.2' has a tag: write the repository alone\n"},
        {"a digest", IMAGES("[{image: 'r/a@sha256:00', context: app}]") SYNC,
         "5:20: images[0].image: 'r/a@sha256:00' has a digest: write the repository alone\n"},
        {"a URL", IMAGES("[{image: 'https://r/a', context: app}]") SYNC,
         "5:20: images[0].image: 'https://r/a' has a scheme: write the repository alone, as in "
         "registry.local/web\n"},
        {"no repository", IMAGES("[{image: 'a//b', context: app}]") SYNC,
         "5:20: images[0].image: 'a//b' is not an image repository\n"},
        {"repositories",
         IMAGES("[{image: nginx, context: app}, {image: 'R:5000/a', context: app}, "
                "{image: a_b/c.d/e-f, context: app}, {image: localhost/a, context: app}]") SYNC,
         ""},
        {"an image twice", IMAGES("[{image: a, context: app}, {image: a, context: app}]") SYNC,
         "5:46: images[1].image: 'a' is images[0] already\n"},
        {"a context outside", IMAGES("[{image: a, context: ..}]") SYNC,
         "5:32: images[0].context: '..' leads out of the workspace\n"},
        {"an absolute dep", IMAGES("[{image: a, command: [b], deps: [/app]}]") SYNC,
         "5:44: images[0].deps[0]: '/app' is absolute: write it relative to the workspace\n"},
        {"a Dockerfile outside", IMAGES("[{image: a, context: app, dockerfile: ../../D}]") SYNC,
         "5:49: images[0].dockerfile: '../../D' leads out of the workspace\n"},
        {"a glob as context", IMAGES("[{image: a, context: 'a*'}]") SYNC,
         "5:32: images[0].context: 'a*' must not hold '*', '?' or '['\n"},
        {"a bad build argument",
         IMAGES("[{image: a, context: app, buildArgs: [{name: a=b, value: c}]}]") SYNC,
         "5:56: images[0].buildArgs[0].name: 'a=b' is not a name\n"},

        /* selector and the rest */
        {"no selector", SELECTOR("{}"), "5:13: selector: workload or labels is missing\n"},
        {"two selectors", SELECTOR("{labels: a, workload: {kind: DaemonSet, name: a}}"),
         "5:13: selector: holds workload and labels: exactly one of them is allowed\n"},
        {"a bad workload name", SELECTOR("{workload: {kind: DaemonSet, name: a.-b}}"),
         "5:48: selector.workload.name: 'a.-b' is not a name: lower-case letters, digits, '-' and "
         "'.' are\n"},
        {"a bad container name", SELECTOR("{labels: a, container: A}"),
         "5:36: selector.container: 'A' is not a name: lower-case letters, digits, '-' and '.' "
         "are\n"},
        {"every kind of label selector",
         SELECTOR("{labels: 'a=b, c==d,e!=f ,g in (h, i,),j notin (k),l,!m,n.o/p=,q in (r)'}"), ""},
        {"a label selector that ends early", SELECTOR("{labels: 'a=b,'}"),
         "5:22: selector.labels: 'a=b,' is not a label selector: a label's key is expected after "
         "'a=b,'\n"},
        {"an empty label selector", SELECTOR("{labels: ' '}"),
         "5:22: selector.labels: ' ' is not a label selector: a label's key is expected after ' "
         "'\n"},
        {"an unknown operator", SELECTOR("{labels: a like b}"),
         "5:22: selector.labels: 'a like b' is not a label selector: 'like' is not one of =, ==, "
         "!=, in, notin\n"},
        {"a list without end", SELECTOR("{labels: 'a in (b'}"),
         "5:22: selector.labels: 'a in (b' is not a label selector: ',' or ')' is expected after 'a "
         "in (b'\n"},
        {"a list without beginning", SELECTOR("{labels: a in b}"),
         "5:22: selector.labels: 'a in b' is not a label selector: '(' is expected after 'a in '\n"},
        {"an empty list", SELECTOR("{labels: a in ()}"),
         "5:22: selector.labels: 'a in ()' is not a label selector: the list '()' is empty\n"},
        {"a bad key", SELECTOR("{labels: -a=b}"),
         "5:22: selector.labels: '-a=b' is not a label selector: '-a' is not a label's key\n"},
        {"a bad value", SELECTOR("{labels: a=b/c}"),
         "5:22: selector.labels: 'a=b/c' is not a label selector: 'b/c' is not a label's value\n"},
        {"two requirements without a comma", SELECTOR("{labels: a=b c=d}"),
         "5:22: selector.labels: 'a=b c=d' is not a label selector: ',' is expected after 'a=b '\n"},
        {"a basePath outside", PURE SYNC "  basePath: a/../..\n",
         "8:13: basePath: 'a/../..' leads out of the workspace\n"},
        {"an absolute basePath", PURE SYNC "  basePath: /a\n",
         "8:13: basePath: '/a' is absolute: write it relative to the workspace\n"},
        {"a glob as basePath", PURE SYNC "  basePath: a*\n",
         "8:13: basePath: 'a*' must not hold '*', '?' or '['\n"},
        {"a bad service account", PURE SYNC "  serviceAccountName: a b\n",
         "8:23: serviceAccountName: 'a b' is not a name: lower-case letters, digits, '-' and '.' "
         "are\n"},
        {"deploy without images", PURE SYNC "  deploy: {command: [x]}\n",
         "8:11: deploy: there is nothing to deploy without images\n"},

        /* shared steps */
        {"a shared step in its place",
         PURE SYNC
         "  - use: {name: s}\n---\n" OBJECT("LiveUpdateStep", "s") "  run: {command: x}\n",
         ""},
        {"a shared step out of place",
         PURE "  - use: {name: s}\n" SYNC
              "---\n" OBJECT("LiveUpdateStep", "s") "  run: {command: x}\n",
         "8:5: steps[1]: sync must come before run\n"},
        {"a shared step is what is out of place",
         PURE RUN "  - use: {name: s}\n---\n" OBJECT(
                 "LiveUpdateStep", "s") "  sync: {localPath: a, containerPath: /a}\n",
         "8:10: steps[1]: LiveUpdateStep 's': sync must come before run\n"},
        {"an unknown shared step", PURE SYNC "  - use: {name: s}\n",
         "8:17: steps[1].use.name: there is no LiveUpdateStep 's'\n"},
        {"an unused shared step",
         PURE SYNC "---\n" OBJECT("LiveUpdateStep", "s") "  run: {command: x}\n",
         "9:1: LiveUpdateStep 's' is used by no LiveUpdate\n"},
        {"a shared step of another namespace",
         PURE SYNC
         "  - use: {name: s}\n---\napiVersion: sluice.dev/v1alpha1\nkind: LiveUpdateStep\n"
         "metadata: {name: s, namespace: other}\nspec: {run: {command: x}}\n",
         "8:17: steps[1].use.name: there is no LiveUpdateStep 's'\n"
         "10:1: LiveUpdateStep 's' is used by no LiveUpdate\n"},
        {"a fault within a shared step",
         PURE SYNC "  - use: {name: s}\n---\n" OBJECT("LiveUpdateStep",
                                                      "s") "  run: {command: x, args: [z]}\n",
         "8:10: steps[1]: LiveUpdateStep 's': run: holds command and args: exactly one of them is "
         "allowed\n"
         "14:8: run: holds command and args: exactly one of them is allowed\n"},
        {"a shared step that could not be read",
         PURE SYNC "  - use: {name: s}\n---\n" OBJECT("LiveUpdateStep", "s") "  run: {echo: 1}\n",
         "14:15: run.echo: wants true or false, not '1'\n"
         "8:10: steps[1]: LiveUpdateStep 's': it is not valid itself\n"},
        {"an empty shared step",
         PURE SYNC "  - use: {name: s}\n---\n" OBJECT("LiveUpdateStep", "s") "  {}\n",
         "8:10: steps[1]: LiveUpdateStep 's': it is not valid itself\n"
         "14:3: spec: it is empty: one of initialSync, fallBackOn, sync, run, restartContainer is "
         "missing\n"},
        {"a shared step that leads out of one workspace only",
         PURE "  - use: {name: s}\n---\n" OBJECT(
                 "LiveUpdateStep", "s") "  sync: {localPath: ../a, containerPath: /a}\n",
         "7:10: steps[0]: LiveUpdateStep 's': sync.localPath: '../a' leads out of the workspace\n"},
        {"a step of a LiveUpdate that could not be read counts as used",
         OBJECT("LiveUpdate", "web") "  stpes: [{use: {name: s}}]\n---\n" OBJECT(
                 "LiveUpdateStep", "s") "  run: {command: x}\n",
         "5:3: spec: unknown key 'stpes', did you mean 'steps'?\n"
         "5:3: spec: key 'selector' is missing\n"
         "5:3: spec: key 'steps' is missing\n"},

        /* names */
        {"two objects of one name", PURE SYNC "---\n" PURE SYNC,
         "11:18: metadata.name: there is another LiveUpdate 'web'\n"},
};

static void each_fault_has_its_place_and_message(void **state)
{
        size_t n_wrong = 0;

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
                struct fixture f;
                char *text;

                fixture_init(&f, rows[i].text);
                text = faults_text(&f.faults);
                if (!streq(text, rows[i].faults)) {
                        print_error("%s:\n%s-- expected:\n%s", rows[i].name, text, rows[i].faults);
                        n_wrong++;
                }
                if (f.faults.n_errors == 0)
                        assert_non_null(f.rules[0]);
                free(text);
                fixture_done(&f);
        }
        assert_int_equal(n_wrong, 0);
}

static const char everything[] =
        OBJECT("LiveUpdate",
               "web") "  basePath: services/web\n"
                      "  images:\n"
                      "  - {image: r.local/base, context: ../base, ignore: ['*.md']}\n"
                      "  - {image: r.local/web, context: .}\n"
                      "  selector: {workload: {kind: Deployment, name: w}, container: c}\n"
                      "  steps:\n"
                      "  - initialSync: {}\n"
                      "  - fallBackOn: {files: [./package.json, 'config/**/*.toml']}\n"
                      "  - sync: {localPath: src/, containerPath: /app//src/., ignore: [x]}\n"
                      "  - sync: {localPath: 'a/b/*.js', containerPath: /js/, mode: '0640', "
                      "owner: '7:8'}\n"
                      "  - run: {args: [make, all], triggers: [src/lock]}\n"
                      "  - run: {command: reload now, workingDir: /app, timeoutSeconds: 3, "
                      "echo: false}\n"
                      "  onUnmatched: Ignore\n"
                      "  paused: true\n";

static void what_is_watched_and_synced_is_as_written(void **state)
{
        struct fixture f;
        const struct lu_rules *r;

        fixture_init(&f, everything);
        assert_int_equal(f.faults.n_items, 0);
        r = f.rules[0];
        assert_non_null(r);
        assert_int_equal(r->n_roots, 2);
        assert_string_equal(r->roots[0].path, "services/base");
        assert_true(r->roots[0].has_ignore_file);
        assert_int_equal(r->roots[0].ignore.n_items, 1);
        assert_string_equal(r->roots[1].path, "services/web");
        assert_true(r->roots[1].has_ignore_file);
        assert_int_equal(r->fall_back_on.n_items, 2);
        assert_string_equal(lu_pattern_text(r->fall_back_on.items[0]), "services/web/package.json");
        assert_int_equal(r->n_syncs, 2);
        assert_string_equal(r->syncs[0].local, "services/web/src");
        assert_null(r->syncs[0].pattern);
        assert_string_equal(r->syncs[0].container_path, "/app/src");
        assert_false(r->syncs[0].into_directory);
        assert_int_equal(r->syncs[0].ignore.n_items, 1);
        assert_int_equal(r->syncs[0].step, 2);
        assert_false(r->syncs[0].has_mode);
        assert_string_equal(r->syncs[1].local, "services/web/a/b");
        assert_string_equal(lu_pattern_text(r->syncs[1].pattern), "services/web/a/b/*.js");
        assert_string_equal(r->syncs[1].container_path, "/js");
        assert_true(r->syncs[1].into_directory);
        assert_true(r->syncs[1].has_mode);
        assert_int_equal(r->syncs[1].mode, 0640);
        assert_true(r->syncs[1].has_owner);
        assert_int_equal(r->syncs[1].uid, 7);
        assert_int_equal(r->syncs[1].gid, 8);
        fixture_done(&f);
}

static void what_is_run_and_where_is_as_written(void **state)
{
        struct fixture f;
        const struct lu_rules *r;

        fixture_init(&f, everything);
        assert_int_equal(f.faults.n_items, 0);
        r = f.rules[0];
        assert_non_null(r);
        assert_int_equal(r->n_runs, 2);
        assert_null(r->runs[0].command);
        assert_int_equal(r->runs[0].args.n_items, 2);
        assert_string_equal(r->runs[0].text, "make all");
        assert_string_equal(r->runs[0].working_dir, "/");
        assert_int_equal(r->runs[0].timeout_seconds, 300);
        assert_true(r->runs[0].echo);
        assert_int_equal(r->runs[0].triggers.n_items, 1);
        assert_string_equal(r->runs[1].command, "reload now");
        assert_string_equal(r->runs[1].working_dir, "/app");
        assert_int_equal(r->runs[1].timeout_seconds, 3);
        assert_false(r->runs[1].echo);
        assert_int_equal(r->runs[1].step, 5);
        assert_true(r->initial_sync);
        assert_false(r->restart);
        assert_true(r->has_images);
        assert_true(r->paused);
        assert_int_equal(r->on_unmatched, LU_ON_UNMATCHED_IGNORE);
        assert_string_equal(r->workload_kind, "Deployment");
        assert_string_equal(r->workload_name, "w");
        assert_null(r->labels);
        assert_string_equal(r->container, "c");
        assert_string_equal(r->last_image, "r.local/web");
        assert_null(r->unsupported);
        fixture_done(&f);
}

static void without_images_the_syncs_are_watched(void **state)
{
        struct fixture f;
        const struct lu_rules *r;

        fixture_init(&f, PURE "  - sync: {localPath: ., containerPath: /}\n"
                              "  - sync: {localPath: 'a/*.js', containerPath: /b}\n"
                              "  - sync: {localPath: a, containerPath: /c}\n");
        assert_int_equal(f.faults.n_items, 0);
        r = f.rules[0];
        assert_int_equal(r->n_roots, 2);
        assert_string_equal(r->roots[0].path, "");
        assert_false(r->roots[0].has_ignore_file);
        assert_string_equal(r->roots[1].path, "a");
        assert_string_equal(r->syncs[0].container_path, "/");
        assert_false(r->has_images);
        assert_null(r->last_image);
        assert_string_equal(r->labels, "app=web");
        fixture_done(&f);
}

#define FIRST OBJECT("LiveUpdateStep", "first") "  sync: {localPath: a, containerPath: /a}\n"
#define LAST  OBJECT("LiveUpdateStep", "last") "  run: {command: last}\n"

static void shared_steps_are_inserted(void **state)
{
        struct fixture f;

        fixture_init(&f, PURE "  - use: {name: first}\n" RUN "  - use: {name: last}\n"
                              "---\n" FIRST "---\n" LAST);
        assert_int_equal(f.faults.n_items, 0);
        assert_int_equal(f.rules[0]->n_syncs, 1);
        assert_string_equal(f.rules[0]->syncs[0].local, "a");
        assert_int_equal(f.rules[0]->n_runs, 2);
        assert_string_equal(f.rules[0]->runs[1].text, "last");
        assert_int_equal(f.rules[0]->runs[1].step, 2);
        assert_null(f.rules[1]);
        assert_null(f.rules[2]);
        fixture_done(&f);
}

static void what_is_not_built_yet_is_named(void **state)
{
        static const struct {
                const char *text, *field;
        } fields[] = {
                {PURE SYNC RUN, NULL},
                {PURE INITIAL SYNC "  builder: docker\n", NULL},
                {PURE SYNC RUN RESTART, "spec.steps[2].restartContainer"},
                {PURE SYNC "  - sync: {localPath: a, containerPath: /a, write: InPlace}\n" RESTART,
                 "spec.steps[1].sync.write"},
                {WEB SYNC "  deploy: {command: [x]}\n  inject: Supervisor\n", "spec.deploy"},
                {PURE SYNC "  inject: Supervisor\n", "spec.inject"},
                {PURE SYNC "  serviceAccountName: a\n", "spec.serviceAccountName"},
        };

        for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
                struct fixture f;

                fixture_init(&f, fields[i].text);
                assert_int_equal(f.faults.n_items, 0);
                if (fields[i].field)
                        assert_string_equal(f.rules[0]->unsupported, fields[i].field);
                else
                        assert_null(f.rules[0]->unsupported);
                fixture_done(&f);
        }
}

/* As the controller does it with objects of the API server. */
static const struct lu_shared_step *find_nothing(void *userdata, const char *namespace_,
                                                 const char *name)
{
        assert_string_equal(namespace_, "shop");
        assert_string_equal(name, "missing");
        return NULL;
}

static void one_object_is_resolved_without_a_file(void **state)
{
        static const char json[] =
                "{\"selector\":{\"labels\":\"a\"},\"steps\":["
                "{\"use\":{\"name\":\"missing\"}},{\"run\":{\"command\":\"x\"}}]}";
        struct lu_faults faults = {};
        struct lu_rules *rules = NULL;
        struct lu_spec *spec = NULL;

        assert_int_equal(lu_spec_load_json(json, strlen(json), &spec, NULL), 0);
        assert_int_equal(lu_resolve(spec, "shop", find_nothing, NULL, &faults, &rules), -EINVAL);
        assert_null(rules);
        assert_int_equal(faults.n_items, 1);
        assert_string_equal(faults.items[0].path, "spec.steps[0].use.name");
        assert_string_equal(
                faults.items[0].message,
                "steps[0].use.name: there is no LiveUpdateStep 'missing' in namespace shop");
        assert_null(faults.items[0].file);
        lu_spec_free(spec);
        lu_faults_done(&faults);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(each_fault_has_its_place_and_message),
                cmocka_unit_test(what_is_watched_and_synced_is_as_written),
                cmocka_unit_test(what_is_run_and_where_is_as_written),
                cmocka_unit_test(without_images_the_syncs_are_watched),
                cmocka_unit_test(shared_steps_are_inserted),
                cmocka_unit_test(what_is_not_built_yet_is_named),
                cmocka_unit_test(one_object_is_resolved_without_a_file),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
