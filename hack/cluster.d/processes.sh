# Starts, watches and ends the processes of a cluster. Part of hack/cluster.
#
# Two things make the end certain. Every process is in a cgroup of the cluster: the components in `components` below it,
# the containers in `kubepods`; what is still there when the components have been asked to stop is killed, so neither a
# lost pid file nor a reused pid matters. And containerd, the kubelet and with them all containers live in one mount
# namespace of their own: their mounts never show on the machine and vanish with the last process. In it the few
# directories whose place is fixed in their code (private_dirs) are the cluster's own, so two clusters on one machine
# do not meet there; a kubelet would delete the other's pod logs.
# shellcheck shell=bash

component_names=(etcd containerd apiserver controller-manager scheduler kubelet)
private_dirs=(/var/log/pods /var/log/containers /var/lib/kubelet /var/lib/cni /run/containerd)

# The directory of every cgroup hierarchy of this machine: one for version 2, several for version 1.
_hierarchies()
{
        local dir
        for dir in /sys/fs/cgroup /sys/fs/cgroup/*; do
                [ ! -L "$dir" ] && [ -f "$dir/cgroup.procs" ] && printf '%s\n' "$dir"
                # With version 2 the directories below are cgroups, not hierarchies.
                [ ! -f /sys/fs/cgroup/cgroup.procs ] || break
        done
}

make_cgroup()
{
        local dir controllers
        while read -r dir; do
                mkdir -p "$dir/$cgroup" || die "cannot make a cgroup in $dir: is it mounted read-only here?"
                if [ ! -f "$dir/cgroup.controllers" ] || [ "$dir" != /sys/fs/cgroup ]; then continue; fi
                controllers=$(sed 's/[^ ]*/+&/g' "$dir/cgroup.controllers")
                echo "$controllers" > "$dir/cgroup.subtree_control"
                echo "$controllers" > "$dir/$cgroup/cgroup.subtree_control"
        done < <(_hierarchies)
        for dir in /sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/pids; do
                [ -f "$dir/$cgroup/cgroup.procs" ] && break
        done
        components_cgroup=$dir/$cgroup/components
        mkdir -p "$components_cgroup" || die "no cgroup hierarchy to keep the components in"
}

# The bridge exists before the first pod, so that its address can be the node's: no other interface is needed.
make_bridge()
{
        ip link add "$BRIDGE" type bridge || die "cannot make the network bridge $BRIDGE (BRIDGE chooses another name)"
        ip address add "$node_address/24" dev "$BRIDGE"
        ip link set "$BRIDGE" up
}

