package report

import (
	"bufio"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"time"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/graph"
)

// Data is what a report is made of. All but Layers may be missing.
type Data struct {
	Model string // name of the FP32 model
	Facts []Fact // what the figures depend on, in the order in which they are shown
	// Layers is the comparison of both graphs, in the order of the network, on Images pictures.
	Layers []calibrate.LayerDeviation
	Images int
	// Shapes holds those of the values of the FP32 graph for one picture.
	Shapes map[*graph.Value]graph.Shape
	// Pairs is what is proved about CPUs without VNNI, see calibrate.CheckPairs.
	Pairs []calibrate.PairCheck
	// Table is what the INT8 model was calibrated with.
	Table *calibrate.Table
	// FP32 and INT8 hold what layers cost, by the names they have in their graphs.
	FP32, INT8 map[string]Cost
}

// A Fact is shown as it stands.
type Fact struct{ Name, Value string }

// A Cost is what a layer costs one stream of one thread.
type Cost struct {
	Time    time.Duration // for one picture
	Kernel  string        // implementation of the longest primitive
	Problem string        // its shapes and attributes, in oneDNN's words; "" for Octet's own
}

func (c Cost) milliseconds() float64 { return c.Time.Seconds() * 1e3 }

//go:embed page.html page.css page.js
var files embed.FS

var page = template.Must(template.New("page.html").Funcs(template.FuncMap{
	"add":    func(a, b float64) float64 { return a + b },
	"breaks": breaks,
}).ParseFS(files, "page.html"))

// Write writes the report to w.
func Write(w io.Writer, d *Data) error {
	v, err := newView(d)
	if err != nil {
		return fmt.Errorf("report of %s: %w", d.Model, err)
	}
	buf := bufio.NewWriter(w)
	if err := page.Execute(buf, v); err != nil {
		return fmt.Errorf("report of %s: %w", d.Model, err)
	}
	if err := buf.Flush(); err != nil {
		return fmt.Errorf("report of %s: %w", d.Model, err)
	}
	return nil
}

// asset returns an embedded file, and the hash by which the page's policy allows it.
func asset(name string) (text, hash string) {
	b, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	sum := sha256.Sum256(b)
	return string(b), "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
}
