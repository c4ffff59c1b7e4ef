/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/image.h"

/*
 * A reference is [registry/]path[:tag][@digest]. Whether its first component is a registry is a
 * convention of Docker that every runtime follows: it holds a '.' or a ':', or is "localhost";
 * otherwise the registry is Docker Hub, whose images of one component live below "library". A ':'
 * begins a tag only behind the last '/', since before it there may be a port.
 */

#include <stdbool.h>
#include <string.h>

#include "base/mem.h"
#include "base/str.h"

#define HUB         "docker.io"
#define HUB_OLDNAME "index.docker.io"
#define HUB_DEFAULT "library"

/* The length of @reference without tag and digest. */
static size_t name_length(const char *reference)
{
        size_t len = strcspn(reference, "@");
        const char *slash = memrchr(reference, '/', len);
        const char *last = slash ? slash + 1 : reference;
        const char *colon = memchr(last, ':', len - (size_t)(last - reference));

        return colon ? (size_t)(colon - reference) : len;
}

static bool is_registry(const char *component, size_t len)
{
        return memchr(component, '.', len) || memchr(component, ':', len) ||
               (len == strlen("localhost") && memcmp(component, "localhost", len) == 0);
}

char *lu_image_repository(const char *reference)
{
        _cleanup_(freep) char *name = xstrndup(reference, name_length(reference));
        _cleanup_(freep) char *registry = NULL;
        const char *slash = strchr(name, '/');
        const char *path = name;

        if (slash && is_registry(name, (size_t)(slash - name))) {
                registry = xstrndup(name, (size_t)(slash - name));
                path = slash + 1;
        }
        if (registry && !streq(registry, HUB) && !streq(registry, HUB_OLDNAME))
                return xasprintf("%s/%s", registry, path);
        if (strchr(path, '/'))
                return xasprintf(HUB "/%s", path);
        return xasprintf(HUB "/" HUB_DEFAULT "/%s", path);
}
