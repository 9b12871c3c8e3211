package zoo

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/octet-dnn/octet/dataset"
	"github.com/octet-dnn/octet/model"
)

// makers is where the Python scripts are.
const makers = "../../testdata/zoo"

// A paddle is an installed version of Paddle.
type paddle struct {
	version  string // as bench/peers/setup.sh names the environment
	variable string // of the environment that names another Python
	pir      bool   // writes programs of Paddle 3
}

var paddles = []paddle{{"paddle26", "OCTET_PADDLE26", false}, {"paddle33", "OCTET_PADDLE33", true}}

// python returns the Python that has p: the one that its variable names, or the
// one that bench/peers/setup.sh has installed.
func (p paddle) python(t *testing.T) string {
	t.Helper()
	if python := os.Getenv(p.variable); python != "" {
		return python
	}
	dir := filepath.Join(cacheDir(t), "peers", "venvs", p.version)
	if _, err := os.Stat(filepath.Join(dir, "octet-pins.txt")); err != nil {
		t.Fatalf("no %s: bench/peers/setup.sh installs it, or %s names a Python", p.version, p.variable)
	}
	return filepath.Join(dir, "bin", "python")
}

// cacheDir returns the folder of the project in the user's cache.
func cacheDir(t *testing.T) string {
	t.Helper()
	dir, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "octet")
}

// A worker is a Python that runs programs in Paddle, one after the other.
type worker struct {
	python string
	cmd    *exec.Cmd
	jobs   io.WriteCloser
	lines  *bufio.Scanner
}

func (w *worker) start() error {
	w.cmd = exec.Command(w.python, filepath.Join(makers, "run.py"))
	jobs, err := w.cmd.StdinPipe()
	if err != nil {
		return err
	}
	answers, err := w.cmd.StdoutPipe()
	if err != nil {
		return err
	}
	w.jobs, w.lines = jobs, bufio.NewScanner(answers)
	return w.cmd.Start()
}

// stop ends the worker, as the end of its input asks it to.
func (w *worker) stop() {
	if w.cmd != nil {
		w.jobs.Close()
		_ = w.cmd.Wait() // what it answered has been read
		w.cmd = nil
	}
}

// run runs a model of Paddle's on .npy files; see run.py for the modes. A worker
// that dies of a program is started again for the next one.
func (w *worker) run(t *testing.T, path, mode string, inputs []string) ([]*model.Tensor, error) {
	t.Helper()
	if w.cmd == nil {
		if err := w.start(); err != nil {
			return nil, err
		}
	}
	out := filepath.Join(t.TempDir(), mode)
	job, err := json.Marshal(map[string]any{"model": path, "mode": mode, "inputs": inputs, "output": out})
	if err != nil {
		return nil, err
	}
	if _, err := fmt.Fprintf(w.jobs, "%s\n", job); err != nil || !w.lines.Scan() {
		w.stop()
		return nil, fmt.Errorf("paddle died of %s in mode %s", path, mode)
	}
	var answer struct {
		Outputs int
		Error   string
	}
	if err := json.Unmarshal(w.lines.Bytes(), &answer); err != nil {
		return nil, fmt.Errorf("%s: %w", w.lines.Text(), err)
	}
	if answer.Error != "" {
		return nil, fmt.Errorf("paddle, mode %s: %s", mode, answer.Error)
	}
	outs := make([]*model.Tensor, answer.Outputs)
	for i := range outs {
		if outs[i], err = dataset.ReadNpy(fmt.Sprintf("%s_%d.npy", out, i), 0); err != nil {
			return nil, err
		}
	}
	return outs, nil
}
