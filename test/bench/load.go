package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// result is what the load generator saw.
type result struct {
	requests uint64
	failures uint64
	elapsed  time.Duration
	latency  *latencies
}

// client is one connection of the load generator.
type client struct {
	conn     net.Conn
	reader   *bufio.Reader
	request  []byte
	intended time.Time
}

func requestOf(c benchCase) []byte {
	if c.postBytes == 0 {
		return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n", c.path())
	}
	b := fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\nContent-Length: %d\r\n\r\n",
		c.path(), c.postBytes)
	return append(b, bytes.Repeat([]byte("y"), c.postBytes)...)
}

// lastRequestOf asks the proxy to end the connection.
func lastRequestOf(c benchCase) []byte {
	return fmt.Appendf(nil, "GET %s HTTP/1.1\r\nHost: bench.test\r\nUser-Agent: bench\r\nConnection: close\r\n\r\n", c.path())
}

func clientTLS(c benchCase) *tls.Config {
	config := &tls.Config{
		ServerName: "bench.test", InsecureSkipVerify: true, NextProtos: []string{"http/1.1"},
		CurvePreferences: []tls.CurveID{tls.X25519}, DynamicRecordSizingDisabled: true,
	}
	if c.resume {
		config.ClientSessionCache = tls.NewLRUClientSessionCache(4)
	}
	return config
}

func dial(c benchCase, port int, config *tls.Config) (*client, error) {
	conn, err := net.DialTimeout("tcp", address(port), 10*time.Second)
	if err != nil {
		return nil, err
	}
	if c.tls {
		conn = tls.Client(conn, config)
	}
	return &client{conn: conn, reader: bufio.NewReaderSize(conn, min(64<<10, 1024+c.bodyBytes)), request: requestOf(c)}, nil
}

// exchange sends the request and reads the answer.
func (c *client) exchange() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	return c.receive()
}

var errStatus = errors.New("the answer is not 200")

func (c *client) receive() error {
	line, err := c.reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 12 || string(line[9:12]) != "200" {
		return fmt.Errorf("%w: %q", errStatus, line)
	}
	length := -1
	for len(line) > 2 {
		if line, err = c.reader.ReadSlice('\n'); err != nil {
			return err
		}
		if len(line) > 16 && (line[0]|0x20) == 'c' && bytes.EqualFold(line[:15], []byte("content-length:")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[15:]))); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return errors.New("the answer has no content-length")
	}
	_, err = io.CopyN(io.Discard, c.reader, int64(length))
	return err
}

// dialAll opens the connections, some at a time, and sends one request on each.
func dialAll(ctx context.Context, c benchCase, port int) ([]*client, error) {
	clients := make([]*client, c.conns)
	config := clientTLS(c)
	var next atomic.Int64
	var wait sync.WaitGroup
	failed := make(chan error, 32)
	for range 32 {
		wait.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(clients)) && ctx.Err() == nil; i = next.Add(1) - 1 {
				one, err := dial(c, port, config)
				if err == nil {
					clients[i] = one
					err = one.exchange()
				}
				if err != nil {
					failed <- err
					return
				}
			}
		})
	}
	wait.Wait()
	select {
	case err := <-failed:
		closeAll(clients)
		return nil, err
	default:
		return clients, ctx.Err()
	}
}

func closeAll(clients []*client) {
	for _, c := range clients {
		if c != nil {
			_ = c.conn.Close()
		}
	}
}

// closedLoop keeps one request in flight on every connection.
func closedLoop(ctx context.Context, c benchCase, clients []*client, window time.Duration) result {
	r := result{latency: new(latencies)}
	begin := time.Now()
	end := begin.Add(window)
	var requests, failures atomic.Uint64
	var wait sync.WaitGroup
	for _, one := range clients {
		wait.Go(func() {
			_ = one.conn.SetDeadline(end.Add(10 * time.Second))
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; {
				if err := one.exchange(); err != nil {
					failures.Add(1)
					return
				}
				done := time.Now()
				r.latency.add(done.Sub(now))
				requests.Add(1)
				now = done
			}
		})
	}
	wait.Wait()
	r.requests, r.failures, r.elapsed = requests.Load(), failures.Load(), time.Since(begin)
	return r
}

// connectionLoop opens a connection for every few requests.
func connectionLoop(ctx context.Context, c benchCase, port int, window time.Duration) result {
	r := result{latency: new(latencies)}
	begin := time.Now()
	end := begin.Add(window)
	var requests, failures atomic.Uint64
	var wait sync.WaitGroup
	for range c.conns {
		wait.Go(func() {
			config := clientTLS(c)
			if err := connectOnce(c, port, config, false); err != nil {
				failures.Add(1)
				return
			}
			for now := time.Now(); now.Before(end) && ctx.Err() == nil; now = time.Now() {
				if err := connectOnce(c, port, config, c.resume); err != nil {
					failures.Add(1)
					return
				}
				r.latency.add(time.Since(now))
				requests.Add(uint64(c.each))
			}
		})
	}
	wait.Wait()
	r.requests, r.failures, r.elapsed = requests.Load(), failures.Load(), time.Since(begin)
	return r
}

// connectOnce is the life of one connection.
func connectOnce(c benchCase, port int, config *tls.Config, mustResume bool) error {
	one, err := dial(c, port, config)
	if err != nil {
		return err
	}
	defer one.conn.Close()
	for i := range c.each {
		if c.closes && i == c.each-1 {
			one.request = lastRequestOf(c)
		}
		if err := one.exchange(); err != nil {
			return err
		}
	}
	if c.closes {
		if _, err := one.reader.ReadByte(); err != io.EOF {
			return fmt.Errorf("the connection did not end: %w", err)
		}
	}
	if t, ok := one.conn.(*tls.Conn); ok && mustResume && !t.ConnectionState().DidResume {
		return errors.New("the session did not resume")
	}
	return nil
}
