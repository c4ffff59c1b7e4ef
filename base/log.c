/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

/*
 * A record is put together in one buffer and written with one write(2), so that records of several
 * processes on one terminal do not mix. Text is made printable (base/str.h), which keeps a record
 * on its line whatever a file is called; JSON is escaped on top of that.
 */

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/str.h"
#include "base/timestamp.h"

static enum log_level current_level = LOG_INFO;
static enum log_format current_format = LOG_TEXT;
static bool current_colour;

static const char *const level_names[] = {"error", "warning", "info", "debug"};
static const char *const level_colours[] = {"\033[31m", "\033[33m", "", "\033[2m"};

void log_setup(enum log_level level, enum log_format format)
{
        current_level = level;
        current_format = format;
        current_colour = format == LOG_TEXT && isatty(STDERR_FILENO);
}

bool log_enabled(enum log_level level)
{
        return level <= current_level;
}

enum log_format log_current_format(void)
{
        return current_format;
}

static void append_json_text(struct str *out, const char *text)
{
        _cleanup_(str_done) struct str plain = {};

        str_append_printable(&plain, text, strlen(text));
        str_append_char(out, '"');
        for (size_t i = 0; i < plain.len; i++) {
                if (plain.data[i] == '"' || plain.data[i] == '\\')
                        str_append_char(out, '\\');
                str_append_char(out, plain.data[i]);
        }
        str_append_char(out, '"');
}

struct record {
        enum log_level level;
        const char *message;
        const struct log_field *fields;
        size_t n_fields;
};

static void format_json(struct str *out, const struct record *r)
{
        char time[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), time);
        str_appendf(out, "{\"ts\":\"%s\",\"level\":\"%s\",\"msg\":", time, level_names[r->level]);
        append_json_text(out, r->message);
        for (size_t i = 0; i < r->n_fields; i++) {
                str_appendf(out, ",\"%s\":", r->fields[i].key);
                if (r->fields[i].text)
                        append_json_text(out, r->fields[i].text);
                else
                        str_appendf(out, "%llu", (unsigned long long)r->fields[i].number);
        }
        str_append(out, "}\n");
}

static void format_text(struct str *out, const struct record *r)
{
        char time[TIMESTAMP_TEXT_SIZE];

        timestamp_format(timestamp_now(), time);
        if (current_colour)
                str_append(out, level_colours[r->level]);
        str_appendf(out, "%.8s %-7s ", time + 11, level_names[r->level]);
        str_append_printable(out, r->message, strlen(r->message));
        for (size_t i = 0; i < r->n_fields; i++) {
                str_appendf(out, "  %s=", r->fields[i].key);
                if (r->fields[i].text)
                        str_append_printable(out, r->fields[i].text, strlen(r->fields[i].text));
                else
                        str_appendf(out, "%llu", (unsigned long long)r->fields[i].number);
        }
        str_append(out, current_colour ? "\033[0m\n" : "\n");
}

void log_record(enum log_level level, const char *message, const struct log_field *fields,
                size_t n_fields)
{
        const struct record record = {
                .level = level, .message = message, .fields = fields, .n_fields = n_fields};
        _cleanup_(str_done) struct str line = {};

        if (current_format == LOG_JSON)
                format_json(&line, &record);
        else
                format_text(&line, &record);
        (void)!write(STDERR_FILENO, line.data, line.len);
}
