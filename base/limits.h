/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * Every size that an outsider chooses, in one place: the API server, a container, a file on disk.
 * Bytes unless said otherwise.
 */

#define LIMIT_KUBECONFIG          ((size_t)4 << 20)   /* one kubeconfig file */
#define LIMIT_CREDENTIAL_FILE     ((size_t)1 << 20)   /* a certificate, key or token file */
#define LIMIT_RESPONSE            ((size_t)256 << 20) /* the body of one API response (a list) */
#define LIMIT_ERROR_BODY          ((size_t)64 << 10) /* the body of a refused request, kept for people */
#define LIMIT_WATCH_LINE          ((size_t)16 << 20) /* one watch event */
#define LIMIT_EXEC_STATUS         ((size_t)1 << 20)  /* the Status on channel 3 */
#define LIMIT_EXEC_URL            ((size_t)2000) /* path and query of an exec; KUBERNETES.md 8.2 */
#define LIMIT_MANIFEST            ((size_t)16 << 20) /* one file of LiveUpdates */
#define LIMIT_IGNORE_FILE         ((size_t)1 << 20)  /* one .dockerignore */
#define LIMIT_STEPS               ((size_t)128)      /* steps of a LiveUpdate */
#define LIMIT_LIST                ((size_t)256)      /* items of any other list in a spec */
#define LIMIT_STRING              ((size_t)4096)     /* a string in a spec */
#define LIMIT_NAME                ((size_t)253)      /* a name in a spec: a DNS subdomain */
#define LIMIT_IMAGES              ((size_t)32)       /* images of a LiveUpdate */
#define LIMIT_RUN_OUTPUT_TAIL     ((size_t)2048)     /* output of a failed run kept for status */
#define LIMIT_STATUS_CONTAINERS   ((size_t)100)      /* containers listed in a status */
#define LIMIT_CONDITION_MESSAGE   ((size_t)4096)     /* a condition's message */
#define LIMIT_EXECS_PER_CONTAINER 8                  /* at once; KUBERNETES.md 10 */
