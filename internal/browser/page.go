package browser

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"os"
	"path/filepath"
	"testing"
)

// A Page is open until the test ends.
type Page struct{ c *connection }

// A View is how a page is looked at.
type View struct {
	Width, Height int
	Dark          bool // what the user prefers
}

// Open opens a file, and waits until it is loaded.
func Open(t testing.TB, file string, v View) *Page {
	t.Helper()
	c := start(t)
	abs, err := filepath.Abs(file)
	if err != nil {
		t.Fatal(err)
	}
	var target struct{ TargetID string }
	c.call("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	c.call("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	c.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log", "Network"} {
		c.call(domain+".enable", nil, nil)
	}
	c.call("Emulation.setDeviceMetricsOverride", map[string]any{"width": v.Width, "height": v.Height, "deviceScaleFactor": 1, "mobile": false}, nil)
	scheme := "light"
	if v.Dark {
		scheme = "dark"
	}
	// Without motion pictures need no waiting.
	c.call("Emulation.setEmulatedMedia", map[string]any{"features": []map[string]string{
		{"name": "prefers-color-scheme", "value": scheme}, {"name": "prefers-reduced-motion", "value": "reduce"}}}, nil)
	c.events = nil // those of the empty page
	c.call("Page.navigate", map[string]any{"url": (&url.URL{Scheme: "file", Path: filepath.ToSlash(abs)}).String()}, nil)
	c.wait("Page.loadEventFired")
	return &Page{c}
}

// Eval evaluates an expression of JavaScript and decodes its value.
func (p *Page) Eval(expression string, value any) {
	p.c.t.Helper()
	var r struct {
		Result           struct{ Value json.RawMessage }
		ExceptionDetails *struct {
			Exception struct{ Description string }
		}
	}
	p.c.call("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true, "awaitPromise": true}, &r)
	if r.ExceptionDetails != nil {
		p.c.t.Fatalf("%s: %s", expression, r.ExceptionDetails.Exception.Description)
	}
	if value != nil {
		if err := json.Unmarshal(r.Result.Value, value); err != nil {
			p.c.t.Fatalf("%s: %v", expression, err)
		}
	}
}

// Click clicks with the mouse in the middle of the first element that a selector
// finds, scrolled into view.
func (p *Page) Click(selector string) {
	p.c.t.Helper()
	quoted, err := json.Marshal(selector)
	if err != nil {
		p.c.t.Fatal(err)
	}
	var at struct{ X, Y float64 }
	p.Eval(`(() => {
		const e = document.querySelector(`+string(quoted)+`);
		e.scrollIntoView({block: "center", inline: "center", behavior: "instant"});
		const r = e.getBoundingClientRect();
		return {X: r.x + r.width / 2, Y: r.y + r.height / 2};
	})()`, &at)
	for _, kind := range []string{"mousePressed", "mouseReleased"} {
		p.c.call("Input.dispatchMouseEvent", map[string]any{"type": kind, "x": at.X, "y": at.Y, "button": "left", "clickCount": 1}, nil)
	}
}

// Type types text into what has the focus.
func (p *Page) Type(text string) {
	p.c.t.Helper()
	p.c.call("Input.insertText", map[string]any{"text": text}, nil)
}

// Screenshot writes a PNG of what is in view.
func (p *Page) Screenshot(file string) {
	p.c.t.Helper()
	var shot struct{ Data string }
	p.c.call("Page.captureScreenshot", map[string]any{"format": "png"}, &shot)
	png, err := base64.StdEncoding.DecodeString(shot.Data)
	if err != nil {
		p.c.t.Fatal(err)
	}
	if err := os.WriteFile(file, png, 0o666); err != nil {
		p.c.t.Fatal(err)
	}
}

// Requests returns the addresses that the page has asked for, its own first.
func (p *Page) Requests() (urls []string) {
	for _, m := range p.c.events {
		var e struct{ Request struct{ URL string } }
		if m.Method == "Network.requestWillBeSent" && json.Unmarshal(m.Params, &e) == nil {
			urls = append(urls, e.Request.URL)
		}
	}
	return urls
}

// Complaints returns what went wrong in the page as Chromium puts it: messages
// in the console, exceptions, violations of its policy, dialogs.
func (p *Page) Complaints() (all []string) {
	for _, m := range p.c.events {
		switch m.Method {
		case "Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening":
			all = append(all, string(m.Params))
		}
	}
	return all
}
