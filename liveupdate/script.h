/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The shell's side of an update over exec (7.1): what the session's `sh` is told to do, as text.
 *
 * The exec's command is ["sh", "-c", LU_SCRIPT_BOOTSTRAP]: a loop that reads lines of standard
 * input and evaluates each that begins with the session's token. A shell reads a pipe byte by byte,
 * so what follows a line (an archive) is still there for the command that the line starts. All else
 * travels in standard input, since the URL of an exec is short, and no step depends on its end,
 * which v4 cannot say.
 *
 * The session:
 *
 *         lu_script_setup()                 the token, then the functions, a line each
 *         lu_script_command(REMOVE …)       and the other batches, any number, 64 KB at most each
 *         lu_script_extract()               then chunks: lu_script_chunk(), bytes; …
 *         lu_script_extract_end()           … and this after the last
 *         lu_script_command(RENAME …)       what was unpacked beside its destination
 *         lu_script_sent()                  all arrived: TOKEN applied, or TOKEN fail
 *         lu_script_run()                   in order
 *         lu_script_done()
 *
 * Since the line that lu_script_sent() writes comes behind the archive in the same stream, it
 * proves that nothing was cut off. What the session says on its standard output:
 * liveupdate/report.h. Works in dash, BusyBox ash, bash and mksh. Pure.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/str.h"
#include "base/strv.h"
#include "liveupdate/update.h"

/* 32 hex digits of randomness and a NUL: what output of a run cannot guess. */
#define LU_TOKEN_SIZE 33

/* The words of a batch are split at this many bytes of text. */
#define LU_SCRIPT_BATCH ((size_t)32 << 10)

/* The first line of a chunk has this size, padded with blanks. */
#define LU_SCRIPT_CHUNK_LINE 20

extern const char LU_SCRIPT_BOOTSTRAP[];

enum lu_script_verb {
        LU_SCRIPT_REMOVE,             /* rm -rf of each path */
        LU_SCRIPT_REMOVE_DIRECTORIES, /* of those that are directories; a symlink to one is not */
        LU_SCRIPT_REMOVE_OTHERS,      /* of those that are not directories; a symlink to one is */
        LU_SCRIPT_REMOVE_ALIENS,    /* of those that are not directories and not symlinks to one */
        LU_SCRIPT_MAKE_DIRECTORIES, /* with their parents */
        LU_SCRIPT_OWN,              /* "UID:GID" first, then the paths */
        LU_SCRIPT_RENAME,           /* pairs: from, to; undone when the archive failed */
};

/* Appends @bytes as one word. */
void lu_script_quote(struct str *out, const char *bytes);

/* What a session uses; the shell reads each byte of its definition by a system call of its own. */
enum lu_script_part {
        LU_SCRIPT_COMMANDS = 1, /* any verb but RENAME */
        LU_SCRIPT_ARCHIVE = 2,  /* extract, and RENAME */
        LU_SCRIPT_RUNS = 4,
};

/* @parts: those of enum lu_script_part that follow. */
void lu_script_setup(struct str *out, const char *token, unsigned parts);

/*
 * A command is built in a string of its own: begin, then words, then append it to the stream, which
 * empties @command. Text of any length and with any byte but NUL is right.
 */
void lu_script_begin(struct str *command, enum lu_script_verb verb);
void lu_script_word(struct str *command, const char *bytes);
void lu_script_command(struct str *out, const char *token, struct str *command);

struct lu_script_tar {
        bool owners;  /* the headers' owners count; else files belong to the container's user */
        bool careful; /* ask which tar it is: bsdtar refuses paths through symlinks unless told */
};
void lu_script_extract(struct str *out, const char *token, const struct lu_script_tar *tar);
/* Writes the line of a chunk of @block_size * @n_blocks bytes over @line. */
void lu_script_chunk(char line[static LU_SCRIPT_CHUNK_LINE], size_t block_size, size_t n_blocks);
void lu_script_extract_end(struct str *out);
/* Before the renames: a file changed while it was sent. Ends in TOKEN void, and no run. */
void lu_script_torn(struct str *out, const char *token);
void lu_script_sent(struct str *out, const char *token);
/* @i is what the report calls it. */
void lu_script_run(struct str *out, const char *token, size_t i, const struct lu_update_run *run);
void lu_script_done(struct str *out, const char *token);
