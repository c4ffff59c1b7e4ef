/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/files.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/limits.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/str.h"

static int load_one(const char *path, struct lu_objects *objects, struct lu_faults *faults,
                    struct err *err)
{
        _cleanup_(str_done) struct str text = {};
        int r = file_read(streq(path, "-") ? "/dev/stdin" : path, LIMIT_MANIFEST, &text, err);

        if (r < 0)
                return r;
        lu_manifest_read(path, view_of(str_text(&text), text.len), objects, faults);
        return 0;
}

static int is_manifest(const struct dirent *entry)
{
        return entry->d_name[0] != '.' &&
               (ends_with(entry->d_name, ".yaml") || ends_with(entry->d_name, ".yml") ||
                ends_with(entry->d_name, ".json"));
}

static int load_directory(const char *path, struct lu_objects *objects, struct lu_faults *faults,
                          struct err *err)
{
        struct dirent **entries;
        int n = scandir(path, &entries, is_manifest, alphasort), r = 0;

        if (n < 0)
                return err_errno(err, -errno, "reading the directory '%s'", path);
        for (int i = 0; i < n; i++) {
                _cleanup_(freep) char *file = path_join(path, entries[i]->d_name);

                if (r == 0)
                        r = load_one(file, objects, faults, err);
                free(entries[i]);
        }
        free(entries);
        return r;
}

int files_load(const struct strv *files, struct lu_objects *objects, struct lu_faults *faults,
               struct err *err)
{
        for (size_t i = 0; i < files->n_items; i++) {
                struct stat st;
                bool directory = stat(files->items[i], &st) == 0 && S_ISDIR(st.st_mode);
                int r = directory ? load_directory(files->items[i], objects, faults, err)
                                  : load_one(files->items[i], objects, faults, err);

                if (r < 0)
                        return r;
        }
        return 0;
}

void files_print_faults(const struct lu_faults *faults, bool warnings)
{
        for (size_t i = 0; i < faults->n_items; i++) {
                const struct lu_fault *f = &faults->items[i];

                if (f->severity == LU_SEVERITY_WARNING && !warnings)
                        continue;
                fprintf(f->severity == LU_SEVERITY_WARNING ? stderr : stdout, "%s:%u:%u: %s%s\n",
                        f->file ? f->file : "-", f->line, f->column,
                        f->severity == LU_SEVERITY_WARNING ? "warning: " : "", f->message);
        }
}
