# Certificates and configuration files of a cluster, all below its state directory. Part of hack/cluster.
#
# The node is called `localhost`: the kubelet refuses a loopback address as the node's, so the API server reaches it by
# its host name, and this is the one name that leads to 127.0.0.1 without a line in /etc/hosts.
# shellcheck shell=bash

node=localhost

# _certificate NAME SUBJECT ALTERNATIVE_NAMES
_certificate()
{
        openssl req -new -newkey rsa:2048 -nodes -keyout "$1.key" -subj "$2" -out "$1.csr"
        openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -out "$1.crt" \
                -extfile <(printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$3")
        rm "$1.csr"
}

_all_certificates()
{
        set -euo pipefail
        umask 077
        rm -rf "$state/pki" "$state/pki.new"
        mkdir "$state/pki.new"
        cd "$state/pki.new"
        openssl req -x509 -newkey rsa:2048 -nodes -keyout ca.key -subj /CN=sluice-cluster-ca -days 3650 -out ca.crt
        _certificate apiserver /CN=kube-apiserver DNS:localhost,DNS:kubernetes.default.svc,IP:127.0.0.1,IP:10.96.0.1
        _certificate kubelet-client /O=system:masters/CN=kube-apiserver-kubelet-client DNS:kubelet-client
        _certificate admin /O=system:masters/CN=admin DNS:admin
        _certificate node "/O=system:nodes/CN=system:node:$node" "DNS:$node,IP:127.0.0.1"
        openssl genrsa -out sa.key 2048
        openssl rsa -in sa.key -pubout -out sa.pub
        mv "$state/pki.new" "$state/pki"
}

_write_kubeconfig()
{
        cat > "$state/$1.kubeconfig" <<-END
		apiVersion: v1
		kind: Config
		clusters:
		- name: $cgroup
		  cluster:
		    server: https://127.0.0.1:$API_PORT
		    certificate-authority-data: $(base64 -w0 "$state/pki/ca.crt")
		users:
		- name: $1
		  user:
		    client-certificate-data: $(base64 -w0 "$state/pki/$1.crt")
		    client-key-data: $(base64 -w0 "$state/pki/$1.key")
		contexts:
		- name: $cgroup
		  context: {cluster: $cgroup, user: $1}
		current-context: $cgroup
	END
        chmod 600 "$state/$1.kubeconfig"
}

_write_containerd()
{
        cat > "$state/containerd.toml" <<-END
		version = 2
		root = "$state/containerd"
		state = "$run/containerd"
		[grpc]
		  address = "$containerd_socket"
		[plugins."io.containerd.internal.v1.opt"]
		  path = "$state/containerd/opt"
		[plugins."io.containerd.grpc.v1.cri"]
		  sandbox_image = "localhost/pause:1"
		  # Without CAP_SYS_RESOURCE runc may not lower oom_score_adj.
		  restrict_oom_score_adj = true
		  netns_mounts_under_state_dir = true
		  [plugins."io.containerd.grpc.v1.cri".cni]
		    bin_dir = "/usr/lib/cni"
		    conf_dir = "$state/cni"
	END
        mkdir -p "$state/cni"
        cat > "$state/cni/10-bridge.conflist" <<-END
		{"cniVersion": "0.4.0", "name": "pods", "plugins": [{
		  "type": "bridge", "bridge": "$BRIDGE", "isGateway": true, "ipMasq": false,
		  "ipam": {"type": "host-local", "dataDir": "$state/cni-addresses",
		           "ranges": [[{"subnet": "$POD_SUBNET", "gateway": "$node_address"}]],
		           "routes": [{"dst": "0.0.0.0/0"}]}}]}
	END
}

_write_kubelet()
{
        cat > "$state/kubelet.yaml" <<-END
		apiVersion: kubelet.config.k8s.io/v1beta1
		kind: KubeletConfiguration
		authentication:
		  x509: {clientCAFile: $state/pki/ca.crt}
		  anonymous: {enabled: false}
		  webhook: {enabled: false}
		authorization: {mode: AlwaysAllow}
		address: 127.0.0.1
		port: $KUBELET_PORT
		healthzBindAddress: 127.0.0.1
		healthzPort: $((KUBELET_PORT + 5))
		tlsCertFile: $state/pki/node.crt
		tlsPrivateKeyFile: $state/pki/node.key
		cgroupDriver: cgroupfs
		# A cgroup of its own: a kubelet kills every pod it does not know below its root, another kubelet's too.
		cgroupRoot: /$cgroup
		enforceNodeAllocatable: []
		oomScoreAdj: 0
		failSwapOn: false
		# The first "Ready" otherwise waits for the next round of ten seconds.
		nodeStatusUpdateFrequency: 1s
		nodeStatusReportFrequency: 1m
		volumePluginDir: $state/kubelet/volume-plugins
		evictionHard: {memory.available: "100Mi", nodefs.available: "1%", imagefs.available: "1%"}
	END
}

write_config()
{
        mkdir -p "$state"/{log,etcd,kubelet,containerd,private}
        [ -d "$state/pki" ] || run_step "$state/log/certificates.log" "making certificates" _all_certificates
        _write_kubeconfig admin
        _write_kubeconfig node
        _write_containerd
        _write_kubelet
}
