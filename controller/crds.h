/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* the files below manifests/crd as one YAML stream; made from these files at build time
 * (hack/embed). */
extern const char crds_text[];
