package main

import (
	"context"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// h2loadRun loads a proxy over HTTP/2 with nghttp2's load generator.
func h2loadRun(ctx context.Context, c benchCase, port int, window time.Duration, dir string) (result, error) {
	scheme := "http"
	if c.tls {
		scheme = "https"
	}
	args := []string{
		"-c", strconv.Itoa(c.conns), "-m", strconv.Itoa(c.streams), "-t", "1",
		"-D", strconv.FormatFloat(math.Ceil(window.Seconds()), 'f', 0, 64),
		// Windows of 2^30 bytes: neither flow control nor its updates are what is compared.
		"-w", "30", "-W", "30",
	}
	if c.grpc {
		file := filepath.Join(dir, "message")
		message := append([]byte{0, 0, 0, 0, byte(c.postBytes)}, make([]byte, c.postBytes)...)
		if err := os.WriteFile(file, message, 0o600); err != nil {
			return result{}, err
		}
		args = append(args, "-d", file, "-H", "content-type: application/grpc", "-H", "te: trailers")
	}
	args = append(args, fmt.Sprintf("%s://%s%s", scheme, address(port), c.path()))
	out, err := exec.CommandContext(ctx, "h2load", args...).CombinedOutput()
	if err != nil {
		return result{}, fmt.Errorf("h2load: %w: %s", err, out)
	}
	return parseH2load(string(out))
}

var (
	h2loadRequests = regexp.MustCompile(`(\d+) total, \d+ started, \d+ done, (\d+) succeeded, (\d+) failed`)
	h2loadFinished = regexp.MustCompile(`finished in ([0-9.]+)(s|ms)`)
	h2loadMean     = regexp.MustCompile(`time for request:\s+\S+\s+(\S+)\s+(\S+)`)
)

// parseH2load reads its summary. It has no percentiles: latency is left empty.
func parseH2load(out string) (result, error) {
	m, f := h2loadRequests.FindStringSubmatch(out), h2loadFinished.FindStringSubmatch(out)
	if m == nil || f == nil || !h2loadMean.MatchString(out) {
		return result{}, fmt.Errorf("h2load printed %q", strings.TrimSpace(out))
	}
	done, _ := strconv.ParseUint(m[2], 10, 64)
	failed, _ := strconv.ParseUint(m[3], 10, 64)
	seconds, _ := strconv.ParseFloat(f[1], 64)
	if f[2] == "ms" {
		seconds /= 1000
	}
	return result{requests: done, failures: failed, elapsed: time.Duration(seconds * float64(time.Second))}, nil
}
