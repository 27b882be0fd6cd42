// Package wire is how commands talk to a lab: over a socket, in JSON, with open files passed along.
//
// In: a Request, with descriptors for what is to run inside. Out: Replies.
//
//	conn, err := wire.Dial(path, wire.Request{Op: wire.Status})
//	var reply wire.Reply
//	err = conn.Receive(&reply)
//
// A command that a lab runs for somebody is started by the lab's own first process, so it is inside without entering anything:
// that is the same with and without root.
package wire

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"sync"
	"syscall"
	"time"
)

// Op is what is asked.
type Op string

// The operations.
const (
	Exec            Op = "exec"
	Status          Op = "status"
	Down            Op = "down"
	Logs            Op = "logs"
	KillPod         Op = "kill-pod"
	CrashController Op = "crash-controller"
	Partition       Op = "partition"
	Heal            Op = "heal"
	Fleet           Op = "fleet"
)

// Request is one question. What counts depends on Op.
type Request struct {
	Op Op `json:"op"`

	// Exec: the command, with the terminal's or the pipes' descriptors passed along.
	Args []string `json:"args,omitempty"`
	Env  []string `json:"env,omitempty"`
	Dir  string   `json:"dir,omitempty"`
	// Terminal: the first descriptor is a terminal that is to be the command's.
	Terminal bool `json:"terminal,omitempty"`

	// KillPod and Logs: a Pod. Partition: Cluster and Other.
	Cluster   string `json:"cluster,omitempty"`
	Other     string `json:"other,omitempty"`
	Namespace string `json:"namespace,omitempty"`
	Pod       string `json:"pod,omitempty"`
	Container string `json:"container,omitempty"`
	From      int64  `json:"from,omitempty"`

	// Fleet: the verb, and the cluster that it is about in Cluster.
	Verb string `json:"verb,omitempty"`
}

// Reply is one answer; most questions have one.
type Reply struct {
	Error string `json:"error,omitempty"`
	Text  string `json:"text,omitempty"`
	// Exit is set when a command has ended.
	Exit  *int   `json:"exit,omitempty"`
	Logs  []byte `json:"logs,omitempty"`
	Next  int64  `json:"next,omitempty"`
	State *State `json:"state,omitempty"`
}

// State is how a lab is.
type State struct {
	Name     string    `json:"name"`
	Pid      int       `json:"pid"`
	Way      string    `json:"way"`
	Since    time.Time `json:"since"`
	Version  string    `json:"version"`
	Clusters []Cluster `json:"clusters"`
	// Controller is "running", "stopped" or why there is none.
	Controller string `json:"controller"`
	// Memory is that of all processes, in bytes.
	Memory int64 `json:"memory"`
}

// Cluster is how a cluster is.
type Cluster struct {
	Name    string   `json:"name"`
	Region  string   `json:"region"`
	Zones   []string `json:"zones"`
	Server  string   `json:"server"`
	Member  bool     `json:"member"`
	Config  bool     `json:"config"`
	Nodes   int      `json:"nodes"`
	Pods    int      `json:"pods"`
	Cut     []string `json:"cut,omitempty"`
	Trouble string   `json:"trouble,omitempty"`
}

// Signal is sent after an Exec request, any number of times.
type Signal struct {
	Signal int `json:"signal"`
}

// Conn is one side of a conversation.
type Conn struct {
	conn *net.UnixConn
	in   *json.Decoder

	mu  sync.Mutex
	out *json.Encoder
}

// Limits of one request, in descriptors and time.
const (
	maxFiles = 3
	oobSize  = 64
	timeout  = 10 * time.Second
)

// Dial asks, and passes files along.
func Dial(path string, r Request, files ...*os.File) (*Conn, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: path, Net: "unix"})
	if err != nil {
		return nil, err
	}
	descriptors := make([]int, len(files))
	for i, f := range files {
		descriptors[i] = int(f.Fd())
	}
	// Descriptors come with a byte of their own, so that the JSON may have any length.
	if _, _, err := conn.WriteMsgUnix([]byte{0}, syscall.UnixRights(descriptors...), nil); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	c := newConn(conn)
	if err := c.Send(r); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return c, nil
}

// Accept reads the request of a connection, and the files that come with it, which are the caller's to close.
func Accept(conn *net.UnixConn) (*Conn, Request, []*os.File, error) {
	if err := conn.SetReadDeadline(time.Now().Add(timeout)); err != nil {
		return nil, Request{}, nil, err
	}
	oob := make([]byte, oobSize)
	n, oobn, _, _, err := conn.ReadMsgUnix(make([]byte, 1), oob)
	if err == nil && n == 0 {
		err = io.EOF // whoever only looks whether somebody answers
	}
	if err != nil {
		return nil, Request{}, nil, err
	}
	files, err := received(oob[:oobn])
	if err != nil {
		return nil, Request{}, nil, err
	}
	c := newConn(conn)
	var r Request
	if err := c.in.Decode(&r); err != nil {
		Close(files)
		return nil, Request{}, nil, fmt.Errorf("a request: %w", err)
	}
	return c, r, files, conn.SetReadDeadline(time.Time{})
}

func received(oob []byte) ([]*os.File, error) {
	messages, err := syscall.ParseSocketControlMessage(oob)
	if err != nil {
		return nil, err
	}
	var files []*os.File
	for i := range messages {
		descriptors, err := syscall.ParseUnixRights(&messages[i])
		if err != nil {
			Close(files)
			return nil, err
		}
		for _, d := range descriptors {
			syscall.CloseOnExec(d)
			files = append(files, os.NewFile(uintptr(d), "passed"))
		}
	}
	if len(files) > maxFiles {
		Close(files)
		return nil, fmt.Errorf("%d files were passed, at most %d are taken", len(files), maxFiles)
	}
	return files, nil
}

// Close closes files.
func Close(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}

func newConn(conn *net.UnixConn) *Conn {
	return &Conn{conn: conn, in: json.NewDecoder(conn), out: json.NewEncoder(conn)}
}

// Send sends a Request, a Reply or a Signal. It may be called from several goroutines.
func (c *Conn) Send(message any) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.out.Encode(message)
}

// Receive waits for the next message.
func (c *Conn) Receive(into any) error { return c.in.Decode(into) }

// Close ends the conversation.
func (c *Conn) Close() error { return c.conn.Close() }

// Ask asks a question that has one answer.
func Ask(path string, r Request) (Reply, error) {
	c, err := Dial(path, r)
	if err != nil {
		return Reply{}, err
	}
	defer func() { _ = c.Close() }()
	var reply Reply
	if err := c.Receive(&reply); err != nil {
		return Reply{}, fmt.Errorf("the lab does not answer: %w", err)
	}
	if reply.Error != "" {
		return reply, errors.New(reply.Error)
	}
	return reply, nil
}
