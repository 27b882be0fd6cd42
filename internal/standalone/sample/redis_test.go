package sample

import (
	"bufio"
	"io"
	"net"
	"strings"
	"testing"
)

// TestRedisKeepsStrings talks both spellings of the protocol.
func TestRedisKeepsStrings(t *testing.T) {
	b, err := redis(pod, Container{Args: []string{"redis-server"}})
	if err != nil {
		t.Fatal(err)
	}
	client, server := net.Pipe()
	go func() {
		b.Stream(server)
		_ = server.Close()
	}()
	answers := bufio.NewReader(client)
	for _, c := range []struct{ command, want string }{
		{"PING\r\n", "+PONG\r\n"},
		{"*2\r\n$4\r\nPING\r\n$2\r\nhi\r\n", "$2\r\nhi\r\n"},
		{"*2\r\n$3\r\nGET\r\n$1\r\na\r\n", "$-1\r\n"},
		{"*3\r\n$3\r\nset\r\n$1\r\na\r\n$4\r\nx\r\ny\r\n", "+OK\r\n"},
		{"GET a\r\n", "$4\r\nx\r\ny\r\n"},
		{"EXISTS a b\r\n", ":1\r\n"},
		{"DEL a b\r\n", ":1\r\n"},
		{"GET a\r\n", "$-1\r\n"},
		{"LPUSH a b\r\n", "-ERR the built-in redis does not know \"LPUSH\" with 2 arguments\r\n"},
		{"*x\r\n", "-ERR Protocol error: invalid multibulk length\r\n"},
	} {
		if _, err := io.WriteString(client, c.command); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(c.want))
		if _, err := io.ReadFull(answers, got); err != nil || string(got) != c.want {
			t.Fatalf("%q was answered %q, %v, want %q", c.command, got, err, c.want)
		}
	}
	if _, err := answers.ReadByte(); err != io.EOF {
		t.Errorf("after what is no command the connection stays: %v", err)
	}
	if _, err := redis(pod, Container{Args: []string{"redis-server", "--requirepass", "x"}}); err == nil {
		t.Error("a password is ignored")
	}
}

func FuzzRedis(f *testing.F) {
	f.Add("*2\r\n$3\r\nGET\r\n$1\r\na\r\nPING\r\n")
	f.Add("*1\r\n$9999999\r\n")
	f.Add("SET a b\nDEL a")
	f.Fuzz(func(t *testing.T, input string) {
		s := &redisServer{values: map[string]string{}}
		r := bufio.NewReader(strings.NewReader(input))
		for {
			command, err := readRedis(r)
			if err != nil {
				return
			}
			if len(command) > 0 && !strings.HasSuffix(s.answer(command), "\r\n") {
				t.Errorf("%q has no answer", command)
			}
		}
	})
}