check_ports()
{
        local name port holder
        for name in API_PORT:0 API_PORT:1 API_PORT:2 ETCD_PORT:0 ETCD_PORT:1 KUBELET_PORT:0 KUBELET_PORT:5; do
                port=$((${name%:*} + ${name#*:}))
                holder=$(ss -Hltnp "sport = :$port" | sed -n 's/.*users:(("\([^"]*\)",pid=\([0-9]*\).*/\1, pid \2/p' | head -n 1)
                [ -z "$(ss -Hltn "sport = :$port")" ] ||
                        die "port $port is taken (${holder:-holder unknown}): set ${name%:*} to another number"
        done
        [ ! -e "/sys/class/net/$BRIDGE" ] || die "a network interface $BRIDGE exists already: set BRIDGE and POD_SUBNET"
}

# start NAME COMMAND...: a component, in the cluster's cgroup and a session of its own, with its output in log/NAME.log and
# a clean environment: etcd takes every ETCD_* for a setting, and a proxy has no place here. Descriptors 7 and 8 are this
# script's locks.
start()
{
        local name=$1
        shift
        (
                echo "$BASHPID" > "$components_cgroup/cgroup.procs"
                echo "$BASHPID" > "$state/$name.pid"
                cd "$state"
                exec env -i PATH="$PATH" HOME=/root setsid "$@" > "log/$name.log" 2>&1 < /dev/null 7<&- 8<&-
        ) &
        disown          # nobody wants to read here that it was killed in the end
        while kill -0 $! 2> /dev/null && ! _is_alive "$name"; do
                sleep 0.02
        done
}

# Is the component of this name alive, and is it ours?
_is_alive()
{
        local pid
        pid=$(cat "$state/$1.pid" 2> /dev/null) && grep -q "/$cgroup/components\$" "/proc/$pid/cgroup" 2> /dev/null
}

# wait_for SECONDS WHAT CONDITION: polls the condition, and gives up when time is over or a component has died.
wait_for()
{
        local deadline=$((SECONDS + $1)) name
        until "$3"; do
                for name in "${started[@]}"; do
                        _is_alive "$name" || _die_with_log "$name" "$name has ended while waiting for $2"
                done
                [ $SECONDS -lt $deadline ] || _die_with_log "${started[-1]}" "$2 was not ready within $1 s"
                sleep 0.1
        done
}

_die_with_log()
{
        tail -n 10 "$state/log/$1.log" | cut -c1-400 | sed 's/^/    /' >&2
        die "$2; above are the last lines of $state/log/$1.log"
}

# GETs a path of the API server as admin.
_api()
{
        curl -sf --max-time 5 --cacert "$state/pki/ca.crt" --cert "$state/pki/admin.crt" --key "$state/pki/admin.key" \
                "https://127.0.0.1:$API_PORT$1" 2> /dev/null
}

apiserver_answers()
{
        _api /readyz > /dev/null
}

# Prints status and time of the node's condition Ready, as in "True","lastHeartbeatTime":"2021-01-01T00:00:00Z"
_node_heartbeat()
{
        _api "/api/v1/nodes/$node" | tr -d ' \n' |
                sed -n 's/.*"type":"Ready","status":\("[A-Za-z]*","lastHeartbeatTime":"[^"]*"\).*/\1/p'
}

node_is_ready()
{
        [[ $(_node_heartbeat) == '"True"'* ]]
}

# The node that etcd remembers from the last time is Ready too: only a new heartbeat is the kubelet's own word.
kubelet_has_reported()
{
        local heartbeat
        heartbeat=$(_node_heartbeat)
        [[ $heartbeat == '"True"'* && $heartbeat != "$old_heartbeat" ]]
}

# Pods are refused before the controller manager has made it.
service_account_exists()
{
        _api /api/v1/namespaces/default/serviceaccounts/default | grep -q '"secrets"'
}

containerd_answers()
{
        timeout 5 ctr -a "$containerd_socket" version > /dev/null 2>&1
}

everything_runs()
{
        local name
        for name in "${component_names[@]}"; do
                _is_alive "$name" || return 1
        done
        apiserver_answers && node_is_ready
}

start_etcd()
{
        local client=http://127.0.0.1:$ETCD_PORT peer=http://127.0.0.1:$((ETCD_PORT + 1))
        started=(etcd)
        start etcd etcd --data-dir "$state/etcd" --listen-client-urls "$client" --advertise-client-urls "$client" \
                --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" --initial-cluster "default=$peer" \
                --unsafe-no-fsync
}

# The new mount namespace is a slave of the machine's: what is mounted there later shows here too, never the reverse.
start_containerd()
{
        mkdir -p "$run" "${private_dirs[@]}"
        started+=(containerd)
        # shellcheck disable=SC2016 # the inner shell expands them
        start containerd unshare --mount --propagation slave /bin/sh -ec '
                private=$1; config=$2; shift 2
                for dir; do
                        mkdir -p "$private$dir"
                        mount -n --bind "$private$dir" "$dir"
                done
                mount -n -t tmpfs -o mode=711 tmpfs /run/containerd
                exec containerd --config "$config"' \
                sh "$state/private" "$state/containerd.toml" "${private_dirs[@]}"
}

start_apiserver()
{
        local pki=$state/pki
        started+=(apiserver)
        start apiserver "$bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$ETCD_PORT" \
                --bind-address=127.0.0.1 --secure-port="$API_PORT" \
                --advertise-address="$node_address" --external-hostname=localhost \
                --tls-cert-file="$pki/apiserver.crt" --tls-private-key-file="$pki/apiserver.key" \
                --client-ca-file="$pki/ca.crt" --authorization-mode=Node,RBAC --allow-privileged=true \
                --kubelet-client-certificate="$pki/kubelet-client.crt" \
                --kubelet-client-key="$pki/kubelet-client.key" --kubelet-certificate-authority="$pki/ca.crt" \
                --kubelet-preferred-address-types=Hostname \
                --service-account-issuer=https://kubernetes.default.svc \
                --service-account-key-file="$pki/sa.pub" --service-account-signing-key-file="$pki/sa.key" \
                --service-cluster-ip-range=10.96.0.0/16
}

start_controllers()
{
        local common=(--kubeconfig="$state/admin.kubeconfig" --leader-elect=false --bind-address=127.0.0.1 --port=0)
        started+=(controller-manager scheduler)
        start controller-manager "$bin/kube-controller-manager" "${common[@]}" --secure-port=$((API_PORT + 1)) \
                --service-account-private-key-file="$state/pki/sa.key" --root-ca-file="$state/pki/ca.crt"
        start scheduler "$bin/kube-scheduler" "${common[@]}" --secure-port=$((API_PORT + 2))
}

start_kubelet()
{
        local pid
        started+=(kubelet)
        old_heartbeat=$(_node_heartbeat || true)
        pid=$(< "$state/containerd.pid")
        # --root: entering a mount namespace otherwise leaves the chroot that we may be in.
        start kubelet nsenter --mount="/proc/$pid/ns/mnt" --root="/proc/$pid/root" --wd=/ "$bin/kubelet" \
                --kubeconfig="$state/node.kubeconfig" --config="$state/kubelet.yaml" --root-dir="$state/kubelet" \
                --hostname-override="$node" --node-ip="$node_address" --container-runtime=remote \
                --container-runtime-endpoint="unix://$containerd_socket" --network-plugin=cni
}

# Prints the pids of all processes in the cluster's cgroups.
_pids()
{
        find /sys/fs/cgroup -path "*/$cgroup/*" -name cgroup.procs -exec cat {} + 2> /dev/null | sort -un
}

# Waits up to $1 seconds for the end of all processes.
_none_left_within()
{
        local deadline=$((SECONDS + $1))
        while [ -n "$(_pids)" ]; do
                [ $SECONDS -lt $deadline ] || return 1
                sleep 0.1
        done
}

# The kubelet and the control plane end on TERM; the containers, their shims and containerd have nothing to save.
end_processes()
{
        local name deadline
        has_the_names || return 0
        for name in kubelet scheduler controller-manager apiserver etcd; do
                ! _is_alive "$name" || kill -TERM "$(< "$state/$name.pid")" 2> /dev/null || true
        done
        deadline=$((SECONDS + 5))
        while _is_alive etcd && [ $SECONDS -lt $deadline ]; do
                sleep 0.1
        done
        # Again until none is left: a process may fork between the listing and the signal.
        for _ in 1 2 3 4 5; do
                _pids | xargs -r kill -KILL 2> /dev/null || true
                ! _none_left_within 4 || break
        done
        _none_left_within 0 || die "these processes do not end: $(_pids | tr '\n' ' ')"
        rm -f "$state"/*.pid
}

_remove_cgroups()
{
        local found=(find /sys/fs/cgroup -depth -type d "(" -name "$cgroup" -o -path "*/$cgroup/*" ")")
        # A cgroup stays busy for a moment after its last process.
        for _ in {1..50}; do
                "${found[@]}" -exec rmdir {} + 2> /dev/null || true
                [ -n "$("${found[@]}")" ] || return 0
                sleep 0.1
        done
        note "these cgroups cannot be removed:" "$("${found[@]}")"
}

# Removes what outlives the processes outside of the state directory.
remove_traces()
{
        local dir
        has_the_names || return 0
        _remove_cgroups
        [ ! -e "/sys/class/net/$BRIDGE" ] || ip link delete "$BRIDGE"
        rm -rf --one-file-system "$run" "$state/cni-addresses"
        # Another cluster may have its own directories mounted on these: removing the place would detach them.
        ! compgen -G '/run/sluice-*/' > /dev/null || return 0
        for dir in "${private_dirs[@]}"; do
                rmdir --ignore-fail-on-non-empty "$dir" 2> /dev/null || true
        done
}
