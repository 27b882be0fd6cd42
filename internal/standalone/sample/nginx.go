package sample

import (
	"fmt"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strings"
	"time"
)

// nginxRoot is where the image keeps what it serves.
const nginxRoot = "/usr/share/nginx/html"

// nginx serves the files that are mounted under its root, or else the page of a fresh installation. It reads no
// configuration and runs no other command: a container that asks for that is told so.
func nginx(_ Pod, c Container) (*Backend, error) {
	if err := c.nginxCommand(); err != nil {
		return nil, err
	}
	pages := nginxPages{}
	for _, name := range slices.Sorted(maps.Keys(c.Files)) {
		if strings.HasPrefix(name, "/etc/nginx/") {
			return nil, fmt.Errorf("the built-in nginx reads no configuration, and %s is mounted; map the image to a command in spillway.yaml", name)
		}
		if below, ok := strings.CutPrefix(name, nginxRoot+"/"); ok {
			pages["/"+below] = c.Files[name]
		}
	}
	if len(pages) == 0 {
		pages["/index.html"] = []byte(nginxPage("Welcome to nginx!", "<p>If you see this page, the nginx web server is successfully "+
			"installed and\nworking. Further configuration is required.</p>\n"))
	}
	return &Backend{Ports: []uint16{80}, Handler: nginxLog{pages, c}}, nil
}

// nginxLog prints a line a request, in the format "main" of the image's nginx.conf.
type nginxLog struct {
	next http.Handler
	c    Container
}

func (l nginxLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	counted := &countedWriter{ResponseWriter: w, code: http.StatusOK}
	l.next.ServeHTTP(counted, r)
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	now := time.Now
	if l.c.Now != nil {
		now = l.c.Now
	}
	quoted := func(name string) string { return nginxQuote(orElse(r.Header.Get(name), "-")) }
	fmt.Fprintf(l.c.output(), "%s - - [%s] %s %d %d %s %s %s\n", host, now().Format("02/Jan/2006:15:04:05 -0700"),
		nginxQuote(r.Method+" "+r.RequestURI+" "+r.Proto), counted.code, counted.bytes, quoted("Referer"), quoted("User-Agent"), quoted("X-Forwarded-For"))
}

// nginxQuote writes a peer's text in quotes, and what would end them, or the line, as \xXX.
func nginxQuote(text string) string {
	var b strings.Builder
	for _, c := range []byte(text) {
		if c < ' ' || c >= 0x7f || c == '"' || c == '\\' {
			fmt.Fprintf(&b, "\\x%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return `"` + b.String() + `"`
}

// countedWriter tells what was answered.
type countedWriter struct {
	http.ResponseWriter
	code, bytes int
}

func (w *countedWriter) WriteHeader(code int) {
	w.code = code
	w.ResponseWriter.WriteHeader(code)
}

func (w *countedWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	w.bytes += n
	return n, err
}

// nginxCommand takes what starts nginx in the foreground, and nothing else.
func (c Container) nginxCommand() error {
	args := c.Args
	for len(args) > 0 && (args[0] == "/docker-entrypoint.sh" || args[0] == "nginx" || args[0] == "/usr/sbin/nginx") {
		args = args[1:]
	}
	if len(args) == 0 || slices.Equal(args, []string{"-g", "daemon off;"}) {
		return nil
	}
	return c.noCommand("nginx")
}

// noCommand says that a built-in program does not run what a container asks for.
func (c Container) noCommand(name string) error {
	if len(c.Args) == 0 {
		return nil
	}
	return fmt.Errorf("the built-in %s does not run %q; map the image to a command in spillway.yaml", name, strings.Join(c.Args, " "))
}

// nginxPages are files by path, from the root.
type nginxPages map[string][]byte

// ServeHTTP serves a file, or the index of a folder.
func (p nginxPages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Server", "nginx")
	asked, err := url.PathUnescape(r.URL.EscapedPath())
	name := path.Clean("/" + asked)
	if err == nil && (strings.HasSuffix(asked, "/") || asked == "") {
		name = path.Join(name, "index.html")
	}
	content, found := p[name]
	switch {
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		p.refuse(w, http.StatusMethodNotAllowed, "405 Not Allowed")
	case !found:
		p.refuse(w, http.StatusNotFound, "404 Not Found")
	default:
		kind := mime.TypeByExtension(path.Ext(name))
		if kind == "" {
			kind = "application/octet-stream"
		}
		w.Header().Set("Content-Type", strings.TrimSuffix(kind, "; charset=utf-8"))
		_, _ = w.Write(content)
	}
}

func (p nginxPages) refuse(w http.ResponseWriter, code int, title string) {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(code)
	_, _ = w.Write([]byte(nginxPage(title, "<hr><center>nginx</center>\n")))
}

func nginxPage(title, rest string) string {
	return "<!DOCTYPE html>\n<html>\n<head>\n<title>" + title + "</title>\n</head>\n<body>\n<h1>" + title + "</h1>\n" + rest + "</body>\n</html>\n"
}
