# Steps with their time, and the programs that run beside this script. Part of hack/quickstart.
# shellcheck shell=bash

# EPOCHREALTIME has the decimal point of the locale.
_microseconds()
{
        printf '%s' "${1/[.,]/}"
}

# milliseconds_between T T: of two values of EPOCHREALTIME.
milliseconds_between()
{
        printf '%d' $((($(_microseconds "$2") - $(_microseconds "$1")) / 1000))
}

# Seconds with one decimal.
seconds_since()
{
        local tenths
        tenths=$(($(milliseconds_between "$1" "$EPOCHREALTIME") / 100))
        printf '%d.%d' $((tenths / 10)) $((tenths % 10))
}

step_begin()
{
        step_began=$EPOCHREALTIME
}

step_end()
{
        note "$1: $(seconds_since "$step_began") s"
}

# start_child OUTPUT COMMAND...: sets `child` to its pid. It is a process group of its own, so that a Ctrl-C reaches this
# script alone, which then ends everything in order; and it is told to end when this script is killed.
start_child()
{
        local output=$1
        shift
        set -m
        setpriv --pdeathsig TERM "$@" > "$output" 2>&1 < /dev/null &
        child=$!
        set +m
}

# Ends a process group of ours and waits for its leader; it is killed when it has not ended within ten seconds.
end_child()
{
        local i
        [ -n "$1" ] || return 0
        kill -TERM -- "-$1" 2> /dev/null || true
        for ((i = 0; i < 200; i++)); do
                kill -0 "$1" 2> /dev/null || break
                sleep 0.05
        done
        kill -KILL -- "-$1" 2> /dev/null || true
        wait "$1" 2> /dev/null || true
}

# wait_until SECONDS COMMAND...: asks again until the command succeeds.
wait_until()
{
        local last=$((SECONDS + $1))
        shift
        until "$@"; do
                [ $SECONDS -lt $last ] || return 1
                sleep 0.05
        done
}

# For a failure: the end of what the programs said, before it is deleted.
show_logs()
{
        local log line
        # What sluice has said and nobody has read yet.
        while [ -n "${sluice_output:-}" ] && IFS= read -r -t 0.2 -u "$sluice_output" line; do
                printf '%s\n' "$line" >> "$scratch/sluice.log"
        done
        for log in sluice standin; do
                [ -s "$scratch/$log.log" ] || continue
                note "the last lines of $log:"
                tail -n 15 "$scratch/$log.log" | sed 's/^/    /' >&2
        done
}
