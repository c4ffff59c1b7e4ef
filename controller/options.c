/* SPDX-License-Identifier: Apache-2.0 */
#include "controller/options.h"

/*
 * One table says for every option which commands know it, so that `sluice validate --listen x` is
 * refused instead of ignored. getopt_long does the parsing; the short options are those of kubectl.
 */

#include <errno.h>
#include <getopt.h>

#include "base/str.h"

enum command_bit {
        IN_RUN = 1 << 0,
        IN_VALIDATE = 1 << 1,
        IN_EXPLAIN = 1 << 2,
        IN_STATUS = 1 << 3,
        IN_OTHER = 1 << 4, /* crds, version, help */
};

static const struct command {
        const char *name;
        unsigned bit;
        const char *help;
} commands[] = {
        {"run", IN_RUN,
         "usage: sluice run -f FILE|DIR… | NAME… | --all\n"
         "Keeps running containers equal to the workspace.\n\n"
         "  -f FILE|DIR          LiveUpdates from files; may be repeated\n"
         "  NAME…                these LiveUpdates of the cluster\n"
         "  --all                every LiveUpdate of the namespace (with -A: of all)\n"
         "  -A                   all namespaces\n"
         "  --workspace DIR      the working tree (default: the current directory)\n"
         "  --owner NAME         who acts on an object (default: user@host)\n"
         "  --take-over          act on objects that another owner holds\n"
         "  --listen ADDR:PORT   serve /healthz, /readyz, /metrics (and /status)\n"
         "  --log-format FORMAT  text or json; json prints a record per event on stdout\n"
         "  -v                   say more; -vv for debugging\n"
         "  --kubeconfig FILE, --context NAME, -n NAMESPACE   as in kubectl\n"},
        {"validate", IN_VALIDATE,
         "usage: sluice validate -f FILE|DIR… [--workspace DIR]\n"
         "Silent and 0 when everything is valid; else a line per fault and 2.\n\n"
         "  --workspace DIR  also check that basePath and contexts exist there\n"
         "  -v               print warnings as well\n"},
        {"explain", IN_EXPLAIN,
         "usage: sluice explain -f FILE|DIR… [--workspace DIR] [-o json] PATH…\n"
         "       sluice explain NAME PATH…\n"
         "Says which rule holds for a path, and what would be sent, run and restarted.\n"
         "Relative paths are relative to the workspace; a path that does not exist is\n"
         "explained as a deletion.\n"},
        {"status", IN_STATUS,
         "usage: sluice status [NAME] [-n NAMESPACE | -A] [-w] [-o json|yaml]\n"
         "Shows the LiveUpdates of the cluster and how they are doing.\n"},
        {"crds", IN_OTHER,
         "usage: sluice crds\n"
         "Prints the CustomResourceDefinitions: sluice crds | kubectl apply -f -\n"},
        {"version", IN_OTHER, "usage: sluice version\n"},
        {"help", IN_OTHER,
         "Sluice keeps running containers equal to your working tree.\n\n"
         "  sluice run -f FILE… | NAME… | --all   keep containers equal to the workspace\n"
         "  sluice validate -f FILE…              check LiveUpdates in files\n"
         "  sluice explain -f FILE… PATH…         what a change of a path would do\n"
         "  sluice status [NAME]                  how the cluster's LiveUpdates are doing\n"
         "  sluice crds                           print the CRDs for kubectl apply\n"
         "  sluice version\n\n"
         "sluice COMMAND --help says more. Exit codes: 0 done, 1 failed, 2 usage or invalid "
         "input.\n"},
};

enum {
        OPT_WORKSPACE = 256,
        OPT_KUBECONFIG,
        OPT_CONTEXT,
        OPT_OWNER,
        OPT_TAKE_OVER,
        OPT_LISTEN,
        OPT_LOG_FORMAT,
        OPT_ALL,
};

#define IN_CLUSTER (IN_RUN | IN_STATUS | IN_EXPLAIN)
#define IN_FILES   (IN_RUN | IN_VALIDATE | IN_EXPLAIN)

static const struct known {
        struct option option;
        unsigned commands;
} known[] = {
        {{"filename", required_argument, NULL, 'f'}, IN_FILES},
        {{"workspace", required_argument, NULL, OPT_WORKSPACE}, IN_FILES},
        {{"kubeconfig", required_argument, NULL, OPT_KUBECONFIG}, IN_CLUSTER},
        {{"context", required_argument, NULL, OPT_CONTEXT}, IN_CLUSTER},
        {{"namespace", required_argument, NULL, 'n'}, IN_CLUSTER},
        {{"all-namespaces", no_argument, NULL, 'A'}, IN_RUN | IN_STATUS},
        {{"all", no_argument, NULL, OPT_ALL}, IN_RUN},
        {{"owner", required_argument, NULL, OPT_OWNER}, IN_RUN},
        {{"take-over", no_argument, NULL, OPT_TAKE_OVER}, IN_RUN},
        {{"listen", required_argument, NULL, OPT_LISTEN}, IN_RUN},
        {{"log-format", required_argument, NULL, OPT_LOG_FORMAT}, IN_RUN},
        {{"output", required_argument, NULL, 'o'}, IN_EXPLAIN | IN_STATUS},
        {{"watch", no_argument, NULL, 'w'}, IN_STATUS},
        {{"verbose", no_argument, NULL, 'v'}, IN_CLUSTER | IN_FILES},
        {{"help", no_argument, NULL, 'h'}, ~0u},
};

