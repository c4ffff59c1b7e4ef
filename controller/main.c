/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/macro.h"
#include "base/str.h"
#include "controller/commands.h"

static int cmd_version(const struct options *options)
{
        printf("sluice %s\n", SLUICE_VERSION);
        return EXIT_DONE;
}

static int cmd_help(const struct options *options)
{
        const char *topic = options->names.n_items > 0 ? options->names.items[0] : NULL;

        fputs(options_help(topic), stdout);
        return EXIT_DONE;
}

static const struct {
        const char *name;
        int (*run)(const struct options *options);
} commands[] = {
        {"run", cmd_run},       {"validate", cmd_validate}, {"explain", cmd_explain},
        {"status", cmd_status}, {"crds", cmd_crds},         {"version", cmd_version},
        {"help", cmd_help},
};

static int dispatch(const struct options *options)
{
        if (options->help) {
                fputs(options_help(options->command), stdout);
                return EXIT_DONE;
        }
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (streq(commands[i].name, options->command))
                        return commands[i].run(options);
        return EXIT_USAGE;
}

int main(int argc, char **argv)
{
        _cleanup_(options_done) struct options options = {};
        _cleanup_(err_done) struct err err = {};
        int exit_code;

        if (options_parse(argc, argv, &options, &err) < 0)
                return command_failed(EXIT_USAGE, err_text(&err));
        log_setup(options.verbosity > 1 ? LOG_DEBUG : LOG_INFO,
                  options.json_log ? LOG_JSON : LOG_TEXT);
        exit_code = dispatch(&options);
        if (fflush(stdout) != 0 && exit_code == EXIT_DONE)
                return command_failed(EXIT_FAILED, "writing to standard output failed");
        return exit_code;
}
