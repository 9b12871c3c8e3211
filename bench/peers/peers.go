package main

import (
	"os"
	"path/filepath"
	"strconv"
)

// A peer is a way to run the networks.
type peer struct {
	name string
	// venv is the Python environment, "" for Octet; adapter is its script.
	venv, adapter string
	env           []string
	// fp32 and int8 are the files it loads, below the folder of a kit.
	fp32, int8 string
	// tuned is Octet with what octet bench --tune finds.
	tuned bool
	// packed is Octet with packed weights on disk.
	packed bool
	// overlaps is set where several requests are in flight: at batch 1 that
	// gives the throughput of single pictures, not the latency of one.
	overlaps bool
}

var (
	octet      = peer{name: "octet", fp32: "base/fp32", int8: "octet/int8"}
	tunedOctet = peer{name: "octet-tuned", fp32: octet.fp32, int8: octet.int8, tuned: true}
	// packedOctet is measured where loads are compared; see fillPacked.
	packedOctet = peer{name: "octet-packed", fp32: octet.fp32, int8: octet.int8, packed: true}
)

var peers = []peer{
	{name: "paddle-2.6", venv: "paddle26", adapter: "paddle_inference.py", fp32: "base/fp32", int8: "paddle/int8"},
	{name: "paddle-3.3", venv: "paddle33", adapter: "paddle_inference.py", fp32: "base/fp32", int8: "paddle/int8"},
	{name: "onnxruntime", venv: "ort", adapter: "ort.py", fp32: "onnx/fp32.onnx", int8: "onnx/int8.onnx"},
	{name: "openvino", venv: "ov", adapter: "ov.py", env: []string{"OPENVINO_HINT=latency"}, fp32: "onnx/fp32.onnx", int8: "openvino/int8.xml"},
	{name: "openvino-tput", venv: "ov", adapter: "ov.py", env: []string{"OPENVINO_HINT=throughput"}, fp32: "onnx/fp32.onnx", int8: "openvino/int8.xml", overlaps: true},
}

// packedVariable names the folder of packed weights to a worker.
const packedVariable = "OCTET_PACKED_CACHE"

// ours tells Octet from the peers.
func (p peer) ours() bool { return p.venv == "" }

// venvs is the folder of the Python environments.
type venvs string

// python returns the interpreter of an environment and whether it is there.
func (v venvs) python(name string) (string, bool) {
	p := filepath.Join(string(v), name, "bin", "python")
	_, err := os.Stat(p)
	return p, err == nil
}

// command returns how to start p as a worker.
func (p peer) command(k *kit, v venvs, precision string, batch, threads int) (argv, env []string, err error) {
	file := p.fp32
	if precision == int8Precision {
		file = p.int8
	}
	args := []string{filepath.Join(k.dir, filepath.FromSlash(file)), k.pictures, strconv.Itoa(batch), strconv.Itoa(threads)}
	if p.ours() {
		if p.tuned {
			args = append(args, k.tuning(precision))
		}
		if p.packed {
			env = []string{packedVariable + "=" + filepath.Join(k.dir, "packed")}
		}
		self, err := os.Executable()
		return append([]string{self, workerVerb}, args...), env, err
	}
	python, _ := v.python(p.venv)
	argv = append([]string{python, filepath.Join(k.scripts, p.adapter)}, args...)
	return argv, append([]string{"OMP_NUM_THREADS=" + strconv.Itoa(threads), "PYTHONDONTWRITEBYTECODE=1"}, p.env...), nil
}
