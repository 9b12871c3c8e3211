//go:build linux

package model

import (
	"bufio"
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The tests of this file run the test binary again, to kill it or to take its
// disk away. childEnv tells that process what to do.
const childEnv = "OCTET_TEST_SAVE"

// child starts TestSaveChild with a task "form path".
func child(t *testing.T, f Form, path string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(os.Args[0], "-test.run=^TestSaveChild$")
	cmd.Env = append(os.Environ(), childEnv+"="+strconv.Itoa(int(f))+" "+path)
	cmd.Stderr = os.Stderr
	return cmd
}

// TestSaveChild saves two models over each other for ever. It does nothing
// unless another test started it.
func TestSaveChild(t *testing.T) {
	form, path, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		return
	}
	f, err := strconv.Atoi(form)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; ; i++ {
		if err := Save(killModel(t, i%2), path, WithForm(Form(f)), WithOverwrite()); err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			if _, err := os.Stdout.WriteString("saved\n"); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// killModel returns one of two models whose parameters have the same names and
// sizes, so that a mix of both would load.
func killModel(t *testing.T, i int) *Model {
	m := tiny(t)
	m.Program.Version = int64(i)
	for _, name := range []string{"conv10.b", "conv2.b", "scope/conv.w_0"} {
		m.Params[name].Float32s()[0] = float32(i)
	}
	return m
}

// TestSaveKilled kills a process that overwrites a model at random moments. A
// directory must hold one of the two models, and so must a pair of files once
// Load has put back what was set aside. The next save leaves no staging folder.
func TestSaveKilled(t *testing.T) {
	if testing.Short() {
		t.Skip("kills processes for some seconds")
	}
	const rounds = 7 // of three forms
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for _, f := range forms {
		for round := range rounds {
			out := filepath.Join(t.TempDir(), filepath.FromSlash(f.path))
			killWhileSaving(t, f.form, out, time.Duration(r.IntN(20_000))*time.Microsecond)
			m, err := Load(out)
			if err != nil || !m.Equal(killModel(t, 0)) && !m.Equal(killModel(t, 1)) {
				t.Errorf("%s, round %d, seed %d: neither model is there: %v", f.name, round, seed, err)
			}
			if err := Save(killModel(t, 0), out, WithForm(f.form), WithOverwrite()); err != nil {
				t.Errorf("%s, round %d, seed %d: %v", f.name, round, seed, err)
			}
			assertNoStage(t, filepath.Dir(out))
		}
	}
}

func killWhileSaving(t *testing.T, f Form, out string, after time.Duration) {
	t.Helper()
	cmd := child(t, f, out)
	pipe, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(pipe).ReadString('\n'); err != nil {
		t.Errorf("the child did not save: %v", err)
	}
	time.Sleep(after)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // says that it was killed
}

// TestSaveDiskFull: writes fail in the middle, and nothing changes.
func TestSaveDiskFull(t *testing.T) {
	for _, f := range forms {
		t.Run("full file system/"+f.name, func(t *testing.T) {
			dir := t.TempDir()
			mountSmall(t, dir)
			checkFailingSaves(t, dir, f.form, f.path, syscall.ENOSPC)
		})
	}
	t.Run("file size limit", func(t *testing.T) {
		// In a process of its own, whose test log the limit does not hit.
		cmd := exec.Command(os.Args[0], "-test.run=^TestSaveLimited$", "-test.v")
		cmd.Env = append(os.Environ(), childEnv+"=limited")
		if out, err := cmd.CombinedOutput(); err != nil || strings.Count(string(out), "--- PASS") != 1+len(forms) {
			t.Errorf("%v:\n%s", err, out)
		}
	})
}

// TestSaveLimited does nothing unless TestSaveDiskFull started it.
func TestSaveLimited(t *testing.T) {
	if os.Getenv(childEnv) != "limited" {
		return
	}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			limitFileSize(t)
			checkFailingSaves(t, t.TempDir(), f.form, f.path, syscall.EFBIG)
		})
	}
}

// checkFailingSaves saves a model that does not fit below dir, onto nothing
// and onto a small model.
func checkFailingSaves(t *testing.T, dir string, form Form, path string, cause error) {
	t.Helper()
	big := tiny(t)
	big.AddParam("big", floats(t, make([]float32, 1<<16), 1<<16))
	out := filepath.Join(dir, filepath.FromSlash(path))
	if err := Save(big, out, WithForm(form)); !errors.Is(err, cause) {
		t.Errorf("got %v, want %v", err, cause)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("the failed save left %v (%v)", entries, err)
	}
	if err := Save(tiny(t), out, WithForm(form)); err != nil {
		t.Fatal(err)
	}
	before := tree(t, dir)
	if err := Save(big, out, WithForm(form), WithOverwrite()); !errors.Is(err, cause) {
		t.Errorf("overwrite: got %v, want %v", err, cause)
	}
	if diff := cmp.Diff(before, tree(t, dir)); diff != "" {
		t.Errorf("the failed overwrite changed files:\n%s", diff)
	}
	assertNoStage(t, dir)
	assertNoStage(t, filepath.Dir(out))
}

// limitFileSize lets this process write files of 64 KiB at most.
func limitFileSize(t *testing.T) {
	var old syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
		t.Fatal(err)
	}
	signal.Ignore(syscall.SIGXFSZ)
	if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: 1 << 16, Max: old.Max}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &old); err != nil {
			t.Error(err)
		}
	})
}

// mountSmall puts a file system of 128 KiB on dir, where this process may.
func mountSmall(t *testing.T, dir string) {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=128k"); err != nil {
		t.Skipf("no small file system without the right to mount: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
}
