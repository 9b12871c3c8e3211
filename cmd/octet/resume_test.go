package main

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/octet-dnn/octet/calibrate"
)

// killsVariable says how many kills TestResume does; make resume does a hundred.
const killsVariable = "OCTET_KILLS"

// resumable are calibrations whose runs are killed, and the names of their outputs.
var resumable = []struct {
	name, out string
	args      []string
}{
	{"KL, refined", "int8", []string{mobilenetDir, "--algo", "KL", "--samples", "24", "--batch-size", "2"}},
	{"auto, refined, labels fed", "int8", []string{resnetDir, "--algo", "auto", "--samples", "16", "--batch-size", "3"}},
	{"moving average, a pair of files", "int8.pdmodel", []string{mobilenetDir, "--algo", "moving-average", "--refine=false", "--samples", "40", "--batch-size", "1"}},
}

func calibrateAll(args []string, out string, more ...string) []string {
	all := append([]string{"calibrate", "--progress", "none", "-o", out, "--data", dataDir, "--list", "train_list.txt"}, args...)
	return append(all, more...)
}

// A calibration that is killed at any moment, again and again, and resumed, ends with the
// files of one that is not, to the byte, and leaves nothing else.
func TestResume(t *testing.T) {
	kills := 6
	if text := os.Getenv(killsVariable); text != "" {
		var err error
		if kills, err = strconv.Atoi(text); err != nil {
			t.Fatalf("%s: %v", killsVariable, err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	want := make([]map[string]string, len(resumable))
	took := make([]time.Duration, len(resumable))
	for i, c := range resumable {
		dir := t.TempDir()
		start := time.Now()
		p, stderr := process(t, calibrateAll(c.args, filepath.Join(dir, c.out))...)
		if err := p.Run(); err != nil {
			t.Fatalf("%v\n%s", err, stderr)
		}
		took[i], want[i] = time.Since(start), contents(t, dir)
	}
	done, from := 0, 0
	for round := 0; done < kills; round++ {
		i := round % len(resumable)
		t.Run(fmt.Sprintf("%d, %s", round, resumable[i].name), func(t *testing.T) {
			dir := t.TempDir()
			args := calibrateAll(resumable[i].args, filepath.Join(dir, resumable[i].out), "--resume", "--checkpoint-every", "0")
			n, resumed := killed(t, r, args, took[i])
			if d := cmp.Diff(want[i], contents(t, dir)); d != "" {
				t.Errorf("after %d kills other files than without (-want +got):\n%.2000s", n, d)
			}
			done, from = done+n, from+resumed
		})
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	t.Logf("%d kills, after %d of which a checkpoint was gone on from: always the bytes of an uninterrupted run", done, from)
	if kills > 20 && from == 0 {
		t.Error("no run found a checkpoint")
	}
}

// killed runs a command line until it comes to its end, and kills it at times drawn
// by lot. It returns how many kills that took, and after how many a checkpoint was there.
func killed(t *testing.T, r *rand.Rand, args []string, took time.Duration) (kills, resumed int) {
	t.Helper()
	out := args[slices.Index(args, "-o")+1]
	for {
		p, stderr := process(t, args...)
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(r.Float64()*float64(took)), func() { _ = p.Process.Kill() })
		err := p.Wait()
		switch stopped := timer.Stop(); {
		case err == nil:
			return kills, resumed
		case stopped || p.ProcessState.Exited():
			t.Fatalf("after %d kills: %v\n%s", kills, err, stderr)
		}
		kills++
		if _, err := os.Stat(out + checkpointExt); err == nil {
			resumed++
		} else if _, err := os.Stat(out); err == nil {
			return kills, resumed // killed behind its last step, which removes the checkpoint
		}
	}
}

// contents returns all files below dir.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(filepath.Join(dir, path))
		files[path] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// checkpointed makes a checkpoint of the demo's MobileNet after some pictures, by
// interrupting a calibration that writes one after each.
func checkpointed(t *testing.T, out string, more ...string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	watch := make(chan struct{})
	go func() {
		defer close(watch)
		for ctx.Err() == nil {
			if _, err := os.Stat(out + checkpointExt); err == nil {
				cancel()
			}
			time.Sleep(time.Millisecond)
		}
	}()
	o := octetWith(ctx, append(calibrateTo(out, "--samples", "60", "--batch-size", "1", "--checkpoint-every", "0"), more...)...)
	cancel()
	<-watch
	if o.code != exitInterrupted || !strings.Contains(o.stderr, "--resume") {
		t.Fatalf("exit %d, stderr %q, want an interruption and a word about --resume", o.code, o.stderr)
	}
}

func TestResumeRefuses(t *testing.T) {
	dir := t.TempDir()
	out := filepath.Join(dir, "out")
	checkpointed(t, out)
	before := contents(t, dir)
	resume := func(more ...string) []string {
		return append(calibrateTo(out, "--samples", "60", "--batch-size", "1", "--resume"), more...)
	}
	for _, c := range []struct {
		text string
		args []string
	}{
		{"the list of pictures is 59 pictures with digest", resume("--samples", "59")},
		{"the preset is {", resume("--divide", "100")},
		{"--batch-size is 2, the checkpoint was made with 1", resume("--batch-size", "2")},
		{`--bad-images is skip, the checkpoint was made with fail`, resume("--bad-images", "skip")},
		{"--algo is max, the checkpoint was made with kl", resume("--algo", "max")},
		{"the table was made from", append([]string{"calibrate", resnetDir}, resume()[2:]...)},
		{"reads all samples twice", resume("--algo", "KL", "--compat", "paddle13")},
		{"--checkpoint-every is -1s", resume("--checkpoint-every", "-1s")},
	} {
		refused(t, exitBadInput, c.text, c.args...)
	}
	if d := cmp.Diff(before, contents(t, dir)); d != "" {
		t.Errorf("files changed:\n%.1000s", d)
	}
	text, err := os.ReadFile(out + checkpointExt)
	if err != nil {
		t.Fatal(err)
	}
	for name, bad := range map[string][]byte{
		"cut": text[:len(text)/2], "other": []byte("my notes\n"), "table": text[bytes.Index(text, []byte("octet calibration table")):],
	} {
		write(t, out+checkpointExt, string(bad))
		refused(t, exitBadInput, "remove it to start anew", resume()...)
		if now, err := os.ReadFile(out + checkpointExt); err != nil || !bytes.Equal(now, bad) {
			t.Errorf("%s: the file was changed, %v", name, err)
		}
	}
}

// A run that is not told to resume says what it will replace, and removes it in the end.
func TestCheckpointOfAnEarlierRun(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	checkpointed(t, out)
	o := octet(t, calibrateTo(out)...)
	if o.code != exitOK || !strings.Contains(o.stderr, "--resume would go on") {
		t.Errorf("exit %d, stderr %q", o.code, o.stderr)
	}
	if _, err := os.Stat(out + checkpointExt); err == nil {
		t.Error("the checkpoint is still there")
	}
}

// Nothing to resume is no error, so that scripts can say --resume always; and a kill
// between saving and the removal of the checkpoint is taken for what it is.
func TestResumeAtTheEnds(t *testing.T) {
	out := filepath.Join(t.TempDir(), "out")
	args := calibrateTo(out, "--resume", "--checkpoint-every", "0", "--batch-size", "1")
	if o := octet(t, args...); o.code != exitOK || !strings.Contains(o.stderr, "nothing to resume") {
		t.Fatalf("exit %d, stderr %q", o.code, o.stderr)
	}
	refused(t, exitBadInput, "file already exists", calibrateTo(out)...)
	table, err := loadTable(out)
	if err != nil {
		t.Fatal(err)
	}
	last := &calibrate.Checkpoint{Table: table}
	if err := replaceFile(out+checkpointExt, last); err != nil {
		t.Fatal(err)
	}
	if text := mustOctet(t, args...); text != out+": saved already, from 4 pictures\n" {
		t.Errorf("stdout %q", text)
	}
	if _, err := os.Stat(out + checkpointExt); err == nil {
		t.Error("the checkpoint is still there")
	}
}

// A kill after the INT8 model was saved takes nothing from what else was asked for.
func TestResumeAfterSaving(t *testing.T) {
	dir := t.TempDir()
	out, page := filepath.Join(dir, "out"), filepath.Join(dir, "page.html")
	checkpointed(t, out)
	begun, err := loadCheckpoint(out + checkpointExt)
	if err != nil {
		t.Fatal(err)
	}
	args := calibrateTo(out, "--samples", "60", "--batch-size", "1", "--resume", "--checkpoint-every", "0")
	mustOctet(t, args...)
	want := contents(t, dir)
	saved := func() {
		t.Helper()
		whole := &calibrate.Checkpoint{Bindings: begun.Bindings}
		if whole.Table, err = loadTable(out); err != nil {
			t.Fatal(err)
		}
		if err := replaceFile(out+checkpointExt, whole); err != nil {
			t.Fatal(err)
		}
	}
	saved()
	if text := mustOctet(t, append(args, "--json")...); !strings.HasPrefix(text, "{") {
		t.Errorf("with --json: %q", text)
	}
	saved()
	if text := mustOctet(t, append(args, "--max-drop", "100")...); !strings.Contains(text, "FP32") {
		t.Errorf("with --max-drop: %q, want what the budget found", text)
	}
	if err := os.Remove(out + ".budget.json"); err != nil {
		t.Error(err)
	}
	saved()
	mustOctet(t, append(args, "--report", page)...)
	if err := os.Remove(page); err != nil {
		t.Error(err)
	}
	if d := cmp.Diff(want, contents(t, dir)); d != "" {
		t.Errorf("other files than before (-want +got):\n%.2000s", d)
	}
}
