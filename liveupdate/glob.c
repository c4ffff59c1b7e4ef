/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/glob.h"

/*
 * A glob is a small non-deterministic automaton whose states are positions in its text. The path is
 * read once, byte by byte, with the set of all positions that are possible so far; so there is no
 * backtracking, and "a*a*a*…b" costs what its length says. One pass tells everything that callers
 * ask: whether the end of the glob is possible at a '/' (it matches a directory above), at the end
 * of the path (it matches), and whether anything is still possible behind a further '/' (it could
 * match below).
 *
 * All moves lead forward, and the set is walked in ascending order. That is the invariant enter()
 * needs: whoever enters a position does it before the position itself decides to stay.
 *
 * Where "**" is glued to other text, the meaning is that of Docker's matcher, since the same lines
 * decide what is in the image: in the middle it stands for nothing or for any bytes up to a '/',
 * and in front of text without other wildcards for any bytes at all.
 */

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/limits.h"
#include "base/str.h"

enum token_kind {
        TOKEN_END,
        TOKEN_BAD,
        TOKEN_BYTE,
        TOKEN_ONE,   /* ? */
        TOKEN_CLASS, /* [...] */
        TOKEN_STAR,  /* any bytes but '/' */
        TOKEN_DIRS,  /* nothing, or any bytes that end in '/' */
        TOKEN_ANY,   /* any bytes */
};

struct token {
        enum token_kind kind;
        unsigned char byte; /* of TOKEN_BYTE */
        size_t next;        /* position behind it */
};

/* A set of positions in the glob. */
struct positions {
        uint64_t words[LIMIT_STRING / 64 + 1];
        size_t n;
        size_t last; /* the one entered last */
};

struct walk {
        const char *glob;
        size_t len;
        size_t n_words;
        struct positions sets[2];
        struct positions *now, *next;
};

/* The position behind the class that begins at @i, or 0 when it cannot be understood. */
static size_t class_end(const char *glob, size_t i)
{
        i++;
        if (glob[i] == '!' || glob[i] == '^')
                i++;
        if (glob[i] == ']')
                i++;
        for (; glob[i] != ']'; i++) {
                if (glob[i] == '[' && glob[i + 1] && strchr(":=.", glob[i + 1]))
                        return 0;
                if (glob[i] == '\\' && glob[i + 1])
                        i++;
                if (glob[i] == '\0' || glob[i] == '/')
                        return 0;
        }
        return i + 1;
}

static unsigned char class_byte(const char *glob, size_t *i)
{
        if (glob[*i] == '\\')
                ++*i;
        return (unsigned char)glob[(*i)++];
}

/* @i is the '[' of a class that has an end. */
static bool class_has(const char *glob, size_t i, unsigned char byte)
{
        bool negated, found = false;

        i++;
        negated = glob[i] == '!' || glob[i] == '^';
        if (negated)
                i++;
        do {
                unsigned char low = class_byte(glob, &i), high = low;

                if (glob[i] == '-' && glob[i + 1] != ']') {
                        i++;
                        high = class_byte(glob, &i);
                }
                if (low <= byte && byte <= high)
                        found = true;
        } while (glob[i] != ']');
        return found != negated && byte != '/';
}

static struct token scan_stars(const char *glob, size_t i)
{
        size_t next = i + 2;

        if (glob[next] == '/')
                next++;
        else if (i == 0 && !strpbrk(glob + next, "*?[]\\"))
                return (struct token){.kind = TOKEN_ANY, .next = next};
        return (struct token){.kind = glob[next] ? TOKEN_DIRS : TOKEN_ANY, .next = next};
}

static struct token scan(const char *glob, size_t i)
{
        size_t end;

        switch (glob[i]) {
        case '\0':
                return (struct token){.kind = TOKEN_END, .next = i};
        case '?':
                return (struct token){.kind = TOKEN_ONE, .next = i + 1};
        case '*':
                if (glob[i + 1] == '*')
                        return scan_stars(glob, i);
                return (struct token){.kind = TOKEN_STAR, .next = i + 1};
        case '[':
                end = class_end(glob, i);
                return (struct token){.kind = end ? TOKEN_CLASS : TOKEN_BAD, .next = end};
        case '\\':
                if (!glob[i + 1])
                        return (struct token){.kind = TOKEN_BAD, .next = i};
                i++;
                break;
        }
        return (struct token){.kind = TOKEN_BYTE, .byte = (unsigned char)glob[i], .next = i + 1};
}

bool lu_glob_valid(const char *glob)
{
        struct token token;

        if (strlen(glob) > LIMIT_STRING)
                return false;
        token = scan(glob, 0);
        while (token.kind != TOKEN_END && token.kind != TOKEN_BAD)
                token = scan(glob, token.next);
        return token.kind == TOKEN_END;
}

