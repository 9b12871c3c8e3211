package main

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate/budget"
)

func budgetArgs(out string, more ...string) []string {
	return append([]string{"calibrate", mobilenetDir, "-o", out, "--data", dataDir, "--list", "train_list.txt", "--refine=false"}, more...)
}

func TestMaxDrop(t *testing.T) {
	out := filepath.Join(t.TempDir(), "int8")
	state := out + ".budget.json"
	var one, two calibrated
	o := octet(t, budgetArgs(out, "--max-drop", "0", "--min-agreement", "99.5", "--json")...)
	if o.code != exitOK || !strings.Contains(o.stderr, "560 pictures cannot show") {
		t.Fatalf("exit %d, stderr %q: want 0 and a warning about so few pictures", o.code, o.stderr)
	}
	decode(t, o.out, &one)
	first := *one.Budget
	if !first.Met || len(first.Layers) == 0 || first.Of != 17 || first.Verdict.Drop() > 0 || first.Verdict.Agreement() < 99.5 || first.All.Agreement() >= 99.5 {
		t.Errorf("%+v: want some layers left in FP32, and no drop", first)
	}
	if quantised := layersINT8Of(t, out); quantised != 17-len(first.Layers) {
		t.Errorf("%d layers are INT8 in the saved model, %d were left in FP32", quantised, len(first.Layers))
	}
	// What was saved is what was evaluated.
	var got evaluation
	decode(t, mustOctet(t, "eval", "--fp32", mobilenetDir, "--int8", out, "--data", dataDir, "--json"), &got)
	if got.INT8.Top1Images != first.Verdict.INT8Right || got.AgreementImages != first.Verdict.Agree {
		t.Errorf("the saved model has %+v, the search %+v", got, first.Verdict)
	}
	// Again, all is known; nothing is measured, and the answer is the same.
	before, err := os.ReadFile(state)
	if err != nil {
		t.Fatal(err)
	}
	o = octet(t, budgetArgs(out, "--max-drop", "0", "--min-agreement", "99.5", "--json", "--overwrite", "--progress", "log")...)
	decode(t, o.out, &two)
	again := *two.Budget
	if diff := cmp.Diff(first, again); o.code != exitOK || diff != "" || strings.Contains(o.stderr, "price:") || strings.Contains(o.stderr, "evaluate INT8") {
		t.Errorf("exit %d, stderr %q, result (-first +again):\n%s", o.code, o.stderr, diff)
	}
	after, err := os.ReadFile(state)
	if err != nil || string(before) != string(after) {
		t.Errorf("the state changed: %v", err)
	}
	// In words, for a limit that needs nothing.
	text := mustOctet(t, budgetArgs(out, "--max-drop", "5", "--overwrite")...)
	if !strings.Contains(text, "left in FP32: 0 of 17 layers") || !strings.Contains(text, out+": 17 of 18 layers INT8") {
		t.Errorf("stdout %q", text)
	}
}

// Pictures without labels are judged by the classes that change.
func TestMaxDropWithoutLabels(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(dataDir, "val_list.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var names strings.Builder
	for line := range strings.Lines(string(text)) {
		names.WriteString(strings.Fields(line)[0] + "\n")
	}
	dir := t.TempDir()
	list := write(t, filepath.Join(dir, "names.txt"), names.String())
	var done calibrated
	decode(t, mustOctet(t, budgetArgs(filepath.Join(dir, "int8"), "--eval-list", list, "--max-drop", "2.5", "--json")...), &done)
	got := done.Budget
	if got.Verdict.Labelled || !got.Met || got.Verdict.Drop() <= 0 || got.Verdict.Drop() > 2.5 || len(got.Layers) > 0 || got.Verdict.Images != 560 {
		t.Errorf("%+v: want one or two percent of 560 pictures without labels with another class, and no layer in FP32", got)
	}
}

func TestBudgetNotReached(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "int8")
	args := budgetArgs(out, "--max-kl", "0", "--json")
	o := octet(t, args...)
	var done calibrated
	decode(t, o.out, &done)
	got := done.Budget
	if o.code != exitFailure || done.Output != "" || got.Met || !strings.Contains(o.stderr, "not reached") {
		t.Errorf("exit %d, %+v, stderr %q: want exit 1", o.code, got, o.stderr)
	}
	if _, err := os.Stat(out); err == nil {
		t.Error("a model was saved")
	}
	o = octet(t, append(args, "--save-anyway")...)
	if o.code != exitOK || !strings.Contains(o.stderr, "the nearest is saved") || layersINT8Of(t, out) != 17-len(got.Layers) {
		t.Errorf("--save-anyway: exit %d, stderr %q", o.code, o.stderr)
	}
}

func TestBudgetRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "int8")
	refused(t, exitBadInput, "--eval-list says nothing without --max-drop", budgetArgs(out, "--eval-list", "x")...)
	refused(t, exitBadInput, "want one of the two", budgetArgs(out, "--max-drop", "1", "--fp32-layers", "relu_1.tmp_0")...)
	refused(t, exitBadInput, "want 0 … 100", budgetArgs(out, "--max-drop", "-1")...)
	refused(t, exitBadInput, "no such file", budgetArgs(out, "--max-drop", "1", "--eval-list", "nowhere.txt")...)
	broken := write(t, filepath.Join(dir, "state"), "{")
	refused(t, exitBadInput, "remove it to begin anew", budgetArgs(out, "--max-drop", "1", "--budget-state", broken)...)
	if left := names(t, dir); len(left) != 2 { // the folder itself, and the broken state
		t.Errorf("left behind: %q", left)
	}
}

func layersINT8Of(t *testing.T, dir string) (n int) {
	t.Helper()
	var d struct {
		Layers []struct {
			INT8 bool `json:"int8"`
		}
	}
	if err := json.Unmarshal([]byte(mustOctet(t, "inspect", dir, "--json")), &d); err != nil {
		t.Fatal(err)
	}
	for _, l := range d.Layers {
		if l.INT8 {
			n++
		}
	}
	return n
}

// A search that is interrupted again and again, at any moment, ends some time, and
// measures nothing twice: its evaluations and prices are each of another set.
func TestBudgetInterrupted(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "int8")
	args := budgetArgs(out, "--max-drop", "0", "--min-agreement", "99.5", "--json", "--resume")
	r := rand.New(rand.NewPCG(4, 4))
	deaths := 0
	for ; ; deaths++ {
		ctx, cancel := context.WithCancel(t.Context())
		alarm := time.AfterFunc(time.Duration(r.IntN(1000*(deaths+2)))*time.Millisecond, cancel)
		o := octetWith(ctx, args...)
		alarm.Stop()
		cancel()
		if o.code == exitInterrupted {
			continue
		}
		if o.code != exitOK {
			t.Fatalf("exit %d after %d interruptions, stderr %q", o.code, deaths, o.stderr)
		}
		break
	}
	if deaths == 0 {
		t.Skip("the first run was done before it could be interrupted")
	}
	text, err := os.ReadFile(out + ".budget.json")
	if err != nil {
		t.Fatal(err)
	}
	s, err := budget.ParseState(text)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, e := range s.Evaluations {
		seen["evaluated "+strings.Join(e.FP32, " ")] = true
	}
	for _, p := range s.Prices {
		seen["priced "+strings.Join(p.FP32, " ")] = true
	}
	if len(seen) != len(s.Evaluations)+len(s.Prices) || s.Result == nil || !s.Result.Met {
		t.Errorf("%d evaluations and %d prices of %d sets, result %+v", len(s.Evaluations), len(s.Prices), len(seen), s.Result)
	}
}
