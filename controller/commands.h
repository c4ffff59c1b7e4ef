/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/* The commands of the CLI, one file each (controller/cmd_*.c). All return an exit code. */

#include "controller/options.h"

int cmd_run(const struct options *options);
int cmd_validate(const struct options *options);
int cmd_explain(const struct options *options);
int cmd_status(const struct options *options);
int cmd_crds(const struct options *options);

/* Prints "sluice: MESSAGE" on stderr and returns @exit_code. */
int command_failed(int exit_code, const char *message);
