/* SPDX-License-Identifier: Apache-2.0 */
#include "base/path.h"

#include <errno.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

/* Drops the last component of a clean relative path. False when there is none. */
static bool drop_component(struct str *s)
{
        if (s->len == 0)
                return false;
        while (s->len > 0 && s->data[s->len - 1] != '/')
                s->len--;
        if (s->len > 0)
                s->len--;
        s->data[s->len] = '\0';
        return true;
}

/* Appends the components of @path to the clean path in @s. */
static int append_components(struct str *s, const char *path, bool allow_parent)
{
        while (*path) {
                size_t n = strcspn(path, "/");

                if (n == 2 && memcmp(path, "..", 2) == 0) {
                        if (!allow_parent || !drop_component(s))
                                return -ERANGE;
                } else if (n > 0 && !(n == 1 && path[0] == '.')) {
                        if (s->len > 0)
                                str_append_char(s, '/');
                        str_append_bytes(s, path, n);
                }
                path += n;
                path += strspn(path, "/");
        }
        return 0;
}

int path_join_clean(const char *base, const char *path, char **ret_path)
{
        _cleanup_(str_done) struct str s = {};
        int r;

        if (path[0] == '/')
                return -EINVAL;
        str_append(&s, base);
        r = append_components(&s, path, true);
        if (r < 0)
                return r;
        *ret_path = str_take(&s);
        return 0;
}

int path_clean_absolute(const char *path, char **ret_path)
{
        _cleanup_(str_done) struct str s = {};

        if (path[0] != '/')
                return -EINVAL;
        if (append_components(&s, path, false) < 0)
                return -EINVAL;
        *ret_path = xasprintf("/%s", str_text(&s));
        return 0;
}

bool path_is_below(const char *path, const char *dir)
{
        size_t n = strlen(dir);

        if (n == 0)
                return true;
        return strncmp(path, dir, n) == 0 && (path[n] == '\0' || path[n] == '/');
}

const char *path_below(const char *path, const char *dir)
{
        size_t n = strlen(dir);

        if (n == 0 || path[n] == '\0')
                return path + n;
        return path + n + 1;
}

const char *path_basename(const char *path)
{
        const char *slash = strrchr(path, '/');

        return slash ? slash + 1 : path;
}

char *path_join(const char *dir, const char *name)
{
        return *dir ? xasprintf("%s/%s", dir, name) : xstrdup(name);
}
