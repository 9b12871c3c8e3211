package main

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/octet-dnn/octet/bench"
	"github.com/octet-dnn/octet/bench/nets"
	"github.com/octet-dnn/octet/infer"
	"github.com/octet-dnn/octet/model"
)

// adapters are the Python side: an adapter for each peer's library, and the
// makers of the files that these load.
//
//go:embed adapters/*.py
var adapters embed.FS

// seeded are the networks; all peers run them with these weights.
var seeded = map[string]func(seed uint64) *model.Model{"resnet50": nets.ResNet50, "mobilenet_v1": nets.MobileNetV1}

const (
	seed = 1
	// pictureCount is how many pictures there are: all of them calibrate, and
	// larger batches repeat them.
	pictureCount = 16
)

// A kit is a network in the files of every peer.
type kit struct {
	dir, scripts string
	pictures     string
	// reference has the probabilities that Octet's FP32 program gives for each
	// picture.
	reference [][]float64
}

// tuning is the file with how Octet runs a precision best.
func (k *kit) tuning(precision string) string {
	return filepath.Join(k.dir, "octet", precision+".tuning.json")
}

// newKit makes what is not there yet of a network's files, in a folder of
// cache that is named after all they depend on. Octet's own INT8 program is
// made every time, with the calibration as it is now.
func newKit(ctx context.Context, cache, name string, v venvs, tune bool) (*kit, error) {
	m := seeded[name](seed)
	scripts, hash, err := unpackAdapters(cache)
	if err != nil {
		return nil, err
	}
	k := &kit{dir: filepath.Join(cache, fmt.Sprintf("%s-%.12s-%s", name, model.Fingerprint(m), hash)), scripts: scripts}
	base := filepath.Join(k.dir, "base")
	k.pictures = filepath.Join(base, "pictures.f32")
	if err := folder(base, func(to string) error { return writeBase(m, to) }); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := k.makeForeign(ctx, base, v); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if err := k.makeOwn(ctx, m, tune); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return k, nil
}

// makeForeign lets each peer's own tools make its files from those in base.
func (k *kit) makeForeign(ctx context.Context, base string, v venvs) error {
	in := func(name string) string { return filepath.Join(base, name) }
	for _, maker := range []struct {
		folder, venv, script string
		args                 func(to string) []string
	}{
		{"onnx", "ort", "make_onnx.py", func(to string) []string {
			return []string{in("ops.json"), in("params.f32"), k.pictures, filepath.Join(to, "fp32.onnx"), filepath.Join(to, "int8.onnx")}
		}},
		{"openvino", "ov", "make_ov.py", func(to string) []string {
			return []string{filepath.Join(k.dir, "onnx", "fp32.onnx"), k.pictures, filepath.Join(to, "int8.xml")}
		}},
		{"paddle", "paddle26", "make_paddle.py", func(to string) []string {
			return []string{in("fp32"), k.pictures, filepath.Join(to, "int8")}
		}},
	} {
		python, ok := v.python(maker.venv)
		if !ok {
			continue
		}
		err := folder(filepath.Join(k.dir, maker.folder), func(to string) error {
			c := exec.CommandContext(ctx, python, append([]string{filepath.Join(k.scripts, maker.script)}, maker.args(to)...)...)
			if text, err := c.CombinedOutput(); err != nil {
				return fmt.Errorf("%s: %w\n%s", maker.script, err, text)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// makeOwn quantises m with Octet, tunes both precisions if asked to and takes
// the reference.
func (k *kit) makeOwn(ctx context.Context, m *model.Model, tune bool) error {
	in, err := pictures(k.pictures, pictureCount)
	if err != nil {
		return err
	}
	q, err := bench.QuantizeOn(ctx, m, in)
	if err != nil {
		return err
	}
	if err := model.Save(q, filepath.Join(k.dir, "octet", "int8"), model.WithForm(model.FormPdModel), model.WithOverwrite()); err != nil {
		return err
	}
	if tune {
		for precision, m := range map[string]*model.Model{fp32Precision: m, int8Precision: q} {
			t, err := bench.Tune(ctx, m, bench.TuneOptions{})
			if err != nil {
				return err
			}
			if err := t.Save(k.tuning(precision)); err != nil {
				return err
			}
		}
	}
	k.reference, err = answers(ctx, m, in)
	return err
}

// answers returns what m says about each picture.
func answers(ctx context.Context, m *model.Model, in []*model.Tensor) (rows [][]float64, err error) {
	p, err := infer.NewPredictor(m, infer.Options{})
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, p.Close()) }()
	out, err := p.Run(ctx, in)
	if err != nil {
		return nil, err
	}
	return table(out[0]), nil
}

// folder makes the folder dir with fill, which gets another one to write to:
// a folder of that name is complete.
func folder(dir string, fill func(to string) error) error {
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	to, err := os.MkdirTemp(filepath.Dir(dir), ".part-*")
	if err != nil {
		return err
	}
	if err = fill(to); err == nil {
		err = os.Rename(to, dir)
	}
	if err != nil {
		return errors.Join(err, os.RemoveAll(to))
	}
	return nil
}

// unpackAdapters writes the scripts to a folder that is named after their
// hash, and returns both.
func unpackAdapters(cache string) (dir, hash string, err error) {
	files, err := fs.Glob(adapters, "adapters/*.py")
	if err != nil {
		return "", "", err
	}
	sum, text := sha256.New(), map[string][]byte{}
	for _, f := range files {
		b, err := adapters.ReadFile(f)
		if err != nil {
			return "", "", err
		}
		text[filepath.Base(f)] = b
		fmt.Fprintf(sum, "%s %d\n%s", f, len(b), b)
	}
	hash = hex.EncodeToString(sum.Sum(nil))[:12]
	dir = filepath.Join(cache, "adapters-"+hash)
	return dir, hash, folder(dir, func(to string) error {
		for name, b := range text {
			if err := os.WriteFile(filepath.Join(to, name), b, 0o644); err != nil {
				return err
			}
		}
		return nil
	})
}
