package kubelet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spillway-lb/spillway/internal/standalone/process"
	"github.com/spillway-lb/spillway/internal/standalone/workload"
)

// lastWords is how much of a command's output its exit report shows, in bytes.
const lastWords = 1024

// commandBackend is a local command that an image is mapped to.
type commandBackend struct {
	process *process.Process
	spec    process.Spec
	ip      netip.Addr
	// port is the container's, bound what the command was told to listen on.
	port, bound uint16
	// guessed: nothing says that the command listens on port.
	guessed bool
	root    string // of its volumes
}

// startCommand runs the command with the container's environment and, on top, what it has to know of its Pod. Volumes
// are files below POD_ROOT. The command may refer to variables as $(NAME).
func (k *Kubelet) startCommand(r *workload.Run) (backend, error) {
	b := &commandBackend{ip: r.IP, port: r.Port}
	vars := variables(r)
	if n, err := strconv.ParseUint(vars["PORT"], 10, 16); err == nil && n > 0 {
		b.port = uint16(n)
	}
	b.guessed = len(r.Container.Ports) == 0 && b.port == r.Port
	l, bound, err := listen(r.IP, b.port)
	if err != nil {
		return nil, err
	}
	// The command binds the port itself; this was to learn which one it can.
	if err := l.Close(); err != nil {
		return nil, err
	}
	b.bound = bound
	if b.root, err = writeFiles(r.Files); err != nil {
		return nil, err
	}
	vars["PORT"] = strconv.Itoa(int(bound))
	vars["POD_ROOT"] = b.root
	spec := process.Spec{Dir: filepath.Join(k.options.Dir, r.Image.WorkingDir)}
	if filepath.IsAbs(r.Image.WorkingDir) {
		spec.Dir = r.Image.WorkingDir
	}
	for name, value := range vars {
		spec.Env = append(spec.Env, name+"="+value)
	}
	for _, arg := range append(append([]string(nil), r.Image.Command...), r.Container.Args...) {
		spec.Command = append(spec.Command, workload.Expand(arg, vars))
	}
	b.spec = spec
	if b.process, err = process.Start(spec); err != nil {
		return nil, errors.Join(err, os.RemoveAll(b.root))
	}
	return b, nil
}

// variables are the container's, the mapping's, and those that every command is told.
func variables(r *workload.Run) map[string]string {
	vars := map[string]string{}
	for _, v := range r.Env {
		vars[v.Name] = v.Value
	}
	for _, v := range r.Image.Env {
		vars[v.Name] = workload.Expand(v.Value, vars)
	}
	vars["POD_IP"], vars["POD_NAME"], vars["POD_NAMESPACE"] = r.IP.String(), r.Name, r.Namespace
	vars["NODE_NAME"], vars["CLUSTER_NAME"], vars["ZONE"], vars["HOSTNAME"] = r.Node, r.Cluster, r.Zone, r.Name
	if vars["PORT"] == "" {
		vars["PORT"] = strconv.Itoa(int(r.Port))
	}
	return vars
}

// writeFiles puts volumes into a new directory, each file at its path below it.
func writeFiles(files map[string][]byte) (root string, err error) {
	root, err = os.MkdirTemp("", "spillway-pod-")
	if err != nil {
		return "", err
	}
	for path, content := range files {
		if err := writeFile(root, path, content); err != nil {
			return "", errors.Join(err, os.RemoveAll(root))
		}
	}
	return root, nil
}

func writeFile(root, path string, content []byte) error {
	file := filepath.Join(root, filepath.FromSlash(path))
	if !strings.HasPrefix(file, root+string(filepath.Separator)) {
		return fmt.Errorf("volume path %s leads outside", path)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

func (b *commandBackend) Done() <-chan struct{} { return b.process.Done() }

func (b *commandBackend) Exit() (int, string) {
	_ = os.RemoveAll(b.root) // a leftover in the temporary directory harms nobody
	return b.process.ExitCode(), b.process.Log().Tail(lastWords)
}

func (b *commandBackend) Ports() (map[uint16]uint16, netip.Addr) {
	if b.port == b.bound {
		return nil, netip.Addr{}
	}
	return map[uint16]uint16{b.port: b.bound}, netip.Addr{}
}

func (b *commandBackend) Dial(port uint16) string {
	if port == b.port {
		port = b.bound
	}
	return net.JoinHostPort(b.ip.String(), strconv.Itoa(int(port)))
}

func (b *commandBackend) Leave() {}

func (b *commandBackend) Stop(ctx context.Context) {
	b.process.Stop(ctx)
	_ = os.RemoveAll(b.root)
}

func (b *commandBackend) Logs(from int64) ([]byte, int64) { return b.process.Log().From(from) }

func (b *commandBackend) LogsSince(at time.Time) int64 { return b.process.Log().Since(at) }
