/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * JSON by path: "metadata.labels" walks objects. Keys that hold a dot (annotations) are reached
 * with jansson itself. Getters borrow and accept NULL; setters make the objects on the way.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/macro.h"

json_t *jx_get(const json_t *o, const char *path);
/* The string, or NULL. */
const char *jx_text(const json_t *o, const char *path);
int64_t jx_int(const json_t *o, const char *path, int64_t otherwise);
bool jx_true(const json_t *o, const char *path);
/* True when the value is missing, null, "", {} or []. */
bool jx_empty(const json_t *o, const char *path);

void jx_put_take(json_t *o, const char *path, json_t *value);
void jx_put(json_t *o, const char *path, const json_t *value); /* a deep copy; NULL drops */
void jx_put_text(json_t *o, const char *path, const char *text);
void jx_put_int(json_t *o, const char *path, int64_t number);
void jx_drop(json_t *o, const char *path);
/* The object or array at @path, made when missing. Borrowed. */
json_t *jx_object_at(json_t *o, const char *path);
json_t *jx_array_at(json_t *o, const char *path);

/* The element of @array whose @field is the string @value, or NULL. */
json_t *jx_find(const json_t *array, const char *field, const char *value);
/* Compact text with the order of insertion kept; the caller frees it. */
char *jx_dump(const json_t *o);
