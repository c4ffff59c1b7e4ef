/* SPDX-License-Identifier: Apache-2.0 */
#include "base/timestamp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"

uint64_t timestamp_now(void)
{
        struct timespec now;

        clock_gettime(CLOCK_REALTIME, &now);
        return (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec;
}

/* Reads exactly @digits decimal digits and moves on. */
static int read_digits(const char **p, int digits, int *ret_value)
{
        int value = 0;

        for (int i = 0; i < digits; i++, (*p)++) {
                if (**p < '0' || **p > '9')
                        return -EINVAL;
                value = value * 10 + (**p - '0');
        }
        *ret_value = value;
        return 0;
}

static int read_fraction(const char **p, uint64_t *ret_nsec)
{
        uint64_t nsec = 0, unit = NSEC_PER_SEC / 10;

        if (**p != '.') {
                *ret_nsec = 0;
                return 0;
        }
        (*p)++;
        if (**p < '0' || **p > '9')
                return -EINVAL;
        for (; **p >= '0' && **p <= '9'; (*p)++, unit /= 10)
                nsec += (uint64_t)(**p - '0') * unit;
        *ret_nsec = nsec;
        return 0;
}

/* "Z" or "+02:00": seconds east of UTC. */
static int read_offset(const char **p, int *ret_seconds)
{
        int sign, hours, minutes;

        if (**p == 'Z' || **p == 'z') {
                (*p)++;
                *ret_seconds = 0;
                return 0;
        }
        if (**p != '+' && **p != '-')
                return -EINVAL;
        sign = *(*p)++ == '-' ? -1 : 1;
        if (read_digits(p, 2, &hours) < 0 || *(*p)++ != ':' || read_digits(p, 2, &minutes) < 0)
                return -EINVAL;
        *ret_seconds = sign * (hours * 3600 + minutes * 60);
        return 0;
}

int timestamp_parse(const char *text, uint64_t *ret_nsec)
{
        struct tm tm = {};
        uint64_t fraction;
        int offset;
        const char *p = text;

        if (strnlen(text, 20) < 20)
                return -EINVAL;
        if (read_digits(&p, 4, &tm.tm_year) < 0 || *p++ != '-' ||
            read_digits(&p, 2, &tm.tm_mon) < 0 || *p++ != '-' ||
            read_digits(&p, 2, &tm.tm_mday) < 0 || (*p != 'T' && *p != 't'))
                return -EINVAL;
        p++;
        if (read_digits(&p, 2, &tm.tm_hour) < 0 || *p++ != ':' ||
            read_digits(&p, 2, &tm.tm_min) < 0 || *p++ != ':' || read_digits(&p, 2, &tm.tm_sec) < 0)
                return -EINVAL;
        if (read_fraction(&p, &fraction) < 0 || read_offset(&p, &offset) < 0 || *p)
                return -EINVAL;
        tm.tm_year -= 1900;
        tm.tm_mon -= 1;
        time_t seconds = timegm(&tm) - offset;
        if (seconds < 0)
                return -EINVAL;
        *ret_nsec = (uint64_t)seconds * NSEC_PER_SEC + fraction;
        return 0;
}

void timestamp_format(uint64_t nsec, char text[static TIMESTAMP_TEXT_SIZE])
{
        time_t seconds = (time_t)(nsec / NSEC_PER_SEC);
        struct tm tm;

        gmtime_r(&seconds, &tm);
        strftime(text, TIMESTAMP_TEXT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

char *timestamp_format_micro(uint64_t nsec)
{
        char text[TIMESTAMP_TEXT_SIZE];

        timestamp_format(nsec, text);
        return xasprintf("%.19s.%06uZ", text, (unsigned)(nsec % NSEC_PER_SEC / 1000));
}
