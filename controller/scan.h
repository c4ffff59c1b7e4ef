/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Looks at a directory and all below it that is wanted: every directory is watched first and read
 * afterwards, every wanted file, symlink and directory is observed in the change set.
 *
 * Nothing is followed: directories are opened with O_NOFOLLOW relative to their parent, files are
 * examined with AT_SYMLINK_NOFOLLOW. Sockets, FIFOs and devices are not observed. What cannot be
 * read (other than because it has just gone) is logged and left as it was.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "controller/notify.h"
#include "liveupdate/changes.h"

struct scan_filter {
        /* May something wanted be in directory @path? Also true for ancestors of roots. */
        bool (*wants_directory)(void *userdata, const char *path);
        /* Is a change of @path, be it a file, symlink or directory, of interest? */
        bool (*wants_file)(void *userdata, const char *path);
        void *userdata;
};

struct scan {
        struct notify *notify;
        struct lu_changes *changes;
        const struct scan_filter *filter;
        uint64_t now;   /* wall clock, ns */
        uint32_t round; /* given to each directory that is come by */
        /* Unknown paths enter at revision 0 if they became what they are before this wall-clock
         * time; 0: all of them are changes, UINT64_MAX: none is. */
        uint64_t initial_before;
        /* All that is found came here by a rename and is a change even where its stat is known. */
        bool moved_in;
        /* No path changed before this: the time at which the directory that is scanned came. */
        uint64_t not_before;

        /* Results; the caller zeroes them. */
        size_t n_changed;
        size_t n_directories; /* wanted ones */
        size_t n_refused;     /* watches the kernel refused, for want of more */
        int error;            /* any other failure to set a watch: negative errno */

        /* Private; freed by scan_done(). */
        char *buffer;
        struct str path;
        uint64_t revision; /* when it began */
};

void scan_done(struct scan *s);
/* Scans @dir, which is open for reading as @fd. The descriptor stays the caller's. */
void scan_directory(struct scan *s, struct notify_dir *dir, int fd);

/*
 * The facts of @name in the directory @fd. -ENOENT: nothing is there, or something that is neither
 * file, directory nor symlink. @ret_linked: it is a file with more than one name.
 */
int scan_facts(int fd, const char *name, struct lu_facts *ret_facts, bool *ret_linked);
