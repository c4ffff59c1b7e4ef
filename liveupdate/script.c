/* SPDX-License-Identifier: Apache-2.0 */
#include "liveupdate/script.h"

/*
 * Everything that evaluates stands behind a check, for a shell that lost its place in the stream
 * would run the content of a file as commands: a line must begin with the token, a block must end
 * with it, and when a chunk cannot be read whole the reader says so and swallows the rest.
 *
 * Lines cost the shell one system call a byte, a block costs it a process (dd). So short commands
 * travel as lines; long ones, and those with a newline in a name, as blocks.
 *
 * The archive: a loop of dd, one a chunk, writes into tar. When tar gives up early the rest is
 * thrown away behind it, since a dd that dies of SIGPIPE would leave its chunk in the stream. tar's
 * exit status is kept in slu_r until the line behind the archive has come.
 *
 * A run is a child in the foreground, for a shell's background children ignore SIGINT, and it is
 * executed by a shell of its own session and process group (slu_W): this starts the clock, runs
 * the command, stops the clock, and reaps both, because PID 1 of many containers never does. When
 * the time is over the clock tells both shells (USR1) and ends the group with TERM; when the
 * command is gone, or after five seconds, what is left of the group is killed. Without setsid the
 * program timeout does it; without both nobody does.
 *
 * Names begin with slu_, since a variable of that name in the container's environment would
 * otherwise be changed for the runs.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* A command longer than this travels as a block. */
#define LINE_MAX_BYTES 2048

const char LU_SCRIPT_BOOTSTRAP[] =
        "IFS= read -r slu_t;"
        "while IFS= read -r slu_l;do "
        "case $slu_l in \"$slu_t \"*)eval \"${slu_l#* }\";;*)exit 9;;esac;"
        "done";

