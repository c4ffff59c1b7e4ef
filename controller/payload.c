/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/payload.h"

/*
 * A row of steps, each of which appends one piece (a command, a chunk of the archive) to `out` per
 * call of produce(); the pull hands `out` out and asks for the next piece when it is empty. The one
 * exception are the blocks of a large file, which are read straight into the caller's buffer:
 * `raw` says how many bytes of an announced chunk are still to come. What was announced must be
 * sent, so a file that became shorter is filled up with zeros to the end of its chunk; then the
 * archive is cut off and the session declared void.
 */

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "base/mem.h"
#include "base/str.h"
#include "controller/source.h"
#include "liveupdate/archive.h"
#include "liveupdate/script.h"

/* A chunk of the archive: small ones first, so that the first file does not wait. */
#define CHUNK_FIRST ((size_t)64 << 10)
#define CHUNK_MAX   ((size_t)256 << 10)
/* A large file goes in blocks of this size, so many to a chunk: one process each in the container.
 */
#define BLOCK      ((size_t)64 << 10)
#define BLOCKS_MAX ((uint64_t)128)
#define READ_TRIES 3

enum step {
        STEP_SETUP,
        STEP_REMOVE,      /* what was deleted, and what flipped to a file or symlink */
        STEP_FLIP,        /* what flipped to a directory */
        STEP_ALIENS,      /* careful: what should be a directory */
        STEP_DIRECTORIES, /* careful: what should be a file or symlink */
        STEP_MAKE,        /* directories */
        STEP_OWN,         /* their owners */
        STEP_EXTRACT,     /* tar starts */
        STEP_MEMBERS,
        STEP_LARGE, /* the content of one large file */
        STEP_EXTRACT_END,
        STEP_RENAME, /* large files */
        STEP_SENT,
        STEP_RUNS,
        STEP_DONE,
        STEP_END,
};

struct payload {
        struct lu_update *update;
        int workspace_fd;
        char token[LU_TOKEN_SIZE];
        bool careful, has_owners;
        unsigned parts; /* of enum lu_script_part */
        enum step step;
        size_t next; /* of the items, or of what the step goes through */
        struct payload_stats stats;

        struct str out;
        size_t out_at; /* so much of it has been pulled */
        struct str command;

        size_t chunk_target;
        uint64_t archived; /* bytes of the archive so far */

        /* The large file under way. */
        int fd; /* -1: none */
        struct stat st;
        uint64_t offset, left; /* of its content */
        uint64_t raw;
        size_t *large; /* items that were sent so */
        size_t n_large;
};

static bool is_sent(const struct lu_update_item *item)
{
        return item->kind == LU_KIND_FILE || item->kind == LU_KIND_SYMLINK;
}

/* What of the script this update uses. */
static unsigned parts_of(const struct lu_update *u, bool careful)
{
        unsigned parts = (u->n_runs > 0 ? LU_SCRIPT_RUNS : 0) | (careful ? LU_SCRIPT_COMMANDS : 0);

        for (size_t i = 0; i < u->n_items; i++) {
                if (is_sent(&u->items[i]))
                        parts |= LU_SCRIPT_ARCHIVE;
                if (!is_sent(&u->items[i]) || u->items[i].flipped)
                        parts |= LU_SCRIPT_COMMANDS;
        }
        return parts;
}

struct payload *payload_new(const struct payload_params *params)
{
        struct payload *p = xcalloc(1, sizeof(*p));

        assert(strlen(params->token) == LU_TOKEN_SIZE - 1);
        p->update = lu_update_ref(params->update);
        p->workspace_fd = params->workspace_fd;
        memcpy(p->token, params->token, LU_TOKEN_SIZE);
        p->careful = params->careful;
        p->chunk_target = CHUNK_FIRST;
        p->fd = -1;
        p->parts = parts_of(params->update, params->careful);
        for (size_t i = 0; i < p->update->n_items; i++)
                if (is_sent(&p->update->items[i]) && p->update->items[i].has_owner)
                        p->has_owners = true;
        return p;
}

void payload_free(struct payload *p)
{
        if (!p)
                return;
        closep(&p->fd);
        lu_update_unref(p->update);
        free(p->stats.unreadable);
        str_done(&p->out);
        str_done(&p->command);
        free(p->large);
        free(p);
}

const struct payload_stats *payload_stats(const struct payload *p)
{
        return &p->stats;
}

/* ------------------------------------------------------------------ commands */

static void add_word(struct payload *p, enum lu_script_verb verb, const char *word)
{
        if (p->command.len == 0)
                lu_script_begin(&p->command, verb);
        lu_script_word(&p->command, word);
}

