package rollout

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"sync"
	"time"
)

// connection is one of HTTP/1.1 that is kept, made when it is first needed. It takes little: a client that is at the end of its own
// strength would measure itself.
type connection struct {
	load    *load
	request []byte
	// asked has the requests to send, one at a time, each with the group of those that wait for answers.
	asked chan *sync.WaitGroup

	conn net.Conn
	in   *bufio.Reader
	body []byte
}

func newConnection(l *load) *connection {
	return &connection{
		load: l, request: []byte("GET / HTTP/1.1\r\nHost: " + l.address + "\r\nUser-Agent: rollout\r\n\r\n"), asked: make(chan *sync.WaitGroup, 1),
	}
}

// serve sends what is asked for until nothing more will be.
func (c *connection) serve() {
	for answers := range c.asked {
		pod, err := c.answer()
		c.load.done(c, pod, err)
		answers.Done()
	}
	c.hangUp()
}

// errUnread is a kept connection that the server had ended: it has not read the request.
var errUnread = errors.New("the server had ended the connection")

// answer sends one request and returns the body of its answer, which is the connection's until the next one.
func (c *connection) answer() ([]byte, error) {
	kept := c.conn != nil
	body, err := c.try()
	if errors.Is(err, errUnread) && kept {
		c.load.note(func() { c.load.reopened++ })
		body, err = c.try()
	}
	return body, err
}

func (c *connection) try() (body []byte, err error) {
	defer func() {
		if err != nil {
			c.hangUp()
		}
	}()
	if c.conn == nil {
		if c.conn, err = net.DialTimeout("tcp", c.load.address, patience); err != nil {
			return nil, err
		}
		c.in = bufio.NewReaderSize(c.conn, 2<<10)
	}
	if err := c.conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return nil, err
	}
	if _, err := c.conn.Write(c.request); err != nil {
		return nil, errUnread
	}
	if _, err := c.in.Peek(1); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errUnread
		}
		return nil, err
	}
	return c.read()
}

// read reads an answer with a length.
func (c *connection) read() ([]byte, error) {
	status, err := c.line()
	if err != nil {
		return nil, err
	}
	length, last := -1, false
	for {
		line, err := c.line()
		if err != nil {
			return nil, err
		}
		if line == "" {
			break
		}
		name, value, _ := strings.Cut(line, ":")
		switch value = textproto.TrimString(value); {
		case strings.EqualFold(name, "Content-Length"):
			if length, err = strconv.Atoi(value); err != nil {
				return nil, err
			}
		case strings.EqualFold(name, "Connection"):
			last = strings.EqualFold(value, "close")
		}
	}
	if length < 0 {
		return nil, fmt.Errorf("an answer without a length: %s", status)
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	c.body = c.body[:length]
	if _, err := io.ReadFull(c.in, c.body); err != nil {
		return nil, err
	}
	if last {
		c.hangUp()
	}
	if !strings.HasPrefix(status, "HTTP/1.1 200 ") {
		return nil, fmt.Errorf("%s: %.100q", status, c.body)
	}
	return bytes.TrimSpace(c.body), nil
}

// line reads one of a head.
func (c *connection) line() (string, error) {
	line, err := c.in.ReadSlice('\n')
	return strings.TrimRight(string(line), "\r\n"), err
}

func (c *connection) hangUp() {
	if c.conn != nil {
		_ = c.conn.Close()
		c.conn = nil
	}
}
