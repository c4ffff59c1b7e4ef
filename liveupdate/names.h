/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * How Kubernetes writes names and label selectors, and how images are named: syntax only.
 * https://kubernetes.io/docs/concepts/overview/working-with-objects/names/ and …/labels/
 */

#include <stdbool.h>

#include "base/err.h"

/* A DNS subdomain name of RFC 1123, as most objects have. */
bool lu_is_dns_name(const char *text);
/*
 * kubectl's selector syntax: "app=web,tier!=db,env in (a,b),x notin (c),y,!z". -EINVAL, with what
 * is expected where.
 */
int lu_label_selector_check(const char *text, struct err *err);
/* What is wrong with @text as an image repository without tag and digest; NULL: nothing. */
const char *lu_repository_problem(const char *text);
