package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/spillway-lb/spillway/internal/ads/wire"
)

// maxState bounds what is taken from a replica, in bytes.
const maxState = 1 << 30

// Fetch asks the replicas at HOST:PORT each, every address of a host, one after the other, and returns what the first one gives that
// accept takes. The error has what each of them said.
func Fetch(ctx context.Context, replicas []string, creds func(host string) (credentials.TransportCredentials, error), accept func([]byte) error) error {
	var all []error
	for _, replica := range replicas {
		addresses, err := addressesOf(ctx, replica)
		if err != nil {
			all = append(all, fmt.Errorf("%s: %w", replica, err))
		}
		host, _, _ := net.SplitHostPort(replica) // addressesOf has done it
		for _, address := range addresses {
			c, err := creds(host)
			if err != nil {
				return err
			}
			b, err := fetch(ctx, address, c)
			if err == nil {
				err = accept(b)
			}
			if err == nil {
				return nil
			}
			all = append(all, fmt.Errorf("%s: %w", address, err))
		}
	}
	return errors.Join(all...)
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
