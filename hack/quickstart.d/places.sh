# Where the replicas run: on the stand-in, on the cluster of hack/cluster, on the user's. Part of hack/quickstart.
#
# enter_place sets KUBECONFIG (but for the user's cluster), namespace, port and image; leave_place takes back what
# enter_place and the replicas made.
# shellcheck shell=bash

standin='' cluster_started='' cluster_was_there=

enter_place()
{
        namespace=sluice-quickstart-$(od -An -N3 -tx1 /dev/urandom | tr -d ' \n')
        port=8080
        "_enter_$place"
}

# Pods of the stand-in share this machine's ports; each has a loopback address of its own. So a port is taken when
# somebody listens on it at all addresses, or another stand-in runs.
_port_is_free()
{
        local last
        for last in 1 2 3 4 5 6; do
                if (: < "/dev/tcp/127.1.0.$last/$1") 2> /dev/null; then
                        return 1
                fi
        done
}

_standin_is_ready()
{
        kill -0 "$standin" 2> /dev/null || die "the stand-in has ended"
        grep -q '^standin ready' "$scratch/standin.log"
}

_enter_standin()
{
        step_begin
        image=${image:-localhost/busybox:1}
        until _port_is_free "$port"; do
                port=$((port + 1))
                [ "$port" -lt 8180 ] || die "no port from 8080 to 8179 is free on the addresses 127.1.0.1 to 127.1.0.6"
        done
        start_child "$scratch/standin.log" "$STANDIN_BIN" --state "$scratch/standin" --kubeconfig "$scratch/kubeconfig" \
                --die-with-parent
        standin=$child
        wait_until 20 _standin_is_ready || die "the stand-in was not ready within 20 s"
        export KUBECONFIG=$scratch/kubeconfig
        step_end "the stand-in for a cluster"
}

_real_cluster_answers()
{
        local settings
        settings=$("$hack/cluster" env 2> /dev/null) && eval "$settings" &&
                timeout 10 kubectl get --raw /readyz > /dev/null 2>&1
}

_enter_real()
{
        local state=${SLUICE_STATE:-/var/lib/sluice-cluster}
        [ "$(id -u)" -eq 0 ] || die "--real starts a cluster, which needs root: run it with sudo, or without --real"
        image=${image:-localhost/busybox:1}
        if _real_cluster_answers; then
                note "the cluster of hack/cluster is up already, and will be left as it is"
                return 0
        fi
        [ ! -d "$state" ] || cluster_was_there=1
        cluster_started=1
        mkdir -p build
        run_step build/quickstart.log "starting a Kubernetes (the first time it is compiled, which takes minutes)" \
                "$hack/cluster" up
        end_on_signals
        _real_cluster_answers || die "the cluster does not answer: see '$hack/cluster env'"
}

_enter_cluster()
{
        local context ours
        ours=$("$hack/cluster" env 2> /dev/null) || ours=
        if [ -n "${KUBECONFIG:-}" ] && [ "$ours" = "export KUBECONFIG=$KUBECONFIG" ]; then
                image=${image:-localhost/busybox:1}
        fi
        image=${image:-busybox:1.36}
        context=$(kubectl config current-context 2> /dev/null) ||
                die "--cluster needs a kubeconfig with a current context: set KUBECONFIG, or 'kubectl config use-context NAME'"
        timeout 20 kubectl version > "$scratch/kubectl.log" 2>&1 ||
                die "the cluster of context $context does not answer: $(tail -n 1 "$scratch/kubectl.log")"
        note "context $context, namespace $namespace, image $image"
}

# The names and addresses of the replicas, in the same order.
find_replicas()
{
        local name address
        pods=() addresses=()
        while read -r name address; do
                pods+=("$name")
                addresses+=("$address")
        done < <(kubectl -n "$namespace" get pods -l app=web \
                -o 'jsonpath={range .items[*]}{.metadata.name} {.status.podIP}{"\n"}{end}')
        [ ${#pods[@]} -eq "$replicas" ] || die "there are ${#pods[@]} pods instead of $replicas"
}

describe_pods()
{
        kubectl -n "$namespace" get pods -o wide 2>&1 || true
        kubectl -n "$namespace" get events --sort-by=.lastTimestamp 2> /dev/null | tail -n 5 || true
}

# Nothing but its own namespace was touched on a cluster. The stand-in needs no deleting: it ends with all it has.
leave_place()
{
        if [ "$place" = standin ]; then
                end_child "$standin"
                return 0
        fi
        if [ -n "$namespace_made" ]; then
                kubectl delete namespace "$namespace" --timeout=90s > "$scratch/kubectl.log" 2>&1 ||
                        note "the namespace $namespace could not be deleted; 'kubectl delete namespace $namespace' does it: $(tail -n 1 "$scratch/kubectl.log")"
        fi
        if [ -n "$cluster_started" ]; then
                # shellcheck disable=SC2046 # no argument, or one
                "$hack/cluster" down $([ -n "$cluster_was_there" ] || echo --delete) > "$scratch/cluster.log" 2>&1 ||
                        note "the cluster could not be stopped: $(tail -n 1 "$scratch/cluster.log")"
        fi
}
