/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Real processes in containers: one that begins a container (namespaces for processes, mounts and
 * the host name, and a root directory of its own), or one that joins it. Its streams are pipes on
 * the loop, or a terminal.
 *
 * The owner gets `exited` once and `output_end` once for each stream it asked for; then it calls
 * process_release(), which it may also do earlier: the process then lives on with its stdin at its
 * end and its output unread, as a process of a lost exec does.
 */

#include <stdbool.h>
#include <sys/types.h>
#include <uv.h>

#include "base/err.h"
#include "base/strv.h"

struct process;

enum process_stream {
        STREAM_STDIN = 0,
        STREAM_STDOUT = 1,
        STREAM_STDERR = 2,
};

struct process_events {
        /* At most 32 KiB. */
        void (*output)(void *user, enum process_stream stream, const char *bytes, size_t len);
        void (*output_end)(void *user, enum process_stream stream);
        /* What process_write() got has been taken by the process' pipe. */
        void (*stdin_drained)(void *user);
        /* The exit code, or 128 + the signal. */
        void (*exited)(void *user, int code);
};

struct process_mount {
        char *source; /* on this machine */
        char *target; /* absolute, below the root; exists */
        bool read_only;
};

struct process_params {
        const char *root; /* of a new container; NULL: join */
        pid_t join;       /* the main process of the container to join */
        pid_t join_pids;  /* with root: a process whose pid namespace is shared, or 0 */
        const char *hostname;
        const struct process_mount *mounts;
        size_t n_mounts;
        bool read_only_root;
        const struct strv *argv, *env;
        const char *cwd;
        uid_t uid;
        gid_t gid;
        bool stdin_open; /* otherwise /dev/null */
        bool stdout_open, stderr_open;
        bool tty; /* one terminal instead of pipes */
};

/* All processes of this program. */
struct processes {
        uv_loop_t *loop;
        uv_signal_t child;
        struct process *first;
        int own_pid_namespace; /* a descriptor */
};

int processes_init(struct processes *all, uv_loop_t *loop, struct err *err);
/* Kills all that are left and waits for them. */
void processes_done(struct processes *all);

/*
 * -ENOENT, -EACCES, ...: the program could not be executed, or -EIO for the steps before it; @err
 * tells in the words of a container runtime.
 */
int process_start(struct processes *all, const struct process_params *params,
                  const struct process_events *events, void *user, struct process **ret_process,
                  struct err *err);
pid_t process_pid(const struct process *p);
void process_write(struct process *p, const char *bytes, size_t len);
/* True while bytes of process_write() wait. */
bool process_stdin_full(const struct process *p);
void process_close_stdin(struct process *p);
void process_pause(struct process *p, bool paused);
void process_signal(struct process *p, int signal);
void process_resize(struct process *p, unsigned width, unsigned height);
void process_release(struct process *p);
