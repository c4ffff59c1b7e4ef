/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/rules.h"

/*
 * The law of a changed path (DESIGN.md 3.3), in the order in which it is written there. Everything
 * that asks what a path means asks lu_classify(), the watcher and `explain` too, so they cannot
 * disagree.
 *
 * Contexts of several images may overlap. A path that one of them ignores may be content of the
 * other, so it is ignored only when all roots that hold it say so.
 *
 * lu_wants_directory() is the same law asked for all paths below a directory at once, and must
 * never say no while lu_wants_file() would say yes for one of them.
 */

#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

static const char *const class_names[] = {
        [LU_CLASS_UNWATCHED] = "Unwatched", [LU_CLASS_IGNORED] = "Ignored",
        [LU_CLASS_UPDATE] = "Update",       [LU_CLASS_REBUILD] = "Rebuild",
        [LU_CLASS_UNMATCHED] = "Unmatched",
};

const char *lu_class_name(enum lu_class class_)
{
        return class_names[class_];
}

/* Why @root leaves @path out, or NULL. @path lies in it. */
static const char *root_ignores(const struct lu_root *root, const char *path)
{
        const char *below = path_below(path, root->path);

        if (lu_ignore_match(&root->ignore_file, below))
                return "IgnoredByFile";
        if (lu_ignore_match(&root->ignore, below))
                return "IgnoredByRule";
        return NULL;
}

/* Why @path is not looked at any further: by what it is, or where it lies. Else false. */
static bool left_out(const struct lu_rules *rules, const char *path, struct lu_verdict *ret_verdict)
{
        const char *reason = "OutsideRoots";
        bool inside = false, wanted = false;

        for (size_t i = 0; i < rules->n_roots && !wanted; i++) {
                const char *ignored;

                if (!path_is_below(path, rules->roots[i].path))
                        continue;
                ignored = root_ignores(&rules->roots[i], path);
                wanted = !ignored;
                if (ignored && !inside)
                        reason = ignored;
                inside = true;
        }
        if (inside && lu_is_git_path(path))
                reason = "GitDirectory";
        else if (inside && lu_is_ephemeral(path))
                reason = "EphemeralFile";
        else if (wanted)
                return false;
        *ret_verdict = (struct lu_verdict){
                .class_ = inside ? LU_CLASS_IGNORED : LU_CLASS_UNWATCHED,
                .reason = reason,
        };
        return true;
}

static bool sync_covers(const struct lu_sync_rule *sync, const char *path)
{
        if (sync->pattern)
                return lu_pattern_match(sync->pattern, path);
        return path_is_below(path, sync->local);
}

/* The first sync that covers @path; n_syncs when none does. */
static size_t find_sync(const struct lu_rules *rules, const char *path)
{
        size_t i;

        for (i = 0; i < rules->n_syncs; i++)
                if (sync_covers(&rules->syncs[i], path))
                        break;
        return i;
}

struct lu_verdict lu_classify(const struct lu_rules *rules, const char *path)
{
        struct lu_verdict verdict;
        size_t i;

        if (left_out(rules, path, &verdict))
                return verdict;
        if (lu_pattern_set_match(&rules->fall_back_on, path))
                return (struct lu_verdict){.class_ = LU_CLASS_REBUILD, .reason = "FallBackOn"};
        i = find_sync(rules, path);
        if (i < rules->n_syncs) {
                const struct lu_sync_rule *sync = &rules->syncs[i];

                if (lu_ignore_match(&sync->ignore, path_below(path, sync->local)))
                        return (struct lu_verdict){.class_ = LU_CLASS_IGNORED,
                                                   .reason = "IgnoredBySync"};
                return (struct lu_verdict){.class_ = LU_CLASS_UPDATE, .reason = "Sync", .sync = i};
        }
        return (struct lu_verdict){
                .class_ = rules->on_unmatched == LU_ON_UNMATCHED_REBUILD ? LU_CLASS_REBUILD
                                                                         : LU_CLASS_UNMATCHED,
                .reason = "NoMatchingSync",
        };
}

char *lu_destination(const struct lu_rules *rules, size_t sync, const char *path, bool is_directory)
{
        const struct lu_sync_rule *rule = &rules->syncs[sync];
        const char *directory = streq(rule->container_path, "/") ? "" : rule->container_path;
        const char *below = path_below(path, rule->local);

        if (!*below && rule->into_directory && !is_directory)
                below = path_basename(path);
        if (!*below)
                return xstrdup(rule->container_path);
        return xasprintf("%s/%s", directory, below);
}

bool lu_run_fires(const struct lu_rules *rules, size_t run, const char *path)
{
        const struct lu_pattern_set *triggers = &rules->runs[run].triggers;

        return triggers->n_items == 0 || lu_pattern_set_match(triggers, path);
}

/* Could @sync cover something below directory @path? */
static bool sync_may_cover_below(const struct lu_sync_rule *sync, const char *path)
{
        if (sync->pattern)
                return lu_pattern_may_match_below(sync->pattern, path);
        return path_is_below(sync->local, path) || path_is_below(path, sync->local);
}

/*
 * True when the sync of directory @path ignores all below it, and nothing that comes before that in
 * the law could hold for a path in there.
 */
static bool sync_prunes(const struct lu_rules *rules, const char *path)
{
        size_t first = find_sync(rules, path);
        const struct lu_sync_rule *sync;

        if (first == rules->n_syncs)
                return false;
        sync = &rules->syncs[first];
        if (!lu_ignore_prunes(&sync->ignore, path_below(path, sync->local)))
                return false;
        for (size_t i = 0; i < first; i++)
                if (sync_may_cover_below(&rules->syncs[i], path))
                        return false;
        for (size_t i = 0; i < rules->fall_back_on.n_items; i++)
                if (lu_pattern_may_match_below(rules->fall_back_on.items[i], path))
                        return false;
        return true;
}

bool lu_wants_directory(const struct lu_rules *rules, const char *path)
{
        bool wanted = false;

        for (size_t i = 0; i < rules->n_roots; i++)
                if (path_is_below(rules->roots[i].path, path))
                        return true;
        if (lu_is_git_path(path) || lu_is_ephemeral_directory(path))
                return false;
        for (size_t i = 0; i < rules->n_roots && !wanted; i++) {
                const struct lu_root *root = &rules->roots[i];

                if (!path_is_below(path, root->path))
                        continue;
                wanted = !lu_ignore_prunes(&root->ignore_file, path_below(path, root->path)) &&
                         !lu_ignore_prunes(&root->ignore, path_below(path, root->path));
        }
        return wanted && !sync_prunes(rules, path);
}

bool lu_wants_file(const struct lu_rules *rules, const char *path)
{
        enum lu_class class_ = lu_classify(rules, path).class_;

        return class_ != LU_CLASS_UNWATCHED && class_ != LU_CLASS_IGNORED;
}
