# Shell helpers for the scripts in hack/: messages, failures, and a status line for work that takes a while.
# shellcheck shell=bash

note()
{
        printf '%s: %s\n' "${0##*/}" "$*" >&2
}

die()
{
        note "$*"
        exit 1
}

# For a mistake in the command line.
die_usage()
{
        note "$*"
        exit 2
}

# _status_line WHAT ELAPSED: called once a second.
_status_line()
{
        if [ -t 2 ]; then
                printf '\r\033[K%s: %s, %d s' "${0##*/}" "$1" "$2" >&2
        elif [ $(($2 % 30)) -eq 29 ]; then
                note "$1, $2 s so far"
        fi
}

# Ends the step that runs, with all its children. For traps.
stop_step()
{
        [ -n "${step_pid:-}" ] || return 0
        kill -TERM -- "-$step_pid" 2> /dev/null || true
        wait "$step_pid" 2> /dev/null || true
        step_pid=
}

# run_step LOG WHAT COMMAND...: runs the command or function with its output appended to LOG, and shows what it is and
# for how long it has run: on a terminal a line that renews itself, elsewhere a line every 30 seconds. When it fails,
# the script ends with the last lines of LOG.
# The step is a process group of its own, so that an interrupt can end all of it. Never call it in a condition: bash
# ignores `set -e` there, inside the step as well.
run_step()
{
        local log=$1 what=$2 start=$SECONDS shown=-1 rc=0
        shift 2
        set -m
        ("$@") >> "$log" 2>&1 < /dev/null &
        step_pid=$!
        set +m
        trap 'stop_step; exit 130' INT TERM
        while kill -0 "$step_pid" 2> /dev/null; do
                if [ $((SECONDS - start)) -ne $shown ]; then
                        shown=$((SECONDS - start))
                        _status_line "$what" $shown
                fi
                sleep 0.1
        done
        wait "$step_pid" || rc=$?
        step_pid=
        trap - INT TERM
        [ ! -t 2 ] || printf '\r\033[K' >&2
        if [ $rc -ne 0 ]; then
                tail -n 15 "$log" | sed 's/^/    /' >&2
                die "$what failed (exit code $rc); above are the last lines of $log"
        fi
        note "$what: $((SECONDS - start)) s"
}