/* The lines that define what the rest of a session uses, and for what they are needed. */
static const struct {
        enum lu_script_part part; /* 0: always */
        const char *text;
} setup[] = {
        {0, "slu_r=0;slu_T=0;slu_k=;trap slu_T=1 USR1"},
        /* PHASE CODE: the end of this session */
        {0, "slu_F(){ echo \"$slu_t fail $1 $2\";exit 0; }"},
        /* BYTES: evaluates a block */
        {0, "slu_E(){ slu_x=$(dd bs=$1 count=1 iflag=fullblock 2>/dev/null)||slu_F read $?;"
            "case $slu_x in *\"#$slu_t\")eval \"$slu_x\";;*)slu_F read 1;;esac; }"},
        /* PATH: true when it surely does not exist: what is nearest above it can be looked into */
        {LU_SCRIPT_COMMANDS,
         "slu_H(){ if [ -e \"$1\" ]||[ -L \"$1\" ];then return 1;fi;slu_p=${1%/*};"
         "while [ -n \"$slu_p\" ];do "
         "if [ -e \"$slu_p\" ]||[ -L \"$slu_p\" ];then [ ! -d \"$slu_p\" ]||[ -x \"$slu_p\" ];return;fi;"
         "slu_p=${slu_p%/*};done; }"},
        /* BusyBox rm -f fails where a parent is no directory any more */
        {LU_SCRIPT_COMMANDS, "slu_D(){ LC_ALL=C rm -rf -- \"$@\"&&return;slu_c=$?;"
                             "for slu_f;do slu_H \"$slu_f\"||slu_F remove $slu_c;done; }"},
        {LU_SCRIPT_COMMANDS,
         "slu_C(){ for slu_f;do if [ -d \"$slu_f\" ]&&[ ! -L \"$slu_f\" ];then slu_D \"$slu_f\";fi;done; }"},
        {LU_SCRIPT_COMMANDS,
         "slu_N(){ for slu_f;do if [ ! -d \"$slu_f\" ]||[ -L \"$slu_f\" ];then slu_D \"$slu_f\";fi;done; }"},
        {LU_SCRIPT_COMMANDS,
         "slu_A(){ for slu_f;do if [ ! -d \"$slu_f\" ];then slu_D \"$slu_f\";fi;done; }"},
        {LU_SCRIPT_COMMANDS, "slu_K(){ LC_ALL=C mkdir -p -- \"$@\"||slu_F mkdir $?; }"},
        {LU_SCRIPT_COMMANDS, "slu_O(){ LC_ALL=C chown -- \"$@\"||slu_F owner $?; }"},
        {LU_SCRIPT_ARCHIVE,
         "slu_M(){ while [ $# -gt 0 ];do if [ $slu_r != 0 ];then rm -f -- \"$1\";else "
         "if [ -L \"$2\" ]&&[ -d \"$2\" ];then rm -f -- \"$2\";fi;"
         "if [ -d \"$2\" ];then echo \"$2: Is a directory\">&2;false;else LC_ALL=C mv -f -- \"$1\" \"$2\";fi"
         "||{ slu_c=$?;rm -f -- \"$1\";slu_F rename $slu_c;};"
         "fi;shift 2;done; }"},
        /* tar's options */
        {LU_SCRIPT_ARCHIVE,
         "slu_X(){ { while read -r slu_b slu_n&&[ \"$slu_b\" -gt 0 ];do "
         "dd bs=$slu_b count=$slu_n iflag=fullblock 2>/dev/null||"
         "{ echo \"$slu_t fail read $?\" >&3;while read -r slu_b;do :;done;};done|"
         "{ LC_ALL=C tar \"$@\" -f - -C / >&2||"
         "{ slu_r=$?;dd bs=65536 of=/dev/null 2>/dev/null;exit $slu_r;};};slu_r=$?;} 3>&1; }"},
        {0, "slu_Z(){ case $slu_r in 0)echo \"$slu_t applied\";;void)echo \"$slu_t void\";exit 0;;"
            "*)slu_F archive $slu_r;;esac; }"},
        /*
         * MAIN SECONDS COMMAND…, as the leader of its process group. Its own trap comes after the
         * clock was forked: a shell swallows a signal between fork and the child's own trap.
         */
        {LU_SCRIPT_RUNS,
         "slu_W='(trap \"kill -KILL \\$!;wait;exit\" TERM;sleep $2&wait $!||exit;"
         "trap \"\" TERM;kill -USR1 $1 $$;kill -TERM -$$;sleep 5;kill -KILL -$$"
         ")</dev/null >/dev/null 2>&1&trap : TERM;slu_g=;trap slu_g=1 USR1;shift 2;exec 3>&2 2>/dev/null;"
         "(exec \"$@\" 2>&3 3>&-);slu_c=$?;[ $slu_g ]&&kill -KILL -$$;kill $!;wait $!;exit $slu_c'"},
        {LU_SCRIPT_RUNS,
         "if command -v setsid >/dev/null;then slu_G(){ exec setsid sh -c \"$slu_W\" sh $$ \"$@\"; };"
         "elif command -v timeout >/dev/null;then slu_k=124;slu_G(){ exec timeout -k 5 \"$@\"; };"
         "else slu_G(){ shift;exec \"$@\"; };fi"},
        /* I SECONDS DIRECTORY COMMAND… */
        {LU_SCRIPT_RUNS, "slu_R(){ slu_i=$1;slu_n=$2;slu_d=$3;shift 3;echo \"$slu_t run $slu_i\";"
                         "(cd -- \"$slu_d\"&&slu_G $slu_n \"$@\") </dev/null 2>&1;slu_c=$?;"
                         "[ $slu_c != \"$slu_k\" ]||slu_T=1;"
                         "echo \"$slu_t exit $slu_i $slu_c $slu_T\";[ $slu_c = 0 ]||exit 0; }"},
};

static const char *const verbs[] = {
        [LU_SCRIPT_REMOVE] = "slu_D",           [LU_SCRIPT_REMOVE_DIRECTORIES] = "slu_C",
        [LU_SCRIPT_REMOVE_OTHERS] = "slu_N",    [LU_SCRIPT_REMOVE_ALIENS] = "slu_A",
        [LU_SCRIPT_MAKE_DIRECTORIES] = "slu_K", [LU_SCRIPT_OWN] = "slu_O",
        [LU_SCRIPT_RENAME] = "slu_M",
};

