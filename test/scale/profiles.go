package main

import (
	"os"
	"runtime/pprof"
)

// profiles are files; "" is none.
type profiles struct {
	cpu, heap string
}

// startCPU begins the profile that end ends.
func (p profiles) startCPU() (end func(), err error) {
	if p.cpu == "" {
		return func() {}, nil
	}
	f, err := os.Create(p.cpu)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return nil, err
	}
	return func() {
		pprof.StopCPUProfile()
		_ = f.Close()
	}, nil
}

func (p profiles) writeHeap() error {
	if p.heap == "" {
		return nil
	}
	f, err := os.Create(p.heap)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return pprof.WriteHeapProfile(f)
}
