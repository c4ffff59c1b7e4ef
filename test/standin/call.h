/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * One request for the API, as the verbs see it: the resource and the names out of its path. It
 * lives on the stack of the dispatcher; a watch or an exec copies what it keeps.
 */

#include <jansson.h>

#include "test/standin/http.h"
#include "test/standin/store.h"

struct standin;

struct call {
        struct standin *standin;
        struct http *http;
        struct resource *asked;    /* what the path names */
        struct resource *resource; /* where its objects are: the same, but for virtual ones */
        const char *ns;            /* or NULL */
        const char *name;          /* or NULL */
        const char *sub;           /* subresource, or NULL */
};

/* A Status of failure. The caller owns it. */
json_t *status_new(int code, const char *reason, const char *message);
/* Answers with a Status of failure. Returns -ECANCELED: "it has been answered". */
int call_fail(struct call *c, int code, const char *reason, const char *format, ...) _printf_(4, 5);
/* 404 for the object that @c names. */
int call_not_found(struct call *c);
/* Answers with @body, which stays the caller's. */
void call_answer(struct call *c, int code, const json_t *body);
void http_answer_json(struct http *h, int code, const json_t *body);

/* Parses the body as a JSON object. NULL: answered with 400 or 415. The caller owns it. */
json_t *call_body(struct call *c);
