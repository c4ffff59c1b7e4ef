/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The selector is parsed as the API server parses it (words between the signs and spaces), so what
 * passes here does not come back as a 400 from a list of pods. Nothing is matched here: the server
 * does that.
 */
#include "liveupdate/names.h"

#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "base/mem.h"
#include "base/str.h"

#define LABEL_MAX 63 /* characters of a label's name and of its value */

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"
#define SIGNS  " \t\r\n,()=!<>"

static bool only(struct view v, const char *accept)
{
        for (size_t i = 0; i < v.len; i++)
                if (!v.data[i] || !strchr(accept, v.data[i]))
                        return false;
        return true;
}

static bool is_alphanumeric(char c)
{
        return c && strchr(LOWER UPPER DIGITS, c);
}

static bool is_dns_name(struct view v)
{
        if (v.len == 0 || v.len > LIMIT_NAME || !only(v, LOWER DIGITS "-."))
                return false;
        for (size_t i = 0; i <= v.len; i++) {
                bool edge = i == v.len || v.data[i] == '.';
                char before = i > 0 ? v.data[i - 1] : '.';

                if (edge && !is_alphanumeric(before))
                        return false;
                if (before == '.' && (i == v.len || !is_alphanumeric(v.data[i])))
                        return false;
        }
        return true;
}

bool lu_is_dns_name(const char *text)
{
        return is_dns_name(view_of(text, strlen(text)));
}

/* The name part of a label's key, or a value that is not empty. */
static bool is_label_word(struct view v)
{
        return v.len > 0 && v.len <= LABEL_MAX && only(v, LOWER UPPER DIGITS "-_.") &&
               is_alphanumeric(v.data[0]) && is_alphanumeric(v.data[v.len - 1]);
}

static bool is_label_key(struct view v)
{
        const char *slash = v.len ? memchr(v.data, '/', v.len) : NULL;
        size_t n;

        if (!slash)
                return is_label_word(v);
        n = (size_t)(slash - v.data);
        return is_dns_name(view_of(v.data, n)) && is_label_word(view_of(slash + 1, v.len - n - 1));
}

struct scan {
        const char *text, *p;
};

static void skip_space(struct scan *s)
{
        s->p += strspn(s->p, " \t\r\n");
}

static bool accept(struct scan *s, const char *sign)
{
        skip_space(s);
        if (!starts_with(s->p, sign))
                return false;
        s->p += strlen(sign);
        return true;
}

static struct view word(struct scan *s)
{
        struct view v;

        skip_space(s);
        v = view_of(s->p, strcspn(s->p, SIGNS));
        s->p += v.len;
        return v;
}

static int expected(const struct scan *s, const char *what, struct err *err)
{
        if (s->p == s->text)
                return err_set(err, -EINVAL, "%s is expected at the beginning", what);
        return err_set(err, -EINVAL, "%s is expected after '%.*s'", what, (int)(s->p - s->text),
                       s->text);
}

static int scan_key(struct scan *s, struct err *err)
{
        struct view v = word(s);

        if (v.len == 0)
                return expected(s, "a label's key", err);
        if (!is_label_key(v))
                return err_set(err, -EINVAL, "'%.*s' is not a label's key", (int)v.len, v.data);
        return 0;
}

static int scan_value(struct scan *s, struct err *err)
{
        struct view v = word(s);

        if (v.len > 0 && !is_label_word(v))
                return err_set(err, -EINVAL, "'%.*s' is not a label's value", (int)v.len, v.data);
        return 0;
}

static int scan_set(struct scan *s, struct err *err)
{
        int r;

        if (!accept(s, "("))
                return expected(s, "'('", err);
        if (accept(s, ")"))
                return err_set(err, -EINVAL, "the list '()' is empty");
        do {
                r = scan_value(s, err);
                if (r < 0)
                        return r;
        } while (accept(s, ","));
        return accept(s, ")") ? 0 : expected(s, "',' or ')'", err);
}

static int scan_requirement(struct scan *s, struct err *err)
{
        struct view v;
        int r;

        if (accept(s, "!"))
                return scan_key(s, err);
        r = scan_key(s, err);
        if (r < 0)
                return r;
        if (accept(s, "==") || accept(s, "=") || accept(s, "!="))
                return scan_value(s, err);
        v = word(s);
        if (v.len == 0)
                return 0; /* the key alone: it exists */
        if ((v.len == 2 && memcmp(v.data, "in", 2) == 0) ||
            (v.len == 5 && memcmp(v.data, "notin", 5) == 0))
                return scan_set(s, err);
        return err_set(err, -EINVAL, "'%.*s' is not one of =, ==, !=, in, notin", (int)v.len,
                       v.data);
}

int lu_label_selector_check(const char *text, struct err *err)
{
        struct scan s = {.text = text, .p = text};
        int r;

        do {
                r = scan_requirement(&s, err);
                if (r < 0)
                        return r;
        } while (accept(&s, ","));
        skip_space(&s);
        return *s.p ? expected(&s, "','", err) : 0;
}

static bool is_repository_component(struct view v, bool is_host)
{
        return v.len > 0 && only(v, is_host ? LOWER UPPER DIGITS ".-:[]" : LOWER DIGITS "._-") &&
               v.data[0] != '-' && v.data[0] != '.';
}

const char *lu_repository_problem(const char *text)
{
        const char *last = strrchr(text, '/');
        size_t n = strcspn(text, "/");
        struct view first = view_of(text, n);
        bool has_host = last && (memchr(text, '.', n) || memchr(text, ':', n) ||
                                 (n == 9 && memcmp(text, "localhost", 9) == 0));

        if (strstr(text, "://"))
                return "has a scheme: write the repository alone, as in registry.local/web";
        if (strchr(text, '@'))
                return "has a digest: write the repository alone";
        if (strchr(last ? last : text, ':'))
                return "has a tag: write the repository alone";
        if (!is_repository_component(first, has_host))
                return "is not an image repository";
        while (text[n] == '/') {
                const char *component = text + n + 1;
                size_t len = strcspn(component, "/");

                if (!is_repository_component(view_of(component, len), false))
                        return "is not an image repository";
                n += 1 + len;
        }
        return NULL;
}
