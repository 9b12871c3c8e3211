package browser

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSees: a page that asks for others and complains is seen to.
func TestSees(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a page.html")
	const text = `<!DOCTYPE html><link rel="icon" href="data:,"><button onclick="this.textContent += 1; fetch('http://octet.invalid/later').catch(() => {})">x</button>
<img src="http://octet.invalid/picture.png"><input autofocus><script>console.error("bad"); setTimeout(() => missing(), 0)</script>`
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	p := Open(t, file, View{Width: 800, Height: 600, Dark: true})
	p.Click("button")
	var got struct {
		Text  string
		Dark  bool
		Width int
	}
	p.Eval(`({Text: document.querySelector("button").textContent, Dark: matchMedia("(prefers-color-scheme: dark)").matches, Width: innerWidth})`, &got)
	if got.Text != "x1" || !got.Dark || got.Width != 800 {
		t.Errorf("%+v after a click, want x1 in the dark, 800 pixels wide", got)
	}
	requests, complaints := strings.Join(p.Requests(), "\n"), strings.Join(p.Complaints(), "\n")
	for _, want := range []string{"a%20page.html", "http://octet.invalid/picture.png", "http://octet.invalid/later"} {
		if !strings.Contains(requests, want) {
			t.Errorf("no request for %s among\n%s", want, requests)
		}
	}
	for _, want := range []string{`"bad"`, "missing is not defined"} {
		if !strings.Contains(complaints, want) {
			t.Errorf("no complaint with %s among\n%s", want, complaints)
		}
	}
	shot := filepath.Join(t.TempDir(), "shot.png")
	p.Screenshot(shot)
	if text, err := os.ReadFile(shot); err != nil || !strings.HasPrefix(string(text), "\x89PNG") {
		t.Errorf("screenshot: %v, %.4q", err, text)
	}
}
