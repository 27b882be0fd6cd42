package sample

import "net/http"

// guestbookFrontend is google-samples' gb-frontend as far as it needs no Redis: its page. Its API keeps messages in the
// Services redis-leader and redis-follower by their names in the cluster's DNS, which there is none of here: it fails as it
// does without them, and says so.
func guestbookFrontend(_ Pod, c Container) (*Backend, error) {
	if err := c.noCommand("gb-frontend"); err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	page := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>\n<head>\n<title>Guestbook</title>\n</head>\n<body>\n<h2>Guestbook</h2>\n</body>\n</html>\n"))
	}
	mux.HandleFunc("/{$}", page)
	mux.HandleFunc("/index.html", page)
	mux.HandleFunc("/guestbook.php", func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "the built-in gb-frontend reaches no Redis; map the image to a command in spillway.yaml", http.StatusInternalServerError)
	})
	return &Backend{Ports: []uint16{80}, Handler: mux}, nil
}
