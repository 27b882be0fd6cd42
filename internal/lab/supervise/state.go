package supervise

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spillway-lb/spillway/internal/lab/wire"
)

// state is what `spillway lab status` shows.
func (s *supervisor) state() *wire.State {
	state := &wire.State{
		Name: s.config.Dir.Name, Pid: os.Getpid(), Way: s.config.Way, Since: s.since, Version: s.config.Servers.Version,
		Controller: s.controllerState(), Memory: memory("/proc"),
	}
	for _, c := range s.clusters {
		state.Clusters = append(state.Clusters, wire.Cluster{
			Name: c.plan.Name, Region: c.plan.Region, Zones: c.plan.Zones, Server: c.config.Host,
			Member: s.fleet.has(c.plan.Name), Config: s.fleet.configCluster() == c.plan.Name, Cut: s.links.cutFrom(c.plan.Name),
			Nodes: len(s.config.Plan.NodesOf(c.plan)), Pods: s.agent.Pods(c.plan.Name), Trouble: c.trouble(),
		})
	}
	return state
}

// memory is the memory of all processes that a /proc shows, in bytes: their own, without the program text that several share.
func memory(proc string) int64 {
	files, err := filepath.Glob(filepath.Join(proc, "[0-9]*", "status"))
	if err != nil {
		return 0
	}
	var sum int64
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			continue // it has ended meanwhile
		}
		for line := range strings.Lines(string(text)) {
			if fields := strings.Fields(line); len(fields) >= 2 && fields[0] == "RssAnon:" {
				if kib, err := strconv.ParseInt(fields[1], 10, 64); err == nil {
					sum += kib << 10
				}
			}
		}
	}
	return sum
}
