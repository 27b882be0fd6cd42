package main

import (
	"context"
	"errors"
	"net"
	"os"
	"syscall"
	"time"

	"github.com/spillway-lb/spillway/internal/proxy"
)

// predecessor is the process whose sockets this one takes over. It goes on serving until it is told that its successor
// serves; if that fails before, nothing has changed.
type predecessor struct {
	conn    *net.UnixConn // nil if this is the first process
	sockets []proxy.Socket
}

// takeOver asks the process at the path for its sockets.
func takeOver(path string) (*predecessor, error) {
	if path == "" {
		return &predecessor{}, nil
	}
	nc, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return &predecessor{}, nil
	}
	if err != nil {
		return nil, err
	}
	sockets, err := proxy.TakeOver(nc)
	if err != nil {
		_ = nc.Close()
		return nil, err
	}
	return &predecessor{nc, sockets}, nil
}

// relieve tells the predecessor that its successor serves.
func (p *predecessor) relieve() {
	if p.conn != nil {
		_, _ = p.conn.Write([]byte{1}) // one that is gone needs no telling
		p.close()
	}
}

func (p *predecessor) close() {
	if p.conn != nil {
		_ = p.conn.Close()
	}
}

// reliefTime bounds how long a successor may take from getting the sockets to serving.
const reliefTime = time.Minute

// handOver gives the sockets to a successor, and returns when that serves.
func handOver(nc *net.UnixConn, p *proxy.Proxy) error {
	defer func() { _ = nc.Close() }()
	if err := p.HandOver(nc); err != nil {
		return err
	}
	_ = nc.SetReadDeadline(time.Now().Add(reliefTime))
	_, err := nc.Read(make([]byte, 1))
	return err
}

// offerHandOver waits at the path for the next process. The channel is closed when that serves.
func offerHandOver(ctx context.Context, path string, p *proxy.Proxy) (<-chan struct{}, error) {
	if path == "" {
		return nil, nil
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ln, err := net.ListenUnix("unix", &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	// The path belongs to the next process by the time this one ends.
	ln.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, err
	}
	context.AfterFunc(ctx, func() { _ = ln.Close() })
	handed := make(chan struct{})
	go func() {
		defer close(handed)
		for {
			nc, err := ln.AcceptUnix()
			if err != nil {
				return
			}
			if handOver(nc, p) == nil {
				_ = ln.Close()
				return
			}
		}
	}()
	return handed, nil
}
