package zoo

import (
	"bufio"
	"encoding/json"
	"errors"
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

// A worker is a Python that makes networks and runs programs in Paddle, one
// after the other.
type worker struct {
	python string
	cmd    *exec.Cmd
	jobs   io.WriteCloser
	lines  *bufio.Scanner
}

func (w *worker) start() error {
	w.cmd = exec.Command(w.python, filepath.Join(makers, "worker.py"))
	// Its team of threads is not to spin while Octet computes.
	w.cmd.Env = append(os.Environ(), "OMP_WAIT_POLICY=PASSIVE")
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

// ask gives w a job and waits for the answer. A worker that dies of a job is
// started again for the next one.
func (w *worker) ask(job any, answer any) error {
	if w.cmd == nil {
		if err := w.start(); err != nil {
			return err
		}
	}
	text, err := json.Marshal(job)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprintf(w.jobs, "%s\n", text); err != nil || !w.lines.Scan() {
		w.stop()
		return fmt.Errorf("paddle died of %s", text)
	}
	var failure struct{ Error string }
	if err := json.Unmarshal(w.lines.Bytes(), &failure); err != nil {
		return fmt.Errorf("%s: %w", w.lines.Text(), err)
	}
	if failure.Error != "" {
		return errors.New("paddle: " + failure.Error)
	}
	return json.Unmarshal(w.lines.Bytes(), answer)
}

// names lists the networks of the zoo.
func (w *worker) names(t *testing.T) []string {
	t.Helper()
	var answer struct{ Names []string }
	if err := w.ask(map[string]bool{"list": true}, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.Names
}

// network makes a network in dir unless it is there.
func (w *worker) network(t *testing.T, dir, name string) network {
	t.Helper()
	n := network{name: name, dir: filepath.Join(dir, name)}
	if n.load() == nil {
		return n
	}
	err := w.ask(map[string]string{"make": name, "output": dir}, &struct{}{})
	if err == nil {
		err = n.load()
	}
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// run runs a program of Paddle's on .npy files; see run.py for the modes.
func (w *worker) run(t *testing.T, path, mode string, inputs []string) ([]*model.Tensor, error) {
	t.Helper()
	out := filepath.Join(t.TempDir(), mode)
	var answer struct{ Outputs int }
	err := w.ask(map[string]any{"run": path, "mode": mode, "inputs": inputs, "output": out}, &answer)
	if err != nil {
		return nil, fmt.Errorf("mode %s: %w", mode, err)
	}
	outs := make([]*model.Tensor, answer.Outputs)
	for i := range outs {
		if outs[i], err = dataset.ReadNpy(fmt.Sprintf("%s_%d.npy", out, i), 0); err != nil {
			return nil, err
		}
	}
	return outs, nil
}
