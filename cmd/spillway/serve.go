package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/spillway-lb/spillway/internal/serve"
)

const serveLong = `Serve a directory of Kubernetes manifests: the whole load balancer on this machine, with live reload, and without
Kubernetes.

DIRECTORY
  A folder with a cluster.yaml (apiVersion: spillway.dev/v1alpha1, kind: Cluster; spec: region, zones, configCluster,
  defaultNamespace, project) is a cluster, named as its Cluster is. A directory without any is one cluster. Files count once they have
  not changed for 20 ms; one that breaks keeps what it last said. Pods, Nodes, EndpointSlices and ServiceImports are
  made as Kubernetes' controllers would, unless the files hold them.

ADDRESSES AND PORTS
  Each Gateway has an address of its own at each location, in 127.64.0.0/10, made of its name: it stays the same over
  restarts. Pods have addresses in the rest of 127.0.0.0/8. A port is bound as it is written; where that is not
  permitted, or something else holds it, 10000 is added; if that is taken too, any free port serves. On Linux,
      sudo sysctl -w net.ipv4.ip_unprivileged_port_start=80
  opens low ports to everybody. Where a system has no loopback address but 127.0.0.1, that is used, with other ports.
  ` + "`spillway urls`" + ` says what is bound.

LOCATIONS
  Each region with a cluster is a location: a proxy and a prober that send requests to the nearest healthy Pods. A
  Gateway's status shows the address at the home location first: the config cluster's region, or --from. Classes of one
  region have one location.

DISTANCES
  Which region is the next nearest follows from a table of round-trip times between Google's regions. spillway.yaml at
  the top of the directory overrides entries, and adds regions:
      apiVersion: spillway.dev/v1alpha1
      kind: Configuration
      metadata: {name: spillway}
      spec:
        rtt:
        - {from: us-west1, to: us-east1, milliseconds: 60}

IMAGES
  Pods of well-known sample images (whereami, hello-app, echo servers ...) run as small built-in servers. Others are
  mapped in spillway.yaml, to a command or to what runs already:
      spec:
        images:
        - image: example.com/shop*
          command: [python3, shop.py]   # finds POD_IP and PORT in its environment
        - image: example.com/legacy:*
          address: 127.0.0.1:9000

PLUGINS
  A GCPWasmPlugin's image is fetched with the credentials of docker or podman, and kept (--images). Registries at loopback
  are asked without TLS. An image can also be on disk, relative to DIRECTORY: oci-layout:DIR[:TAG], or file:plugin.wasm.
  A tag is resolved once for each version: to run another build, name another version. What is missing is tried again.
  With --registry, plugins can be pushed here: spillway wasm push plugin.wasm 127.0.0.1:5000/plugin:v1

RESTARTS
  What is published, and what was said of objects, is kept in a file of the user's (--state). After a restart generations
  and times go on, a file that is broken keeps the objects that it last held, and a route that is broken its last good
  version. A state that cannot be used is told and ignored.

FLEET
  With --fleet, proxies in other processes and on other machines (` + "`spillway proxy --controller`" + `) serve what their regions need;
  --data-plane none leaves the work to them.

ENDING
  Ctrl-C, SIGTERM and a closed terminal (SIGHUP) let requests in flight end, then the status is 0. A second signal ends at
  once.`

const serveExample = `  spillway serve examples/multi-cluster-gateway
  spillway serve . --from europe-west1 --access-log -`

// serveFlags are the flags of `spillway serve`.
type serveFlags struct {
	runFlags

	registry      string
	computeWrites bool
	computeHosts  []string
	namespace     defaultNamespace
}

func newServeCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve DIR", Short: "Serve a directory of manifests, with live reload", Long: serveLong, Example: serveExample,
		Args: exactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return f.run(cmd, args[0]) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "home region: where you stand; the config cluster's region by default")
	f.namespace.addFlag(flags)
	flags.StringVar(&f.state, "state", "", `file that keeps over a restart what is published and was said of objects, private keys included;
one for each DIR in $XDG_STATE_HOME/spillway (~/.local/state/spillway) by default, none with "none"`)
	flags.BoolVar(&f.computeWrites, "compute-writes", false, "let clients of --compute delete network endpoint groups that nobody uses")
	flags.StringSliceVar(&f.computeHosts, "compute-host", nil, "name by which clients of --compute-writes may call it, beside addresses and localhost; repeatable")
	flags.StringVar(&f.registry, "registry", "", "address for a registry that plugins can be pushed to, such as 127.0.0.1:5000")
	f.addFlags(flags)
	return cmd
}

func (f *serveFlags) run(cmd *cobra.Command, dir string) error {
	if f.computeWrites && f.compute == "" {
		return errors.New("--compute-writes is about the API that --compute ADDRESS opens")
	}
	if len(f.computeHosts) > 0 && !f.computeWrites {
		return errors.New("--compute-host is about the clients that --compute-writes lets delete")
	}
	if dir == "" {
		return errors.New("the name of the directory is empty")
	}
	absolute, err := filepath.Abs(dir)
	if err != nil {
		return err
	}
	// A directory that is not there yet is waited for; a file will not become one.
	if info, err := os.Stat(absolute); err == nil && !info.IsDir() {
		return fmt.Errorf("%s is a file; serve takes a directory", dir)
	}
	return f.runFlags.run(cmd, serve.Config{
		Dir: absolute, Namespace: string(f.namespace), State: f.state, Registry: f.registry,
		ComputeWrites: f.computeWrites, ComputeHosts: f.computeHosts,
	})
}
