/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/ignore.h"

/*
 * The patterns are asked in their order and each one may change the answer: a plain one makes it
 * "ignored", one with '!' takes that back, and each also speaks for everything below what it
 * matches. So "docs", "!docs/api" keeps docs/api/x although docs is ignored, as in Docker.
 *
 * A directory may be left unwatched only when its being ignored is the last word for all below it:
 * a later '!' that could match anything in there keeps it open, even if no such file exists.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"
#include "liveupdate/glob.h"

#define BLANKS          " \t\r\n\v\f"
#define FAULTS_NAMED    8 /* line numbers in a message; the rest is counted */
#define BYTE_ORDER_MARK "\xef\xbb\xbf"

void lu_ignore_done(struct lu_ignore *ignore)
{
        for (size_t i = 0; i < ignore->n_items; i++) {
                free(ignore->items[i].glob);
                free(ignore->items[i].literal);
        }
        free(ignore->items);
        *ignore = (struct lu_ignore){};
}

static struct view trim(struct view v)
{
        while (v.len > 0 && strchr(BLANKS, v.data[0])) {
                v.data++;
                v.len--;
        }
        while (v.len > 0 && strchr(BLANKS, v.data[v.len - 1]))
                v.len--;
        return v;
}

static int add_view(struct lu_ignore *ignore, struct view v)
{
        _cleanup_(freep) char *text = NULL, *glob = NULL;
        char *literal;
        bool negated;
        int r;

        v = trim(v);
        negated = v.len > 0 && v.data[0] == '!';
        if (negated)
                v = trim(view_of(v.data + 1, v.len - 1));
        if (v.len == 0)
                return -EINVAL;
        text = xstrndup(v.data, v.len);
        r = path_join_clean("", text + strspn(text, "/"), &glob);
        if (r < 0 || !lu_glob_valid(glob))
                return -EINVAL;
        if (!*glob) /* ".": the root itself, which is never ignored */
                return 0;
        literal = lu_glob_literal(glob);
        ignore->items = xreallocarray(ignore->items, ignore->n_items + 1, sizeof(*ignore->items));
        ignore->items[ignore->n_items++] = (struct lu_ignore_pattern){
                .literal = literal,
                .glob = take_ptr(glob),
                .negated = negated,
        };
        ignore->has_negation |= negated;
        return 0;
}

int lu_ignore_add(struct lu_ignore *ignore, const char *pattern)
{
        return add_view(ignore, view_of(pattern, strlen(pattern)));
}

int lu_ignore_add_file(struct lu_ignore *ignore, const char *content, struct err *err)
{
        _cleanup_(str_done) struct str faults = {};
        size_t n_faults = 0, number = 0;

        if (starts_with(content, BYTE_ORDER_MARK))
                content += strlen(BYTE_ORDER_MARK);
        while (*content) {
                struct view line = view_of(content, strcspn(content, "\n"));

                content += line.len;
                content += *content == '\n';
                number++;
                if ((line.len > 0 && line.data[0] == '#') || trim(line).len == 0)
                        continue;
                if (add_view(ignore, line) == 0)
                        continue;
                if (n_faults++ < FAULTS_NAMED)
                        str_appendf(&faults, "%s%zu", n_faults > 1 ? ", " : "", number);
        }
        if (n_faults == 0)
                return 0;
        if (n_faults > FAULTS_NAMED)
                str_appendf(&faults, " and %zu more", n_faults - FAULTS_NAMED);
        return err_set(err, -EINVAL, "%s %s: not a pattern, skipped",
                       n_faults > 1 ? "lines" : "line", str_text(&faults));
}

/* Does it match @path or a directory above? A scan asks this for every file and pattern. */
static bool covers(const struct lu_ignore_pattern *pattern, const char *path)
{
        return strstr(path, pattern->literal) &&
               lu_glob_relate(pattern->glob, path) & (LU_GLOB_SELF | LU_GLOB_ABOVE);
}

bool lu_ignore_match(const struct lu_ignore *ignore, const char *path)
{
        bool ignored = false;

        if (!*path)
                return false;
        for (size_t i = 0; i < ignore->n_items; i++) {
                const struct lu_ignore_pattern *pattern = &ignore->items[i];

                if (pattern->negated != ignored)
                        continue; /* it could not change the answer */
                if (covers(pattern, path))
                        ignored = !pattern->negated;
        }
        return ignored;
}

bool lu_ignore_prunes(const struct lu_ignore *ignore, const char *path)
{
        bool pruned = false;

        if (!*path)
                return false;
        for (size_t i = 0; i < ignore->n_items; i++) {
                const struct lu_ignore_pattern *pattern = &ignore->items[i];

                if (pattern->negated != pruned)
                        continue;
                if (pattern->negated)
                        pruned = lu_glob_relate(pattern->glob, path) == 0;
                else
                        pruned = covers(pattern, path);
        }
        return pruned;
}

/* Calls @match for each component until one returns true. */
static bool any_component(const char *path, bool is_directory,
                          bool (*match)(struct view name, bool is_last))
{
        while (*path) {
                size_t n = strcspn(path, "/");

                if (match(view_of(path, n), path[n] == '\0' && !is_directory))
                        return true;
                path += n;
                path += *path == '/';
        }
        return false;
}

static bool view_is(struct view v, const char *text)
{
        return v.len == strlen(text) && memcmp(v.data, text, v.len) == 0;
}

static bool is_git(struct view name, bool is_last)
{
        return view_is(name, ".git");
}

bool lu_is_git_path(const char *path)
{
        return any_component(path, false, is_git);
}

/* Begins with @prefix and ends with @suffix, which do not overlap. */
static bool view_has(struct view v, const char *prefix, const char *suffix)
{
        size_t a = strlen(prefix), b = strlen(suffix);

        return v.len >= a + b && memcmp(v.data, prefix, a) == 0 &&
               memcmp(v.data + v.len - b, suffix, b) == 0;
}

static bool is_ephemeral(struct view name, bool is_last)
{
        /* JetBrains, Emacs, Vim, Kate, go build, GNOME */
        static const struct {
                const char *prefix, *suffix;
        } names[] = {
                {"", "___jb_old___"},
                {"", "___jb_tmp___"},
                {".#", ""},
                {"#", "#"},
                {"flymake_", ""},
                {"", "~"},
                {".", ".swp"},
                {".", ".swo"},
                {".", ".swn"},
                {".", ".swx"},
                {"", ".kate-swp"},
                {"", "-go-tmp-umask"},
                {".goutputstream-", ""},
        };

        if (view_is(name, ".idea") || view_is(name, ".swp"))
                return true;
        if (is_last && view_is(name, "4913"))
                return true;
        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (view_has(name, names[i].prefix, names[i].suffix))
                        return true;
        return false;
}

bool lu_is_ephemeral(const char *path)
{
        return any_component(path, false, is_ephemeral);
}

bool lu_is_ephemeral_directory(const char *path)
{
        return any_component(path, true, is_ephemeral);
}
