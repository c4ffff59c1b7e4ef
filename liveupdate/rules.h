/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A LiveUpdate's rules in the form in which they are applied: shared steps inserted, every local
 * path clean and relative to the workspace ("services/web/src"), every container path clean and
 * absolute. Immutable once built; ignore patterns are the only part that is loaded later, since
 * they come from files (lu_rules_set_ignore_file()).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strv.h"
#include "liveupdate/ignore.h"
#include "liveupdate/pattern.h"
#include "liveupdate/spec.h"

/* A directory (or file) that is watched, with what is left out below it. */
struct lu_root {
        char *path;                   /* clean; "" is the workspace */
        bool has_ignore_file;         /* a context: <path>/.dockerignore counts */
        struct lu_ignore ignore_file; /* the patterns of that file, relative to path */
        struct lu_ignore ignore;      /* images[].ignore, relative to path */
};

struct lu_sync_rule {
        char *local;                /* clean prefix, or the literal prefix of the glob */
        struct lu_pattern *pattern; /* set when localPath is a glob, relative to the workspace */
        char *container_path;       /* clean; "/" possible */
        bool into_directory;        /* containerPath ended in '/': a single file goes below it */
        struct lu_ignore ignore;    /* relative to local */
        bool has_owner;
        uint32_t uid, gid;
        bool has_mode;
        mode_t mode;
        enum lu_write write;
        size_t step; /* index in spec.steps, for messages */
};

struct lu_run_rule {
        char *command; /* or NULL: args */
        struct strv args;
        char *working_dir;              /* never NULL */
        struct lu_pattern_set triggers; /* empty: always */
        uint32_t timeout_seconds;
        bool echo;
        char *text; /* as people see it: the command, or the words joined by spaces */
        size_t step;
};

struct lu_rules {
        struct lu_root *roots;
        size_t n_roots;
        struct lu_pattern_set fall_back_on;
        struct lu_sync_rule *syncs;
        size_t n_syncs;
        struct lu_run_rule *runs;
        size_t n_runs;
        bool initial_sync;
        bool restart;
        bool has_images;
        enum lu_on_unmatched on_unmatched;
        bool paused;
        /* Which containers (3.6), as written. */
        char *workload_kind, *workload_name; /* or */
        char *labels;
        char *container;  /* or NULL */
        char *last_image; /* repository of the last image, or NULL */
        /* A field whose capability this build does not have ("spec.inject"), or NULL. */
        char *unsupported;
};

void lu_rules_free(struct lu_rules *rules);
static inline void lu_rules_freep(struct lu_rules **rules)
{
        lu_rules_free(*rules);
}

enum lu_class {
        LU_CLASS_UNWATCHED, /* lies in no watched root */
        LU_CLASS_IGNORED,   /* left out by .dockerignore, ignore, .git or as an editor's file */
        LU_CLASS_UPDATE,
        LU_CLASS_REBUILD,
        LU_CLASS_UNMATCHED, /* no sync covers it, and onUnmatched is Ignore or Warn */
};

/* "Unwatched", "Ignored", "Update", "Rebuild", "Unmatched" */
const char *lu_class_name(enum lu_class class_);

struct lu_verdict {
        enum lu_class class_;
        const char *reason; /* CamelCase, static: FallBackOn, NoMatchingSync, Sync, IgnoredByFile,
                             * IgnoredByRule, IgnoredBySync, EphemeralFile, GitDirectory,
                             * OutsideRoots */
        size_t sync;        /* with UPDATE: index in rules.syncs */
};

/*
 * The one function that says what a change of @path means (3.3). @path is clean and relative to the
 * workspace; nothing is asked of the file system.
 */
struct lu_verdict lu_classify(const struct lu_rules *rules, const char *path);

/*
 * Where @path, covered by rules.syncs[@sync], goes in the container. @is_directory tells a sync of
 * one file from one of a directory when @path is the sync's own localPath. The caller frees it.
 */
char *lu_destination(const struct lu_rules *rules, size_t sync, const char *path,
                     bool is_directory);

/* True when a change of @path fires rules.runs[@run]; a run without triggers always fires. */
bool lu_run_fires(const struct lu_rules *rules, size_t run, const char *path);

/*
 * True when the directory @path must be watched and scanned: it is an ancestor of a root, or lies
 * in one and is not ignored as a whole (a `!` pattern may match below an ignored directory).
 */
bool lu_wants_directory(const struct lu_rules *rules, const char *path);
/* True when a file @path is of interest: class UPDATE, REBUILD or UNMATCHED. */
bool lu_wants_file(const struct lu_rules *rules, const char *path);

/*
 * Ignore files: how many there are, the workspace path of each, and new content for one (NULL: the
 * file does not exist). Bad patterns are skipped and reported as warnings in @err (-EINVAL), the
 * good ones still count.
 */
size_t lu_rules_n_ignore_files(const struct lu_rules *rules);
char *lu_rules_ignore_file(const struct lu_rules *rules, size_t i); /* the caller frees it */
int lu_rules_set_ignore_file(struct lu_rules *rules, size_t i, const char *content,
                             struct err *err);
