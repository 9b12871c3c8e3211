package main

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/internal/browser"
	"github.com/octet-dnn/octet/internal/refdata"
)

// reportLimit is what the report of a ResNet-50 may weigh, in bytes.
const reportLimit = 2 << 20

// TestRealModelsReport writes the reports of the demo's networks and of a real
// ResNet-50, opens them in Chromium, sorts them, and takes screenshots in both
// colours, into the folder that OCTET_SCREENSHOTS names.
func TestRealModelsReport(t *testing.T) {
	shots := os.Getenv("OCTET_SCREENSHOTS")
	if shots == "" {
		shots = t.TempDir()
	}
	if err := os.MkdirAll(shots, 0o777); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"resnet", "mobilenet", "resnet50"} {
		t.Run(name, func(t *testing.T) {
			model, pictures := filepath.Join(demoFolder, name), []string{"--data", dataDir, "--list", "train_list.txt", "--samples", "8"}
			if name == "resnet50" {
				model = refdata.Path(t, "realmodels/resnet50/fluid")
				pictures = []string{"--data", refdata.Path(t, "imagenet/ILSVRC2012"), "--list", "train_list.txt", "--resize-short", "0", "--samples", "4"}
			}
			file := filepath.Join(shots, name+".html")
			mustOctet(t, append([]string{"calibrate", model, "-o", filepath.Join(t.TempDir(), "int8"), "--algo", "KL", "--refine=false",
				"--report", file, "--overwrite"}, pictures...)...)
			st, err := os.Stat(file)
			if err != nil {
				t.Fatal(err)
			}
			if st.Size() > reportLimit {
				t.Errorf("%s has %d bytes: want at most %d", file, st.Size(), reportLimit)
			}
			rows := openReport(t, file)
			fmt.Printf("%s: %d rows, %d bytes\n", file, rows, st.Size())
		})
	}
}

// openReport checks the page and takes its pictures: from the top, and of an unfolded row.
func openReport(t *testing.T, file string) (rows int) {
	for _, dark := range []bool{false, true} {
		p := browser.Open(t, file, browser.View{Width: 1500, Height: 1300, Dark: dark})
		colour := map[bool]string{false: "light", true: "dark"}[dark]
		p.Screenshot(file[:len(file)-len(".html")] + "-" + colour + ".png")
		var page struct {
			Rows, Times, Plots, Sorted int
		}
		p.Click("#layers thead th:nth-child(4) button") // SQNR
		p.Eval(`(() => {
			const keys = [...document.querySelectorAll("#layers .row td.sqnr")].map((c) => Number(c.dataset.sort));
			return {Rows: document.querySelectorAll("#layers .row").length, Plots: document.querySelectorAll(".detail svg.plot").length,
				Times: [...document.querySelectorAll("#layers .row td:nth-child(10)")].filter((c) => Number(c.dataset.sort) > 0).length,
				Sorted: keys.length > 0 && keys.every((k, i) => i === 0 || keys[i - 1] <= k) ? keys.length : 0};
		})()`, &page)
		rows = page.Rows
		if page.Rows < 20 || page.Sorted < page.Rows/2 || page.Times < page.Rows/2 || page.Plots < page.Rows/2 {
			t.Errorf("%s: %+v: want 20 rows or more, most of them with SQNR (sorted by a click), times and histograms", file, page)
		}
		p.Click("#layers tbody:has(.distribution) .fold")
		p.Eval(`document.querySelector("#layers tbody.open").scrollIntoView({block: "start", behavior: "instant"})`, nil)
		p.Screenshot(file[:len(file)-len(".html")] + "-" + colour + "-layer.png")
		for i, url := range p.Requests() {
			if i > 0 && url != "data:," {
				t.Errorf("the page asks for %s", url)
			}
		}
		for _, c := range p.Complaints() {
			t.Errorf("Chromium complains: %s", c)
		}
	}
	return rows
}
