package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/octet-dnn/octet/calibrate"
	"github.com/octet-dnn/octet/dnnl"
)

// TestReport writes reports in both ways about a model of the demo: one row for
// each layer, and the same where the saved model is read back.
func TestReport(t *testing.T) {
	live := dnnl.Live()
	for _, c := range []struct {
		name, model string
		flags       []string
	}{
		{"resnet, labels fed", resnetDir, []string{"--algo", "KL"}},
		{"mobilenet, qdq", mobilenetDir, []string{"--format", "qdq", "--refine=false"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			int8, direct, later := filepath.Join(dir, "int8"), filepath.Join(dir, "direct.html"), filepath.Join(dir, "later.html")
			pictures := []string{"--data", dataDir, "--list", "train_list.txt", "--samples", "6"}
			calibrated := append(append([]string{"calibrate", c.model, "-o", int8, "--report", direct}, pictures...), c.flags...)
			if o := octet(t, calibrated...); o.code != exitOK || !strings.Contains(o.stderr, direct+": ") {
				t.Fatalf("exit %d, stderr %q: want the report named there", o.code, o.stderr)
			}
			mustOctet(t, append([]string{"report", c.model, int8, "-o", later, "--min-time", "0"}, pictures...)...)

			a, b := reportOf(t, direct), reportOf(t, later)
			if len(a) < 20 {
				t.Errorf("%d rows, want one for each layer", len(a))
			}
			if strings.Join(a, "\n") != strings.Join(b, "\n") {
				t.Errorf("by calibrate:\n%s\nby report:\n%s", strings.Join(a, "\n"), strings.Join(b, "\n"))
			}
			text, err := os.ReadFile(direct)
			if err != nil {
				t.Fatal(err)
			}
			for _, want := range []string{"INT8 kernel", "Absolute values", "avx", filepath.Base(c.model) + "</bdi></h1>"} {
				if !strings.Contains(string(text), want) {
					t.Errorf("no %q in the report", want)
				}
			}
			refused(t, exitBadInput, "exists", append([]string{"report", c.model, int8, "-o", later}, pictures...)...)
			mustOctet(t, append([]string{"report", c.model, int8, "-o", later, "--overwrite", "--min-time", "0"}, pictures...)...)
		})
	}
	if n := dnnl.Live(); n != live {
		t.Errorf("%d oneDNN objects alive, %d before", n, live)
	}
}

var (
	reportRow   = regexp.MustCompile(`(?s)<tr class="row">.*?</tr>`)
	reportTag   = regexp.MustCompile(`<[^>]*>`)
	reportSpace = regexp.MustCompile(`\s+`)
)

// reportOf returns the first eight cells of each row, which hold no times.
func reportOf(t *testing.T, file string) (rows []string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range reportRow.FindAllString(string(text), -1) {
		cells := strings.SplitAfterN(row, "</td>", 8)
		row = strings.Join(cells[:7], "")
		rows = append(rows, reportSpace.ReplaceAllString(reportTag.ReplaceAllString(row, " "), " "))
	}
	return rows
}

func TestReportRefuses(t *testing.T) {
	pictures := []string{"--data", dataDir, "--list", "train_list.txt"}
	with := func(args ...string) []string { return append(args, pictures...) }
	out := filepath.Join(t.TempDir(), "r.html")
	refused(t, exitBadInput, "--output is missing", with("report", resnetDir, resnetDir)...)
	refused(t, exitBadInput, "want 0 or more", with("report", resnetDir, resnetDir, "-o", out, "--samples", "-1")...)
	refused(t, exitBadInput, "is a folder", with("report", resnetDir, resnetDir, "-o", t.TempDir())...)
	refused(t, exitBadInput, "would replace", with("calibrate", resnetDir, "-o", out, "--report", out)...)
	refused(t, exitBadInput, "is FP32", with("report", resnetDir, resnetDir, "-o", out)...)
	int8 := filepath.Join(t.TempDir(), "int8")
	mustOctet(t, with("calibrate", mobilenetDir, "-o", int8, "--samples", "1", "--refine=false")...)
	refused(t, exitBadInput, calibrate.ErrOtherModel.Error(), with("report", resnetDir, int8, "-o", out)...)
	if _, err := os.Lstat(out); err == nil {
		t.Errorf("%s was written", out)
	}
}
