package main

import (
	"errors"
	"fmt"
	"log/slog"

	"google.golang.org/protobuf/proto"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// errEmptyModel refuses a reload that would close every listener.
var errEmptyModel = errors.New("it has no forwarding rule: nothing would listen any more (--allow-empty takes it)")

// modelFile is the file that a proxy serves.
type modelFile struct {
	path string
	// allowEmpty takes a model without a listener on a reload, too.
	allowEmpty bool
	proxy      *proxy.Proxy
	log        *slog.Logger
	// served is the model in force, by kind and name.
	served map[[2]string]*lbv1.Resource
}

// load reads the model and makes it the whole configuration: what it does not hold any more is deleted. What changed is
// logged.
func (f *modelFile) load() error {
	model, err := config.LoadFile(f.path)
	if err != nil {
		return err
	}
	next := map[[2]string]*lbv1.Resource{}
	rules := 0
	for _, r := range model.GetResources() {
		key := lbv1.KeyOf(r)
		next[[2]string{key.GetKind(), key.GetName()}] = r
		if r.GetForwardingRule() != nil {
			rules++
		}
	}
	first := f.served == nil
	if !first && rules == 0 && !f.allowEmpty {
		return errEmptyModel
	}
	if err := f.proxy.Replace(model); err != nil {
		return err
	}
	added, changed, deleted := difference(f.served, next)
	f.served = next
	listeners := f.listeners()
	f.log.Info("configuration in force", "file", f.path, "seq", model.GetSeq(), "added", added, "changed", changed, "deleted", deleted,
		"listeners", listeners)
	if listeners == 0 {
		f.log.Warn(fmt.Sprintf("0 listeners: the model has %d forwarding rules, and none of this proxy's region", rules))
	}
	return nil
}

func (f *modelFile) listeners() (n int) {
	for _, b := range f.proxy.Bound() {
		if b.Err == nil {
			n++
		}
	}
	return n
}

func difference(before, after map[[2]string]*lbv1.Resource) (added, changed, deleted int) {
	for key, r := range after {
		switch old := before[key]; {
		case old == nil:
			added++
		case !proto.Equal(old, r):
			changed++
		}
	}
	for key := range before {
		if after[key] == nil {
			deleted++
		}
	}
	return added, changed, deleted
}
