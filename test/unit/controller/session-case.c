/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/controller/session-case.h"

#include "test/unit/unit.h"

#include "base/mem.h"

struct fixture fixture;
const struct flavour *flavour;

int session_setup(void **state)
{
        fixture_init(&fixture);
        return 0;
}

int session_teardown(void **state)
{
        fixture_done(&fixture);
        return 0;
}

bool session_use_flavour(size_t i)
{
        flavour = i < n_flavours ? &flavours[i] : NULL;
        return flavour != NULL;
}

bool finds_tools_by_path(void)
{
        return !flavour->tools || !streq(flavour->tools, "busybox");
}

struct lu_update_item *item(struct lu_update *u, const char *path, enum lu_kind kind)
{
        return add_item(&fixture, u, path, kind);
}

void expect(const char *path, const char *what)
{
        _cleanup_(freep) char *found = look(fixture.root, path);

        if (!streq(found, what))
                fail_msg("%s: %s is \"%s\", not \"%s\"; stderr: %s", flavour->name, path, found,
                         what, session_stderr());
}

void run_with(struct lu_update *u, struct session_options options, const char *events)
{
        _cleanup_(freep) char *found = NULL;

        options.flavour = flavour;
        found = session_run(&fixture, u, &options);
        if (!streq(found, events))
                fail_msg("%s: \"%s\", not \"%s\"; stderr: %s", flavour->name, found, events,
                         session_stderr());
        lu_update_unref(u);
}

void run(struct lu_update *u, const char *events)
{
        lu_update_seal(u);
        run_with(u, (struct session_options){}, events);
}
