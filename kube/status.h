/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * A Kubernetes `Status`: the body of a refused request, the object of a watch's ERROR event, the
 * last word of an exec stream. Pure.
 *
 * The Status of an exec stream names neither kind nor apiVersion, so what counts is `status` being
 * "Success" or "Failure"; another kind is no Status.
 */

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

/* All strings are owned and never NULL when @valid. */
struct kube_status {
        bool valid;
        bool success;
        char *reason;           /* "NotFound", "NonZeroExitCode", ...; "" when not given */
        char *message;          /* for people; "" when not given */
        int code;               /* HTTP status; 0 when not given */
        int exit_code;          /* of the cause "ExitCode"; -1: none (a success has none either) */
        bool rv_too_large;      /* the cause "ResourceVersionTooLarge" is there */
        unsigned retry_after_s; /* details.retryAfterSeconds; 0 when not given */
};

/* -EINVAL: not JSON, or not a Status; *ret_status is not touched then. */
int kube_status_parse(const char *text, size_t len, struct kube_status *ret_status);
/* The same of an object that is parsed already. */
int kube_status_from_json(const json_t *object, struct kube_status *ret_status);
/* Zeroed memory is fine. */
void kube_status_done(struct kube_status *s);

/*
 * A refusal in words: "403 Forbidden: pods is forbidden: ...". Takes the message of the Status in
 * @body, else the head of @body on one line. The caller frees it.
 */
char *kube_status_describe(int http_status, const char *body, size_t len);
