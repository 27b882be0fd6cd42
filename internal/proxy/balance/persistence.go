package balance

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	lbv1 "github.com/spillway-lb/spillway/api/lb/v1"
	"github.com/spillway-lb/spillway/internal/proxy/header"
	"github.com/spillway-lb/spillway/internal/proxy/refusal"
)

// Persistence is a compiled SessionPersistence of a route rule: the session itself names its endpoint. It holds as long
// as the endpoint is healthy and does not drain; then the session moves to another one.
type Persistence struct {
	cookie         string
	header         []byte
	idle, absolute time.Duration
	sessionCookie  bool
}

// CompilePersistence compiles a rule's session persistence; nil gives nil.
func CompilePersistence(p *lbv1.SessionPersistence) (*Persistence, error) {
	if p == nil {
		return nil, nil
	}
	if !checkCookieName(p.GetName()) {
		return nil, refusal.Errorf("name", "%q is not a name that a cookie or header can have", p.GetName())
	}
	if p.GetKind() == lbv1.SessionPersistence_HEADER && !checkSessionHeader(strings.ToLower(p.GetName())) {
		return nil, refusal.Errorf("name", "header %q means something else and cannot carry a session", p.GetName())
	}
	if d := p.GetAbsoluteTimeout(); d != nil && d.AsDuration() != 0 && d.AsDuration() < time.Second {
		return nil, refusal.Errorf("absolute_timeout", "%v is shorter than a second", d.AsDuration())
	}
	if d := p.GetIdleTimeout(); d != nil && d.AsDuration() != 0 && d.AsDuration() < time.Second {
		return nil, refusal.Errorf("idle_timeout", "%v is shorter than a second", d.AsDuration())
	}
	out := &Persistence{
		idle: p.GetIdleTimeout().AsDuration(), absolute: p.GetAbsoluteTimeout().AsDuration(), sessionCookie: p.GetSessionCookie(),
	}
	if p.GetKind() == lbv1.SessionPersistence_HEADER {
		out.header = []byte(strings.ToLower(p.GetName()))
	} else {
		out.cookie = p.GetName()
	}
	return out, nil
}

// checkSessionHeader refuses headers that frame, route or describe a message.
func checkSessionHeader(name string) bool {
	switch header.Lookup([]byte(name)) {
	case header.Connection, header.ContentEncoding, header.ContentLength, header.ContentType, header.Cookie, header.Date, header.Expect,
		header.Host, header.HTTP2Settings, header.KeepAlive, header.Location, header.ProxyConnection, header.SetCookie, header.TE,
		header.Trailer, header.TransferEncoding, header.Upgrade, header.Vary, header.Via:
		return false
	}
	return true
}

// session is what a cookie or header says: ID.STARTED, ID the endpoint's in base 16, STARTED seconds since 1970 in base 36
// of the session's begin and of its last request, joined by a point.
type session struct {
	endpoint      uint64
	started, last int64
}

func (p *Persistence) read(in *PickInput) (session, bool) {
	var v []byte
	var ok bool
	if p.header != nil {
		v, ok = in.Request.Header.GetName(p.header)
	} else {
		v, ok = cookie(&in.Request.Header, p.cookie)
	}
	if !ok {
		return session{}, false
	}
	return parseSession(v)
}

func parseSession(v []byte) (s session, ok bool) {
	id, times, ok1 := bytes.Cut(v, point)
	started, last, ok2 := bytes.Cut(times, point)
	if !ok1 || !ok2 || len(id) > 16 || len(started) > 12 || len(last) > 12 {
		return session{}, false
	}
	var err [3]error
	// The conversions do not escape: strconv copies what it reports.
	s.endpoint, err[0] = strconv.ParseUint(string(id), 16, 64)
	s.started, err[1] = strconv.ParseInt(string(started), 36, 64)
	s.last, err[2] = strconv.ParseInt(string(last), 36, 64)
	return s, err == [3]error{}
}

var point = []byte(".")

func (s session) append(b []byte) []byte {
	b = append(strconv.AppendUint(b, s.endpoint, 16), '.')
	b = append(strconv.AppendInt(b, s.started, 36), '.')
	return strconv.AppendInt(b, s.last, 36)
}

// alive says whether the session's own limits let it go on.
func (p *Persistence) alive(s session, wall int64) bool {
	return (p.absolute == 0 || wall < s.started+int64(p.absolute/time.Second)) &&
		(p.idle == 0 || wall < s.last+int64(p.idle/time.Second))
}

// write puts the session into the input. A session that goes on is written again only to move its idle limit.
func (p *Persistence) write(in *PickInput, s session, fresh bool) {
	if !fresh && p.idle == 0 {
		return
	}
	s.last = in.Wall
	value := s.append(make([]byte, 0, 48))
	if p.header != nil {
		in.SetName, in.SetValue = p.header, value
		return
	}
	in.SetName, in.SetValue = header.SetCookie.Name(), setCookie(p.cookie, value, "/", p.maxAge(s, in.Wall))
}

// maxAge is what is left of the session: the smaller of both limits.
func (p *Persistence) maxAge(s session, wall int64) time.Duration {
	if p.sessionCookie {
		return 0
	}
	left := p.idle
	if p.absolute > 0 {
		rest := p.absolute - time.Duration(wall-s.started)*time.Second
		if left == 0 || rest < left {
			left = rest
		}
	}
	return left
}

// endpoint finds a session's endpoint among those that may get requests.
func (p *snapshot) endpoint(id uint64) *Endpoint {
	p.sessions.Do(func() {
		p.byID = make(map[uint64]*Endpoint, len(p.usable))
		for _, e := range p.usable {
			p.byID[e.id] = e
		}
	})
	return p.byID[id]
}
