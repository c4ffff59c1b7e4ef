/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Records on stderr, one line each, as text or as JSON.
 *
 * Libraries (base, kube, liveupdate, deploy) return errors and log at debug level only; the
 * controller logs each failure once. A record has a message and up to a handful of named fields.
 * No token, header or file content ever goes into one.
 *
 *         log_info("watching", LOG_S("workspace", path), LOG_U("files", n));
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/macro.h"

enum log_level {
        LOG_ERROR,
        LOG_WARNING,
        LOG_INFO,
        LOG_DEBUG,
};

enum log_format {
        LOG_TEXT, /* coloured when stderr is a terminal */
        LOG_JSON,
};

struct log_field {
        const char *key;
        const char *text; /* NULL: the number counts */
        uint64_t number;
};

#define LOG_S(k, v) ((struct log_field){.key = (k), .text = (v)})
#define LOG_U(k, v) ((struct log_field){.key = (k), .number = (uint64_t)(v)})

/* The only mutable global of the program is behind these two. */
void log_setup(enum log_level level, enum log_format format);
bool log_enabled(enum log_level level);
enum log_format log_current_format(void);

void log_record(enum log_level level, const char *message, const struct log_field *fields,
                size_t n_fields);

#define log_at(level, message, ...)                                                           \
        do {                                                                                  \
                if (log_enabled(level)) {                                                     \
                        const struct log_field _fields[] = {{}, ##__VA_ARGS__};               \
                        log_record((level), (message), _fields + 1, ARRAY_SIZE(_fields) - 1); \
                }                                                                             \
        } while (0)
#define log_error(message, ...)   log_at(LOG_ERROR, message, ##__VA_ARGS__)
#define log_warning(message, ...) log_at(LOG_WARNING, message, ##__VA_ARGS__)
#define log_info(message, ...)    log_at(LOG_INFO, message, ##__VA_ARGS__)
#define log_debug(message, ...)   log_at(LOG_DEBUG, message, ##__VA_ARGS__)
