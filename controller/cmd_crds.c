/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "controller/commands.h"
#include "controller/crds.h"

int command_failed(int exit_code, const char *message)
{
        fprintf(stderr, "sluice: %s\n", message);
        return exit_code;
}

int cmd_crds(const struct options *options)
{
        if (options->names.n_items > 0)
                return command_failed(EXIT_USAGE, "crds takes no arguments");
        fputs(crds_text, stdout);
        return EXIT_DONE;
}