/* The length of the directory part of @path without the slash; 0 for the root. */
static size_t parent_length(const char *path, size_t len)
{
        while (len > 0 && path[len - 1] != '/')
                len--;
        return len > 0 ? len - 1 : 0;
}

/*
 * The directories above @item that are also directories of the workspace: as long as the names are
 * the same, from the end. Those that the item before it has as well were dealt with there.
 */
static void add_ancestors(struct payload *p, size_t i)
{
        const char *path = p->update->items[i].path;
        const char *to = p->update->items[i].destination;
        const char *before = i > 0 ? p->update->items[i - 1].destination : "";
        size_t path_len = strlen(path), to_len = strlen(to);
        _cleanup_(freep) char *ancestor = xstrdup(to);

        for (;;) {
                size_t path_up = parent_length(path, path_len);
                size_t to_up = parent_length(to, to_len);

                if (path_up == 0 || to_up == 0 || !streq(path + path_up, ancestor + to_up))
                        return;
                ancestor[to_up] = '\0';
                if (strncmp(before, to, to_up + 1) == 0)
                        return;
                add_word(p, LU_SCRIPT_REMOVE_ALIENS, ancestor);
                path_len = path_up;
                to_len = to_up;
        }
}

/* Adds the words for item @i in a batch of this step. False: the batch must end before it. */
static bool add_item(struct payload *p, size_t i)
{
        const struct lu_update_item *item = &p->update->items[i];
        bool directory = item->kind == LU_KIND_DIRECTORY;
        char owner[32];

        switch (p->step) {
        case STEP_REMOVE:
                if (streq(item->destination, "/"))
                        return true; /* never, whatever was decided */
                if (item->kind == LU_KIND_ABSENT || (item->flipped && is_sent(item)))
                        add_word(p, LU_SCRIPT_REMOVE, item->destination);
                p->stats.deleted += item->kind == LU_KIND_ABSENT;
                return true;
        case STEP_FLIP:
                if (item->flipped && directory)
                        add_word(p, LU_SCRIPT_REMOVE_OTHERS, item->destination);
                return true;
        case STEP_ALIENS:
                if (p->careful && item->kind != LU_KIND_ABSENT)
                        add_ancestors(p, i);
                if (p->careful && directory)
                        add_word(p, LU_SCRIPT_REMOVE_ALIENS, item->destination);
                return true;
        case STEP_DIRECTORIES:
                if (p->careful && is_sent(item) && !item->flipped)
                        add_word(p, LU_SCRIPT_REMOVE_DIRECTORIES, item->destination);
                return true;
        case STEP_MAKE:
                if (directory)
                        add_word(p, LU_SCRIPT_MAKE_DIRECTORIES, item->destination);
                return true;
        case STEP_OWN:
                if (!directory || !item->has_owner)
                        return true;
                if (p->command.len > 0)
                        return false; /* one command each: every item may have another owner */
                snprintf(owner, sizeof(owner), "%u:%u", item->uid, item->gid);
                add_word(p, LU_SCRIPT_OWN, owner);
                add_word(p, LU_SCRIPT_OWN, item->destination);
                return true;
        default:
                assert(false);
                return true;
        }
}

static void next_step(struct payload *p)
{
        p->step++;
        p->next = 0;
        if (p->step == STEP_EXTRACT && !(p->parts & LU_SCRIPT_ARCHIVE))
                p->step = STEP_SENT;
        if (p->step == STEP_RUNS && p->stats.torn)
                p->step = STEP_END;
}

static void batch_of_items(struct payload *p)
{
        while (p->next < p->update->n_items && p->command.len < LU_SCRIPT_BATCH &&
               add_item(p, p->next))
                p->next++;
        if (p->command.len > 0)
                lu_script_command(&p->out, p->token, &p->command);
        if (p->next == p->update->n_items)
                next_step(p);
}

/* ------------------------------------------------------------------ the archive */

/* Where a large file is unpacked: the same name each time, so that a later try overwrites it. */
static char *beside(const char *destination)
{
        size_t len = strlen(destination);

        return xasprintf("%.*s/.sluice-%016llx", (int)parent_length(destination, len), destination,
                         (unsigned long long)XXH3_64bits(destination, len));
}

static void batch_of_renames(struct payload *p)
{
        while (p->next < p->n_large && p->command.len < LU_SCRIPT_BATCH) {
                const char *to = p->update->items[p->large[p->next++]].destination;
                _cleanup_(freep) char *from = beside(to);

                add_word(p, LU_SCRIPT_RENAME, from);
                add_word(p, LU_SCRIPT_RENAME, to);
        }
        if (p->command.len > 0)
                lu_script_command(&p->out, p->token, &p->command);
        if (p->next == p->n_large)
                next_step(p);
}

