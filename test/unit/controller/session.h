/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * An update's session in local shells: what the payload sends goes into the standard input of a
 * real `sh`, which is not closed (v4 cannot), and what the report makes of its output is collected
 * as text. A workspace and the root of a "container" are two directories of a temporary one, and
 * every destination lies below the latter.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "controller/payload.h"
#include "liveupdate/update.h"

/* A shell and the tools that it finds. */
struct flavour {
        const char *name;
        const char *shell[3]; /* argv before "-c" */
        const char *tools;    /* of the fixture's tool directories, or NULL: the system's */
};

extern const struct flavour flavours[];
extern const size_t n_flavours;
/* False when this machine lacks what it takes. */
bool flavour_exists(const struct flavour *f);

struct fixture {
        char *base, *workspace, *root, *tools;
        int workspace_fd;
};

void fixture_init(struct fixture *f);
void fixture_done(struct fixture *f);
/* The root of the container and @path: a destination. The caller frees it. */
char *in_root(const struct fixture *f, const char *path);

/* Files of the workspace or of the root, with parents. @path is absolute. */
void make_file(const char *directory, const char *path, const char *content);
void make_bytes(const char *directory, const char *path, size_t size, unsigned seed);
void make_executable(const char *directory, const char *path);
void make_directory(const char *directory, const char *path);
void make_symlink(const char *directory, const char *path, const char *target);
/* What stands there: "file 644 CONTENT", "link TARGET", "directory", "absent". Caller frees. */
char *look(const char *directory, const char *path);
bool same_bytes(const struct fixture *f, const char *workspace_path, const char *root_path);
/* How many entries of the tree have a name that begins with @prefix. */
size_t count_names(const char *directory, const char *prefix);

/* A new directory with links to all tools that an update uses but one. The caller frees it. */
char *tools_without(const struct fixture *f, const char *without);

struct lu_update_item *add_item(const struct fixture *f, struct lu_update *u, const char *path,
                                enum lu_kind kind);
void add_run(struct lu_update *u, const char *command, unsigned timeout_seconds);

struct session_options {
        const struct flavour *flavour;
        const char *path; /* PATH instead of the flavour's */
        bool careful;
        size_t piece; /* bytes per write at most; 0: 32768 */
        size_t cut;   /* close stdin after so many bytes; 0: send all and do not close it */
        void (*at)(void *userdata, size_t sent); /* before each pull; may be NULL */
        void *userdata;
};

/*
 * Runs it to its end and returns the report, "applied run0 [hello\n] exit0=0 done". A session that
 * does not end within a minute fails the test. The caller frees it.
 */
char *session_run(const struct fixture *f, struct lu_update *u, const struct session_options *o);
/* Of the last session. */
const char *session_stderr(void);
size_t session_sent(void);
