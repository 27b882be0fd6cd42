package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/spillway-lb/spillway/internal/ads/wire"
)

// maxState bounds what is taken from a replica, in bytes.
const maxState = 1 << 30

// Fetch asks the replicas at HOST:PORT each, every address of a host, one after the other, until accept takes what one
// gives. Each has its share of the time that the context leaves: one whose host is gone keeps nobody from asking the next one. The
// error has what each of them said.
func Fetch(ctx context.Context, replicas []string, creds func(host string) (credentials.TransportCredentials, error), accept func([]byte) error) error {
	peers, all := peersOf(ctx, replicas)
	for i, p := range peers {
		c, err := creds(p.host)
		if err != nil {
			return err
		}
		asking, cancel := share(ctx, len(peers)-i)
		b, err := fetch(asking, p.address, c)
		cancel()
		if err == nil {
			err = accept(b)
		}
		if err == nil {
			return nil
		}
		all = append(all, fmt.Errorf("%s: %w", p.address, err))
	}
	return errors.Join(all...)
}

// peer is an address, and the host that it is one of.
type peer struct{ host, address string }

func peersOf(ctx context.Context, replicas []string) (peers []peer, errs []error) {
	for _, replica := range replicas {
		addresses, err := addressesOf(ctx, replica)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", replica, err))
		}
		host, _, _ := net.SplitHostPort(replica) // addressesOf has done it
		for _, address := range addresses {
			peers = append(peers, peer{host, address})
		}
	}
	return peers, errs
}

// share is the part of a context's time for one of n.
func share(ctx context.Context, n int) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithTimeout(ctx, time.Until(deadline)/time.Duration(n))
}

// addressesOf are the addresses of a HOST:PORT, with the port: one name stands for all replicas.
func addressesOf(ctx context.Context, replica string) ([]string, error) {
	host, port, err := net.SplitHostPort(replica)
	if err != nil {
		return nil, err
	}
	found, err := net.DefaultResolver.LookupHost(ctx, host)
	for i, address := range found {
		found[i] = net.JoinHostPort(address, port)
	}
	return found, err
}

// fetch asks one of them.
func fetch(ctx context.Context, address string, creds credentials.TransportCredentials) ([]byte, error) {
	conn, err := grpc.NewClient("passthrough:///"+address, grpc.WithTransportCredentials(creds),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := wire.OpenState(ctx, conn)
	if err != nil {
		return nil, err
	}
	var out []byte
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out, nil
		}
		if err != nil {
			return nil, err
		}
		if len(out)+len(part.GetData()) > maxState {
			return nil, fmt.Errorf("more than %d bytes", maxState)
		}
		out = append(out, part.GetData()...)
	}
}
