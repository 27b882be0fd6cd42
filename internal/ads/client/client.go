package client

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	corev3 "github.com/envoyproxy/go-control-plane/envoy/config/core/v3"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/ads/wire"
	"github.com/spillway-lb/spillway/internal/health"
	"github.com/spillway-lb/spillway/internal/location"
	"github.com/spillway-lb/spillway/internal/proxy/config"
)

const (
	// firstPause and maxPause bound the pause before the next try to connect; it doubles, and a random half of it is left out, so that a
	// fleet does not come back at one time.
	firstPause = 200 * time.Millisecond
	maxPause   = 10 * time.Second
	// pingTime is how often a silent controller is asked whether it is there, and pingWait how long it may take to answer.
	pingTime = 20 * time.Second
	pingWait = 10 * time.Second
	// savePause is how long changes gather before they are kept.
	savePause = time.Second
	// patience is how long a controller may owe an answer. It may be connected and have nothing to say yet, or hang: then the next one is
	// asked. Nobody is left because nothing changes.
	patience = 30 * time.Second
)

// Config is what a client is made of.
type Config struct {
	// Controllers are HOST:PORT each; one is used at a time, the next one when it is gone.
	Controllers []string
	Credentials credentials.TransportCredentials
	// Name tells a proxy from others in its region; Location is where it is.
	Name     string
	Location config.Location
	// Version is the program's.
	Version string
	// State is the file that keeps the last good state; "" keeps none.
	State string
	// Apply puts a transaction in force. It must not wait; the Report on it comes later.
	Apply func(*lbv1.Transaction)
	// Patience is how long a controller may owe an answer before the next one is asked; 30 s if it is zero. A third of it is how often one that
	// is silent is asked whether it does its work.
	Patience time.Duration
	Logger   *slog.Logger
}

// Client is a dataplanes.Feedback. Make one with New, and run it once.
type Client struct {
	Metrics *Metrics

	config Config
	words  *words
	// first is closed when there is something in force, which may be that there is nothing.
	first chan struct{}

	// Owned by Run:
	table  *table
	seq    uint64    // of the last transaction
	saveAt time.Time // when the table is to be kept; zero: it is
}

// New makes a client that does nothing yet.
func New(c Config) *Client {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Patience = cmp.Or(c.Patience, patience)
	return &Client{Metrics: newMetrics(), config: c, words: newWords(), first: make(chan struct{}), table: newTable()}
}

// Opened and Closed are no news: there is one data plane.
func (c *Client) Opened(string) {}

// Closed is the end of it.
func (c *Client) Closed(string) {}

// Report is how far the data plane has come.
func (c *Client) Report(r location.Report) { c.words.setReport(r) }

// Verdict is what its prober thinks of an endpoint.
func (c *Client) Verdict(_ string, v health.Verdict, gone bool) { c.words.setVerdict(v, gone) }

// Configured is closed when a configuration is in force, from a controller or from an earlier process.
func (c *Client) Configured() <-chan struct{} { return c.first }

// Run puts the kept state in force, and then what controllers send, until the context ends.
func (c *Client) Run(ctx context.Context) {
	c.restore()
	pause, told := firstPause, ""
	for i := 0; ; i++ {
		controller := c.config.Controllers[i%len(c.config.Controllers)]
		answered, err := c.connect(ctx, controller)
		if ctx.Err() != nil {
			break
		}
		c.keep()
		if pause = pauseFor(pause, answered, err); answered {
			told = ""
		}
		c.Metrics.connected.Set(0)
		if text := fmt.Sprint(controller, ": ", err); text != told {
			told = text
			c.config.Logger.Warn("no controller; what is in force stays in force", "controller", controller, "err", err)
		}
		c.wait(ctx, pause/2+rand.N(pause/2))
		pause = min(2*pause, maxPause)
	}
	c.keep()
}

// pauseFor is how long the next pause is at most. Of two of a name each takes the other's place, which is not to be all that they do:
// an old process has some time for handing over to a new one, too.
func pauseFor(last time.Duration, answered bool, err error) time.Duration {
	switch {
	case status.Code(err) == codes.Aborted:
		return maxPause
	case answered:
		return firstPause
	}
	return last
}

// wait passes the time, during which the data plane may have more to say of what it has.
func (c *Client) wait(ctx context.Context, pause time.Duration) {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
			return
		case <-c.words.news:
			c.keep()
		}
	}
}

// restore puts in force what an earlier process had.
func (c *Client) restore() {
	kept, err := load(c.config.State)
	if err != nil {
		c.config.Logger.Error("the kept state is not used", "err", err)
	}
	if len(kept.good) == 0 {
		return
	}
	c.seq++
	c.table.offer(&response{resources: kept.good})
	c.config.Logger.Info("serving the kept state", "file", c.config.State, "resources", len(kept.good))
	c.config.Apply(&lbv1.Transaction{Seq: c.seq, Upserts: kept.resources()})
	c.settle()
}

// settle takes the data plane's word on the last transaction. It says whether that is dealt with.
func (c *Client) settle() (dealt bool, report location.Report) {
	report, ok := c.words.last()
	if !ok || report.Seq < c.seq || c.seq == 0 {
		return false, report
	}
	if c.table.settle(report) && c.saveAt.IsZero() && c.config.State != "" {
		c.saveAt = time.Now().Add(savePause)
	}
	select {
	case <-c.first:
	default:
		close(c.first)
	}
	return true, report
}

// keep saves the last good state, if it has changed.
func (c *Client) keep() {
	c.settle()
	if c.saveAt.IsZero() {
		return
	}
	c.saveAt = time.Time{}
	if err := c.table.save(c.config.State); err != nil {
		c.config.Logger.Error("the state is not kept", "err", err)
	}
}

// connect talks to one controller until it or the context is gone. answered: it has said something.
func (c *Client) connect(ctx context.Context, controller string) (answered bool, err error) {
	conn, err := grpc.NewClient(controller,
		grpc.WithTransportCredentials(c.config.Credentials),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingTime, Timeout: pingWait}),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(wire.MaxMessage)))
	if err != nil {
		return false, err
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	s := &session{
		client: c, controller: controller, conn: conn, failed: make(chan error, 2), heard: make(chan struct{}),
		watch: newWatch(c.config.Patience, time.Now()), end: end,
	}
	err = s.run(ctx)
	if cause := context.Cause(ctx); cause != nil {
		err = cause
	}
	return s.answered, errors.Join(err, conn.Close())
}

func (c *Client) node() *corev3.Node {
	return &corev3.Node{
		Id: c.config.Name, Cluster: "spillway",
		Locality:      &corev3.Locality{Region: c.config.Location.Region, Zone: c.config.Location.Zone},
		UserAgentName: "spillway", UserAgentVersionType: &corev3.Node_UserAgentVersion{UserAgentVersion: c.config.Version},
	}
}
