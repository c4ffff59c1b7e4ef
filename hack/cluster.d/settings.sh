# Where a cluster lives and what it is called. Part of hack/cluster.
#
# The settings of a cluster are written into its state directory when it is first started, and hold until it is deleted:
# certificates, etcd's data and what `down` has to remove depend on them.
# shellcheck shell=bash

kubernetes_version=1.20.2
cache=${SLUICE_CACHE:-/var/cache/sluice}
state=${SLUICE_STATE:-/var/lib/sluice-cluster}
bin=$cache/bin
setting_names='API_PORT ETCD_PORT KUBELET_PORT BRIDGE POD_SUBNET'

need_root()
{
        [ "$(id -u)" -eq 0 ] || die "a cluster needs root (containers, mounts, a network bridge): run it with sudo"
        mountpoint -q / || die "no container runtime can run in a chroot whose root is no mount point: \"mount --bind DIR DIR\" before chroot"
        [[ $cache == /* && $state == /* ]] || die "SLUICE_CACHE and SLUICE_STATE must be absolute paths"
}

# Prints the file with the settings of this state directory, if any: the copy of a running cluster in /run serves when
# somebody has deleted the directory below it.
_recorded_settings()
{
        local file
        for file in "$state/settings" /run/sluice-*/settings; do
                if grep -qsxF "STATE=$state" "$file"; then
                        printf '%s\n' "$file"
                        return
                fi
        done
}

# One setting: what the state directory recorded, else the environment, else the default.
_settle()
{
        local name=$1 default=$2 file recorded=
        file=$(_recorded_settings)
        [ -z "$file" ] || recorded=$(sed -n "s/^$name=//p" "$file")
        if [ -n "$recorded" ] && [ "${!name:-$recorded}" != "$recorded" ]; then
                die "$state was made with $name=$recorded, not ${!name}: use another SLUICE_STATE, or 'down --delete' it first"
        fi
        printf -v "$name" '%s' "${recorded:-${!name:-$default}}"
}

settle_settings()
{
        local name
        _settle API_PORT 6443
        _settle ETCD_PORT 12379
        _settle KUBELET_PORT 10250
        _settle BRIDGE sluice0
        _settle POD_SUBNET 10.244.0.0/24
        [[ $API_PORT$ETCD_PORT$KUBELET_PORT =~ ^[0-9]+$ ]] || die "a port must be a number"
        [[ $POD_SUBNET == *.0/24 ]] || die "POD_SUBNET must be a /24, as 10.244.0.0/24"
        # The API server's port names all that must be unique on the machine: cgroup, run directory, sockets.
        name=sluice-$API_PORT
        cgroup=$name
        run=/run/$name
        containerd_socket=$run/containerd.sock
        node_address=${POD_SUBNET%.0/24}.1
}

# From here on the names on this machine belong to this cluster.
record_settings()
{
        local name
        {
                echo "STATE=$state"
                for name in $setting_names; do
                        printf '%s=%s\n' "$name" "${!name}"
                done
        } > "$state/settings"
        mkdir "$run"
        cp "$state/settings" "$run/settings"
}

# Is this cluster the one that has the names derived from API_PORT and BRIDGE now?
has_the_names()
{
        grep -qsxF "STATE=$state" "$run/settings"
}

check_names()
{
        [ ! -e "$run/settings" ] || has_the_names ||
                die "API_PORT $API_PORT belongs to the cluster in $(sed -n 's/^STATE=//p' "$run/settings"): set another"
}