/* The header of a file that is unpacked as @destination. */
static void append_file(struct payload *p, const struct lu_update_item *item,
                        const char *destination, const struct stat *st)
{
        lu_archive_entry(&p->out, &(struct lu_archive_entry){
                                          .name = destination + 1,
                                          .mode = item->has_mode ? item->mode : st->st_mode & 0777,
                                          .uid = item->has_owner ? item->uid : 0,
                                          .gid = item->has_owner ? item->gid : 0,
                                          .size = (uint64_t)st->st_size,
                                          .mtime = st->st_mtime > 0 ? (uint64_t)st->st_mtime : 0,
                                  });
}

static void leave_out(struct payload *p, const struct lu_update_item *item, int e)
{
        p->stats.left_out++;
        if (e != -ENOENT && e != -EAGAIN && !p->stats.unreadable) {
                _cleanup_(freep) char *shown = printable(item->path);

                p->stats.unreadable = xasprintf("%s cannot be read: %s", shown, strerror(-e));
        }
}

static void add_symlink(struct payload *p, const struct lu_update_item *item)
{
        _cleanup_(freep) char *target = NULL;
        int e = source_readlink(p->workspace_fd, item->path, &target);

        if (e < 0) {
                leave_out(p, item, e);
                return;
        }
        lu_archive_entry(&p->out, &(struct lu_archive_entry){
                                          .name = item->destination + 1,
                                          .target = target,
                                          .mode = 0777,
                                          .uid = item->has_owner ? item->uid : 0,
                                          .gid = item->has_owner ? item->gid : 0,
                                  });
        p->stats.files++;
}

static void begin_large(struct payload *p, size_t i, int fd, const struct stat *st)
{
        const struct lu_update_item *item = &p->update->items[i];
        _cleanup_(freep) char *name = beside(item->destination);

        append_file(p, item, name, st);
        if ((p->n_large & (p->n_large - 1)) == 0)
                p->large =
                        xreallocarray(p->large, p->n_large ? p->n_large * 2 : 1, sizeof(*p->large));
        p->large[p->n_large++] = i;
        p->fd = fd;
        p->st = *st;
        p->offset = 0;
        p->left = (uint64_t)st->st_size;
        p->step = STEP_LARGE;
}

static void add_file(struct payload *p, size_t i)
{
        const struct lu_update_item *item = &p->update->items[i];
        _cleanup_(closep) int fd = -1;
        size_t mark = p->out.len;
        struct stat st;
        int e = source_open(p->workspace_fd, item->path, &fd, &st);

        for (unsigned try = 0; e == 0 && try < READ_TRIES; try++) {
                if ((uint64_t)st.st_size > PAYLOAD_SMALL) {
                        begin_large(p, i, fd, &st);
                        fd = -1;
                        return;
                }
                append_file(p, item, item->destination, &st);
                e = source_read(fd, &st, &p->out);
                if (e == 0) {
                        lu_archive_zeros(&p->out, lu_archive_padding((uint64_t)st.st_size));
                        p->stats.files++;
                        p->stats.bytes += (uint64_t)st.st_size;
                        return;
                }
                p->out.len = mark;
                if (e == -EAGAIN && try + 1 < READ_TRIES)
                        e = 0;
        }
        leave_out(p, item, e);
}

static void begin_chunk(struct payload *p)
{
        char line[LU_SCRIPT_CHUNK_LINE] = {};

        str_append_bytes(&p->out, line, sizeof(line));
}

static void end_chunk(struct payload *p)
{
        size_t len = p->out.len - LU_SCRIPT_CHUNK_LINE;

        p->archived += len;
        lu_script_chunk(p->out.data, len, 1);
}

static void produce_members(struct payload *p)
{
        begin_chunk(p);
        while (p->next < p->update->n_items && p->fd < 0 && p->out.len < p->chunk_target) {
                size_t i = p->next++;

                if (p->update->items[i].kind == LU_KIND_SYMLINK)
                        add_symlink(p, &p->update->items[i]);
                else if (p->update->items[i].kind == LU_KIND_FILE)
                        add_file(p, i);
        }
        if (p->next == p->update->n_items && p->fd < 0) {
                lu_archive_end(&p->out, p->archived + p->out.len - LU_SCRIPT_CHUNK_LINE);
                p->step = STEP_EXTRACT_END;
        }
        end_chunk(p);
        if (p->chunk_target < CHUNK_MAX)
                p->chunk_target *= 2;
}

