package main

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/octet-dnn/octet/model"
)

// writeBase writes m as Paddle has it, the same as ops.json and params.f32
// for the converter to ONNX, and the pictures.
func writeBase(m *model.Model, to string) error {
	if err := model.Save(m, filepath.Join(to, "fp32"), model.WithForm(model.FormPdModel)); err != nil {
		return err
	}
	d, params := describe(m)
	rng := rand.New(rand.NewPCG(seed, 0x9e37))
	x := &model.Tensor{DType: model.FP32, Dims: []int64{pictureCount, 3, side, side}, Data: make([]byte, pictureCount*pictureBytes)}
	values := x.Float32s()
	for i := range values {
		values[i] = float32(rng.NormFloat64())
	}
	j, err := json.Marshal(d)
	return errors.Join(err,
		os.WriteFile(filepath.Join(to, "ops.json"), j, 0o644),
		os.WriteFile(filepath.Join(to, "params.f32"), params, 0o644),
		os.WriteFile(filepath.Join(to, "pictures.f32"), x.Data, 0o644))
}

// description is a program in the words of make_onnx.py.
type description struct {
	Input  string       `json:"input"`
	Output string       `json:"output"`
	Params []paramShape `json:"params"`
	Ops    []plainOp    `json:"ops"`
}

type paramShape struct {
	Name string  `json:"name"`
	Dims []int64 `json:"dims"`
}

type plainOp struct {
	Type  string            `json:"type"`
	In    map[string]string `json:"in"`
	Out   map[string]string `json:"out"`
	Attrs map[string]any    `json:"attrs"`
}

func describe(m *model.Model) (d description, params []byte) {
	d.Input, d.Output = m.Program.Feeds()[0], m.Program.Fetches()[0]
	for _, name := range m.Program.ParamNames() {
		t := m.Params[name]
		d.Params = append(d.Params, paramShape{name, t.Dims})
		params = append(params, t.Data...)
	}
	for _, o := range m.Program.Blocks[0].Ops {
		if o.Type == "feed" || o.Type == "fetch" {
			continue
		}
		p := plainOp{o.Type, map[string]string{}, map[string]string{}, map[string]any{}}
		for _, s := range o.Inputs {
			p.In[s.Name] = s.Args[0]
		}
		for _, s := range o.Outputs {
			p.Out[s.Name] = s.Args[0]
		}
		for _, a := range o.Attrs {
			p.Attrs[a.Name] = a.Value
		}
		d.Ops = append(d.Ops, p)
	}
	return d, params
}
