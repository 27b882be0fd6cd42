package proxytls

import (
	"crypto/tls"
	"testing"
	"time"
)

func TestTicketsRotateAndAreForgotten(t *testing.T) {
	start := time.Unix(1_000_000, 0)
	tickets := NewTickets(start)
	first := tickets.Keys()[0]
	tickets.Tick(start.Add(TicketRotation - time.Second))
	if tickets.Keys()[0] != first {
		t.Error("rotated too early")
	}
	now := start
	for range 100 {
		now = now.Add(TicketRotation)
		tickets.Tick(now)
	}
	keys := tickets.Keys()
	if want := int(TicketLifetime/TicketRotation) + 1; len(keys) != want {
		t.Errorf("%d keys, want %d", len(keys), want)
	}
	for _, k := range keys {
		if k == first {
			t.Error("the first key is still there")
		}
	}
}

func TestTicketsOfAnotherProcessResume(t *testing.T) {
	ca := newAuthority(t, "ca")
	r := resources{certificates: map[string]*Certificate{"c": ca.parsed(t, ecdsaKey(t), "a.example")}}
	p := compile(t, serverNames(map[string][]string{"": {"c"}}), r)
	old := NewTickets(time.Now())
	client := &tls.Config{ServerName: "a.example", RootCAs: ca.pool(), ClientSessionCache: tls.NewLRUClientSessionCache(1)}
	if _, _, err := handshake(t, NewServer(p, old).Config(), client); err != nil {
		t.Fatal(err)
	}
	heir := NewTickets(time.Now())
	heir.Set(append([]TicketKey{{1}}, old.Keys()...), time.Now())
	if _, state, err := handshake(t, NewServer(p, heir).Config(), client); err != nil || !state.DidResume {
		t.Errorf("resumed %t, %v", state.DidResume, err)
	}
	stranger := NewTickets(time.Now())
	if _, state, err := handshake(t, NewServer(p, stranger).Config(), client); err != nil || state.DidResume {
		t.Errorf("a stranger's tickets: resumed %t, %v", state.DidResume, err)
	}
	if _, state, err := handshake(t, NewServer(p, nil).Config(), client); err != nil || state.DidResume {
		t.Errorf("without tickets: resumed %t, %v", state.DidResume, err)
	}
}

func TestGivenKeysAreNotRotated(t *testing.T) {
	now := time.Now()
	tickets := NewTickets(now)
	tickets.Set([]TicketKey{{1}, {2}}, now)
	tickets.Tick(now.Add(48 * time.Hour))
	if keys := tickets.Keys(); len(keys) != 2 || keys[0] != (TicketKey{1}) {
		t.Error("given keys were rotated")
	}
	tickets.Set(nil, now)
	if len(tickets.Keys()) != 2 {
		t.Error("no keys at all were taken")
	}
}

func TestTicketGarbage(t *testing.T) {
	tickets := NewTickets(time.Now())
	id := (*tickets.ring.Load())[0].id
	for _, b := range [][]byte{nil, {1, 2, 3}, id[:], append(id[:], make([]byte, 100)...)} {
		if tickets.open(b, nil) != nil {
			t.Errorf("%x opened", b)
		}
	}
}