/* Reads content of the large file; what is missing becomes zeros, and the session void. */
static void read_large(struct payload *p, uint8_t *buffer, size_t size)
{
        size_t done = 0;

        while (done < size) {
                ssize_t n = pread(p->fd, buffer + done, size - done, (off_t)p->offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        break;
                done += (size_t)n;
                p->offset += (uint64_t)n;
        }
        if (done < size) {
                memset(buffer + done, 0, size - done);
                p->stats.torn = true;
        }
        p->left -= size;
}

static void end_large(struct payload *p)
{
        if (!source_unchanged(p->fd, &p->st))
                p->stats.torn = true;
        closep(&p->fd);
        p->fd = -1;
        p->stats.files++;
        p->stats.bytes += (uint64_t)p->st.st_size;
        p->step = STEP_MEMBERS;
}

static void produce_large(struct payload *p)
{
        size_t tail = (size_t)p->left;

        if (!p->stats.torn && p->left >= BLOCK) {
                uint64_t n = p->left / BLOCK;

                n = n < BLOCKS_MAX ? n : BLOCKS_MAX;
                begin_chunk(p);
                lu_script_chunk(p->out.data, BLOCK, (size_t)n);
                p->raw = n * BLOCK;
                p->archived += p->raw;
                return;
        }
        if (!p->stats.torn && tail > 0 && str_reserve(&p->out, LU_SCRIPT_CHUNK_LINE + tail)) {
                begin_chunk(p);
                read_large(p, (uint8_t *)p->out.data + p->out.len, tail);
                p->out.len += tail;
                lu_archive_zeros(&p->out, lu_archive_padding((uint64_t)p->st.st_size));
                end_chunk(p);
        }
        end_large(p);
        if (p->stats.torn)
                p->step = STEP_EXTRACT_END;
}

static void produce_extract(struct payload *p)
{
        struct lu_script_tar tar = {.owners = p->has_owners, .careful = p->careful};

        lu_script_extract(&p->out, p->token, &tar);
        next_step(p);
}

static void produce_extract_end(struct payload *p)
{
        lu_script_extract_end(&p->out);
        if (p->stats.torn)
                lu_script_torn(&p->out, p->token);
        next_step(p);
}

/* ------------------------------------------------------------------ the whole */

static void produce_runs(struct payload *p)
{
        if (p->next < p->update->n_runs) {
                lu_script_run(&p->out, p->token, p->next, &p->update->runs[p->next]);
                p->next++;
        } else {
                next_step(p);
        }
}

static void produce(struct payload *p)
{
        switch (p->step) {
        case STEP_SETUP:
                lu_script_setup(&p->out, p->token, p->parts);
                next_step(p);
                break;
        case STEP_REMOVE:
        case STEP_FLIP:
        case STEP_ALIENS:
        case STEP_DIRECTORIES:
        case STEP_MAKE:
        case STEP_OWN:
                batch_of_items(p);
                break;
        case STEP_EXTRACT:
                produce_extract(p);
                break;
        case STEP_MEMBERS:
                produce_members(p);
                break;
        case STEP_LARGE:
                produce_large(p);
                break;
        case STEP_EXTRACT_END:
                produce_extract_end(p);
                break;
        case STEP_RENAME:
                batch_of_renames(p);
                break;
        case STEP_SENT:
                lu_script_sent(&p->out, p->token);
                next_step(p);
                break;
        case STEP_RUNS:
                produce_runs(p);
                break;
        case STEP_DONE:
                lu_script_done(&p->out, p->token);
                next_step(p);
                break;
        case STEP_END:
                break;
        }
}

static size_t take_out(struct payload *p, uint8_t *buffer, size_t size)
{
        size_t n = p->out.len - p->out_at;

        n = n < size ? n : size;
        memcpy(buffer, p->out.data + p->out_at, n);
        p->out_at += n;
        if (p->out_at == p->out.len) {
                str_clear(&p->out);
                p->out_at = 0;
        }
        return n;
}

static size_t take_raw(struct payload *p, uint8_t *buffer, size_t size)
{
        size_t n = p->raw < size ? (size_t)p->raw : size;

        read_large(p, buffer, n);
        p->raw -= n;
        return n;
}

ssize_t payload_pull(struct payload *p, uint8_t *buffer, size_t size)
{
        size_t done = 0;

        while (done < size) {
                if (p->out.len > 0)
                        done += take_out(p, buffer + done, size - done);
                else if (p->raw > 0)
                        done += take_raw(p, buffer + done, size - done);
                else if (p->step == STEP_END)
                        break;
                else
                        produce(p);
        }
        return done > 0 ? (ssize_t)done : -ENODATA;
}
