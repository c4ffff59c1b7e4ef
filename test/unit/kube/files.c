/* SPDX-License-Identifier: Apache-2.0 */
#include "test/unit/kube/files.h"

#include "test/unit/unit.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/macro.h"
#include "base/mem.h"

static int remove_one(const char *path, const struct stat *s, int type, struct FTW *ftw)
{
        return remove(path);
}

int files_setup(void **state)
{
        char *dir = xstrdup("/tmp/sluice-test-XXXXXX");

        *state = dir;
        return mkdtemp(dir) ? 0 : -1;
}

int files_teardown(void **state)
{
        int r = nftw(*state, remove_one, 8, FTW_DEPTH | FTW_PHYS);

        free(*state);
        return r;
}

void put(const char *dir, const char *name, const char *text)
{
        _cleanup_(freep) char *path = xasprintf("%s/%s", dir, name);
        FILE *file = fopen(path, "we");

        assert_non_null(file);
        assert_true(fputs(text, file) >= 0);
        assert_int_equal(fclose(file), 0);
}