void lu_script_quote(struct str *out, const char *bytes)
{
        str_append_char(out, '\'');
        for (const char *p = bytes; *p;) {
                size_t plain = strcspn(p, "'");

                str_append_bytes(out, p, plain);
                p += plain;
                if (*p == '\'') {
                        str_append(out, "'\\''");
                        p++;
                }
        }
        str_append_char(out, '\'');
}

static void append_line(struct str *out, const char *token, const char *text)
{
        str_appendf(out, "%s ", token);
        str_append(out, text);
        str_append_char(out, '\n');
}

void lu_script_setup(struct str *out, const char *token, unsigned parts)
{
        assert(strlen(token) == LU_TOKEN_SIZE - 1);
        str_appendf(out, "%s\n", token);
        for (size_t i = 0; i < ARRAY_SIZE(setup); i++)
                if (setup[i].part == 0 || (parts & setup[i].part))
                        append_line(out, token, setup[i].text);
}

void lu_script_begin(struct str *command, enum lu_script_verb verb)
{
        str_clear(command);
        str_append(command, verbs[verb]);
}

void lu_script_word(struct str *command, const char *bytes)
{
        str_append_char(command, ' ');
        lu_script_quote(command, bytes);
}

void lu_script_command(struct str *out, const char *token, struct str *command)
{
        if (command->len > LINE_MAX_BYTES || memchr(command->data, '\n', command->len)) {
                str_appendf(command, "\n#%s", token);
                str_appendf(out, "%s slu_E %zu\n", token, command->len);
                str_append_bytes(out, command->data, command->len);
        } else {
                append_line(out, token, str_text(command));
        }
        str_clear(command);
}

void lu_script_extract(struct str *out, const char *token, const struct lu_script_tar *tar)
{
        const char *owners = tar->owners ? "" : " -o";

        if (tar->careful)
                append_line(
                        out, token,
                        "case $(tar --version 2>/dev/null) in bsdtar*)slu_P=-P;;*)slu_P=;;esac");
        str_appendf(out, "%s slu_X -x -m -p%s%s\n", token, owners, tar->careful ? " $slu_P" : "");
}

void lu_script_chunk(char line[static LU_SCRIPT_CHUNK_LINE], size_t block_size, size_t n_blocks)
{
        char text[64];
        int len = snprintf(text, sizeof(text), "%*zu %zu\n", LU_SCRIPT_CHUNK_LINE - 8, block_size,
                           n_blocks);

        assert(len > 0 && len <= LU_SCRIPT_CHUNK_LINE);
        memset(line, ' ', LU_SCRIPT_CHUNK_LINE);
        memcpy(line + LU_SCRIPT_CHUNK_LINE - len, text, (size_t)len);
}

void lu_script_extract_end(struct str *out)
{
        str_append(out, "0 0\n");
}

void lu_script_torn(struct str *out, const char *token)
{
        append_line(out, token, "slu_r=void");
}

void lu_script_sent(struct str *out, const char *token)
{
        append_line(out, token, "slu_Z");
}

void lu_script_run(struct str *out, const char *token, size_t i, const struct lu_update_run *run)
{
        _cleanup_(str_done) struct str command = {};
        const char *directory = run->working_dir ? run->working_dir : "/";

        str_appendf(&command, "slu_R %zu %u", i, (unsigned)run->timeout_seconds);
        lu_script_word(&command, directory);
        if (run->command) {
                str_append(&command, " sh -c");
                lu_script_word(&command, run->command);
        }
        for (size_t k = 0; !run->command && k < run->args.n_items; k++)
                lu_script_word(&command, run->args.items[k]);
        lu_script_command(out, token, &command);
}

void lu_script_done(struct str *out, const char *token)
{
        append_line(out, token, "echo \"$slu_t done\";exit 0");
}
