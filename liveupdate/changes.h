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
        /* When it became so, at the latest: stat's ctime, or later where the path came along with a
         * directory that was moved here. Not compared. */
        uint64_t changed;
        uint64_t inode;
};

struct lu_change {
        const char
                *path; /* owned by the set; clean, relative to the workspace, any bytes but NUL */
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
 * Records what is there now. With @initial (the first scan; a filter that changed) a path that was
 * not known enters at revision 0 and false is returned. Otherwise the revision grows and true is
 * returned when something differs: kind, size, mtime, inode or mode of a file; the target (by
 * mtime, inode) of a symlink; of a directory only that it is one. An unchanged stat is no change.
 * Where a directory became something else, all below it is gone. @now is the wall clock, used for
 * absences. @facts is of any kind but LU_KIND_ABSENT.
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

/*
 * Visits entries with revision > @after, newest first, until @visit returns false. The visitor must
 * not change the set.
 */
typedef bool (*lu_changes_visit)(void *userdata, const struct lu_change *change);
void lu_changes_since(const struct lu_changes *c, uint64_t after, lu_changes_visit visit,
                      void *userdata);
/* The same for every entry, tombstones too, in no particular order. */
void lu_changes_each(const struct lu_changes *c, lu_changes_visit visit, void *userdata);

/*
 * A rescan: begin marks, observe() unmarks, end turns every present entry below @root that was not
 * seen into a tombstone. Returns how many vanished.
 */
void lu_changes_rescan_begin(struct lu_changes *c);
size_t lu_changes_rescan_end(struct lu_changes *c, const char *root, uint64_t now);
/* Nothing could be learned about @path and what is below it: end() leaves that alone. */
void lu_changes_rescan_keep(struct lu_changes *c, const char *path);

/*
 * The filters changed: drops every entry, tombstones too, that @keep does not want. Nobody is told;
 * the revision stays. Returns how many entries went.
 */
typedef bool (*lu_changes_keep)(void *userdata, const char *path);
size_t lu_changes_forget(struct lu_changes *c, lu_changes_keep keep, void *userdata);

/*
 * True when @root had content in this session and now is absent, or is a directory with nothing in
 * it (DESIGN.md 3.5). A root that was never there has not vanished.
 */
bool lu_changes_vanished(const struct lu_changes *c, const char *root);
