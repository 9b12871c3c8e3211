// Package browser opens pages in a headless Chromium that is cut off from the
// network, for tests. It speaks Chromium's DevTools protocol through a pair of
// pipes (--remote-debugging-pipe): messages of JSON that end in a zero byte.
package browser

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"testing"
	"time"
)

// timeout is how long a page may take for anything, on a busy machine too.
const timeout = 2 * time.Minute

// chromiums are the names under which systems have it.
var chromiums = []string{"chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome"}

// find returns the Chromium that OCTET_CHROMIUM names, or that of the system.
// Without one the test is skipped, under a word that is easy to find, or fails where
// OCTET_REQUIRE is set.
func find(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("OCTET_CHROMIUM"); path != "" {
		return path
	}
	for _, name := range chromiums {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("OCTET_REQUIRE") != "" {
		t.Fatal("no Chromium found: install the package chromium, or name one by OCTET_CHROMIUM")
	}
	t.Skip("SKIP-NOCHROMIUM: no Chromium found: install the package chromium, or name one by OCTET_CHROMIUM")
	return ""
}

// A connection is a running Chromium.
type connection struct {
	t       testing.TB
	to      *os.File
	answers chan message
	last    int
	session string
	events  []message // that nobody has waited for
}

// A message is a call, its answer, or an event.
type message struct {
	ID      int             `json:"id,omitempty"`
	Session string          `json:"sessionId,omitempty"`
	Method  string          `json:"method,omitempty"`
	Params  json.RawMessage `json:"params,omitempty"`
	Result  json.RawMessage `json:"result,omitempty"`
	Error   *struct {
		Message string `json:"message"`
	} `json:"error,omitempty"`
}

// start runs Chromium until the test ends.
func start(t testing.TB) *connection {
	t.Helper()
	path := find(t)
	profile, err := os.MkdirTemp("", "octet-browser-*")
	if err != nil {
		t.Fatal(err)
	}
	// Processes of Chromium may outlive it by moments and write there: what is
	// left then is for the system to clear.
	t.Cleanup(func() { _ = os.RemoveAll(profile) })
	in, to, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	from, out, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	flags := []string{
		"--headless=new", "--remote-debugging-pipe", "--user-data-dir=" + profile, "--disable-gpu", "--hide-scrollbars", "--no-first-run",
		"--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-default-apps", "--force-color-profile=srgb",
		"--proxy-server=127.0.0.1:9", "--host-resolver-rules=MAP * ~NOTFOUND", // no way out
	}
	if os.Geteuid() == 0 {
		flags = append(flags, "--no-sandbox") // Chromium's sandbox refuses root
	}
	cmd := exec.Command(path, append(flags, "about:blank")...)
	cmd.ExtraFiles = []*os.File{in, out} // 3 and 4 there
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = in.Close()
	_ = out.Close()
	c := &connection{t: t, to: to, answers: make(chan message)}
	ended := make(chan struct{})
	go c.read(from, ended)
	t.Cleanup(func() {
		close(ended)
		_ = to.Close() // which ends Chromium
		kill := time.AfterFunc(10*time.Second, func() { _ = cmd.Process.Kill() })
		_ = cmd.Wait()
		kill.Stop()
		_ = from.Close()
	})
	return c
}

// read passes on what Chromium says.
func (c *connection) read(from *os.File, ended chan struct{}) {
	defer close(c.answers)
	r := bufio.NewReader(from)
	for {
		text, err := r.ReadBytes(0)
		if err != nil {
			return
		}
		var m message
		if err := json.Unmarshal(text[:len(text)-1], &m); err != nil {
			return
		}
		select {
		case c.answers <- m:
		case <-ended:
			return
		}
	}
}

// next returns the next message.
func (c *connection) next(what string) message {
	c.t.Helper()
	select {
	case m, ok := <-c.answers:
		if !ok {
			c.t.Fatalf("Chromium ended while the test waited for %s", what)
		}
		return m
	case <-time.After(timeout):
		c.t.Fatalf("Chromium: no %s within %v", what, timeout)
	}
	return message{}
}

// call calls a method and decodes its result.
func (c *connection) call(method string, params map[string]any, result any) {
	c.t.Helper()
	c.last++
	if params == nil {
		params = map[string]any{}
	}
	raw, err := json.Marshal(params)
	if err != nil {
		c.t.Fatal(err)
	}
	text, err := json.Marshal(message{ID: c.last, Session: c.session, Method: method, Params: raw})
	if err != nil {
		c.t.Fatal(err)
	}
	if _, err := c.to.Write(append(text, 0)); err != nil {
		c.t.Fatalf("Chromium, %s: %v", method, err)
	}
	for {
		m := c.next("answer to " + method + " " + strconv.Itoa(c.last))
		switch {
		case m.ID != c.last:
			c.events = append(c.events, m)
			continue
		case m.Error != nil:
			c.t.Fatalf("Chromium, %s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				c.t.Fatalf("Chromium, %s: %v", method, err)
			}
		}
		return
	}
}

// wait waits for an event.
func (c *connection) wait(method string) {
	c.t.Helper()
	for _, m := range c.events {
		if m.Method == method {
			return
		}
	}
	for {
		m := c.next("event " + method)
		c.events = append(c.events, m)
		if m.Method == method {
			return
		}
	}
}
