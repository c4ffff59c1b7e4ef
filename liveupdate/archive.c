/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/archive.h"

/*
 * One 512-byte header per member. What does not fit in its fields goes in front of it as a member
 * of its own: type 'L' holds the name, 'K' the link target, each with its NUL; all three tars
 * take them where pax records differ. The header proper then carries the first 100 bytes.
 *
 * Numbers are octal text, or, when they do not fit, big-endian binary with the top bit set.
 */

#include <string.h>

struct header {
        char name[100];
        char mode[8], uid[8], gid[8];
        char size[12], mtime[12];
        char checksum[8];
        char type;
        char target[100];
        char magic[6];
        char version[2];
        char user[32], group[32];
        char device_major[8], device_minor[8];
        char prefix[155];
        char unused[12];
};

_Static_assert(sizeof(struct header) == LU_ARCHIVE_BLOCK, "a tar header has 512 bytes");

static void put_number(char *field, size_t size, uint64_t value)
{
        size_t n_digits = size - 1;

        if (value >> (3 * n_digits)) {
                for (size_t i = size; i-- > 0; value >>= 8)
                        field[i] = (char)(value & 0xff);
                field[0] |= (char)0x80;
                return;
        }
        for (size_t i = n_digits; i-- > 0; value >>= 3)
                field[i] = (char)('0' + (value & 7));
        field[n_digits] = '\0';
}

static void put_text(char *field, size_t size, const char *text)
{
        size_t len = strlen(text);

        memcpy(field, text, len < size ? len : size);
}

/* The checksum counts its own field as blanks. */
static void put_checksum(struct header *h)
{
        const unsigned char *bytes = (const unsigned char *)h;
        unsigned sum = 0;

        memset(h->checksum, ' ', sizeof(h->checksum));
        for (size_t i = 0; i < sizeof(*h); i++)
                sum += bytes[i];
        put_number(h->checksum, 7, sum);
}

static void append_header(struct str *out, const struct lu_archive_entry *e, char type)
{
        struct header h = {};

        put_text(h.name, sizeof(h.name), e->name);
        put_number(h.mode, sizeof(h.mode), e->mode & 07777);
        put_number(h.uid, sizeof(h.uid), e->uid);
        put_number(h.gid, sizeof(h.gid), e->gid);
        put_number(h.size, sizeof(h.size), e->size);
        put_number(h.mtime, sizeof(h.mtime), e->mtime);
        h.type = type;
        if (e->target)
                put_text(h.target, sizeof(h.target), e->target);
        memcpy(h.magic, "ustar", 6);
        memcpy(h.version, "00", 2);
        put_checksum(&h);
        str_append_bytes(out, &h, sizeof(h));
}

static void append_long(struct str *out, char type, const char *text)
{
        struct lu_archive_entry e = {
                .name = "././@LongLink",
                .mode = 0644,
                .size = strlen(text) + 1,
        };

        append_header(out, &e, type);
        str_append_bytes(out, text, (size_t)e.size);
        lu_archive_zeros(out, lu_archive_padding(e.size));
}

void lu_archive_entry(struct str *out, const struct lu_archive_entry *entry)
{
        const size_t fits = sizeof((struct header){}.name);

        if (entry->target && strlen(entry->target) > fits)
                append_long(out, 'K', entry->target);
        if (strlen(entry->name) > fits)
                append_long(out, 'L', entry->name);
        append_header(out, entry, entry->target ? '2' : '0');
}

unsigned lu_archive_padding(uint64_t size)
{
        return (unsigned)(-size % LU_ARCHIVE_BLOCK);
}

void lu_archive_zeros(struct str *out, unsigned n)
{
        static const char zeros[LU_ARCHIVE_BLOCK];

        for (; n > sizeof(zeros); n -= sizeof(zeros))
                str_append_bytes(out, zeros, sizeof(zeros));
        str_append_bytes(out, zeros, n);
}

void lu_archive_end(struct str *out, uint64_t written)
{
        unsigned over = (unsigned)((written + 2 * LU_ARCHIVE_BLOCK) % LU_ARCHIVE_RECORD);

        lu_archive_zeros(out, 2 * LU_ARCHIVE_BLOCK + (over ? LU_ARCHIVE_RECORD - over : 0));
}
