/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

/*
 * The command line, parsed once. Everything is borrowed from argv but the lists.
 */

#include <stdbool.h>

#include "base/err.h"
#include "base/strv.h"
#include "kube/config.h"

struct options {
        const char *command;   /* "run", "validate", …, "help" */
        struct strv files;     /* -f */
        struct strv names;     /* what is left: LiveUpdates, or paths */
        const char *workspace; /* --workspace, or NULL: the current directory */
        const char *kubeconfig, *context, *namespace_;
        const char *owner, *listen;
        const char *output; /* -o: "json", "yaml", or NULL */
        bool all, all_namespaces, take_over, watch;
        bool json_log;
        unsigned verbosity; /* -v, counted */
        bool help;
};

/* Exit codes of the program. */
enum {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2, /* or invalid input */
};

/* -EINVAL: @err says which word is wrong and where to read more. */
int options_parse(int argc, char **argv, struct options *ret_options, struct err *err);
void options_done(struct options *options);
/* The text of `sluice help` or of `sluice COMMAND --help` (@command may be NULL). */
const char *options_help(const char *command);

static inline struct kube_config_params options_kube(const struct options *o)
{
        return (struct kube_config_params){
                .kubeconfig = o->kubeconfig,
                .context = o->context,
                .namespace_ = o->namespace_,
        };
}
