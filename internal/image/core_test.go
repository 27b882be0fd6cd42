package image

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/spillway-lb/spillway/internal/fact"
)

var start = time.Date(2026, 11, 27, 12, 0, 0, 0, time.UTC)

func request(n int) fact.ImageRequest {
	return fact.ImageRequest{Version: fmt.Sprint("v", n), Image: "registry.example/plugin:v1"}
}

var (
	had    = fact.Image{Digest: "sha256:1"}
	failed = fact.Image{Err: "there is no such image"}
)

func TestFailuresAreTriedLaterEachTime(t *testing.T) {
	c := NewCore(nil)
	c.Want(start, []fact.ImageRequest{request(1)})
	now := start
	for i, pause := range []time.Duration{1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300} {
		jobs := c.Start(now)
		if len(jobs) != 1 || jobs[0].Digest != "" {
			t.Fatalf("attempt %d: %v", i, jobs)
		}
		if again := c.Start(now); again != nil {
			t.Fatalf("attempt %d is under way, and is started again", i)
		}
		if changed := c.Done(now, jobs[0], failed); changed != (i == 0) {
			t.Errorf("attempt %d changes the fact: %v", i, changed)
		}
		next, ok := c.Next()
		if want := now.Add(pause * time.Second); !ok || !next.Equal(want) {
			t.Errorf("attempt %d is followed after %v, want %ds", i, next.Sub(now), pause)
		}
		if early := c.Start(next.Add(-1)); early != nil {
			t.Errorf("attempt %d is followed too early", i)
		}
		now = next
	}
	jobs := c.Start(now)
	if !c.Done(now, jobs[0], had) || c.Facts()[request(1)].Digest != had.Digest {
		t.Error("the image appeared, and the fact did not")
	}
}

func TestWhatFailedIsTriedAtOnceWhenSomethingWasPushed(t *testing.T) {
	c := NewCore(nil)
	c.Want(start, []fact.ImageRequest{request(1), request(2)})
	now := start
	for range 8 {
		for _, j := range c.Start(now) {
			c.Done(now, j, map[bool]fact.Image{true: had, false: failed}[j.Request == request(2)])
		}
		now, _ = c.Next()
	}
	now = now.Add(-time.Second)
	c.Again(now)
	if jobs := c.Start(now); len(jobs) != 1 || jobs[0].Request != request(1) {
		t.Errorf("%v, want the one that failed", jobs)
	}
}

func TestATagIsResolvedOnce(t *testing.T) {
	c := NewCore(nil)
	c.Want(start, []fact.ImageRequest{request(1)})
	c.Done(start, c.Start(start)[0], had)
	if c.Start(start.Add(recheck-1)) != nil {
		t.Error("it is asked for too early")
	}
	later := start.Add(recheck)
	jobs := c.Start(later)
	if len(jobs) != 1 || jobs[0].Digest != had.Digest {
		t.Fatalf("%v, want it by its digest", jobs)
	}
	// It cannot be had now: proxies have it, and it is asked for again soon.
	if c.Done(later, jobs[0], failed) || c.Facts()[request(1)].Err != "" {
		t.Error("what was had is lost")
	}
	if next, _ := c.Next(); next != later.Add(firstPause) {
		t.Errorf("it is asked for again after %v", next.Sub(later))
	}
	// A version that is gone and comes again is another one.
	c.Want(later, nil)
	c.Want(later, []fact.ImageRequest{request(1)})
	if jobs := c.Start(later); len(jobs) != 1 || jobs[0].Digest != "" || len(c.Facts()) != 0 {
		t.Errorf("%v, %v", jobs, c.Facts())
	}
}

func TestDigestsFromBeforeHold(t *testing.T) {
	c := NewCore(map[fact.ImageRequest]string{request(1): "sha256:1", request(2): "sha256:2"})
	c.Want(start, []fact.ImageRequest{request(1)})
	if jobs := c.Fresh(); len(jobs) != 1 || jobs[0].Digest != "sha256:1" {
		t.Errorf("%v", jobs)
	}
	if pins := c.Pins(); len(pins) != 1 {
		t.Errorf("%v: what nobody wants is kept", pins)
	}
}

func TestResultsOfWhatNobodyWants(t *testing.T) {
	c := NewCore(nil)
	c.Want(start, []fact.ImageRequest{request(1)})
	jobs := c.Start(start)
	c.Want(start, nil)
	if c.Done(start, jobs[0], had) || len(c.Facts()) != 0 || len(c.Pins()) != 0 {
		t.Error("an image is kept that nobody wants")
	}
}

// TestCoreHolds: whatever happens, the number of jobs is bounded, nothing is looked up twice at a time, and all that is
// wanted comes to a result in the end.
func TestCoreHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c, now := NewCore(nil), start
		var busy []Job
		t.Repeat(map[string]func(*rapid.T){
			"want": func(t *rapid.T) {
				var list []fact.ImageRequest
				for i := range 8 {
					if rapid.Bool().Draw(t, "wanted") {
						list = append(list, request(i))
					}
				}
				c.Want(now, list)
			},
			"start": func(*rapid.T) { busy = append(busy, c.Start(now)...) },
			"wait":  func(t *rapid.T) { now = now.Add(time.Duration(rapid.IntRange(0, 400).Draw(t, "s")) * time.Second) },
			"done": func(t *rapid.T) {
				if len(busy) == 0 {
					return
				}
				j := busy[0]
				busy = busy[1:]
				c.Done(now, j, rapid.SampledFrom([]fact.Image{had, failed}).Draw(t, "result"))
			},
			"": func(t *rapid.T) {
				n := 0
				for _, s := range c.wanted {
					if s.busy {
						n++
					}
				}
				if n != c.jobs || n > maxJobs {
					t.Fatalf("%d jobs are under way, %d are counted", n, c.jobs)
				}
			},
		})
		for range 1000 {
			for _, j := range busy {
				c.Done(now, j, had)
			}
			if busy = c.Start(now); busy == nil {
				break
			}
		}
		for r, s := range c.wanted {
			if at, ok := c.Next(); s.known == nil && (!ok || at.After(now.Add(maxPause))) {
				t.Fatalf("%s is never looked up", r.Version)
			}
		}
	})
}

// What is put on this machine is had at once, however long it was missing.
func TestWhatIsOnThisMachineIsLookedForOften(t *testing.T) {
	c, now := NewCore(nil), start
	c.Local = func(image string) bool { return image == request(1).Image }
	c.Want(now, []fact.ImageRequest{request(1)})
	for range 20 {
		jobs := c.Start(now)
		if len(jobs) != 1 {
			t.Fatalf("%v", jobs)
		}
		c.Done(now, jobs[0], failed)
		next, _ := c.Next()
		if next.Sub(now) > maxLocalPause {
			t.Fatalf("it is looked for after %v", next.Sub(now))
		}
		now = next
	}
}
