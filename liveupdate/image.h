/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* Image references as text ("localhost:5000/web:dev@sha256:…"). No registry is asked. */

/*
 * The repository of an image reference after normalisation, so that two spellings of one image
 * compare equal: "docker.io/library/nginx" for "nginx:1.27@sha256:…". The caller frees it.
 */
char *lu_image_repository(const char *reference);