static const struct command *find_command(const char *name)
{
        for (size_t i = 0; i < ARRAY_SIZE(commands); i++)
                if (streq(commands[i].name, name))
                        return &commands[i];
        return NULL;
}

const char *options_help(const char *command)
{
        const struct command *c = command ? find_command(command) : NULL;

        return (c ? c : find_command("help"))->help;
}

static int set_log_format(struct options *o, const char *value, struct err *err)
{
        if (!streq(value, "text") && !streq(value, "json"))
                return err_set(err, -EINVAL, "--log-format is text or json, not '%s'", value);
        o->json_log = streq(value, "json");
        return 0;
}

static int set_output(struct options *o, const char *value, struct err *err)
{
        if (!streq(value, "json") && !(streq(value, "yaml") && streq(o->command, "status")))
                return err_set(err, -EINVAL, "-o %s is not known to 'sluice %s'", value,
                               o->command);
        o->output = value;
        return 0;
}

static int set_flag(struct options *o, int value)
{
        switch (value) {
        case 'A':
                o->all_namespaces = true;
                break;
        case OPT_ALL:
                o->all = true;
                break;
        case OPT_TAKE_OVER:
                o->take_over = true;
                break;
        case 'w':
                o->watch = true;
                break;
        case 'v':
                o->verbosity++;
                break;
        case 'h':
                o->help = true;
                break;
        }
        return 0;
}

static int set_option(struct options *o, int value, const char *argument, struct err *err)
{
        switch (value) {
        case 'f':
                strv_push(&o->files, argument);
                return 0;
        case OPT_WORKSPACE:
                o->workspace = argument;
                return 0;
        case OPT_KUBECONFIG:
                o->kubeconfig = argument;
                return 0;
        case OPT_CONTEXT:
                o->context = argument;
                return 0;
        case 'n':
                o->namespace_ = argument;
                return 0;
        case OPT_OWNER:
                o->owner = argument;
                return 0;
        case OPT_LISTEN:
                o->listen = argument;
                return 0;
        case OPT_LOG_FORMAT:
                return set_log_format(o, argument, err);
        case 'o':
                return set_output(o, argument, err);
        }
        return set_flag(o, value);
}

/* The options that @command knows, for getopt_long. */
static void options_of(unsigned bit, struct option out[static ARRAY_SIZE(known) + 1])
{
        size_t n = 0;

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (known[i].commands & bit)
                        out[n++] = known[i].option;
        out[n] = (struct option){};
}

static bool short_option_allowed(unsigned bit, int value)
{
        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (known[i].option.val == value)
                        return known[i].commands & bit;
        return false;
}

int options_parse(int argc, char **argv, struct options *ret_options, struct err *err)
{
        struct option table[ARRAY_SIZE(known) + 1];
        struct options *o = ret_options;
        const struct command *command;
        int value, r;

        *o = (struct options){.command = argc > 1 ? argv[1] : "help"};
        if (streq(o->command, "--help") || streq(o->command, "-h"))
                o->command = "help";
        if (streq(o->command, "--version"))
                o->command = "version";
        command = find_command(o->command);
        if (!command)
                return err_set(err, -EINVAL, "'%s' is not a command; see 'sluice help'",
                               o->command);
        options_of(command->bit, table);
        opterr = 0;
        optind = 2;
        while (argc > 1 && (value = getopt_long(argc, argv, ":f:n:o:Awvh", table, NULL)) != -1) {
                const char *word = argv[optind - 1];

                if (value == ':')
                        return err_set(err, -EINVAL, "%s needs a value; see 'sluice %s --help'",
                                       word, o->command);
                if (value == '?' || !short_option_allowed(command->bit, value))
                        return err_set(err, -EINVAL,
                                       "'sluice %s' does not know the option '%s'; see 'sluice %s "
                                       "--help'",
                                       o->command, word, o->command);
                r = set_option(o, value, optarg, err);
                if (r < 0)
                        return r;
        }
        for (int i = optind; argc > 1 && i < argc; i++)
                strv_push(&o->names, argv[i]);
        return 0;
}

void options_done(struct options *options)
{
        strv_done(&options->files);
        strv_done(&options->names);
}
