/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/pattern.h"

/*
 * A pattern is a plain path or a glob, and which one is settled by its text alone: a person who
 * writes "config" cannot say whether that is a file or a directory, and need not. A plain path is
 * compared by component and never interpreted, so a backslash in it is a backslash.
 */

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "liveupdate/glob.h"

struct lu_pattern {
        char *text;
        char *prefix;
        bool is_glob;
};

bool lu_text_is_glob(const char *text)
{
        return strpbrk(text, "*?[") != NULL;
}

/* The components before the first one that is not to be taken literally. */
static size_t literal_length(const char *glob)
{
        size_t n = strcspn(glob, "*?[\\");

        while (n > 0 && glob[n] != '/')
                n--;
        return n;
}

int lu_pattern_new(const char *text, struct lu_pattern **ret_pattern)
{
        struct lu_pattern *p;
        bool is_glob = lu_text_is_glob(text);

        if (is_glob && !lu_glob_valid(text))
                return -EINVAL;
        p = xcalloc(1, sizeof(*p));
        p->text = xstrdup(text);
        p->is_glob = is_glob;
        p->prefix = is_glob ? xstrndup(text, literal_length(text)) : xstrdup(text);
        *ret_pattern = p;
        return 0;
}

void lu_pattern_free(struct lu_pattern *p)
{
        if (!p)
                return;
        free(p->text);
        free(p->prefix);
        free(p);
}

bool lu_pattern_match(const struct lu_pattern *p, const char *path)
{
        if (!p->is_glob)
                return path_is_below(path, p->text);
        return lu_glob_relate(p->text, path) & (LU_GLOB_SELF | LU_GLOB_ABOVE);
}

bool lu_pattern_may_match_below(const struct lu_pattern *p, const char *path)
{
        if (!p->is_glob)
                return path_is_below(p->text, path) || path_is_below(path, p->text);
        return lu_glob_relate(p->text, path) != 0;
}

const char *lu_pattern_literal_prefix(const struct lu_pattern *p)
{
        return p->prefix;
}

const char *lu_pattern_text(const struct lu_pattern *p)
{
        return p->text;
}

int lu_pattern_set_add(struct lu_pattern_set *set, const char *text)
{
        struct lu_pattern *p;
        int r;

        r = lu_pattern_new(text, &p);
        if (r < 0)
                return r;
        set->items = xreallocarray(set->items, set->n_items + 1, sizeof(struct lu_pattern *));
        set->items[set->n_items++] = p;
        return 0;
}

bool lu_pattern_set_match(const struct lu_pattern_set *set, const char *path)
{
        for (size_t i = 0; i < set->n_items; i++)
                if (lu_pattern_match(set->items[i], path))
                        return true;
        return false;
}

void lu_pattern_set_done(struct lu_pattern_set *set)
{
        for (size_t i = 0; i < set->n_items; i++)
                lu_pattern_free(set->items[i]);
        free(set->items);
        *set = (struct lu_pattern_set){};
}
