package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"

	"google.golang.org/grpc/credentials/insecure"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/client"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

// proxy says of every transaction at once that it is in force.
type proxy struct {
	client *client.Client
	mu     sync.Mutex
	// resources counts what it has been sent.
	resources int
}

// runProxies has one in each region until the standard input ends, and then says how many resources the first one was sent.
func runProxies(controller string, regions int) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var all []*proxy
	for i := range regions {
		all = append(all, runProxy(ctx, controller, fmt.Sprintf("region%02d", i)))
	}
	_, _ = io.Copy(io.Discard, os.Stdin) // it ends with its parent
	fmt.Println(all[0].sent())
}

// fleet is the process that the proxies are in, so that their memory and work count for themselves.
type fleet struct {
	cmd  *exec.Cmd
	end  io.WriteCloser
	said *bytes.Buffer
}

func startFleet(ctx context.Context, controller string, regions int) (*fleet, error) {
	f := &fleet{cmd: exec.CommandContext(ctx, os.Args[0], "-controller", controller, "-regions", fmt.Sprint(regions)), said: &bytes.Buffer{}}
	f.cmd.Stdout, f.cmd.Stderr = f.said, os.Stderr
	var err error
	if f.end, err = f.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	return f, f.cmd.Start()
}

// stop ends the process, and returns how many resources each proxy was sent.
func (f *fleet) stop() string {
	_ = f.end.Close()
	_ = f.cmd.Wait()
	return strings.TrimSpace(f.said.String())
}

// runProxy is connected to a controller until the context ends.
func runProxy(ctx context.Context, controller, region string) *proxy {
	p := &proxy{}
	p.client = client.New(client.Config{
		Controllers: []string{controller}, Credentials: insecure.NewCredentials(), Name: "p",
		Location: config.Location{Region: region, Zone: region + "-a"}, Apply: p.apply,
	})
	go p.client.Run(ctx)
	return p
}

func (p *proxy) apply(tx *lbv1.Transaction) {
	p.mu.Lock()
	p.resources += len(tx.GetUpserts()) + len(tx.GetDeletes())
	p.mu.Unlock()
	p.client.Report(location.Report{Location: "here", Seq: tx.GetSeq()})
}

func (p *proxy) sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.resources
}
