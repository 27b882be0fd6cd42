// Package statedir is where a lab keeps its files: one directory for each lab, by name.
//
// In: the base directory and a lab's name. Out: the paths of its files, and whether the name is free.
//
//	d, err := statedir.Of(base, "default")
//	claim, err := d.Claim() // fails if a lab of that name runs; whoever runs it keeps the file open
//	d.Kubeconfig()
package statedir

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/sys/unix"
	"k8s.io/apimachinery/pkg/util/validation"
)

// DefaultName is the lab that is meant if none is named.
const DefaultName = "default"

// maxSocket is how long the path of a socket may be, in bytes.
const maxSocket = 107

// Dir is a lab's directory.
type Dir struct {
	Path string
	Name string
}

// Base is the directory of all labs of this user.
func Base() (string, error) {
	if dir := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(dir) {
		return filepath.Join(dir, "spillway", "lab"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(home, ".local", "state", "spillway", "lab"), nil
}

// Of is a lab's directory below a base. It need not be there.
func Of(base, name string) (Dir, error) {
	if problems := validation.IsDNS1123Label(name); len(problems) > 0 {
		return Dir{}, fmt.Errorf("lab name %q: %s", name, problems[0])
	}
	d := Dir{Path: filepath.Join(base, name), Name: name}
	if n := len(d.Socket()); n > maxSocket {
		return Dir{}, fmt.Errorf("the path %s has %d bytes; a socket's may have %d. Set XDG_STATE_HOME to a shorter directory", d.Socket(), n, maxSocket)
	}
	return d, nil
}

// All are the labs that have a directory below a base, by name.
func All(base string) ([]Dir, error) {
	entries, err := os.ReadDir(base)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var all []Dir
	for _, e := range entries {
		if d, err := Of(base, e.Name()); err == nil && e.IsDir() {
			all = append(all, d)
		}
	}
	slices.SortFunc(all, func(a, b Dir) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// Socket is where the lab is asked.
func (d Dir) Socket() string { return filepath.Join(d.Path, "lab.sock") }

// Controller is the control socket of the lab's `spillway controller`.
func (d Dir) Controller() string { return filepath.Join(d.Path, "controller.sock") }

// Kubeconfig has a context for each cluster.
func (d Dir) Kubeconfig() string { return filepath.Join(d.Path, "kubeconfig") }

// Kubecache is what kubectl remembers.
func (d Dir) Kubecache() string { return filepath.Join(d.Path, "kubecache") }

// Members has a kubeconfig for each member of the fleet.
func (d Dir) Members() string { return filepath.Join(d.Path, "members") }

// Plan is the lab's plan.
func (d Dir) Plan() string { return filepath.Join(d.Path, "plan.json") }

// Log is what a program has printed.
func (d Dir) Log(program string) string { return filepath.Join(d.Path, "logs", program+".log") }

// Data is the directory of a cluster's servers.
func (d Dir) Data(cluster string) string { return filepath.Join(d.Path, "clusters", cluster) }

// Temporary is for what Pods' volumes hold.
func (d Dir) Temporary() string { return filepath.Join(d.Path, "tmp") }

// Start is what the first process of the lab is told.
func (d Dir) Start() string { return filepath.Join(d.Path, "start.json") }

// lock is held by whoever runs the lab.
func (d Dir) lock() string { return filepath.Join(filepath.Dir(d.Path), "."+d.Name+".lock") }

// Claim makes the directory anew; what a lab that crashed has left goes. The name is taken as long as any process has the file
// open.
func (d Dir) Claim() (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(d.Path), 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(d.lock(), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("a lab named %q runs already: `spillway lab down --name %s` ends it, and --name chooses another", d.Name, d.Name)
	}
	if err == nil {
		err = d.renew()
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return f, nil
}

func (d Dir) renew() error {
	if err := d.Remove(); err != nil {
		return err
	}
	for _, path := range []string{d.Path, filepath.Dir(d.Log("x")), d.Members(), d.Temporary()} {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
	}
	return nil
}

// Remove removes everything.
func (d Dir) Remove() error { return os.RemoveAll(d.Path) }
