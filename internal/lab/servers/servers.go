// Package servers has the programs that a Kubernetes cluster's control plane is made of: etcd, kube-apiserver,
// kube-controller-manager, kube-scheduler, and kubectl. They are built from their own modules, once, into a cache.
//
// In: a cache directory, or a directory that has them. Out: a Set of their paths.
//
//	set, err := servers.Ensure(ctx, servers.Options{Cache: dir, Progress: func(done, total int) {}})
//	set.Path(servers.APIServer)
package servers

import (
	"context"
	_ "embed" // the module's files
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/version"

	"github.com/spillway-lb/spillway/internal/digest"
)

//go:embed module/go.mod.txt
var goMod string

//go:embed module/go.sum.txt
var goSum string

// Program is one of the programs, by the name of its file.
type Program string

// The programs.
const (
	Etcd              Program = "etcd"
	APIServer         Program = "kube-apiserver"
	ControllerManager Program = "kube-controller-manager"
	Scheduler         Program = "kube-scheduler"
	Kubectl           Program = "kubectl"
)

// packages are what the programs are built from. Etcd's last element is no name for a program.
var packages = []struct {
	program Program
	path    string
	built   string // the name that the go command gives it
}{
	{Etcd, "go.etcd.io/etcd/server/v3", "server"},
	{APIServer, "k8s.io/kubernetes/cmd/kube-apiserver", "kube-apiserver"},
	{ControllerManager, "k8s.io/kubernetes/cmd/kube-controller-manager", "kube-controller-manager"},
	{Scheduler, "k8s.io/kubernetes/cmd/kube-scheduler", "kube-scheduler"},
	{Kubectl, "k8s.io/kubernetes/cmd/kubectl", "kubectl"},
}

// What a build takes, in bytes; the caches of the go command are most of it.
const (
	roomForBuild = 4 << 30
	gibibyte     = 1 << 30
)

// Options say where the programs are, or are to be.
type Options struct {
	// Given is a directory that has them; nothing is built then.
	Given string
	// Cache is the directory below which they are built.
	Cache string
	// Begin is called once before a build; nil is fine.
	Begin func(into string)
	// Progress hears how many of how many packages are compiled; nil is fine.
	Progress func(done, total int)
}

// Set is a directory with all the programs.
type Set struct {
	Dir string
	// Version is Kubernetes', such as v1.36.3.
	Version string
}

// Path is where a program is.
func (s Set) Path(p Program) string { return filepath.Join(s.Dir, string(p)) }

// Version is the version of Kubernetes that is built, such as v1.36.3.
func Version() string {
	for line := range strings.Lines(goMod) {
		if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "k8s.io/kubernetes" {
			return fields[1]
		}
	}
	panic("servers: go.mod names no k8s.io/kubernetes")
}

// Ensure returns the programs; those that are missing are built.
func Ensure(ctx context.Context, o Options) (Set, error) {
	if o.Given != "" {
		set := Set{Dir: o.Given, Version: Version()}
		if missing := set.missing(); len(missing) > 0 {
			return Set{}, fmt.Errorf("the directory of servers %s has no %s", o.Given, strings.Join(missing, ", no "))
		}
		return set, nil
	}
	set := Set{Dir: filepath.Join(o.Cache, Version()+"-"+digest.Hex(goMod, 8)), Version: Version()}
	if len(set.missing()) == 0 {
		return set, nil
	}
	if err := os.MkdirAll(o.Cache, 0o700); err != nil {
		return Set{}, fmt.Errorf("the cache of servers: %w", err)
	}
	// Two labs that start at once build once.
	unlock, err := lock(filepath.Join(o.Cache, "lock"))
	if err != nil {
		return Set{}, fmt.Errorf("the cache of servers: %w", err)
	}
	defer unlock()
	if len(set.missing()) == 0 {
		return set, nil
	}
	if err := roomIn(o.Cache, roomForBuild); err != nil {
		return Set{}, err
	}
	if err := sweep(o.Cache); err != nil {
		return Set{}, fmt.Errorf("the cache of servers: %w", err)
	}
	err = set.build(ctx, o)
	switch {
	case ctx.Err() != nil:
		return Set{}, errors.New("building the servers was interrupted; what is compiled stays in the cache of the go command, and the next time goes on from there")
	case err != nil:
		return Set{}, fmt.Errorf("building the servers: %w", err)
	}
	return set, nil
}

// missing are the programs that are not there.
func (s Set) missing() []string {
	var missing []string
	for _, p := range packages {
		if info, err := os.Stat(s.Path(p.program)); err != nil || info.IsDir() || info.Mode()&0o100 == 0 {
			missing = append(missing, string(p.program))
		}
	}
	return missing
}

// sweep removes what builds that were killed have left. It needs the lock.
func sweep(cache string) error {
	left, err := filepath.Glob(filepath.Join(cache, unfinished+"*"))
	if err != nil {
		return err
	}
	for _, dir := range left {
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
	}
	return nil
}

func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // which unlocks it
}

// roomIn says if a file system has less room than is needed.
func roomIn(dir string, need uint64) error {
	var s unix.Statfs_t
	if err := unix.Statfs(dir, &s); err != nil {
		return fmt.Errorf("%s: %w", dir, err)
	}
	if free := s.Bavail * uint64(s.Bsize); free < need {
		return fmt.Errorf("%s has %.1f GiB left; building the servers takes %.0f GiB, most of it in the caches of the go command. Make room, or "+
			"give a directory that has them with --servers", dir, float64(free)/gibibyte, float64(need)/gibibyte)
	}
	return nil
}

// linkerFlags tell the programs their version, without which clients guess wrong.
func linkerFlags(of string) string {
	v := version.MustParseGeneric(of)
	const pkg = "k8s.io/component-base/version."
	return fmt.Sprintf("-s -w -X %[1]sgitVersion=%[2]s -X %[1]sgitMajor=%[3]d -X %[1]sgitMinor=%[4]d", pkg, of, v.Major(), v.Minor())
}
