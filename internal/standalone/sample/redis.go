package sample

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
)

const (
	redisPort = 6379
	// Bounds of what one client may make the server keep: arguments of a command, bytes of an argument, keys.
	maxRedisArguments = 64
	maxRedisBytes     = 1 << 20
	maxRedisKeys      = 10_000
)

// redis keeps strings in memory: PING, ECHO, GET, SET, DEL, EXISTS, QUIT. Whatever else a client asks for is an error, as is
// a command or configuration of the container.
func redis(_ Pod, c Container) (*Backend, error) {
	args := c.Args
	for len(args) > 0 && slices.Contains([]string{"docker-entrypoint.sh", "redis-server"}, args[0]) {
		args = args[1:]
	}
	if len(args) > 0 {
		return nil, c.noCommand("redis")
	}
	return &Backend{Ports: []uint16{redisPort}, Stream: (&redisServer{values: map[string]string{}}).serve}, nil
}

type redisServer struct {
	mu     sync.Mutex
	values map[string]string
}

// errRedis is what is no command.
var errRedis = errors.New("ERR Protocol error")

// serve answers commands until the client ends, or writes what is none.
func (s *redisServer) serve(conn net.Conn) {
	r := bufio.NewReader(conn)
	for {
		command, err := readRedis(r)
		if errors.Is(err, errRedis) {
			_, _ = io.WriteString(conn, "-"+err.Error()+"\r\n") // the connection ends anyhow
		}
		if err != nil {
			return
		}
		if len(command) == 0 {
			continue
		}
		if _, err := io.WriteString(conn, s.answer(command)); err != nil || strings.EqualFold(command[0], "QUIT") {
			return
		}
	}
}

// readRedis reads a command: an array of strings, or the words of a line.
func readRedis(r *bufio.Reader) ([]string, error) {
	line, err := redisLine(r)
	if err != nil {
		return nil, err
	}
	count, array := strings.CutPrefix(line, "*")
	if !array {
		return strings.Fields(line), nil
	}
	n, err := strconv.Atoi(count)
	if err != nil || n < 0 || n > maxRedisArguments {
		return nil, fmt.Errorf("%w: invalid multibulk length", errRedis)
	}
	var command []string
	for range n {
		line, err := redisLine(r)
		if err != nil {
			return nil, err
		}
		text, bulk := strings.CutPrefix(line, "$")
		length, err := strconv.Atoi(text)
		if err != nil || !bulk || length < 0 || length > maxRedisBytes {
			return nil, fmt.Errorf("%w: invalid bulk length", errRedis)
		}
		b := make([]byte, length+2)
		if _, err := io.ReadFull(r, b); err != nil {
			return nil, err
		}
		command = append(command, string(b[:length]))
	}
	return command, nil
}

// redisLine reads a line that fits into the reader's buffer.
func redisLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("%w: too big inline request", errRedis)
	}
	return strings.TrimRight(string(line), "\r\n"), err
}

func (s *redisServer) answer(command []string) string {
	name, args := strings.ToUpper(command[0]), command[1:]
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case name == "PING" && len(args) == 0:
		return "+PONG\r\n"
	case name == "PING" && len(args) == 1, name == "ECHO" && len(args) == 1:
		return redisBulk(args[0])
	case name == "QUIT":
		return "+OK\r\n"
	case name == "GET" && len(args) == 1:
		if value, ok := s.values[args[0]]; ok {
			return redisBulk(value)
		}
		return "$-1\r\n"
	case name == "SET" && len(args) == 2:
		if _, known := s.values[args[0]]; !known && len(s.values) >= maxRedisKeys {
			return "-OOM the built-in redis keeps no more keys\r\n"
		}
		s.values[args[0]] = args[1]
		return "+OK\r\n"
	case name == "DEL" && len(args) > 0, name == "EXISTS" && len(args) > 0:
		return s.count(args, name == "DEL")
	}
	return fmt.Sprintf("-ERR the built-in redis does not know %q with %d arguments\r\n", command[0], len(args))
}

// count is how many of the keys there are; they may be taken out.
func (s *redisServer) count(keys []string, remove bool) string {
	n := 0
	for _, key := range keys {
		if _, ok := s.values[key]; ok {
			n++
			if remove {
				delete(s.values, key)
			}
		}
	}
	return ":" + strconv.Itoa(n) + "\r\n"
}

func redisBulk(value string) string {
	return "$" + strconv.Itoa(len(value)) + "\r\n" + value + "\r\n"
}
