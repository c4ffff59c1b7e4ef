/* SPDX-License-Identifier: Apache-2.0 */
#include "base/err.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

static char *format_text(const char *format, va_list args)
{
        char *text;

        if (vasprintf(&text, format, args) < 0)
                out_of_memory();
        return text;
}

static void take_message(struct err *err, char *text)
{
        free(err->message);
        err->message = text;
}

int err_set(struct err *err, int r, const char *format, ...)
{
        va_list args;

        assert(r < 0);
        if (!err)
                return r;
        va_start(args, format);
        take_message(err, format_text(format, args));
        va_end(args);
        return r;
}

int err_errno(struct err *err, int r, const char *format, ...)
{
        va_list args;
        _cleanup_(freep) char *text = NULL;

        assert(r < 0);
        if (!err)
                return r;
        va_start(args, format);
        text = format_text(format, args);
        va_end(args);
        take_message(err, xasprintf("%s: %s", text, strerror(-r)));
        return r;
}

int err_wrap(struct err *err, int r, const char *format, ...)
{
        va_list args;
        _cleanup_(freep) char *text = NULL;

        assert(r < 0);
        if (!err)
                return r;
        va_start(args, format);
        text = format_text(format, args);
        va_end(args);
        take_message(err, xasprintf("%s: %s", text, err_text(err)));
        return r;
}

const char *err_text(const struct err *err)
{
        return err && err->message ? err->message : "unknown error";
}

void err_done(struct err *err)
{
        free(err->message);
        err->message = NULL;
}
