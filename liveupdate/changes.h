/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The workspace as it was last seen, and what changed in it: the index and the change set in one.
 *
 * Every watched path has one entry with its last stat facts and the revision at which it changed
 * last. The revision is a counter of this set that grows with every observed change: a clock, not a
 * timestamp. A path that vanished keeps a tombstone. So "what does a container at revision R lack"
 * is: all entries whose revision is greater, newest first, without looking at the others.
 *
 * Pure: the watcher (controller/watcher.h) stats and observes; a test writes a workspace down.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum lu_kind {
        LU_KIND_ABSENT,
        LU_KIND_FILE,
        LU_KIND_DIRECTORY,
        LU_KIND_SYMLINK,
};

/* What stat(2) says, as far as it tells whether content may have changed. */
struct lu_facts {
        enum lu_kind kind;
        uint32_t mode; /* permission bits */
        uint64_t size;
        uint64_t mtime; /* nanoseconds since 1970 */
        uint64_t ctime;
        uint64_t inode;
};

struct lu_change {
        const char *path; /* owned by the set; clean, relative to the workspace, any bytes but NUL */
        struct lu_facts facts;
        uint64_t revision; /* of its last change; 0: as it was at the first scan */
        /* Wall-clock ns at which it became so: ctime, or when the absence was observed. */
        uint64_t time;
        /* The path was something else of another kind (file, directory, symlink) during this
         * session: what a container has there must be removed first. */
        bool flipped;
};

struct lu_changes;

struct lu_changes *lu_changes_new(void);
void lu_changes_free(struct lu_changes *c);

/* The newest revision; 0 before the first change. */
uint64_t lu_changes_revision(const struct lu_changes *c);
size_t lu_changes_n_present(const struct lu_changes *c);
const struct lu_change *lu_changes_find(const struct lu_changes *c, const char *path);

/*
 * Records what is there now. During the first scan (@initial) an entry gets revision 0. Afterwards
 * the revision grows and true is returned when something differs: kind, size, mtime, inode or mode
 * of a file; the target (by mtime, inode) of a symlink; of a directory only that it is one. An
 * unchanged stat is no change. @now is the wall clock, used for absences.
 */
bool lu_changes_observe(struct lu_changes *c, const char *path, const struct lu_facts *facts,
                        bool initial, uint64_t now);
/* Records that @path and everything known below it is gone. True when anything was. */
bool lu_changes_observe_absent(struct lu_changes *c, const char *path, uint64_t now);
/*
 * Makes a path newer without a difference: its transfer was void and it is pending again, or the
 * rules changed. No-op for unknown paths.
 */
void lu_changes_touch(struct lu_changes *c, const char *path);

/* Visits entries with revision > @after, newest first, until @visit returns false. */
typedef bool (*lu_changes_visit)(void *userdata, const struct lu_change *change);
void lu_changes_since(const struct lu_changes *c, uint64_t after, lu_changes_visit visit,
                      void *userdata);
/* Visits every entry, tombstones too, in no particular order. */
void lu_changes_each(const struct lu_changes *c, lu_changes_visit visit, void *userdata);

/*
 * A rescan: begin marks, observe() unmarks, end turns every present entry below @root that was not
 * seen into a tombstone. Returns how many vanished.
 */
void lu_changes_rescan_begin(struct lu_changes *c);
size_t lu_changes_rescan_end(struct lu_changes *c, const char *root, uint64_t now);