char *lu_glob_literal(const char *glob)
{
        struct str run = {}, longest = {};
        struct token token = scan(glob, 0);

        for (; token.kind != TOKEN_END && token.kind != TOKEN_BAD; token = scan(glob, token.next)) {
                if (token.kind != TOKEN_BYTE) {
                        str_clear(&run);
                        continue;
                }
                str_append_char(&run, (char)token.byte);
                if (run.len > longest.len) {
                        str_clear(&longest);
                        str_append_bytes(&longest, run.data, run.len);
                }
        }
        str_done(&run);
        return str_take(&longest);
}

static bool has(const struct positions *set, size_t i)
{
        return set->words[i / 64] >> (i % 64) & 1;
}

static void add(struct positions *set, size_t i)
{
        set->words[i / 64] |= UINT64_C(1) << (i % 64);
        set->n++;
        set->last = i;
}

/* Adds @i, and what is reached from it without reading a byte. */
static void enter(const struct walk *w, struct positions *set, size_t i)
{
        struct token token;

        do {
                if (has(set, i))
                        return;
                add(set, i);
                token = scan(w->glob, i);
                i = token.next;
        } while (token.kind >= TOKEN_STAR);
}

/* Reads one byte at position @i. */
static void advance(struct walk *w, size_t i, unsigned char byte)
{
        struct token token = scan(w->glob, i);

        switch (token.kind) {
        case TOKEN_END:
        case TOKEN_BAD:
                break;
        case TOKEN_BYTE:
                if (byte == token.byte)
                        enter(w, w->next, token.next);
                break;
        case TOKEN_ONE:
                if (byte != '/')
                        enter(w, w->next, token.next);
                break;
        case TOKEN_CLASS:
                if (class_has(w->glob, i, byte))
                        enter(w, w->next, token.next);
                break;
        case TOKEN_STAR:
                if (byte != '/')
                        enter(w, w->next, i);
                break;
        case TOKEN_DIRS:
                if (!has(w->next, i))
                        add(w->next, i);
                if (byte == '/')
                        enter(w, w->next, token.next);
                break;
        case TOKEN_ANY:
                enter(w, w->next, i);
                break;
        }
}

static void clear(const struct walk *w, struct positions *set)
{
        memset(set->words, 0, w->n_words * sizeof(set->words[0]));
        set->n = 0;
}

static void read_byte(struct walk *w, unsigned char byte)
{
        struct positions *read = w->now;

        clear(w, w->next);
        for (size_t word = 0; word < w->n_words; word++)
                for (uint64_t bits = read->words[word]; bits; bits &= bits - 1)
                        advance(w, word * 64 + (size_t)__builtin_ctzll(bits), byte);
        w->now = w->next;
        w->next = read;
}

/*
 * With "any directories" as the only possibility, nothing can happen before the next '/'. This is
 * where most paths spend their time with most patterns.
 */
static bool only_directories(const struct walk *w)
{
        return w->now->n == 1 && scan(w->glob, w->now->last).kind == TOKEN_DIRS;
}

static unsigned relation_at_end(struct walk *w, const char *path)
{
        unsigned relation = has(w->now, w->len) ? LU_GLOB_SELF : 0;

        if (*path)
                read_byte(w, '/');
        if (w->now->n > (has(w->now, w->len) ? 1 : 0))
                relation |= LU_GLOB_BELOW;
        return relation;
}

static unsigned relate(const char *glob, const char *path, bool stop_above)
{
        struct walk w; /* of its sets, as much is used and cleared as the glob is long */

        w.glob = glob;
        w.len = strlen(glob);
        if (w.len > LIMIT_STRING)
                return 0;
        w.n_words = w.len / 64 + 1;
        w.now = &w.sets[0];
        w.next = &w.sets[1];
        clear(&w, w.now);
        enter(&w, w.now, 0);
        for (const char *p = path; *p; p++) {
                if (stop_above && *p == '/' && has(w.now, w.len))
                        return LU_GLOB_ABOVE;
                if (only_directories(&w)) {
                        p = strchrnul(p, '/');
                        if (!*p)
                                return LU_GLOB_BELOW;
                }
                read_byte(&w, (unsigned char)*p);
                if (w.now->n == 0)
                        return 0;
        }
        return relation_at_end(&w, path);
}

unsigned lu_glob_relate(const char *glob, const char *path)
{
        return relate(glob, path, true);
}

bool lu_glob_match(const char *glob, const char *path)
{
        return relate(glob, path, false) & LU_GLOB_SELF;
}
