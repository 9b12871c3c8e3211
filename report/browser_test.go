package report

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/internal/browser"
)

// TestBrowser uses the page of tiny as its reader would.
func TestBrowser(t *testing.T) {
	p := browser.Open(t, "testdata/tiny.html", browser.View{Width: 1500, Height: 900})
	const names = `[...document.querySelectorAll("#layers tbody[id^=layer-]")].filter((b) => !b.hidden).map((b) => b.querySelector(".fold").textContent)`
	check := func(what string, want ...string) {
		t.Helper()
		var got []string
		p.Eval(names, &got)
		if !slices.Equal(got, want) {
			t.Errorf("%s: rows %q, want %q", what, got, want)
		}
	}
	column := func(title string) string {
		t.Helper()
		var n int
		p.Eval(`[...document.querySelectorAll("#layers thead th")].findIndex((h) => h.textContent.trim() === `+strconv.Quote(title)+`) + 1`, &n)
		if n == 0 {
			t.Fatalf("no column %q", title)
		}
		return fmt.Sprintf("#layers thead th:nth-child(%d) button", n)
	}
	check("as loaded", "image", "first", "second", "prob", "indices")
	p.Click(column("SQNR, dB"))
	check("a click on SQNR", "second", "first", "image", "prob", "indices")
	p.Click(column("SQNR, dB"))
	check("another click", "prob", "image", "first", "second", "indices")
	p.Click(column("FP32, ms"))
	check("the slowest first", "second", "first", "prob", "image", "indices")
	p.Click(column("Layer"))
	check("by name", "first", "image", "indices", "prob", "second")
	var sorted []string
	p.Eval(`[...document.querySelectorAll("#layers thead [aria-sort]")].map((h) => h.textContent.trim() + " " + h.getAttribute("aria-sort"))`, &sorted)
	if !slices.Equal(sorted, []string{"Layer ascending"}) {
		t.Errorf("aria-sort %q, want it on the column sorted by", sorted)
	}
	p.Click(column("#"))
	check("back", "image", "first", "second", "prob", "indices")

	p.Click("#filter")
	p.Type("u8 conv")
	check("filtered", "first")
	p.Eval(`document.getElementById("filter").value = ""; document.getElementById("filter").dispatchEvent(new Event("input"))`, nil)

	visible := func(id string) (is bool) {
		p.Eval(`document.querySelector("#`+id+`-more").offsetHeight > 0`, &is)
		return is
	}
	if visible("layer-2") {
		t.Error("a row is unfolded from the start")
	}
	p.Click("#layer-2 .fold")
	if !visible("layer-2") {
		t.Error("a click on a name does not unfold the row")
	}
	p.Click(".overview a[href='#layer-3']")
	if !visible("layer-3") {
		t.Error("a mark of the chart does not unfold its layer")
	}
	background := func() (s string) {
		p.Eval(`getComputedStyle(document.body).backgroundColor`, &s)
		return s
	}
	light := background()
	p.Click("#theme")
	if dark := background(); dark == light {
		t.Errorf("the background is %s before and after the button for light or dark", dark)
	}
	quiet(t, p)
}

// quiet checks that the page asked for nothing but itself and that nothing went wrong.
func quiet(t *testing.T, p *browser.Page) {
	t.Helper()
	for i, url := range p.Requests() {
		if i > 0 && !strings.HasPrefix(url, "data:") || i == 0 && !strings.HasPrefix(url, "file:") {
			t.Errorf("the page asks for %s", url)
		}
	}
	if len(p.Requests()) == 0 {
		t.Error("no request is seen, not even for the page: the test shows nothing")
	}
	for _, c := range p.Complaints() {
		t.Errorf("Chromium complains: %s", c)
	}
}

// TestBrowserHostile: a browser finds no element in hostile names.
func TestBrowserHostile(t *testing.T) {
	d := tiny(t)
	name := `"'></bdi></script></style></title><img src=x onerror=alert(1)><script>alert(1)</script><!--`
	d.Model, d.Facts = name, []Fact{{name, name}}
	for _, l := range d.Layers {
		if l.Real != nil {
			l.Real.Name = name
		}
		for _, one := range l.Int8 {
			one.Name = name
			d.INT8[name] = Cost{1, name, name}
		}
	}
	file := filepath.Join(t.TempDir(), "hostile.html")
	if err := os.WriteFile(file, []byte(write(t, d)), 0o666); err != nil {
		t.Fatal(err)
	}
	p := browser.Open(t, file, browser.View{Width: 1500, Height: 900})
	var got struct {
		Scripts, Images, Rows int
		Title, Name           string
	}
	p.Eval(`({Scripts: document.scripts.length, Images: document.images.length, Rows: document.querySelectorAll("#layers tbody[id^=layer-]").length,
		Title: document.title, Name: document.querySelector("#layer-2 .fold").textContent})`, &got)
	if got.Scripts != 1 || got.Images != 0 || got.Rows != len(d.Layers) || got.Name != name || !strings.HasPrefix(got.Title, name) {
		t.Errorf("%+v: want one script, no image, %d rows, and the name as it is", got, len(d.Layers))
	}
	quiet(t, p)
}

// TestBrowserNarrow: on a telephone nothing but the table and the chart is wider than the page.
func TestBrowserNarrow(t *testing.T) {
	p := browser.Open(t, "testdata/tiny.html", browser.View{Width: 400, Height: 800})
	var wide int
	p.Eval(`document.documentElement.scrollWidth`, &wide)
	if wide > 400 {
		t.Errorf("the page is %d pixels wide, want 400", wide)
	}
	quiet(t, p)
}
